package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
)

// A transaction's beginning travels with its first statement, its end with its
// last one if that says so; neither travels where nothing was asked.
func TestTripsOfATransaction(t *testing.T) {
	r, heard := recorded(newRig(t, mysqlURL(t)))
	note := func(ctx context.Context, tx *sql.Tx, text string) error {
		_, err := tx.ExecContext(ctx, text)
		return err
	}
	stop := errors.New("stop")
	for _, test := range []struct {
		name  string
		work  func(ctx context.Context, tx *sql.Tx) error
		trips []string
		kept  bool
	}{
		{"nothing asked", func(context.Context, *sql.Tx) error { return nil }, nil, false},
		{"nothing asked, given up", func(context.Context, *sql.Tx) error { return stop }, nil, false},
		{"one statement", func(ctx context.Context, tx *sql.Tx) error {
			return note(ctx, tx, "INSERT INTO noted VALUES (1)")
		}, []string{begin + between + "INSERT INTO noted VALUES (1)", commit}, true},
		{"one statement, given up", func(ctx context.Context, tx *sql.Tx) error {
			return errors.Join(note(ctx, tx, "INSERT INTO noted VALUES (1)"), stop)
		}, []string{begin + between + "INSERT INTO noted VALUES (1)", rollback}, false},
		{"the end with the last", func(ctx context.Context, tx *sql.Tx) error {
			return note(ctx, tx, opening+"INSERT INTO noted VALUES (1)"+between+commit+closing)
		}, []string{opening + begin + between + "INSERT INTO noted VALUES (1)" + between + commit + closing}, true},
		{"refused before its end", func(ctx context.Context, tx *sql.Tx) error {
			return note(ctx, tx, opening+"INSERT INTO noted VALUES (1)"+between+"INSERT INTO noted VALUES (1)"+between+commit+closing)
		}, []string{opening + begin + between + "INSERT INTO noted VALUES (1)" + between + "INSERT INTO noted VALUES (1)" + between + commit + closing, rollback}, false},
	} {
		if err := r.exec("CREATE OR REPLACE TABLE noted (n INT PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		heard.listen(func() { _ = r.once(t.Context(), func(tx *sql.Tx) error { return test.work(t.Context(), tx) }) })
		if got, want := strings.Join(heard.texts, "\n\n"), strings.Join(test.trips, "\n\n"); got != want {
			t.Errorf("%s travelled as\n%s\nwant\n%s", test.name, got, want)
		}
		if kept := r.count("SELECT COUNT(*) FROM noted") > 0; kept != test.kept {
			t.Errorf("%s: kept %v, want %v", test.name, kept, test.kept)
		}
	}
}

// A MariaDB takes what travels together for one statement, so that it answers
// once instead of after each.
func TestAPacketIsOneStatementToMariaDB(t *testing.T) {
	r := newRig(t, mysqlURL(t))
	r.write.SetMaxOpenConns(1) // whose own counts are asked
	var version, name string
	var before, after int
	if err := r.read.QueryRow("SELECT VERSION()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(version, "MariaDB") {
		t.Skip("the server is no MariaDB: " + version)
	}
	const count = "SHOW SESSION STATUS LIKE 'Com_compound_sql'"
	if err := r.read.QueryRow(count).Scan(&name, &before); err != nil {
		t.Fatal(err)
	}
	r.accepted("product:1")
	if err := r.read.QueryRow(count).Scan(&name, &after); err != nil {
		t.Fatal(err)
	}
	if after != before+1 {
		t.Errorf("an accept was %d compound statements, want 1", after-before)
	}
}

// A statement that is too long for one text is prepared, inside the transaction
// that is promised.
func TestALongStatementInATransaction(t *testing.T) {
	r := newRig(t, mysqlURL(t))
	at, err := parseMySQL(r.url)
	if err != nil {
		t.Fatal(err)
	}
	config := mysqlConfig(at)
	config.MaxAllowedPacket = 64 << 10
	pool, err := mysqlPool(config, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	if err := r.exec("CREATE TABLE noted (words LONGTEXT)"); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("long ", 40_000)
	for _, keep := range []bool{false, true} {
		tx, err := pool.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), "INSERT INTO noted VALUES (?)", long); err != nil {
			t.Fatal(err)
		}
		end := tx.Rollback
		if keep {
			end = tx.Commit
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if got := r.count("SELECT COALESCE(SUM(LENGTH(words)), 0) FROM noted"); (got == len(long)) != keep || !keep && got != 0 {
			t.Errorf("kept %v, but %d bytes are there", keep, got)
		}
	}
}

// What does not fit into one packet travels in several, in one transaction.
func TestAPacketOfManyBytes(t *testing.T) {
	onEach(t, func(r rig) {
		if err := r.exec("CREATE TABLE noted (n INT PRIMARY KEY, words LONGTEXT)"); err != nil {
			r.Fatal(err)
		}
		insert := func(last int) error {
			return r.transact(r.Context(), func(tx *sql.Tx) error {
				var p packet
				for n := range 5 {
					p.exec("INSERT INTO noted VALUES (?, ?)", n, strings.Repeat("x", longestPacket/2-200))
				}
				p.exec("INSERT INTO noted VALUES (?, '')", last)
				return r.sendLast(r.Context(), tx, p, tidings{})
			})
		}
		if err := insert(3); code(err) != bridge.CodeInternal {
			r.Errorf("a key taken twice gave %v", err)
		}
		if got := r.count("SELECT COUNT(*) FROM noted"); got != 0 {
			r.Errorf("%d rows of a refused transaction are there", got)
		}
		if err := insert(9); err != nil {
			r.Error(err)
		}
		if got := r.count("SELECT COUNT(*) FROM noted"); got != 6 {
			r.Errorf("%d rows; want 6", got)
		}
	})
}

// Rows of several statements of one packet come to their readers, those of
// others to nobody.
func TestRowsOfAPacket(t *testing.T) {
	onEach(t, func(r rig) {
		if err := r.exec("CREATE TABLE noted (n INT PRIMARY KEY)"); err != nil {
			r.Fatal(err)
		}
		var before, after, none []string
		var p packet
		texts := func(into *[]string) func(*sql.Rows) error {
			return func(rows *sql.Rows) (err error) {
				*into, err = readTexts(rows)
				return err
			}
		}
		p.exec("INSERT INTO noted VALUES (1), (2)")
		p.query(texts(&before), "SELECT n FROM noted ORDER BY n")
		p.exec("DELETE FROM noted WHERE n = 1")
		p.query(texts(&none), "SELECT n FROM noted WHERE n = 1")
		p.query(texts(&after), "SELECT n FROM noted ORDER BY n")
		p.exec("INSERT INTO noted VALUES (2)") // taken
		err := r.once(r.Context(), func(tx *sql.Tx) error { return r.send(r.Context(), tx, p) })
		if !r.duplicate(err) {
			r.Errorf("the last statement's error is %v", err)
		}
		if strings.Join(before, " ") != "1 2" || len(none) != 0 || strings.Join(after, " ") != "2" {
			r.Errorf("read %v, %v and %v", before, none, after)
		}
		if got := r.count("SELECT COUNT(*) FROM noted"); got != 0 {
			r.Errorf("%d rows of a failed transaction", got)
		}
	})
}

// Somebody who wants to hear stops the packet, and only that does: a value that
// is out of range elsewhere is a refusal.
func TestWhatStopsAPacket(t *testing.T) {
	r := newRig(t, mysqlURL(t))
	r.hook("client", bridge.TopicJobAccepted)
	for name, test := range map[string]struct {
		topic  bridge.Topic
		more   string
		events int
		kept   int
		fails  bool
	}{
		"nobody listens":            {bridge.TopicJobSucceeded, "", 0, 1, false},
		"somebody listens":          {bridge.TopicJobAccepted, "", 1, 1, false},
		"out of range by itself":    {bridge.TopicJobAccepted, "UPDATE noted SET n = n + 9223372036854775807 WHERE n = 7", 0, 0, true},
		"nothing to tell of at all": {"", "", 0, 1, false},
	} {
		if err := r.exec("CREATE OR REPLACE TABLE noted (n BIGINT PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		before := r.count("SELECT COUNT(*) FROM events")
		err := r.transact(t.Context(), func(tx *sql.Tx) error {
			var p packet
			p.exec("INSERT INTO noted VALUES (7)")
			if test.more != "" {
				p.exec(test.more)
			}
			return r.sendLast(t.Context(), tx, p, tidings{told: []news{r.news("x:1", test.topic)}})
		})
		if (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
		if got := r.count("SELECT COUNT(*) FROM events") - before; got != test.events {
			t.Errorf("%s: %d events, want %d", name, got, test.events)
		}
		if got := r.count("SELECT COUNT(*) FROM noted"); got != test.kept {
			t.Errorf("%s: %d rows, want %d", name, got, test.kept)
		}
	}
}

// A proxy that answers the first statement alone must not make jobs look as if
// they were not there.
func TestAnswersThatAreMissing(t *testing.T) {
	r := newRig(t, mysqlURL(t))
	var p packet
	nothing := func(*sql.Rows) error { return nil }
	p.query(nothing, "SELECT 1")
	p.query(nothing, "DO 1") // answers no rows
	if err := r.send(t.Context(), r.read, p); !errors.Is(err, errAnswersMissing) {
		t.Errorf("got %v", err)
	}
}
