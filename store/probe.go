package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The methods of this file try a database out beside the nodes that work on
// it, with jobs of a kind that is no operation. What they can do to such a job
// they refuse to do to a merchant's.

// errNotRehearsed keeps the methods below away from real work.
var errNotRehearsed = bridge.Fault(bridge.CodeInternal, nil, "Only a job of a kind that is no operation can be rehearsed with.")

func rehearsed(kind string) error {
	if _, real := bridge.FindOperation(kind); real {
		return errNotRehearsed
	}
	return nil
}

// ClaimEarly is Claim for a job that was accepted for a later time. Workers
// leave such a job alone, so whoever accepts one for tomorrow and claims it
// early has it without any of them. In all else it is Claim: one of many gets
// it, and not while a lease covers it.
func (s *Store) ClaimEarly(ctx context.Context, jobID, node string, lease time.Duration) (bridge.Claim, error) {
	return s.claim(ctx, jobID, &claiming{node: node, lease: lease, consider: func(row *jobRow) error {
		if row.job.Status == schemas.Accepted {
			row.claimableAt.Int64 = 0
		}
		return rehearsed(row.job.Kind)
	}})
}

// RemoveRehearsal removes a rehearsal's job with all that belongs to it,
// whatever its status.
func (s *Store) RemoveRehearsal(ctx context.Context, jobID string) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		var kind string
		err := tx.QueryRowContext(ctx, "SELECT kind FROM jobs WHERE id = ?"+s.forUpdate, jobID).Scan(&kind)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			err = rehearsed(kind)
		}
		if err == nil {
			var p packet
			s.leaveTargets(&p, jobID)
			err = s.send(ctx, tx, p)
		}
		if err == nil {
			err = removeJob(ctx, tx, jobID)
		}
		return err
	})
}

// Clock is the time by which leases run: the server's on MySQL, this process's
// on SQLite.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	var now int64
	err := s.read.QueryRowContext(ctx, "SELECT "+s.clock(s.now)).Scan(&now)
	return fromMicros(now), s.fault(err)
}

// Newest is the number of this program's newest migration: what Version gives
// once Migrate has run.
func (s *Store) Newest() (int64, error) {
	files, err := fs.Glob(migrations, path.Join(s.migrations, "*.sql"))
	if err != nil || len(files) == 0 {
		return 0, errors.Join(err, fs.ErrNotExist)
	}
	number, _, _ := strings.Cut(path.Base(files[len(files)-1]), "_") // Glob sorts
	return strconv.ParseInt(number, 10, 64)
}
