package store

import (
	"context"
	"database/sql"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Journal writes a step's record and the job's progress, and tells of progress
// that is new.
func (s *Store) Journal(ctx context.Context, c bridge.Claim, step bridge.StepRecord, progress schemas.Progress) error {
	return s.fenced(ctx, c, func(tx *sql.Tx, h holding) error {
		if err := writeStep(ctx, tx, h.id, step); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE jobs SET progress_done = ?, progress_total = ? WHERE id = ?", progress.Done, progress.Total, h.id); err != nil {
			return err
		}
		if err := s.lookAfter(ctx, tx, h.now, c.Job.Shop, step); err != nil {
			return err
		}
		return s.insertEvents(ctx, tx, h.progressed(progress))
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
	return s.fenced(ctx, c, func(tx *sql.Tx, h holding) error {
		pause := max(0, r.At.Sub(h.asked).Microseconds())
		attempts := h.attempts
		if !r.Counted {
			attempts--
		}
		_, err := tx.ExecContext(ctx, "UPDATE jobs SET status = ?, claimable_at = ?, attempts = ?, error = ? WHERE id = ?",
			string(schemas.Retrying), h.now+pause, attempts, fault, h.id)
		return err
	})
}

// Finish ends a claimed job, lets go of its targets and tells of its end.
func (s *Store) Finish(ctx context.Context, c bridge.Claim, e bridge.Ending) error {
	if !e.Status.Terminal() || !bridge.CanMove(schemas.Processing, e.Status) {
		return bridge.Fault(bridge.CodeInternal, nil, "A job cannot move from %s to %s.", schemas.Processing, e.Status)
	}
	fault, err := errorText(e.Error)
	if err != nil {
		return s.fault(err)
	}
	return s.fenced(ctx, c, func(tx *sql.Tx, h holding) error {
		_, err := tx.ExecContext(ctx, `UPDATE jobs SET status = ?, claimable_at = NULL, finished_at = ?, result = ?, error = ?,
			progress_done = ?, progress_total = ? WHERE id = ?`,
			string(e.Status), h.now, toText(e.Result), fault, e.Progress.Done, e.Progress.Total, h.id)
		if err != nil {
			return err
		}
		if err := leaveTargets(ctx, tx, h.id); err != nil {
			return err
		}
		return s.insertEvents(ctx, tx, h.progressed(e.Progress),
			jobNews(bridge.JobTopic(e.Status), h.job, func() (bridge.Job, error) { return loadJob(ctx, tx, h.id) }))
	})
}
