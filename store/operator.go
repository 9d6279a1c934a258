package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

var (
	_ bridge.Docket   = (*Store)(nil)
	_ bridge.AuditLog = (*Store)(nil)
)

// defaultList is how many jobs a list shows unless told.
const defaultList = 50

// Jobs lists jobs, newest first, without their steps.
func (s *Store) Jobs(ctx context.Context, f bridge.JobFilter) ([]bridge.Job, error) {
	var where []string
	var args []any
	for _, wanted := range []struct{ column, value string }{{"stage", stageOf(f.Status)}, {"status", string(f.Status)}, {"kind", f.Kind}, {"client_id", f.ClientID}} {
		if wanted.value != "" {
			where, args = append(where, wanted.column+" = ?"), append(args, wanted.value)
		}
	}
	if f.Shop != nil {
		where, args = append(where, "shop = ?"), append(args, *f.Shop)
	}
	query := "SELECT 0, " + jobColumns + " FROM jobs"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	limit := f.Limit
	if limit <= 0 {
		limit = defaultList
	}
	order := "id DESC"
	if f.Status != "" { // as the index jobs_stage has them; ids and times grow together
		order = "accepted_at DESC, id DESC"
	}
	rows, err := s.read.QueryContext(ctx, query+" ORDER BY "+order+" LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var list []bridge.Job
	for rows.Next() {
		row, err := scanJob(rows, "")
		if err != nil {
			return nil, s.fault(err)
		}
		list = append(list, row.job)
	}
	return list, s.fault(rows.Err())
}

// stageLive is the stage of all jobs that workers look through.
const stageLive = "live"

// stageOf is the stage of a job with a status, as the tables know it too.
func stageOf(status schemas.JobStatus) string {
	if bridge.CanMove(status, schemas.Processing) {
		return stageLive
	}
	return string(status)
}

// Amend carries out an operator's decision on a job that nobody works on. The
// new fence keeps a worker that still believes in an old claim from writing.
func (s *Store) Amend(ctx context.Context, d bridge.Decision, change func(*bridge.Job) error) (bridge.Job, error) {
	var job bridge.Job
	err := s.transact(ctx, func(tx *sql.Tx) error {
		row, err := scanJob(tx.QueryRowContext(ctx, "SELECT "+s.clock(s.now)+", "+jobColumns+" FROM jobs WHERE id = ?"+s.forUpdate, d.Subject), d.Subject)
		if err != nil {
			return err
		}
		from := row.job.Status
		if row.job.Steps, err = readSteps(ctx, tx, d.Subject); err != nil {
			return err
		}
		before := slices.Clone(row.job.Steps)
		if err := change(&row.job); err != nil {
			return err
		}
		if !bridge.CanMove(from, row.job.Status) {
			return bridge.Fault(bridge.CodeInternal, nil, "A job cannot move from %s to %s.", from, row.job.Status)
		}
		if err := s.rewrite(ctx, tx, row); err != nil {
			return err
		}
		job = row.job
		if err := s.lookAfter(ctx, tx, row.now, job.Shop, outcomes(before, job.Steps)...); err != nil {
			return err
		}
		if err := s.insertEvents(ctx, tx, jobNews(bridge.JobTopic(job.Status), job, func() (bridge.Job, error) { return job, nil })); err != nil {
			return err
		}
		return s.appendAudit(ctx, tx, d)
	})
	return job, err
}

// outcomes are the steps whose outcome a decision has changed.
func outcomes(before, after bridge.Journal) []bridge.StepRecord {
	var list []bridge.StepRecord
	for _, step := range after {
		if old, found := before.Find(step.Unit, step.Name); !found || old.State != step.State {
			list = append(list, step)
		}
	}
	return list
}

// rewrite stores an amended job, its journal and its place before its targets.
func (s *Store) rewrite(ctx context.Context, tx *sql.Tx, row jobRow) error {
	job := row.job
	fault, err := errorText(job.Error)
	if err != nil {
		return err
	}
	claimableAt := sql.NullInt64{Valid: !job.Status.Terminal()}
	steps, err := stepRows(job.ID, job.Steps)
	if err != nil {
		return err
	}
	var p packet
	p.exec(`UPDATE jobs SET status = ?, fence = ?, attempts = ?, claimable_at = ?, started_at = ?, finished_at = ?, result = ?, error = ? WHERE id = ?`,
		string(job.Status), row.fence+1, job.Attempts, claimableAt, toTime(job.StartedAt), toTime(job.FinishedAt), toText(job.Result), fault, job.ID)
	p.exec("DELETE FROM job_steps WHERE job_id = ?", job.ID)
	s.writeSteps(&p, steps)
	s.leaveTargets(&p, job.ID)
	if job.Status == schemas.Accepted {
		p.insert(turnsInto, newTargets(job), "")
	}
	return s.send(ctx, tx, p)
}
