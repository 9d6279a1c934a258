package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// maxTries bounds how often a transaction is run that the database gave up
// because of others: deadlocks and locks not had in time.
const maxTries = 6

// awayRetryAfter is the advice while the database is away.
const awayRetryAfter = 2 * time.Second

// transact runs work in one transaction. work must do nothing but talk to the
// database: after a deadlock it is run again.
func (s *Store) transact(ctx context.Context, work func(tx *sql.Tx) error) error {
	return s.fault(s.patiently(ctx, func() error { return s.once(ctx, work) }))
}

func (s *Store) once(ctx context.Context, work func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := work(tx); err != nil {
		// The cause matters more than a failed rollback: a connection that
		// cannot roll back is thrown away, and with it the transaction.
		_ = tx.Rollback()
		s.told(tx, false)
		return err
	}
	err = tx.Commit()
	s.told(tx, err == nil)
	return err
}

// patiently repeats what the database gave up because of others, after a short
// pause that keeps the same two from meeting again.
func (s *Store) patiently(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if err == nil || try == maxTries || !s.transient(err) {
			return err
		}
		pause := time.NewTimer(rand.N(time.Duration(try) * 5 * time.Millisecond))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return errors.Join(ctx.Err(), err)
		}
	}
}

// fault turns an error of the database into the program's: away, to be tried
// again later, or a fault of ours.
func (s *Store) fault(err error) error {
	var known *bridge.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case s.unavailable(err):
		away := bridge.Fault(bridge.CodeStoreUnavailable, err, "The database does not answer.")
		away.RetryAfter = awayRetryAfter
		return away
	}
	return bridge.Fault(bridge.CodeInternal, err, "The database refused what the bridge asked of it.")
}

// unavailable: nobody knows of a fault in what was asked; it was the
// connection, the server, or the caller who did not wait.
func (s *Store) unavailable(err error) bool {
	var network net.Error
	for _, lost := range []error{
		driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone, io.EOF, io.ErrUnexpectedEOF, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return errors.As(err, &network) || s.transient(err) || s.away(err)
}
