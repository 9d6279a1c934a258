package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// Retention says how long what has ended is kept.
type Retention struct {
	// Idempotency is how long a request id or batch id is known after its job
	// was accepted; succeeded jobs go with the last id that names them.
	Idempotency time.Duration
	// Failed is how long failed and cancelled jobs are kept after their end. A
	// job that needs review is kept until somebody has reviewed it.
	Failed time.Duration
}

// retainBatch is how many rows one transaction removes, so that a sweep after
// months never holds up the jobs at work.
const retainBatch = 200

// Retain removes what is older than the retention, oldest first, in small
// transactions, and gives the number of jobs removed. Jobs that have not ended
// are never touched, nor are the ids that stand for them.
func (s *Store) Retain(ctx context.Context, r Retention) (removed int, err error) {
	now := s.now()
	known := now.Add(-r.Idempotency).UnixMicro()
	ended := now.Add(-max(r.Failed, r.Idempotency)).UnixMicro()
	for _, status := range []schemas.JobStatus{schemas.Failed, schemas.Cancelled, schemas.NeedsReview} {
		if _, err := s.sweep(ctx, status, known, known, `AND (EXISTS (SELECT 1 FROM idempotency i WHERE i.job_id = j.id)
			OR EXISTS (SELECT 1 FROM batches b WHERE b.job_id = j.id))`, nil, forgetIDs); err != nil {
			return 0, err
		}
	}
	if removed, err = s.sweep(ctx, schemas.Succeeded, known, known, "", nil, removeJob); err != nil {
		return removed, err
	}
	for _, status := range []schemas.JobStatus{schemas.Failed, schemas.Cancelled} {
		// What ended before a time was accepted before it.
		n, err := s.sweep(ctx, status, known, ended, "AND j.finished_at < ?", []any{ended}, removeJob)
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// endedAndForgotten are jobs of a status no worker takes, accepted before a
// time, that no request id of the retention's time stands for; one may be bound
// long after the job, by a batch that was sent again. It reads the index
// jobs_stage from the old end of the status, so it costs the same however many
// are younger.
const endedAndForgotten = `SELECT j.id FROM jobs j WHERE j.stage = ? AND j.accepted_at < ?
	AND NOT EXISTS (SELECT 1 FROM idempotency late WHERE late.job_id = j.id AND late.created_at >= ?) `

// sweep removes what has ended and fits further, a batch a transaction, until
// nothing is left.
func (s *Store) sweep(ctx context.Context, status schemas.JobStatus, known, accepted int64, further string, args []any, remove func(context.Context, *sql.Tx, string) error) (int, error) {
	query := endedAndForgotten + further + " ORDER BY j.accepted_at, j.id LIMIT ?"
	args = slices.Concat([]any{string(status), accepted, known}, args, []any{retainBatch})
	total := 0
	for {
		n := 0
		err := s.transact(ctx, func(tx *sql.Tx) error {
			ids, err := texts(tx.QueryContext(ctx, query, args...))
			n = len(ids)
			for _, id := range ids {
				if err == nil {
					err = remove(ctx, tx, id)
				}
			}
			return err
		})
		if err != nil {
			return total, err
		}
		total += n
		if n < retainBatch {
			return total, nil
		}
	}
}

// forgetIDs frees the request ids and the batch id that stand for a job.
func forgetIDs(ctx context.Context, tx *sql.Tx, jobID string) error {
	for _, statement := range []string{"DELETE FROM idempotency WHERE job_id = ?", "DELETE FROM batches WHERE job_id = ?"} {
		if _, err := tx.ExecContext(ctx, statement, jobID); err != nil {
			return err
		}
	}
	return nil
}

// removeJob removes a job with its journal and the ids that stand for it.
func removeJob(ctx context.Context, tx *sql.Tx, jobID string) error {
	if err := forgetIDs(ctx, tx, jobID); err != nil {
		return err
	}
	for _, statement := range []string{"DELETE FROM job_steps WHERE job_id = ?", "DELETE FROM jobs WHERE id = ?"} {
		if _, err := tx.ExecContext(ctx, statement, jobID); err != nil {
			return err
		}
	}
	return nil
}

// texts reads a column of texts.
func texts(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return readTexts(rows)
}

// readTexts reads rows of one column.
func readTexts(rows *sql.Rows) (list []string, err error) {
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}
