package store

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// A flush of the disk costs the same for one job as for a hundred, so jobs
// that arrive while one is under way share the next. Nothing ever waits for
// company: a job that comes alone and finds a free writer is written at once,
// where its caller stands.
const (
	queueLength   = 1024
	maxBatchJobs  = 128
	maxBatchBytes = 1 << 20 // large payloads are bound by bandwidth, not by flushes
	// commitTimeout bounds one batch; its callers may have gone by then.
	commitTimeout = 15 * time.Second
)

// intake is the jobs that wait, and how many transactions write others.
type intake struct {
	mu      sync.Mutex
	waiting []*entry
	writers int
	closed  bool
	running sync.WaitGroup // the writers
}

// entry is a job to be written.
type entry struct {
	ctx       context.Context
	job       bridge.Job
	intention string
	done      chan outcome // has room for the one answer
}

// outcome is what became of an entry: written when both fields are zero.
type outcome struct {
	known *record
	err   error
}

// record is what a request id or a batch id stands for.
type record struct {
	intention, jobID string
	byBatch          bool
}

// Accept writes the job and what its ids stand for, or gives what they stand
// for already. When ctx ends first, the job is written only if that was under
// way; a retry with the same request id finds out.
func (s *Store) Accept(ctx context.Context, job bridge.Job, intention string) (*bridge.Recorded, error) {
	if job.Status != schemas.Accepted && job.Status != schemas.AwaitingApproval {
		return nil, bridge.Fault(bridge.CodeInternal, nil, "A job cannot begin its life as %s.", job.Status)
	}
	e := &entry{ctx: ctx, job: job, intention: intention, done: make(chan outcome, 1)}
	first, err := s.intake.join(e, s.dialect.acceptors)
	if err != nil {
		return nil, err
	}
	if first {
		s.start(e)
	}
	select {
	case out := <-e.done:
		return s.answer(ctx, out)
	case <-ctx.Done():
		return nil, s.fault(ctx.Err())
	}
}

// answer gives what became of an entry as Accept does.
func (s *Store) answer(ctx context.Context, out outcome) (*bridge.Recorded, error) {
	if out.err != nil || out.known == nil {
		return nil, out.err
	}
	return s.recorded(ctx, *out.known)
}

// join queues the entry and reports whether its caller has to see to it that
// somebody writes; there are at most so many writers. It never waits: a full
// queue means that the database falls behind, and waiting longer would not make
// it faster.
func (in *intake) join(e *entry, writers int) (first bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
		return false, busy("The bridge is shutting down.")
	case len(in.waiting) == queueLength:
		return false, busy("More writes wait for the database than it can take in.")
	}
	in.waiting = append(in.waiting, e)
	if in.writers == writers {
		return false, nil
	}
	in.writers++
	in.running.Add(1)
	return true, nil
}

func busy(why string) error {
	fault := bridge.Fault(bridge.CodeStoreUnavailable, nil, "%s Nothing was accepted.", why)
	fault.RetryAfter = awayRetryAfter
	return fault
}

// start writes what waits: its caller's entry here if that is all, for as long
// as the caller waits; several in a goroutine, since nobody works for others.
// Callers that are ready to run come first, and so into the same transaction.
func (s *Store) start(e *entry) {
	runtime.Gosched()
	batch := s.intake.next()
	if len(batch) == 1 && batch[0] == e {
		defer func() { s.goOn(s.intake.next()) }()
		s.commit(e.ctx, batch)
		return
	}
	s.goOn(batch)
}

// goOn leaves the writing to a goroutine, as long as somebody waits.
func (s *Store) goOn(batch []*entry) {
	if len(batch) > 0 {
		go s.takeIn(batch)
	}
}

// takeIn writes batch after batch until nobody waits.
func (s *Store) takeIn(batch []*entry) {
	for len(batch) > 0 {
		s.commit(context.Background(), batch)
		runtime.Gosched() // those just answered may have the next at hand
		batch = s.intake.next()
	}
}

// next takes what a writer may write together, without those who have gone.
// With nothing to take the writer is one no more.
func (in *intake) next() (batch []*entry) {
	in.mu.Lock()
	defer in.mu.Unlock()
	taken, size := 0, 0
	for _, e := range in.waiting {
		if e.ctx.Err() == nil {
			if size += len(e.job.Payload); len(batch) == maxBatchJobs || len(batch) > 0 && size > maxBatchBytes {
				break
			}
			batch = append(batch, e)
		}
		taken++
	}
	in.waiting = slices.Delete(in.waiting, 0, taken)
	if len(batch) == 0 {
		in.writers--
		in.running.Done()
	}
	return batch
}

// close refuses whoever comes, and returns when all who came before have been
// answered.
func (in *intake) close() {
	in.mu.Lock()
	in.closed = true
	in.mu.Unlock()
	in.running.Wait()
}
