package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/prestashop-bridge/bridge/bridge"
)

// targetOf is a target as queues and locks know it: those of the shop of the
// settings as they are, those of another behind its name. A target of ours has
// a colon before any slash and a shop's name has none, so no two are alike.
func targetOf(shop, target string) string {
	if shop == "" {
		return target
	}
	return shop + "/" + target
}

// LockTarget takes one more target for a claimed job. Unlike a claim it does
// not queue: who waits for the target in the order of acceptance does so
// before being claimed, and this job already is.
func (s *Store) LockTarget(ctx context.Context, c bridge.Claim, target string) (bool, error) {
	var ours bool
	target = targetOf(c.Job.Shop, target)
	err := s.fenced(ctx, c, func(w *writing, h holding) error {
		var holder string
		err := w.tx.QueryRowContext(w.ctx, "SELECT job_id FROM target_locks WHERE target = ?", target).Scan(&holder)
		if err == nil || !errors.Is(err, sql.ErrNoRows) {
			ours = holder == h.id
			return err
		}
		_, err = w.tx.ExecContext(w.ctx, "INSERT INTO target_locks (target, job_id) VALUES (?, ?)", target, h.id)
		if s.duplicate(err) {
			ours = false
			return nil
		}
		ours = true
		return err
	})
	if err != nil {
		return false, err
	}
	return ours, nil
}

// UnlockTarget gives a target back before the job ends; one the job does not
// hold is left alone.
func (s *Store) UnlockTarget(ctx context.Context, c bridge.Claim, target string) error {
	return s.fenced(ctx, c, func(w *writing, h holding) error {
		_, err := w.tx.ExecContext(w.ctx, "DELETE FROM target_locks WHERE target = ? AND job_id = ?", targetOf(c.Job.Shop, target), h.id)
		return err
	})
}

// leaveTargets gives back all that jobs hold and takes them out of every queue.
func (s *Store) leaveTargets(ctx context.Context, tx *sql.Tx, jobIDs ...any) error {
	for _, table := range []string{"target_locks", "job_targets"} {
		if _, err := tx.ExecContext(ctx, s.deleteOf(table)+marks(len(jobIDs)), jobIDs...); err != nil {
			return err
		}
	}
	return nil
}
