package store

import (
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// dialect holds what truly differs between the databases. Every statement has
// one text for both.
type dialect struct {
	name  string
	goose goose.Dialect
	// migrations is the folder of the dialect's tables.
	migrations string
	// locker keeps two programs from migrating at once; nil where each
	// migration's own transaction is enough.
	locker lock.SessionLocker
	// acceptors is how many transactions take in accepted jobs side by side.
	acceptors int
	// lanes is how many transactions of the ledger's group run side by side.
	lanes int
	// packets: each statement is a round trip, so several may travel as one text.
	packets bool
	// forUpdate locks the rows a SELECT finds until the transaction ends;
	// skipLocked leaves out those that another transaction has locked.
	forUpdate, skipLocked string
	// by makes a statement find rows by an index, whatever the database believes
	// of the table's size: to go through a small table is to wait for everybody
	// who has one of its rows locked. deleteTurns does the same, up to the list of
	// the jobs whose rows go.
	by          func(index string) string
	deleteTurns string
	// replacing ends an INSERT: of a row whose unique key is there already the
	// columns are replaced.
	replacing func(key, columns []string) string
	// roomToEnd is what a claim leaves of the room in a job's row for what its end
	// will write. The column's default is that and what the claim itself writes.
	roomToEnd string
	// clock is an SQL expression: the time in microseconds since 1970 by which
	// leases run. local is the clock of this process.
	clock func(local func() time.Time) string
	// duplicate: a unique key is taken. overheard: a packet was stopped, because
	// somebody wants to be told of it. transient: nothing was done and the same
	// transaction may well succeed now. away: the database cannot serve now.
	duplicate, overheard, transient, away func(error) bool
}

// driverConn is what both drivers' connections can do.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// database is an opened database: read and write may be the same pool.
type database struct {
	dialect
	read, write *sql.DB
	// migrating opens a pool of its own for migrations, which need longer than
	// any statement of normal work.
	migrating func() (*sql.DB, error)
}

func (d database) close() error {
	err := d.write.Close()
	if d.read == d.write {
		return err
	}
	if readErr := d.read.Close(); err == nil {
		err = readErr
	}
	return err
}
