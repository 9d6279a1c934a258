package sandbox

import (
	"maps"
	"sync"
	"time"
)

// Op names a kind of request: a method and a resource.
type Op struct {
	Method   string
	Resource string
}

// Latency is how long the shop takes by kind of request.
type Latency map[Op]time.Duration

func (l Latency) clone() Latency { return maps.Clone(l) }

// RecordedLatency gives the medians measured on a real shop on two cores, for
// benchmarks.
func RecordedLatency() Latency {
	return Latency{
		{"GET", "products"}:           27 * time.Millisecond,
		{"GET", "orders"}:             25 * time.Millisecond,
		{"GET", "stock_availables"}:   20 * time.Millisecond,
		{"PATCH", "products"}:         90 * time.Millisecond,
		{"POST", "products"}:          100 * time.Millisecond,
		{"PATCH", "stock_availables"}: 26 * time.Millisecond,
		{"POST", "order_histories"}:   54 * time.Millisecond,
		{"PATCH", "order_carriers"}:   47 * time.Millisecond,
		{"POST", "images"}:            96 * time.Millisecond,
	}
}

// quitter ends waits early when the shop closes.
type quitter struct {
	mu   sync.Mutex
	done chan struct{}
}

func (q *quitter) init() { q.done = make(chan struct{}) }

// channel gives the channel closed at the end.
func (q *quitter) channel() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.done
}

// end closes the channel and makes a fresh one, so a shop can listen again.
func (q *quitter) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.done)
	q.done = make(chan struct{})
}

// sleep waits, or less if the shop closes.
func (q *quitter) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-q.channel():
	}
}
