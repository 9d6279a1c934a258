package rest

import (
	"context"
	"slices"
	"sync"
)

// budget shares out a number of bytes among the requests that hold a large
// body, first come first served, so that many of them at once cannot fill the
// memory. A share larger than the whole budget waits for all of it.
type budget struct {
	mu      sync.Mutex
	size    int64
	free    int64
	waiting []*waiter
}

type waiter struct {
	share int64
	ready chan struct{} // closed when the share is taken
}

func newBudget(size int64) *budget { return &budget{size: size, free: size} }

// take waits for a share. The error is the context's.
func (b *budget) take(ctx context.Context, share int64) (*hold, error) {
	share = min(share, b.size)
	b.mu.Lock()
	if share <= b.free && len(b.waiting) == 0 {
		b.free -= share
		b.mu.Unlock()
		return &hold{from: b, share: share}, nil
	}
	w := &waiter{share: share, ready: make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.mu.Unlock()
	select {
	case <-w.ready:
		return &hold{from: b, share: share}, nil
	case <-ctx.Done():
		b.abandon(w)
		return nil, ctx.Err()
	}
}

// abandon leaves the queue, giving back a share that came at the last moment.
func (b *budget) abandon(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, w); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	} else {
		b.free += w.share
	}
	b.serve()
}

func (b *budget) giveBack(share int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += share
	b.serve()
}

// serve hands out what is free, strictly in turn: a large request is not
// overtaken by small ones for ever. The caller holds the lock.
func (b *budget) serve() {
	for len(b.waiting) > 0 && b.waiting[0].share <= b.free {
		b.free -= b.waiting[0].share
		close(b.waiting[0].ready)
		b.waiting = b.waiting[1:]
	}
}

// hold is a share in use.
type hold struct {
	from  *budget
	share int64
}

// shrink gives back what turned out not to be needed.
func (h *hold) shrink(share int64) {
	if share < h.share {
		h.from.giveBack(h.share - share)
		h.share = share
	}
}

func (h *hold) release() { h.shrink(0) }
