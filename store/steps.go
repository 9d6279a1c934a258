package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
)

// selectSteps gives a job's journal in the order of its first entries.
const selectSteps = `SELECT seq, unit, name, target, state, sends, baseline, before_value, after_value, detail, error, sent_at, done_at
	FROM job_steps WHERE job_id = ? ORDER BY seq, unit, name`

// readSteps loads a job's journal.
func readSteps(ctx context.Context, tx *sql.Tx, jobID string) ([]bridge.StepRecord, error) {
	rows, err := tx.QueryContext(ctx, selectSteps, jobID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return scanSteps(rows)
}

func scanSteps(rows *sql.Rows) (steps []bridge.StepRecord, err error) {
	for rows.Next() {
		var r bridge.StepRecord
		var state string
		var baseline, before, after, fault sql.NullString
		var sent, done sql.NullInt64
		if err := rows.Scan(&r.Seq, &r.Unit, &r.Name, &r.Target, &state, &r.Sends, &baseline, &before, &after, &r.Detail, &fault, &sent, &done); err != nil {
			return nil, err
		}
		r.State = bridge.StepState(state)
		r.Baseline, r.Before, r.After = fromText(baseline), fromText(before), fromText(after)
		r.SentAt, r.DoneAt = fromTime(sent), fromTime(done)
		if r.Error, err = errorOf(fault); err != nil {
			return nil, err
		}
		steps = append(steps, r)
	}
	return steps, rows.Err()
}

var (
	stepKey   = []string{"job_id", "unit", "name"}
	stepFirst = []string{"seq"} // of a known step the place in the order stays
	stepRest  = []string{"target", "state", "sends", "baseline", "before_value", "after_value", "detail", "error", "sent_at", "done_at"}
	stepsInto = "job_steps (" + strings.Join(slices.Concat(stepKey, stepFirst, stepRest), ", ") + ")"
)

// stepRows are records as stepsInto takes them.
func stepRows(jobID string, records []bridge.StepRecord) ([][]any, error) {
	rows := make([][]any, len(records))
	for i, r := range records {
		fault, err := errorText(r.Error)
		if err != nil {
			return nil, err
		}
		rows[i] = []any{
			jobID, r.Unit, r.Name, r.Seq, r.Target, string(r.State), r.Sends, toText(r.Baseline), toText(r.Before), toText(r.After),
			words(r.Detail), fault, toTime(r.SentAt), toTime(r.DoneAt),
		}
	}
	return rows, nil
}

// writeSteps replaces the records of steps, which keep their first places in
// the order, or adds them.
func (s *Store) writeSteps(p *packet, rows [][]any) {
	p.insert(stepsInto, rows, s.replacing(stepKey, stepRest))
}

// affected reports whether a statement found a row.
func affected(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
