package store

import (
	"context"
	"slices"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// A flush of the disk costs the same for one job as for a hundred, so jobs
// that arrive while one is under way share the next. Nothing ever waits for
// company: a lone job is written at once.
const (
	queueLength   = 1024
	maxBatchJobs  = 128
	maxBatchBytes = 1 << 20 // large payloads are bound by bandwidth, not by flushes
	// commitTimeout bounds one batch; its callers may have gone by then.
	commitTimeout = 15 * time.Second
)

// entry is a job in the queue.
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
	if err := s.enqueue(e); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, s.fault(ctx.Err())
	case out := <-e.done:
		if out.err != nil || out.known == nil {
			return nil, out.err
		}
		return s.recorded(ctx, *out.known)
	}
}

// enqueue never waits: a full queue means that the database falls behind, and
// waiting longer would not make it faster.
func (s *Store) enqueue(e *entry) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return busy("The bridge is shutting down.")
	}
	select {
	case s.queue <- e:
		return nil
	default:
		return busy("More writes wait for the database than it can take in.")
	}
}

func busy(why string) error {
	fault := bridge.Fault(bridge.CodeStoreUnavailable, nil, "%s Nothing was accepted.", why)
	fault.RetryAfter = awayRetryAfter
	return fault
}

// takeIn writes what is queued, batch by batch, until the queue is closed and
// empty.
func (s *Store) takeIn() {
	var left *entry // did not fit into the last batch
	for {
		var batch []*entry
		batch, left = s.gather(left)
		if len(batch) == 0 {
			return
		}
		batch = slices.DeleteFunc(batch, func(e *entry) bool { return e.ctx.Err() != nil })
		if len(batch) > 0 {
			s.commit(batch)
		}
	}
}

// gather waits for one entry and takes what else is there already. An entry
// that would make the batch too large is given back for the next one.
func (s *Store) gather(first *entry) (batch []*entry, left *entry) {
	if first == nil {
		var open bool
		if first, open = <-s.queue; !open {
			return nil, nil
		}
	}
	batch = append(batch, first)
	size := len(first.job.Payload)
	for len(batch) < maxBatchJobs {
		select {
		case e, open := <-s.queue:
			if !open {
				return batch, nil
			}
			if size += len(e.job.Payload); size > maxBatchBytes {
				return batch, e
			}
			batch = append(batch, e)
		default:
			return batch, nil
		}
	}
	return batch, nil
}
