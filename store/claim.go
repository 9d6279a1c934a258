package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// unblocked holds for a job j that comes first at all its targets: it is being
// served there, or nobody is and it has waited longest. Claim and Due ask the
// same, in the same words.
//
// Not NOT EXISTS: MariaDB makes a join of that over all waiting jobs, whose size
// is the square of the longest queue, before it looks at the first one. And no
// joins inside: it is free to read their tables in the other order, and then
// goes through every waiting job's targets to answer for one job.
const unblocked = `(SELECT 1 FROM turns mine WHERE mine.job_id = j.id AND
		(SELECT foremost.job_id FROM turns foremost WHERE foremost.target = mine.target ORDER BY foremost.place LIMIT 1) <> j.id
	LIMIT 1) IS NULL`

// claiming is a claim on its way. Its answer is there once the call is answered
// without an error.
type claiming struct {
	node     string
	lease    time.Duration
	consider func(*jobRow) error // nil for none
	answer   bridge.Claim
}

// Claim takes a job that is due, or whose lease has run out, and locks its
// targets. The lease runs by the database's clock; Until is in local time and
// counted from before the question was asked, so it is never too late.
func (s *Store) Claim(ctx context.Context, jobID, node string, lease time.Duration) (bridge.Claim, error) {
	return s.claim(ctx, jobID, &claiming{node: node, lease: lease})
}

// claim takes a job if it is claimable after consider has looked at its row.
func (s *Store) claim(ctx context.Context, jobID string, claim *claiming) (bridge.Claim, error) {
	beaten := func() error { return bridge.ErrNotClaimable }
	if err := s.call(&call{ctx: ctx, jobID: jobID, claim: claim, beaten: beaten}); err != nil {
		return bridge.Claim{}, err
	}
	return claim.answer, nil
}

// claims are the jobs that calls want, as a transaction finds them.
type claims struct {
	asked time.Time // before the database's clock was read
	rows  map[string]*candidate
}

// candidate is a job with whether nobody else holds its targets or has waited
// longer for them.
type candidate struct {
	jobRow
	free bool
}

// look locks and reads the jobs, all at the last time one was read. It locks
// nothing of what blocks them.
func (f *claims) look(s *Store, p *packet, calls []*call, lock string) {
	f.asked, f.rows = s.now(), map[string]*candidate{}
	p.query(f.read, "SELECT "+unblocked+", "+s.clock(s.now)+", "+jobColumns+" FROM jobs j"+s.by("PRIMARY")+" WHERE id IN "+marks(len(calls))+" ORDER BY id"+lock, ids(calls)...)
}

func (f *claims) read(rows *sql.Rows) error {
	var now int64
	for rows.Next() {
		var c candidate
		var err error
		if c.jobRow, err = scanJob(preceded{rows, &c.free}, ""); err != nil {
			return err
		}
		f.rows[c.job.ID], now = &c, max(now, c.now)
	}
	for _, c := range f.rows {
		c.now = now
	}
	return rows.Err()
}

// preceded reads rows that begin with one column more.
type preceded struct {
	scanner
	first any
}

func (p preceded) Scan(into ...any) error { return p.scanner.Scan(slices.Insert(into, 0, p.first)...) }

// decide gives calls the jobs that are free. Of two that want the same target
// the one that waited longer is: no other is unblocked.
func (f *claims) decide(w *writing, calls []*call, locked error) ([]error, error) {
	answers := make([]error, len(calls))
	for i, c := range calls {
		row, found := f.rows[c.jobID]
		switch {
		case !found && locked == nil:
			answers[i] = noJob(c.jobID)
		case !found:
			answers[i] = locked
		default:
			answers[i] = row.claimable(c.claim.consider)
		}
		if answers[i] != nil {
			continue
		}
		if !row.free {
			answers[i] = bridge.ErrNotClaimable
			continue
		}
		c.claim.answer = w.take(row.jobRow, c.claim, f.asked)
		if row.fence > 0 { // before the first claim nobody could journal
			var err error
			if c.claim.answer.Job.Steps, err = readSteps(w.ctx, w.tx, c.jobID); err != nil {
				return nil, err
			}
		}
	}
	return answers, nil
}

// claimable checks all but the targets.
func (r *jobRow) claimable(consider func(*jobRow) error) error {
	if consider != nil {
		if err := consider(r); err != nil {
			return err
		}
	}
	if !bridge.CanMove(r.job.Status, schemas.Processing) || !r.claimableAt.Valid || r.claimableAt.Int64 > r.now {
		return bridge.ErrNotClaimable
	}
	return nil
}

// lockTargets has the jobs served at all their targets. The unique key decides
// between two that race: if somebody else is served since unblocked looked, the
// transaction fails.
func (s *Store) lockTargets(p *packet, jobIDs []any) {
	p.exec("UPDATE turns"+s.by("PRIMARY")+" SET place = '' WHERE job_id IN "+marks(len(jobIDs)), jobIDs...)
}

// take writes the claim into the job's row and locks its targets.
func (w *writing) take(row jobRow, c *claiming, asked time.Time) bridge.Claim {
	job := row.job
	job.Status, job.NextAttemptAt = schemas.Processing, nil
	job.Attempts++
	if job.StartedAt == nil {
		started := fromMicros(row.now)
		job.StartedAt = &started
	}
	w.claimed = append(w.claimed, job.ID)
	w.set(job.ID, "status, fence, attempts, claimable_at, node, started_at, room",
		string(job.Status), row.fence+1, job.Attempts, row.now+c.lease.Microseconds(), c.node, toTime(job.StartedAt), w.store.roomToEnd)
	return bridge.Claim{Job: job, Fence: row.fence + 1, Until: asked.Add(c.lease)}
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
	return "SELECT j.id FROM jobs j WHERE j.stage = 'live' AND j.claimable_at <= " + s.clock(s.now) +
		strings.Repeat(" AND j.shop <> ?", but) + " AND " + unblocked + " ORDER BY j.accepted_at, j.id LIMIT ?"
}
