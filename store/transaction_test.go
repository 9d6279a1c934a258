package store

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

func TestTransientFaultsAreTriedAgain(t *testing.T) {
	s := &Store{database: database{dialect: mysqlDialect()}}
	for _, test := range []struct {
		name      string
		fault     error
		faults    int
		wantTries int
		wantErr   bool
	}{
		{"deadlock twice", &mysql.MySQLError{Number: mysqlDeadlock}, 2, 3, false},
		{"lock wait timeout", &mysql.MySQLError{Number: mysqlLockWaitTimeout}, 1, 2, false},
		{"deadlock for ever", &mysql.MySQLError{Number: mysqlDeadlock}, 1000, maxTries, true},
		{"duplicate", &mysql.MySQLError{Number: mysqlDuplicate}, 1, 1, true},
		{"fenced", bridge.ErrFenced, 1, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			tries := 0
			err := s.patiently(t.Context(), func() error {
				if tries++; tries <= test.faults {
					return test.fault
				}
				return nil
			})
			if tries != test.wantTries || (err != nil) != test.wantErr {
				t.Errorf("%d tries, %v; want %d, an error: %v", tries, err, test.wantTries, test.wantErr)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.patiently(ctx, func() error {
		cancel()
		return &mysql.MySQLError{Number: mysqlDeadlock}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled caller got %v", err)
	}
}

// A real deadlock: the store's transaction, having changed less, is the one
// the server gives up, and is run again.
func TestDeadlockIsSurvived(t *testing.T) {
	r := newRig(t, mysqlURL(t))
	mine, theirs := r.accepted("product:1"), r.accepted("product:2")
	other := r.begin()
	for range 20 { // weight
		j := job()
		j.MaxAttempts = 3
		row, err := newJob(j)
		if err != nil {
			t.Fatal(err)
		}
		if err := insertRows(t.Context(), other, jobsInto, [][]any{row}); err != nil {
			t.Fatal(err)
		}
	}
	update := func(tx *sql.Tx, j bridge.Job) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE jobs SET node = 'x' WHERE id = ?", j.ID)
		return err
	}
	if err := update(other, theirs); err != nil {
		t.Fatal(err)
	}
	tries, first, crossed := 0, make(chan struct{}), make(chan error)
	go func() {
		<-first
		err := update(other, mine) // waits for us
		crossed <- errors.Join(err, other.Commit())
	}()
	err := r.transact(t.Context(), func(tx *sql.Tx) error {
		tries++
		if err := update(tx, mine); err != nil {
			return err
		}
		if tries == 1 {
			close(first)
		}
		return update(tx, theirs)
	})
	if err != nil || tries < 2 {
		t.Errorf("%d tries, %v; want a second one to succeed", tries, err)
	}
	if err := <-crossed; err != nil {
		t.Errorf("the other transaction: %v", err)
	}
}

// A process that writes makes others wait, not fail.
func TestBusyFileIsWaitedFor(t *testing.T) {
	r := newRig(t, sqliteURL(t))
	other := r.node()
	tx, err := other.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan error)
	go func() {
		_, err := r.Accept(t.Context(), job("product:1"), someIntention)
		accepted <- err
	}()
	select {
	case err := <-accepted:
		t.Errorf("accepted while the file was locked: %v", err)
	case <-time.After(50 * time.Millisecond): // it is waiting
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-accepted; err != nil {
		t.Error(err)
	}
}

func TestReadOnlyFileIsAway(t *testing.T) {
	r := newRig(t, sqliteURL(t))
	_, err := r.read.ExecContext(t.Context(), "DELETE FROM jobs")
	if got := r.fault(err); code(got) != bridge.CodeStoreUnavailable || !errors.Is(got, err) {
		t.Errorf("%v; want store_unavailable with the cause", got)
	}
}

// cable is the way to the server, which can be cut and mended.
type cable struct {
	sync.Mutex
	net.Listener
	server string
	cutOff bool
	conns  []net.Conn
	pumps  sync.WaitGroup
}

func (c *cable) serve() {
	for {
		conn, err := c.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.server)
		c.Lock()
		if err != nil || c.cutOff {
			_ = conn.Close()
			if err == nil {
				_ = far.Close()
			}
			c.Unlock()
			continue
		}
		c.conns = append(c.conns, conn, far)
		c.pumps.Go(func() { _, _ = io.Copy(conn, far); _ = conn.Close() })
		c.pumps.Go(func() { _, _ = io.Copy(far, conn); _ = far.Close() })
		c.Unlock()
	}
}

func (c *cable) cut(off bool) {
	c.Lock()
	defer c.Unlock()
	c.cutOff = off
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

func TestLostDatabaseComesBack(t *testing.T) {
	direct := newRig(t, mysqlURL(t))
	at, err := parseMySQL(direct.url)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{Listener: listener, server: at.host}
	c.pumps.Go(c.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		c.cut(true)
		c.pumps.Wait()
	})
	r := direct
	r.url = strings.Replace(direct.url, at.host, listener.Addr().String(), 1)
	r.Store = r.node()
	claim := r.claimed(r.accepted("product:1"))
	c.cut(true)
	r.checkAway(claim)
	c.cut(false)
	r.accepted("product:2")
	r.finish(claim)
}

// checkAway calls every method while the database is away.
func (r rig) checkAway(c bridge.Claim) {
	r.Helper()
	ctx := r.Context()
	calls := map[string]func() error{
		"Ping":   func() error { return r.Ping(ctx) },
		"Accept": func() error { _, err := r.Accept(ctx, job("product:3"), someIntention); return err },
		"Recall": func() error { _, err := r.Recall(ctx, "client", "r1", "b1"); return err },
		"Job":    func() error { _, err := r.Job(ctx, c.Job.ID); return err },
		"States": func() error { _, err := r.JobStates(ctx, []string{c.Job.ID}); return err },
		"Recent": func() error { _, err := r.RecentJobs(ctx, "client", 1); return err },
		"Claim":  func() error { _, err := r.Claim(ctx, c.Job.ID, "node", someLease); return err },
		"Due":    func() error { _, err := r.Due(ctx, 1); return err },
		"Journal": func() error {
			return r.Journal(ctx, c, bridge.Entry{Steps: []bridge.StepRecord{bridge.StepRecord{Name: "x"}}, Progress: schemas.Progress{}})
		},
	}
	for name, write := range writes {
		calls[name] = func() error { return write(ctx, r.Store, c) }
	}
	for name, call := range calls {
		err := call()
		var fault *bridge.Error
		if !errors.As(err, &fault) || fault.Code != bridge.CodeStoreUnavailable || fault.RetryAfter != 2*time.Second || fault.Unwrap() == nil {
			r.Errorf("%s gave %v; want store_unavailable, RetryAfter 2s and the cause", name, err)
		}
	}
}
