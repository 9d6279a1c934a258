package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// holding is a claimed job as its holder may change it.
type holding struct {
	id       string
	asked    time.Time // local, before the database's clock was read
	now      int64     // by the database's clock
	attempts int
	job      bridge.Job // of it only what an event names, and the progress so far
}

// fenced runs work only while the claim is the newest and its lease has not
// run out. The job's row stays locked meanwhile, so nobody can claim it
// between the look and the write.
func (s *Store) fenced(ctx context.Context, c bridge.Claim, work func(tx *sql.Tx, h holding) error) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		h := holding{id: c.Job.ID, asked: s.now(), job: bridge.Job{ID: c.Job.ID}}
		var status string
		var fence int64
		var leaseEnd sql.NullInt64
		err := tx.QueryRowContext(ctx,
			"SELECT "+s.clock(s.now)+", status, fence, claimable_at, attempts, kind, shop, client_id, batch_id, progress_done FROM jobs WHERE id = ?"+s.forUpdate, h.id).
			Scan(&h.now, &status, &fence, &leaseEnd, &h.attempts, &h.job.Kind, &h.job.Shop, &h.job.ClientID, &h.job.BatchID, &h.job.Progress.Done)
		if errors.Is(err, sql.ErrNoRows) {
			return bridge.ErrFenced
		}
		if err != nil {
			return err
		}
		if schemas.JobStatus(status) != schemas.Processing || fence != c.Fence || leaseEnd.Int64 <= h.now {
			return bridge.ErrFenced
		}
		return work(tx, h)
	})
}

// Renew prolongs the lease. One that has run out stays so, even if nobody has
// claimed the job yet: its holder may have been told so already.
func (s *Store) Renew(ctx context.Context, c bridge.Claim, lease time.Duration) (time.Time, error) {
	var until time.Time
	err := s.fenced(ctx, c, func(tx *sql.Tx, h holding) error {
		until = h.asked.Add(lease)
		_, err := tx.ExecContext(ctx, "UPDATE jobs SET claimable_at = ? WHERE id = ?", h.now+lease.Microseconds(), h.id)
		return err
	})
	if err != nil {
		return time.Time{}, err
	}
	return until, nil
}
