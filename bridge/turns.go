package bridge

import (
	"context"
	"sync"
)

// turns keeps the units of one job off each other's targets. The locks of the
// ledger are the job's: they keep other jobs away, and its own units would pass
// them. A unit waits here holding at most the name it is known by, which the
// one it waits for does not ask for, so nobody waits in a circle.
type turns struct {
	mu    sync.Mutex
	taken map[string]turn // by target
	given map[string]int  // the count at which a target was given back last
	count int             // of givings back
}

// turn is a target in the hands of a unit; over closes when it is given back.
type turn struct {
	unit string
	over chan struct{}
}

// now is a moment to compare with in untouched.
func (t *turns) now() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// untouched takes the target if no other unit has it or has had it since the
// moment: what was read of it since then still holds.
func (t *turns) untouched(unit, target string, since int) bool {
	_, ours := t.ask(unit, target)
	t.mu.Lock()
	defer t.mu.Unlock()
	return ours && t.given[target] <= since
}

// take waits until the target is the unit's or ctx ends.
func (t *turns) take(ctx context.Context, unit, target string) error {
	for {
		holder, ours := t.ask(unit, target)
		if ours {
			return nil
		}
		select {
		case <-holder.over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ask gives the target to the unit if it is free, else who has it.
func (t *turns) ask(unit, target string) (holder turn, ours bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	holder, busy := t.taken[target]
	if busy {
		return holder, holder.unit == unit
	}
	if t.taken == nil {
		t.taken, t.given = map[string]turn{}, map[string]int{}
	}
	t.taken[target] = turn{unit: unit, over: make(chan struct{})}
	return turn{}, true
}

// leave gives back all that the unit has.
func (t *turns) leave(unit string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for target, held := range t.taken {
		if held.unit == unit {
			delete(t.taken, target)
			t.count++
			t.given[target] = t.count
			close(held.over)
		}
	}
}
