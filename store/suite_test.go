package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is one empty database and the nodes that work on it. Its clock is the
// database's own, moved on by advance: leases end without anybody waiting.
type rig struct {
	*testing.T
	url    string
	ahead  *atomic.Int64 // microseconds
	*Store               // the first node
}

// onEach runs a test on SQLite and on the server of TEST_MYSQL_URL, each time
// on a database of its own.
func onEach(t *testing.T, test func(r rig)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(newRig(t, sqliteURL(t)))
	})
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		test(newRig(t, mysqlURL(t)))
	})
}

func newRig(t *testing.T, url string) rig {
	t.Helper()
	r := rig{T: t, url: url, ahead: new(atomic.Int64)}
	r.Store = r.node()
	if err := r.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// node opens the database once more, as another process would.
func (r rig) node() *Store {
	r.Helper()
	s, err := Open(r.Context(), r.url, Options{})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		if err := s.Close(); err != nil {
			r.Error(err)
		}
	})
	clock := s.clock
	s.clock = func(local func() time.Time) string { return fmt.Sprintf("(%s + %d)", clock(local), r.ahead.Load()) }
	return s
}

func (r rig) advance(d time.Duration) { r.ahead.Add(d.Microseconds()) }

func sqliteURL(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "bridge.db") }

// mysqlURL makes a database that lives as long as the test.
func mysqlURL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("TEST_MYSQL_URL")
	if server == "" {
		t.Skip("TEST_MYSQL_URL is not set; run this under .ci/services, or set it to mysql://root@127.0.0.1:3306/")
	}
	suffix := make([]byte, 8)
	_, _ = rand.Read(suffix)
	name := "bridge_test_" + hex.EncodeToString(suffix)
	statement := func(ctx context.Context, text string) {
		t.Helper()
		at, err := parseMySQL(strings.TrimSuffix(server, "/") + "/mysql")
		if err != nil {
			t.Fatal(err)
		}
		pool, err := mysqlPool(mysqlConfig(at), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if _, err := pool.ExecContext(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	statement(t.Context(), "CREATE DATABASE "+name+" CHARACTER SET latin1")
	t.Cleanup(func() { statement(context.Background(), "DROP DATABASE "+name) })
	return strings.TrimSuffix(server, "/") + "/" + name
}

// benched is a store for a benchmark.
func benched(b *testing.B, url string) *Store {
	b.Helper()
	s, err := Open(b.Context(), url, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() }) // what it says no longer matters
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

// job makes a job of its own client, request and batch, for the given targets.
func job(targets ...string) bridge.Job {
	return bridge.Job{
		ID: uuid.Must(uuid.NewV7()).String(), Kind: "import_products", ClientID: "client",
		RequestID: uuid.NewString(), BatchID: uuid.NewString(), Status: schemas.Accepted,
		Payload: json.RawMessage(`{"name":"Größe \\ \"M\" 中文 🚀"}`), Targets: targets, MaxAttempts: 5,
		AcceptedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
}

const someIntention = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

// accepted makes and accepts a job.
func (r rig) accepted(targets ...string) bridge.Job {
	r.Helper()
	j := job(targets...)
	r.accept(j)
	return j
}

func (r rig) accept(j bridge.Job) {
	r.Helper()
	recorded, err := r.Accept(r.Context(), j, someIntention)
	if err != nil || recorded != nil {
		r.Fatalf("Accept gave %+v, %v; want nil, nil", recorded, err)
	}
}

const someLease = 10 * time.Second

func (r rig) claimed(j bridge.Job) bridge.Claim {
	r.Helper()
	c, err := r.Claim(r.Context(), j.ID, "node", someLease)
	if err != nil {
		r.Fatalf("Claim: %v", err)
	}
	return c
}

func (r rig) finish(c bridge.Claim) {
	r.Helper()
	if err := r.Finish(r.Context(), c, bridge.Ending{Status: schemas.Succeeded}); err != nil {
		r.Fatalf("Finish: %v", err)
	}
}

func (r rig) loaded(id string) bridge.Job {
	r.Helper()
	j, err := r.Job(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return j
}

func (r rig) due() []string {
	r.Helper()
	ids, err := r.Due(r.Context(), 100)
	if err != nil {
		r.Fatal(err)
	}
	return ids
}

// count gives the one number a query asks for.
func (r rig) count(query string, args ...any) (n int) {
	r.Helper()
	if err := r.read.QueryRowContext(r.Context(), query, args...).Scan(&n); err != nil {
		r.Fatal(err)
	}
	return n
}

func (r rig) exec(query string, args ...any) error {
	_, err := r.write.ExecContext(r.Context(), query, args...)
	return err
}

// together runs n goroutines that start at once.
func together(n int, do func(i int)) {
	var gate, all sync.WaitGroup
	gate.Add(1)
	for i := range n {
		all.Go(func() {
			gate.Wait()
			do(i)
		})
	}
	gate.Done()
	all.Wait()
}

// code is the program's code of an error.
func code(err error) bridge.Code {
	var known *bridge.Error
	if errors.As(err, &known) {
		return known.Code
	}
	return ""
}

// hold occupies the only connection that may write, so that whatever else
// wants to write waits for release.
func (r rig) hold() (release func()) {
	r.Helper()
	r.write.SetMaxOpenConns(1)
	conn, err := r.write.Conn(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return sync.OnceFunc(func() { _ = conn.Close() })
}

// begin starts a transaction beside the store, for tests of what two
// transactions do to each other.
func (r rig) begin() *sql.Tx {
	r.Helper()
	tx, err := r.write.BeginTx(r.Context(), nil)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

// waiting counts the server's transactions whose statement names a job and
// waits for a lock.
func (r rig) waiting(jobID string) int {
	r.Helper()
	return r.count("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND INSTR(trx_query, ?) > 0", jobID)
}

// eventually polls for what happens inside the server. InnoDB shows its
// waiting transactions only to those who have not asked for 100 ms.
func (r rig) eventually(or string, happened func() bool) {
	r.Helper()
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline:
			r.Fatal(or)
		}
	}
}

// soon polls for what happens inside this process.
func (r rig) soon(or string, happened func() bool) {
	r.Helper()
	for deadline := time.Now().Add(10 * time.Second); !happened(); runtime.Gosched() {
		if time.Now().After(deadline) {
			r.Fatal(or)
		}
	}
}
