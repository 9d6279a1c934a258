package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/prestashop-bridge/bridge/bridge"
)

// Recall finds what the request id, or else the batch id, stands for. It reads
// what is committed and locks nothing.
func (s *Store) Recall(ctx context.Context, clientID, requestID, batchID string) (*bridge.Recorded, error) {
	known, err := s.look(ctx, "SELECT intention, job_id FROM idempotency WHERE client_id = ? AND request_id = ?", clientID, requestID)
	if err != nil {
		return nil, s.fault(err)
	}
	if known == nil && batchID != "" {
		known, err = s.look(ctx, "SELECT intention, job_id FROM batches WHERE client_id = ? AND batch_id = ?", clientID, batchID)
		if err != nil {
			return nil, s.fault(err)
		}
		if known != nil {
			known.byBatch = true
		}
	}
	if known == nil {
		return nil, nil
	}
	return s.recorded(ctx, *known)
}

func (s *Store) look(ctx context.Context, query, clientID, id string) (*record, error) {
	var r record
	err := s.read.QueryRowContext(ctx, query, clientID, id).Scan(&r.intention, &r.jobID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &r, err
}

// recorded adds the job, as its client may see it.
func (s *Store) recorded(ctx context.Context, known record) (*bridge.Recorded, error) {
	job, err := s.JobStatus(ctx, known.jobID)
	if err != nil {
		return nil, err
	}
	return &bridge.Recorded{Intention: known.intention, ByBatch: known.byBatch, Job: job}, nil
}
