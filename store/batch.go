package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// maxPasses bounds how often a batch is laid out anew because another
// transaction took one of its ids in between.
const maxPasses = 4

// key is a request id or a batch id of a client.
type key struct{ clientID, id string }

// register is what ids stand for.
type register struct{ requests, batches map[key]record }

// plan is a batch laid out: the rows to write, and the answers to give once
// they are written.
type plan struct {
	register
	answers  []outcome // one per entry
	jobs     []*entry
	requests []binding
	batches  []binding
}

type binding struct {
	key
	record
}

// commit writes a batch, giving it up when ctx ends, and answers its entries.
// When a batch fails for another reason than a lost database, some entry in it
// is to blame: each is then written alone, so that only that one fails.
func (s *Store) commit(ctx context.Context, batch []*entry) {
	bounded, cancel := context.WithTimeout(ctx, commitTimeout)
	answers, err := s.commitTogether(bounded, batch)
	cancel()
	if err != nil && len(batch) > 1 && !s.unavailable(err) {
		for _, e := range batch {
			s.commit(ctx, []*entry{e})
		}
		return
	}
	for i, e := range batch {
		if err != nil {
			e.done <- outcome{err: err}
		} else {
			e.done <- answers[i]
		}
	}
}

// commitTogether writes a batch in one transaction. It first trusts the hub,
// which has just looked, that every id is new; only if the database finds one
// taken does it read what the ids of the batch stand for and lay it out again.
func (s *Store) commitTogether(ctx context.Context, batch []*entry) ([]outcome, error) {
	for pass := 1; ; pass++ {
		var p plan
		err := s.transact(ctx, func(tx *sql.Tx) error {
			known := register{requests: map[key]record{}, batches: map[key]record{}}
			if pass > 1 {
				if err := known.read(ctx, tx, batch); err != nil {
					return err
				}
			}
			p = layOut(known, batch)
			return s.insert(ctx, tx, p)
		})
		if err == nil || pass == maxPasses || !s.duplicate(err) {
			return p.answers, err
		}
	}
}

// layOut decides entry by entry, so that two entries of one batch that share an
// id are treated as if they had come in two batches.
func layOut(known register, batch []*entry) plan {
	p := plan{register: known}
	for _, e := range batch {
		p.answers = append(p.answers, outcome{known: p.admit(e)})
	}
	return p
}

// admit adds the rows of an entry or says what one of its ids stands for.
func (p *plan) admit(e *entry) *record {
	requestKey, batchKey := key{e.job.ClientID, e.job.RequestID}, key{e.job.ClientID, e.job.BatchID}
	if known, taken := p.register.requests[requestKey]; taken {
		return &known
	}
	mine := record{intention: e.intention, jobID: e.job.ID}
	if e.job.BatchID != "" {
		if known, taken := p.register.batches[batchKey]; taken {
			if known.intention == e.intention {
				p.bind(requestKey, known)
			}
			known.byBatch = true
			return &known
		}
		p.register.batches[batchKey] = mine
		p.batches = append(p.batches, binding{batchKey, mine})
	}
	p.jobs = append(p.jobs, e)
	p.bind(requestKey, mine)
	return nil
}

func (p *plan) bind(k key, r record) {
	p.register.requests[k] = r
	p.requests = append(p.requests, binding{k, r})
}

// read fills the register with what is recorded for the ids of a batch.
func (r register) read(ctx context.Context, tx *sql.Tx, batch []*entry) error {
	var requestIDs, batchIDs []key
	for _, e := range batch {
		requestIDs = append(requestIDs, key{e.job.ClientID, e.job.RequestID})
		if e.job.BatchID != "" {
			batchIDs = append(batchIDs, key{e.job.ClientID, e.job.BatchID})
		}
	}
	if err := readRecords(ctx, tx, "idempotency", "request_id", requestIDs, r.requests); err != nil {
		return err
	}
	return readRecords(ctx, tx, "batches", "batch_id", batchIDs, r.batches)
}

