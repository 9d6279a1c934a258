package queue

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// bubble is the embedded Redis in a world of its own: it, the clients and the
// runners all live by synctest's clock.
type bubble struct {
	redis *embedded
	cut   atomic.Bool // nobody gets a connection
}

// inBubble runs a test with a Redis by synctest's clock.
func inBubble(t *testing.T, test func(t *testing.T, b *bubble)) {
	synctest.Test(t, func(t *testing.T) {
		redis, err := startEmbedded(time.Now)
		if err != nil {
			t.Fatal(err)
		}
		b := &bubble{redis: redis}
		t.Cleanup(b.redis.close)
		test(t, b)
	})
}

func (b *bubble) open(t *testing.T, o Options) *Queue {
	q := assemble(t.Context(), &redis.Options{Dialer: b.dial}, o.withDefaults())
	t.Cleanup(func() { _ = q.Close() })
	return q
}

func (b *bubble) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if b.cut.Load() {
		return nil, errors.New("cut off")
	}
	return b.redis.dial(ctx, network, address)
}

// lose makes the Redis answer nobody; find undoes it. What it holds stays.
func (b *bubble) lose() {
	b.cut.Store(true)
	b.redis.data.SetError("LOADING gone for the test")
}

func (b *bubble) find() {
	b.cut.Store(false)
	b.redis.data.SetError("")
}

// run starts a runner; the function it gives ends it and waits for its return.
func run(t *testing.T, r *Runner) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}
