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
	now      int64     // by the database's clock, one for the transaction
	fence    int64
	leaseEnd sql.NullInt64
	attempts int
	job      bridge.Job // of it only what an event names, its status, and the progress so far
}

// errRowLocked: another transaction has the job's row, or there is none.
var errRowLocked = errors.New("the job's row is locked")

// fenced runs work only while the claim is the newest and its lease has not
// run out, in a transaction it may share. The job's row stays locked meanwhile,
// so nobody can claim it between the look and the write. work may run again, and
// when ctx ends first, after fenced has returned: what it leaves for its caller
// counts only if no error came back.
func (s *Store) fenced(ctx context.Context, c bridge.Claim, work func(w *writing, h holding) error) error {
	return s.call(&call{ctx: ctx, jobID: c.Job.ID, fence: c.Fence, write: work})
}

// holdings are the jobs that calls write to, as a transaction finds them.
type holdings map[string]holding

// look locks the rows of calls in the order of their ids, which all such
// transactions share, and reads them. Their time is the last at which a row was
// read: to wait for the next may have taken longer than a lease had left. What
// a call asks on its own comes after.
func (found holdings) look(s *Store, p *packet, calls []*call, lock string) {
	asked := s.now()
	p.query(func(rows *sql.Rows) error { return found.read(rows, asked) },
		"SELECT "+s.clock(s.now)+", id, status, fence, claimable_at, attempts, kind, shop, client_id, batch_id, progress_done, progress_total FROM jobs"+s.by("PRIMARY")+" WHERE id IN "+
			marks(len(calls))+" ORDER BY id"+lock, ids(calls)...)
	for _, c := range calls {
		if c.ask != nil {
			c.ask(p)
		}
	}
}

func (found holdings) read(rows *sql.Rows, asked time.Time) error {
	var now int64
	for rows.Next() {
		h := holding{asked: asked}
		if err := rows.Scan(&h.now, &h.id, &h.job.Status, &h.fence, &h.leaseEnd, &h.attempts, &h.job.Kind, &h.job.Shop, &h.job.ClientID, &h.job.BatchID,
			&h.job.Progress.Done, &h.job.Progress.Total); err != nil {
			return err
		}
		h.job.ID, now = h.id, max(now, h.now)
		found[h.id] = h
	}
	for id, h := range found {
		h.now = now
		found[id] = h
	}
	return rows.Err()
}

// decide lets those write that hold the newest claim.
func (found holdings) decide(w *writing, calls []*call, locked error) ([]error, error) {
	answers := make([]error, len(calls))
	for i, c := range calls {
		h, there := found[c.jobID]
		switch {
		case !there && locked != nil:
			answers[i] = locked
		case !there || h.job.Status != schemas.Processing || h.fence != c.fence || h.leaseEnd.Int64 <= h.now:
			answers[i] = bridge.ErrFenced
		default:
			if err := c.write(w, h); err != nil {
				return nil, err
			}
		}
	}
	return answers, nil
}

// Renew prolongs the lease. One that has run out stays so, even if nobody has
// claimed the job yet: its holder may have been told so already.
func (s *Store) Renew(ctx context.Context, c bridge.Claim, lease time.Duration) (time.Time, error) {
	var until time.Time
	err := s.fenced(ctx, c, func(w *writing, h holding) error {
		until = h.asked.Add(lease)
		w.set(h.id, "claimable_at", h.now+lease.Microseconds())
		return nil
	})
	if err != nil {
		return time.Time{}, err
	}
	return until, nil
}