// readRecords looks keys up one OR after the other: SQLite knows no list of
// pairs.
func readRecords(ctx context.Context, tx *sql.Tx, table, column string, keys []key, into map[key]record) error {
	if len(keys) == 0 {
		return nil
	}
	var args []any
	for _, k := range keys {
		args = append(args, k.clientID, k.id)
	}
	query := "SELECT client_id, " + column + ", intention, job_id FROM " + table + " WHERE " +
		strings.Repeat("(client_id = ? AND "+column+" = ?) OR ", len(keys)-1) + "(client_id = ? AND " + column + " = ?)"
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k key
		var r record
		if err := rows.Scan(&k.clientID, &k.id, &r.intention, &r.jobID); err != nil {
			return err
		}
		into[k] = r
	}
	return rows.Err()
}

// insert writes the rows of a plan: jobs first, the others refer to them.
func (s *Store) insert(ctx context.Context, tx *sql.Tx, laid plan) error {
	var p packet
	var jobs, targets, requests, batches [][]any
	var told []news
	for _, e := range laid.jobs {
		row, err := newJob(e.job)
		if err != nil {
			return err
		}
		jobs = append(jobs, row)
		if e.job.Status == schemas.Accepted {
			targets = append(targets, newTargets(e.job)...)
		}
		told = append(told, jobNews(bridge.JobTopic(e.job.Status), e.job, func() (bridge.Job, error) { return e.job, nil }))
	}
	now := s.now().UnixMicro()
	for _, b := range laid.requests {
		requests = append(requests, []any{b.clientID, b.id, b.intention, b.jobID, now})
	}
	for _, b := range laid.batches {
		batches = append(batches, []any{b.clientID, b.id, b.intention, b.jobID})
	}
	for _, table := range []struct {
		into string
		rows [][]any
	}{
		{jobsInto, jobs},
		{"idempotency (client_id, request_id, intention, job_id, created_at)", requests},
		{"batches (client_id, batch_id, intention, job_id)", batches},
		{turnsInto, targets},
	} {
		p.insert(table.into, table.rows, "")
	}
	return s.sendLast(ctx, tx, p, tidings{told: told})
}

const jobsInto = "jobs (id, kind, client_id, request_id, batch_id, status, payload, targets, attempts, max_attempts, " +
	"fence, node, claimable_at, accepted_at, progress_done, progress_total, shop)"

// newJob is the row of a job that was just accepted.
func newJob(j bridge.Job) ([]any, error) {
	targets, err := json.Marshal(j.Targets)
	if err != nil {
		return nil, err
	}
	var claimableAt sql.NullInt64
	if j.Status == schemas.Accepted {
		claimableAt.Valid = true // at once, whatever the clocks say
		if j.NextAttemptAt != nil {
			claimableAt.Int64 = j.NextAttemptAt.UnixMicro()
		}
	}
	return []any{
		j.ID, j.Kind, j.ClientID, j.RequestID, j.BatchID, string(j.Status), string(j.Payload), string(targets),
		0, j.MaxAttempts, 0, "", claimableAt, j.AcceptedAt.UnixMicro(), j.Progress.Done, j.Progress.Total, j.Shop,
	}, nil
}

// maxRows keeps the parameters of one INSERT below both databases' limits.
const maxRows = 1000

// insert adds rows of equal length with as few statements as possible. then
// ends each of them: it says what becomes of a row whose key is taken.
func (p *packet) insert(into string, rows [][]any, then string) {
	for some := range slices.Chunk(rows, maxRows) {
		row := marks(len(some[0]))
		p.exec("INSERT INTO "+into+" VALUES "+strings.Repeat(row+", ", len(some)-1)+row+then, slices.Concat(some...)...)
	}
}

// insertRows writes rows of equal length, one statement after the other.
func insertRows(ctx context.Context, tx *sql.Tx, into string, rows [][]any) error {
	var p packet
	p.insert(into, rows, "")
	for _, statement := range p.parts {
		if _, err := tx.ExecContext(ctx, statement.text, statement.args...); err != nil {
			return err
		}
	}
	return nil
}
