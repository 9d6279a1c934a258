package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

func sqliteDialect() dialect {
	return dialect{
		name:        "sqlite",
		goose:       goose.DialectSQLite3,
		migrations:  "migrations/sqlite",
		acceptors:   1, // SQLite has one writer at a time
		lanes:       1,
		by:          func(string) string { return "" },
		deleteTurns: "DELETE FROM turns WHERE job_id IN ",
		replacing: func(key, columns []string) string {
			var sets []string
			for _, column := range columns {
				sets = append(sets, column+" = excluded."+column)
			}
			return " ON CONFLICT (" + strings.Join(key, ", ") + ") DO UPDATE SET " + strings.Join(sets, ", ")
		},
		// All nodes of an SQLite file are on one machine and share its clock.
		// Rounded up, so that no lease ends before its holder was told.
		clock: func(local func() time.Time) string {
			return strconv.FormatInt(local().Add(time.Microsecond-time.Nanosecond).UnixMicro(), 10)
		},
		duplicate: func(err error) bool {
			code := sqliteCode(err)
			return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
		},
		transient: func(err error) bool { return sqlitePrimary(err) == sqlite3.SQLITE_BUSY },
		away: func(err error) bool {
			switch sqlitePrimary(err) {
			case sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
				sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL:
				return true
			}
			return false
		},
	}
}

func sqliteCode(err error) int {
	var answer *sqlite.Error
	if errors.As(err, &answer) {
		return answer.Code()
	}
	return 0
}

// sqlitePrimary is the code without its extension.
func sqlitePrimary(err error) int { return sqliteCode(err) & 0xff }

// sqliteReaders is how many connections read beside the one that writes.
const sqliteReaders = 4

// openSQLite opens the file with one connection that writes and a few that can
// only read. More writers would only take turns at failing.
func openSQLite(path string, options Options) (database, error) {
	if err := createPrivate(path); err != nil {
		return database{}, err
	}
	writing := url.Values{
		"_txlock":       {"immediate"}, // a transaction that writes never starts as a reader and then fails to upgrade
		"_busy_timeout": {"5000"},
		"_foreign_keys": {"on"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"}, // accepted means flushed
		"_pragma":       {"journal_size_limit(67108864)"},
	}
	reading := url.Values{
		"_busy_timeout": {"5000"},
		"_query_only":   {"on"},
	}
	write, err := sqlitePool(path, writing, 1, options)
	if err != nil {
		return database{}, err
	}
	read, err := sqlitePool(path, reading, sqliteReaders, options)
	if err != nil {
		return database{}, errors.Join(err, write.Close())
	}
	migrating := func() (*sql.DB, error) { return sqlitePool(path, writing, 2, Options{}) }
	return database{dialect: sqliteDialect(), read: read, write: write, migrating: migrating}, nil
}

func sqlitePool(path string, settings url.Values, conns int, options Options) (*sql.DB, error) {
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + settings.Encode()
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	pool := sql.OpenDB(options.wrapped(statementKeeper{connector}))
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return pool, nil
}

// createPrivate makes the file readable by its owner only: it holds customers'
// orders. SQLite gives its side files the same mode.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("store: cannot open the database file: %w; the folder %s must exist and be writable for this user", err, filepath.Dir(path))
	}
	return file.Close()
}
