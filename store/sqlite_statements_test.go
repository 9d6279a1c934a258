package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"modernc.org/sqlite"
)

// preparations counts what lies between a keeper and the driver.
type preparations struct {
	driver.Connector
	made, closed atomic.Int64
}

func (p *preparations) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return preparingConn{conn.(driverConn), p}, nil
}

type preparingConn struct {
	driverConn
	count *preparations
}

func (c preparingConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	prepared, err := c.driverConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c.count.made.Add(1)
	return countedStatement{prepared.(sqliteStatement), c.count}, nil
}

type countedStatement struct {
	sqliteStatement
	count *preparations
}

func (s countedStatement) Close() error {
	s.count.closed.Add(1)
	return s.sqliteStatement.Close()
}

// keptOn is a pool of one connection that keeps its statements, with a table.
func keptOn(t testing.TB, path string) (*sql.DB, *preparations) {
	t.Helper()
	connector, err := sqlite.NewConnector("file:" + path + "?_journal_mode=WAL&_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	count := &preparations{Connector: connector}
	db := sql.OpenDB(statementKeeper{count})
	db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if made, closed := count.made.Load(), count.closed.Load(); made != closed {
			t.Errorf("%d statements prepared, %d given up", made, closed)
		}
	})
	run(t, db, "CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY, word TEXT NOT NULL)")
	return db, count
}

func run(t testing.TB, db *sql.DB, text string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatal(err)
	}
}

func wordOf(t testing.TB, db *sql.DB, id int) (word string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT word FROM things WHERE id = ?", id).Scan(&word); err != nil {
		t.Fatal(err)
	}
	return word
}

func TestAStatementIsPreparedOnceAConnection(t *testing.T) {
	db, count := keptOn(t, filepath.Join(t.TempDir(), "db"))
	before := count.made.Load()
	for id := range 20 {
		run(t, db, "INSERT INTO things (id, word) VALUES (?, ?)", id, fmt.Sprint("word ", id))
		if word := wordOf(t, db, id); word != fmt.Sprint("word ", id) {
			t.Errorf("%d is %q", id, word)
		}
	}
	if made := count.made.Load() - before; made != 2 {
		t.Errorf("two statements were prepared %d times", made)
	}
}

func TestKeptStatementsAreBounded(t *testing.T) {
	db, count := keptOn(t, filepath.Join(t.TempDir(), "db"))
	run(t, db, "INSERT INTO things (id, word) VALUES (1, 'one')")
	for i := range 10 * keptStatements { // as statements that carry a time
		run(t, db, fmt.Sprintf("UPDATE things SET word = '%d' WHERE id = 1", i))
		wordOf(t, db, 1)
	}
	if kept := count.made.Load() - count.closed.Load(); kept != keptStatements {
		t.Errorf("%d statements are kept", kept)
	}
	if made := count.made.Load(); made > 10*keptStatements+5 {
		t.Errorf("the one statement that recurs was not kept: %d prepared", made)
	}
	long := "SELECT word FROM things WHERE id = 1 OR word = '" + strings.Repeat("x", longestKept) + "'"
	made := count.made.Load()
	run(t, db, long)
	if count.made.Load() != made {
		t.Error("a long statement is kept")
	}
}

// Rows of a statement may be open while it is asked again.
func TestAStatementInUseIsNotShared(t *testing.T) {
	db, _ := keptOn(t, filepath.Join(t.TempDir(), "db"))
	run(t, db, "INSERT INTO things (id, word) VALUES (1, 'one'), (2, 'two')")
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}()
	const all = "SELECT word FROM things ORDER BY id"
	var seen []string
	outer, err := tx.QueryContext(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	defer outer.Close()
	for outer.Next() {
		var word string
		if err := outer.Scan(&word); err != nil {
			t.Fatal(err)
		}
		inner, err := texts(tx.QueryContext(t.Context(), all))
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, word+":"+strings.Join(inner, "+"))
	}
	if got := strings.Join(seen, " "); got != "one:one+two two:one+two" || outer.Err() != nil {
		t.Errorf("saw %s, %v", got, outer.Err())
	}
}

// A kept statement holds on to nothing: not to an earlier view of the
// database, not to an earlier form of its tables, not to a failure.
func TestAKeptStatementStartsAfresh(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db, _ := keptOn(t, path)
	other, _ := keptOn(t, path)
	run(t, other, "INSERT INTO things (id, word) VALUES (1, 'one')")
	if word := wordOf(t, db, 1); word != "one" {
		t.Errorf("got %q", word)
	}
	run(t, other, "UPDATE things SET word = 'uno' WHERE id = 1")
	if word := wordOf(t, db, 1); word != "uno" {
		t.Errorf("after a change elsewhere: %q", word)
	}
	run(t, other, "ALTER TABLE things RENAME COLUMN word TO old_word")
	run(t, other, "ALTER TABLE things ADD COLUMN word TEXT NOT NULL DEFAULT 'fresh'")
	if word := wordOf(t, db, 1); word != "fresh" {
		t.Errorf("after a migration: %q", word)
	}
	const insert = "INSERT INTO things (id, old_word) VALUES (?, ?)"
	if _, err := db.ExecContext(t.Context(), insert, 1, "again"); sqlitePrimary(err) == 0 {
		t.Errorf("the same id twice: %v", err)
	}
	run(t, db, insert, 2, "two")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.ExecContext(cancelled, insert, 3, "three"); err == nil {
		t.Error("ran although cancelled")
	}
	run(t, db, insert, 3, "three")
}

// BenchmarkStatement compares a small read prepared anew with a kept one:
// go test ./store -run ^$ -bench Statement
func BenchmarkStatement(b *testing.B) {
	path := filepath.Join(b.TempDir(), "bridge.db")
	s, err := Open(b.Context(), "sqlite:"+path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	j := job("product:1")
	if _, err := s.Accept(b.Context(), j, someIntention); err != nil {
		b.Fatal(err)
	}
	connector, err := sqlite.NewConnector("file:" + path + "?_query_only=on")
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]driver.Connector{"anew": connector, "kept": statementKeeper{connector}} {
		b.Run(name, func(b *testing.B) {
			read := sql.OpenDB(c)
			defer read.Close()
			reading := &Store{database: database{dialect: s.dialect, read: read, write: read}, now: s.now}
			for b.Loop() {
				if _, err := reading.JobStatus(b.Context(), j.ID); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
