package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// Options of a store; the zero value is good.
type Options struct {
	// MaxConns bounds the connections to a MySQL server; 32 when zero.
	MaxConns int
	// Now is the clock of this process, time.Now when nil. On SQLite leases run
	// by it; on MySQL they run by the server's clock, whatever this says.
	Now func() time.Time
	// wrap lets the tests of this package listen in on the driver; nil for none.
	wrap func(driver.Connector) driver.Connector
}

// wrapped is the connector as the pools are made of it.
func (o Options) wrapped(c driver.Connector) driver.Connector {
	if o.wrap == nil {
		return c
	}
	return o.wrap(c)
}

// Store is our own database. It is safe for concurrent use by any number of
// goroutines, and by any number of processes on the same database.
type Store struct {
	database
	now func() time.Time

	intake intake
	group  group

	telling sync.Map      // transactions that wrote deliveries and have not ended
	written chan struct{} // has room for one
}

var (
	_ bridge.Intake    = (*Store)(nil)
	_ bridge.JobReader = (*Store)(nil)
	_ bridge.Ledger    = (*Store)(nil)
)

// Open connects to the database that databaseURL names:
//
//	mysql://user:password@host:3306/database     also ?tls=true
//	mysql://user@localhost/database?socket=/run/mysqld/mysqld.sock
//	sqlite:/var/lib/bridge/bridge.db             made when missing, mode 600
//
// It neither makes nor changes tables; that is Migrate. No error of it ever
// contains the password.
func Open(ctx context.Context, databaseURL string, options Options) (*Store, error) {
	db, err := open(databaseURL, options)
	if err != nil {
		return nil, err
	}
	s := &Store{database: db, now: options.Now, written: make(chan struct{}, 1)}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(err, db.close())
	}
	return s, nil
}

func open(databaseURL string, options Options) (database, error) {
	switch scheme, _, _ := strings.Cut(databaseURL, ":"); scheme {
	case "mysql":
		at, err := parseMySQL(databaseURL)
		if err != nil {
			return database{}, err
		}
		return openMySQL(at, options)
	case "sqlite":
		path, err := parseSQLite(databaseURL)
		if err != nil {
			return database{}, err
		}
		return openSQLite(path, options)
	}
	return database{}, errNoScheme
}

// connect makes the first connection: on SQLite it writes the journal mode into
// the file, for which another program's first connection may have to wait.
func (s *Store) connect(ctx context.Context) error {
	err := s.patiently(ctx, func() error { return s.write.PingContext(ctx) })
	if err != nil {
		return fmt.Errorf("store: cannot open the database that DATABASE_URL names; check that it runs, that user and password are right and that the database exists: %w", s.fault(err))
	}
	return nil
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.fault(s.read.QueryRowContext(ctx, "SELECT 1").Scan(&one))
}

// Close takes in what was queued, answers everyone who waits and lets go of
// the database. It may be called twice.
func (s *Store) Close() error {
	s.intake.close()
	s.group.close()
	return s.close()
}
