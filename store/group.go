package store

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/prestashop-bridge/bridge/bridge"
)

// A round trip and a flush of the disk cost the same for one job as for thirty,
// so what the workers of this process ask of the ledger while a transaction is
// under way shares the next one. Nothing ever waits for company: a lone call
// begins at once.
//
// maxGroup bounds how many jobs one transaction touches, and with them how long
// it keeps their rows.
const maxGroup = 256

// call is one worker's call of the ledger: a claim, or a write under one.
type call struct {
	ctx   context.Context
	jobID string
	claim *claiming                         // nil for a write
	fence int64                             // of a write
	ask   func(p *packet)                   // what a write has to know before, once the job's row is locked; nil for nothing
	write func(w *writing, h holding) error // its error is the transaction's
	// beaten answers a call, alone in its transaction, before which somebody
	// took the target that it found free; nil where no target is taken.
	beaten func() error
	done   chan error // has room for the one answer
}

// group is the calls that wait, and the goroutines that carry them out. It has
// none while nobody calls.
type group struct {
	mu      sync.Mutex
	waiting []*call
	lanes   int // transactions under way
	closed  bool
	running sync.WaitGroup
}

// errNothing rolls back a transaction in which every call was refused.
var errNothing = errors.New("nothing to commit")

// call queues a call and waits for its answer. When ctx ends first, the call is
// left out unless its transaction is under way already: then it may have been
// carried out, as with any commit whose answer is lost.
func (s *Store) call(c *call) error {
	c.done = make(chan error, 1)
	if !s.join(c) {
		return bridge.Fault(bridge.CodeStoreUnavailable, nil, "The bridge is shutting down.")
	}
	select {
	case err := <-c.done:
		return s.fault(err)
	case <-c.ctx.Done():
		return s.fault(c.ctx.Err())
	}
}

// join queues the call and sees to it that somebody carries it out; false when
// the store is closed.
func (s *Store) join(c *call) bool {
	g := &s.group
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.waiting = append(g.waiting, c)
	if g.lanes < s.dialect.lanes {
		g.lanes++
		g.running.Go(s.lane)
	}
	return true
}

// lane carries out what waits, group by group, until nothing does.
func (s *Store) lane() {
	for {
		calls := s.group.next()
		if len(calls) == 0 {
			return
		}
		s.carryOut(calls)
		// Those just answered ask for the next thing within microseconds: let
		// them, and it is one transaction instead of two.
		runtime.Gosched()
	}
}

// next takes what waits, at most one call for a job: its second has to see what
// the first has written. With nothing to take the lane ends.
func (g *group) next() []*call {
	g.mu.Lock()
	defer g.mu.Unlock()
	taken := map[string]bool{}
	var calls []*call
	g.waiting = slices.DeleteFunc(g.waiting, func(c *call) bool {
		switch {
		case c.ctx.Err() != nil:
			return true // has gone
		case len(calls) == maxGroup || taken[c.jobID]:
			return false
		}
		taken[c.jobID] = true
		calls = append(calls, c)
		return true
	})
	if len(calls) == 0 {
		g.lanes--
	}
	return calls
}

// close lets the calls that wait be answered and refuses others.
func (g *group) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.running.Wait()
}

// carryOut runs calls in one transaction and answers them. It waits for nobody
// who holds one of their jobs' rows: such a call goes on alone, beside the lane,
// and so does each call of a transaction that failed for another reason than a
// lost database, so that one that is to blame, or blocked, delays none but itself.
func (s *Store) carryOut(calls []*call) {
	ctx, cancel := calls[0].ctx, context.CancelFunc(func() {})
	if len(calls) > 1 { // whose callers may have gone by then
		ctx, cancel = context.WithTimeout(context.Background(), commitTimeout)
	}
	defer cancel()
	var answers []error
	err := s.once(ctx, func(tx *sql.Tx) (err error) {
		answers, err = s.transactCalls(ctx, tx, calls, s.skipLocked, errRowLocked)
		return err
	})
	again := s.transient(err) || s.duplicate(err) || len(calls) > 1 && err != nil && !errors.Is(err, errNothing) && !s.unavailable(err)
	for i, c := range calls {
		switch {
		case again || answers != nil && errors.Is(answers[i], errRowLocked):
			s.group.running.Go(func() { c.done <- s.alone(c) })
		case err == nil || errors.Is(err, errNothing):
			c.done <- answers[i]
		default:
			c.done <- err
		}
	}
}

// alone carries out one call in a transaction of its own, waiting for its job's
// row, and again after a deadlock.
func (s *Store) alone(c *call) error {
	var answers []error
	err := s.patiently(c.ctx, func() error {
		return s.once(c.ctx, func(tx *sql.Tx) (err error) {
			answers, err = s.transactCalls(c.ctx, tx, []*call{c}, s.forUpdate, nil)
			return err
		})
	})
	switch {
	case err == nil || errors.Is(err, errNothing):
		return answers[0]
	case c.beaten != nil && s.duplicate(err):
		return c.beaten()
	}
	return err
}

// transactCalls gives an answer to each call, nil for those that are good once
// the transaction commits. It looks at everything first and writes then: a claim
// does not find free yet what a write of the same transaction lets go. Calls are
// put into the order of their answers. locked is
// the answer to a call whose row is not found; with nil there is none.
func (s *Store) transactCalls(ctx context.Context, tx *sql.Tx, calls []*call, lock string, locked error) ([]error, error) {
	var wanted claims
	held := holdings{}
	claiming, writes := partition(calls)
	var look packet
	if len(writes) > 0 {
		held.look(s, &look, writes, lock)
	}
	if len(claiming) > 0 {
		wanted.look(s, &look, claiming, lock)
	}
	if err := s.send(ctx, tx, look); err != nil {
		return nil, err
	}
	w := &writing{store: s, ctx: ctx, tx: tx}
	answers, err := held.decide(w, writes, locked)
	if err != nil {
		return nil, err
	}
	claimed, err := wanted.decide(w, claiming, locked)
	if err != nil {
		return nil, err
	}
	answers = append(answers, claimed...)
	if !slices.Contains(answers, nil) {
		return answers, errNothing
	}
	return answers, w.flush()
}

// partition tells claims from writes, and puts the writes first in calls too.
func partition(calls []*call) (claims, writes []*call) {
	for _, c := range calls {
		if c.claim != nil {
			claims = append(claims, c)
		} else {
			writes = append(writes, c)
		}
	}
	copy(calls, slices.Concat(writes, claims))
	return claims, writes
}

// ids are the jobs of calls, as arguments.
func ids(calls []*call) []any {
	list := make([]any, len(calls))
	for i, c := range calls {
		list[i] = c.jobID
	}
	return list
}
