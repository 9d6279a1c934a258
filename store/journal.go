package store

import (
	"context"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Journal writes steps' records and the job's progress, gives targets back, and
// tells of progress that is new.
func (s *Store) Journal(ctx context.Context, c bridge.Claim, e bridge.Entry) error {
	steps, err := stepRows(c.Job.ID, e.Steps)
	if err != nil {
		return s.fault(err)
	}
	return s.fenced(ctx, c, func(w *writing, h holding) error {
		w.record(steps...)
		if e.Progress != h.job.Progress {
			w.set(h.id, "progress_done, progress_total", e.Progress.Done, e.Progress.Total)
		}
		for _, target := range e.Unlock {
			w.unlock(targetOf(c.Job.Shop, target), h.id)
		}
		w.look(h.now, c.Job.Shop, e.Steps...)
		w.tell(h.progressed(e.Progress))
		return nil
	})
}

// Release puts a claimed job back. It keeps its targets: a step of it may be
// half done. The pause counts from now by the database's clock; r.At is the
// worker's, and only the time until then is taken from it.
func (s *Store) Release(ctx context.Context, c bridge.Claim, r bridge.Release) error {
	fault, err := errorText(r.Error)
	if err != nil {
		return s.fault(err)
	}
	return s.fenced(ctx, c, func(w *writing, h holding) error {
		pause := max(0, r.At.Sub(h.asked).Microseconds())
		attempts := h.attempts
		if !r.Counted {
			attempts--
		}
		w.set(h.id, "status, claimable_at, attempts, error", string(schemas.Retrying), h.now+pause, attempts, fault)
		return nil
	})
}

// Finish ends a claimed job, writes what of its journal was left for now, lets
// go of its targets and tells of its end.
func (s *Store) Finish(ctx context.Context, c bridge.Claim, e bridge.Ending) error {
	if !e.Status.Terminal() || !bridge.CanMove(schemas.Processing, e.Status) {
		return bridge.Fault(bridge.CodeInternal, nil, "A job cannot move from %s to %s.", schemas.Processing, e.Status)
	}
	fault, err := errorText(e.Error)
	if err != nil {
		return s.fault(err)
	}
	steps, err := stepRows(c.Job.ID, e.Steps)
	if err != nil {
		return s.fault(err)
	}
	return s.fenced(ctx, c, func(w *writing, h holding) error {
		w.record(steps...)
		w.look(h.now, c.Job.Shop, e.Steps...)
		w.set(h.id, "status, claimable_at, finished_at, result, error, progress_done, progress_total, room",
			string(e.Status), nil, h.now, toText(e.Result), fault, e.Progress.Done, e.Progress.Total, "")
		w.end(h.id)
		w.tell(h.progressed(e.Progress),
			jobNews(bridge.JobTopic(e.Status), h.job, func() (bridge.Job, error) { return loadJob(w.ctx, w.tx, h.id) }))
		return nil
	})
}
