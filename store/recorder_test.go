package store

import (
	"context"
	"database/sql/driver"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

// recorder sits right above a driver and writes down what the store asks of the
// database, each statement of a packet for itself.
type recorder struct {
	mu      sync.Mutex
	on      bool
	asked   []statement
	commits int
	texts   []string // as they travelled, each of one statement or several
	stacks  []string // of the goroutines that sent them
}

type statement struct {
	text string
	args []any
}

// listen records what do makes the store ask.
func (r *recorder) listen(do func()) (asked []statement, commits int) {
	r.mu.Lock()
	r.on, r.asked, r.commits, r.texts, r.stacks = true, nil, 0, nil, nil
	r.mu.Unlock()
	do()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on = false
	return slices.Clone(r.asked), r.commits
}

func (r *recorder) note(text string, args []driver.NamedValue) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.on {
		return
	}
	r.texts, r.stacks = append(r.texts, text), append(r.stacks, string(debug.Stack()))
	text = strings.TrimSuffix(strings.TrimPrefix(text, opening), closing)
	for text := range strings.SplitSeq(text, between) {
		asked, n := statement{text: text}, strings.Count(text, "?")
		for _, arg := range args[:n] {
			asked.args = append(asked.args, arg.Value)
		}
		args = args[n:]
		switch text {
		case begin, rollback:
		case commit:
			r.commits++
		default:
			r.asked = append(r.asked, asked)
		}
	}
}

func (r *recorder) committed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.on {
		r.commits++
	}
}

// wrap is an Options.wrap.
func (r *recorder) wrap(c driver.Connector) driver.Connector { return recordedConnector{c, r} }

type recordedConnector struct {
	driver.Connector
	recorder *recorder
}

func (c recordedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return recordedConn{conn.(driverConn), c.recorder}, nil
}

type recordedConn struct {
	driverConn
	recorder *recorder
}

func (c recordedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.recorder.note(text, args)
	return c.driverConn.ExecContext(ctx, text, args)
}

func (c recordedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.recorder.note(text, args)
	return c.driverConn.QueryContext(ctx, text, args)
}

// CheckNamedValue leaves it to the driver where that has a view of its own.
func (c recordedConn) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := c.driverConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	return driver.ErrSkip
}

func (c recordedConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	tx, err := c.driverConn.BeginTx(ctx, options)
	return recordedTx{tx, c.recorder}, err
}

type recordedTx struct {
	driver.Tx
	recorder *recorder
}

func (t recordedTx) Commit() error {
	t.recorder.committed()
	return t.Tx.Commit()
}
