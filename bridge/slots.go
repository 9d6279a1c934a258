package bridge

import (
	"context"
	"slices"
	"sync"
)

// Slots shares the workers of one process out among several shops, so that one
// whose calls hang or take long cannot hold them all. A shop gets another
// worker only while more stay free than it holds: the first greedy shop ends
// up with half of them, the second with half of the rest, and somebody else's
// job nearly always finds one. With one shop it may have them all.
type Slots struct {
	Workers int // of the process
	// Several reports whether there is more than the shop of the settings.
	Several func(ctx context.Context) (bool, error)
	// Freed hears that a shop that was refused a worker may get one now.
	Freed func()

	mu      sync.Mutex
	held    map[string]int
	total   int
	refused bool
}

// take gives the shop a worker unless it has its share.
func (s *Slots) take(shop string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full(shop) {
		s.refused = true
		return false
	}
	if s.held == nil {
		s.held = map[string]int{}
	}
	s.held[shop]++
	s.total++
	return true
}

// full holds for a shop with its share. One that holds none is never full:
// whoever asks has a worker already, the process's last one perhaps.
func (s *Slots) full(shop string) bool {
	return s.held[shop] > 0 && s.held[shop] >= s.Workers-s.total
}

// give takes a worker back.
func (s *Slots) give(shop string) {
	s.mu.Lock()
	s.total--
	if s.held[shop]--; s.held[shop] == 0 {
		delete(s.held, shop)
	}
	tell := s.refused
	s.refused = false
	s.mu.Unlock()
	if tell {
		s.Freed()
	}
}

// sated lists the shops that have their share, in order.
func (s *Slots) sated() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.held {
		if s.full(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	// What Due leaves out for them may be due when one gives a worker back.
	s.refused = s.refused || len(names) > 0
	return names
}

// admit gives the job's shop a worker, or ErrNotClaimable: the job stays due,
// and the sweep brings it again.
func (w *Worker) admit(ctx context.Context, jobID string) (leave func(), err error) {
	if w.Slots == nil {
		return func() {}, nil
	}
	several, err := w.Slots.Several(ctx)
	if err != nil || !several {
		return func() {}, err
	}
	shop, err := w.Ledger.ShopOf(ctx, jobID)
	if err != nil {
		return nil, err
	}
	if !w.Slots.take(shop) {
		return nil, ErrNotClaimable
	}
	return func() { w.Slots.give(shop) }, nil
}

// Due lists up to limit jobs that Run would work on now, oldest first.
func (w *Worker) Due(ctx context.Context, limit int) ([]string, error) {
	if w.Slots == nil {
		return w.Ledger.Due(ctx, limit)
	}
	return w.Ledger.Due(ctx, limit, w.Slots.sated()...)
}
