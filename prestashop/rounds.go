package prestashop

import (
	"context"
	"fmt"
	"sync"

	"github.com/prestashop-bridge/bridge/bridge"
)

// rounds lets those who read the same thing at the same time share the shop's
// work. Nobody is given what was read before he asked: a client that has just
// seen its write succeed must not be shown the product as it was. So whoever
// finds a round under way waits for the next one, which begins when that one
// ends and serves all who came meanwhile; singleflight would let him join.
type rounds[K comparable, V any] struct {
	mu   sync.Mutex
	open map[K]*queue[V]
}

// queue stands for the round under way for a key, with the one that waits
// behind it if anybody wants it.
type queue[V any] struct{ next *round[V] }

// round is one load and its outcome, which is there when over closes.
type round[V any] struct {
	load  func(context.Context) (V, error)
	ctx   context.Context
	over  chan struct{}
	value V
	err   error
}

// get gives what a load that began after the call has found. The load survives
// the caller who began it; the shop client's own deadline ends it. The value is
// shared: whoever gets it must not change it.
func (r *rounds[K, V]) get(ctx context.Context, key K, load func(context.Context) (V, error)) (V, error) {
	mine := r.join(ctx, key, load)
	select {
	case <-mine.over:
		return mine.value, mine.err
	case <-ctx.Done():
		var none V
		return none, unreached("The shop did not answer in time.", ctx.Err())
	}
}

func (r *rounds[K, V]) join(ctx context.Context, key K, load func(context.Context) (V, error)) *round[V] {
	r.mu.Lock()
	defer r.mu.Unlock()
	running := r.open[key]
	if running != nil && running.next != nil {
		return running.next
	}
	mine := &round[V]{load: load, ctx: context.WithoutCancel(ctx), over: make(chan struct{})}
	if running != nil {
		running.next = mine
		return mine
	}
	if r.open == nil {
		r.open = map[K]*queue[V]{}
	}
	r.open[key] = &queue[V]{}
	go r.work(key, mine)
	return mine
}

// work runs rounds until nobody waits for another.
func (r *rounds[K, V]) work(key K, first *round[V]) {
	for now := first; now != nil; now = r.next(key) {
		now.run()
	}
}

// next gives the round that others wait for, or closes the key.
func (r *rounds[K, V]) next(key K) *round[V] {
	r.mu.Lock()
	defer r.mu.Unlock()
	running := r.open[key]
	next := running.next
	if running.next = nil; next == nil {
		delete(r.open, key)
	}
	return next
}

func (f *round[V]) run() {
	defer close(f.over)
	defer func() {
		if cause := recover(); cause != nil {
			f.err = bridge.Fault(bridge.CodeInternal, fmt.Errorf("panic: %v", cause), "The shop's answer could not be read.")
		}
	}()
	f.value, f.err = f.load(f.ctx)
}
