package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// unblocked holds for a job j none of whose targets another job holds, or has
// waited for longer. Claim and Due ask the same, in the same words.
//
// Not NOT EXISTS: MariaDB makes a join of that over all waiting jobs, whose size
// is the square of the longest queue, before it looks at the first one. And no
// joins inside: it is free to read their tables in the other order, and then
// goes through every waiting job's targets to answer for one job.
const unblocked = `(SELECT 1 FROM job_targets mine WHERE mine.job_id = j.id AND (
		(SELECT held.job_id FROM target_locks held WHERE held.target = mine.target) <> j.id
		OR (SELECT oldest.job_id FROM job_targets oldest WHERE oldest.target = mine.target ORDER BY oldest.job_id LIMIT 1) < j.id
	) LIMIT 1) IS NULL`

// Claim takes a job that is due, or whose lease has run out, and locks its
// targets. The lease runs by the database's clock; Until is in local time and
// counted from before the question was asked, so it is never too late.
func (s *Store) Claim(ctx context.Context, jobID, node string, lease time.Duration) (bridge.Claim, error) {
	return s.claim(ctx, jobID, node, lease, func(*jobRow) error { return nil })
}

// claim takes a job if it is claimable after consider has looked at its row.
func (s *Store) claim(ctx context.Context, jobID, node string, lease time.Duration, consider func(*jobRow) error) (bridge.Claim, error) {
	var claim bridge.Claim
	err := s.transact(ctx, func(tx *sql.Tx) error {
		asked := s.now()
		row, err := scanJob(tx.QueryRowContext(ctx, "SELECT "+s.clock(s.now)+", "+jobColumns+" FROM jobs WHERE id = ?"+s.forUpdate, jobID), jobID)
		if err != nil {
			return err
		}
		if err := consider(&row); err != nil {
			return err
		}
		if err := s.claimable(ctx, tx, row); err != nil {
			return err
		}
		if err := s.lockTargets(ctx, tx, jobID); err != nil {
			return err
		}
		claim, err = take(ctx, tx, row, node, lease)
		claim.Until = asked.Add(lease)
		return err
	})
	if err != nil {
		return bridge.Claim{}, err
	}
	return claim, nil
}

// claimable checks all but the locks of others that are not committed yet.
func (s *Store) claimable(ctx context.Context, tx *sql.Tx, row jobRow) error {
	if !bridge.CanMove(row.job.Status, schemas.Processing) || !row.claimableAt.Valid || row.claimableAt.Int64 > row.now {
		return bridge.ErrNotClaimable
	}
	var one int
	err := tx.QueryRowContext(ctx, "SELECT 1 FROM jobs j WHERE j.id = ? AND "+unblocked, row.job.ID).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.ErrNotClaimable
	}
	return err
}

// lockTargets takes those targets of the job it does not hold yet, in an order
// all claims share. The primary key decides between two that race, so a target
// that somebody else took since claimable looked must not be passed over here:
// only the job's own locks are.
func (s *Store) lockTargets(ctx context.Context, tx *sql.Tx, jobID string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO target_locks (target, job_id)
		SELECT mine.target, mine.job_id FROM job_targets mine LEFT JOIN target_locks held ON held.target = mine.target AND held.job_id = mine.job_id
		WHERE mine.job_id = ? AND held.target IS NULL ORDER BY mine.target`, jobID)
	if s.duplicate(err) {
		return bridge.ErrNotClaimable
	}
	return err
}

// take writes the claim into the job's row.
func take(ctx context.Context, tx *sql.Tx, row jobRow, node string, lease time.Duration) (bridge.Claim, error) {
	job := row.job
	job.Status, job.NextAttemptAt = schemas.Processing, nil
	job.Attempts++
	if job.StartedAt == nil {
		started := fromMicros(row.now)
		job.StartedAt = &started
	}
	_, err := tx.ExecContext(ctx, "UPDATE jobs SET status = ?, fence = ?, attempts = ?, claimable_at = ?, node = ?, started_at = ? WHERE id = ?",
		string(job.Status), row.fence+1, job.Attempts, row.now+lease.Microseconds(), node, toTime(job.StartedAt), job.ID)
	if err != nil {
		return bridge.Claim{}, err
	}
	if row.fence > 0 { // before the first claim nobody could journal
		job.Steps, err = readSteps(ctx, tx, job.ID)
	}
	return bridge.Claim{Job: job, Fence: row.fence + 1}, err
}

// ShopOf is the shop of a job.
func (s *Store) ShopOf(ctx context.Context, jobID string) (shop string, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT shop FROM jobs WHERE id = ?", jobID).Scan(&shop)
	if errors.Is(err, sql.ErrNoRows) {
		return "", noJob(jobID)
	}
	return shop, s.fault(err)
}

// Due lists jobs that Claim would give now, oldest first, leaving out those of
// the shops named.
func (s *Store) Due(ctx context.Context, limit int, but ...string) ([]string, error) {
	var args []any
	for _, shop := range but {
		args = append(args, shop)
	}
	ids, err := texts(s.read.QueryContext(ctx, s.dueQuery(len(but)), append(args, limit)...))
	return ids, s.fault(err)
}

func (s *Store) dueQuery(but int) string {
	return "SELECT j.id FROM jobs j WHERE j.live = 1 AND j.claimable_at <= " + s.clock(s.now) +
		strings.Repeat(" AND j.shop <> ?", but) + " AND " + unblocked + " ORDER BY j.id LIMIT ?"
}
