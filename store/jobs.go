package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Job loads a job with its steps.
func (s *Store) Job(ctx context.Context, id string) (bridge.Job, error) {
	return s.load(ctx, jobColumns, id)
}

// JobStatus loads a job with its steps, without payload and targets.
func (s *Store) JobStatus(ctx context.Context, id string) (bridge.Job, error) {
	return s.load(ctx, statusColumns, id)
}

// load reads the job before its steps: of a job that has ended the steps never
// change, so they are never older than what the job says, and no transaction
// is needed.
func (s *Store) load(ctx context.Context, columns, id string) (bridge.Job, error) {
	var p packet
	var row jobRow
	p.query(func(rows *sql.Rows) (err error) {
		if !rows.Next() {
			return cmp.Or(rows.Err(), error(noJob(id)))
		}
		row, err = scanJob(rows, id)
		return err
	}, "SELECT 0, "+columns+" FROM jobs WHERE id = ?", id)
	p.query(func(rows *sql.Rows) (err error) {
		row.job.Steps, err = scanSteps(rows)
		return err
	}, selectSteps, id)
	if err := s.send(ctx, s.read, p); err != nil {
		return bridge.Job{}, s.fault(err)
	}
	return row.job, nil
}

const stateColumns = "id, status, progress_done, progress_total"

// JobStates tells where jobs are, with one statement for maxRows of them.
func (s *Store) JobStates(ctx context.Context, ids []string) ([]bridge.JobState, error) {
	var states []bridge.JobState
	for some := range slices.Chunk(ids, maxRows) {
		args := make([]any, len(some))
		for i, id := range some {
			args[i] = id
		}
		marks := strings.Repeat("?, ", len(some)-1) + "?"
		found, err := s.states(ctx, "SELECT "+stateColumns+" FROM jobs WHERE id IN ("+marks+")", args...)
		if err != nil {
			return nil, err
		}
		states = append(states, found...)
	}
	return states, nil
}

// recentWindow is how many of the newest jobs of all clients RecentJobs looks
// at: there is no index by client, and a client without jobs must not cost a
// walk through all of them.
const recentWindow = 2000

// RecentJobs tells where the client's newest jobs are, newest first.
func (s *Store) RecentJobs(ctx context.Context, clientID string, limit int) ([]bridge.JobState, error) {
	return s.states(ctx, "SELECT "+stateColumns+" FROM (SELECT client_id, "+stateColumns+" FROM jobs ORDER BY id DESC LIMIT ?) AS recent WHERE client_id = ? ORDER BY id DESC LIMIT ?",
		recentWindow, clientID, limit)
}

func (s *Store) states(ctx context.Context, query string, args ...any) ([]bridge.JobState, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var states []bridge.JobState
	for rows.Next() {
		var at bridge.JobState
		if err := rows.Scan(&at.ID, &at.Status, &at.Progress.Done, &at.Progress.Total); err != nil {
			return nil, s.fault(err)
		}
		states = append(states, at)
	}
	return states, s.fault(rows.Err())
}

const (
	jobColumns    = columnsBefore + "payload, targets" + columnsBehind
	statusColumns = columnsBefore + "'', '[]'" + columnsBehind

	columnsBefore = "fence, claimable_at, id, kind, client_id, request_id, batch_id, status, "
	columnsBehind = ", attempts, max_attempts, accepted_at, started_at, finished_at, progress_done, progress_total, result, error, shop"
)

// jobRow is a job with what only the store knows of it.
type jobRow struct {
	now         int64 // by the database's clock, when asked for
	fence       int64
	claimableAt sql.NullInt64
	job         bridge.Job
}

// scanJob reads a row of jobColumns, preceded by the time.
func scanJob(row scanner, id string) (jobRow, error) {
	var r jobRow
	var accepted int64
	var started, finished sql.NullInt64
	var status, payload, targets string
	var result, fault sql.NullString
	j := &r.job
	err := row.Scan(&r.now, &r.fence, &r.claimableAt,
		&j.ID, &j.Kind, &j.ClientID, &j.RequestID, &j.BatchID, &status, &payload, &targets, &j.Attempts, &j.MaxAttempts,
		&accepted, &started, &finished, &j.Progress.Done, &j.Progress.Total, &result, &fault, &j.Shop)
	if errors.Is(err, sql.ErrNoRows) {
		return r, noJob(id)
	}
	if err != nil {
		return r, err
	}
	j.Status, j.Result = schemas.JobStatus(status), fromText(result)
	if payload != "" {
		j.Payload = json.RawMessage(payload)
	}
	j.AcceptedAt, j.StartedAt, j.FinishedAt = fromMicros(accepted), fromTime(started), fromTime(finished)
	if j.Status == schemas.Retrying || j.Status == schemas.Accepted && r.claimableAt.Int64 > 0 {
		j.NextAttemptAt = fromTime(r.claimableAt)
	}
	j.Error, err = errorOf(fault)
	return r, errors.Join(err, json.Unmarshal([]byte(targets), &j.Targets))
}

func noJob(id string) error {
	return bridge.Fault(bridge.CodeNotFound, nil, "There is no job %.40s.", id)
}

// Times are kept as microseconds since 1970, UTC, in both databases.

func fromMicros(t int64) time.Time { return time.UnixMicro(t).UTC() }

func fromTime(t sql.NullInt64) *time.Time {
	if !t.Valid {
		return nil
	}
	at := fromMicros(t.Int64)
	return &at
}

func toTime(t *time.Time) sql.NullInt64 {
	if t == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: t.UnixMicro(), Valid: true}
}

// JSON is kept as the text it came as; none is null.

func fromText(t sql.NullString) json.RawMessage {
	if !t.Valid {
		return nil
	}
	return json.RawMessage(t.String)
}

func toText(raw json.RawMessage) sql.NullString {
	return sql.NullString{String: string(raw), Valid: raw != nil}
}

func errorText(e *schemas.JobError) (sql.NullString, error) {
	if e == nil {
		return sql.NullString{}, nil
	}
	raw, err := json.Marshal(e)
	return toText(raw), err
}

func errorOf(t sql.NullString) (*schemas.JobError, error) {
	if !t.Valid {
		return nil, nil
	}
	e := new(schemas.JobError)
	return e, json.Unmarshal([]byte(t.String), e)
}

// words is free text as both databases take it: MySQL refuses bytes that are
// not UTF-8, and a shop may answer with some.
func words(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
