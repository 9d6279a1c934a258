package store

import (
	"context"
	"database/sql/driver"
	"strings"
)

// A transaction of one statement is three round trips: its beginning, the
// statement, its end. thriftyConn lets the beginning travel with the first
// statement, and knows when the end has travelled with the last (sendLast).
type thriftyConn struct {
	mysqlConn
	state transactionState
}

// mysqlConn is what the driver's connections can do.
type mysqlConn interface {
	driverConn
	driver.NamedValueChecker
}

type transactionState int

const (
	noTransaction transactionState = iota
	promised                       // the program believes to be in one; the server has not heard of it
	begun
)

const (
	begin    = "START TRANSACTION"
	commit   = "COMMIT"
	rollback = "ROLLBACK"
)

// BeginTx promises a transaction. What asks for other than the session's own
// kind begins at once.
func (c *thriftyConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if options != (driver.TxOptions{}) {
		return c.mysqlConn.BeginTx(ctx, options)
	}
	if !c.IsValid() {
		return nil, driver.ErrBadConn
	}
	c.state = promised
	return thriftyTx{c}, nil
}

func (c *thriftyConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.mysqlConn.ExecContext(ctx, c.opened(text), args)
	c.sent(err)
	if err == nil && c.state == begun && (text == commit || strings.HasSuffix(text, between+commit+closing)) {
		c.state = noTransaction
	}
	return result, err
}

func (c *thriftyConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.mysqlConn.QueryContext(ctx, c.opened(text), args)
	c.sent(err)
	return rows, err
}

// PrepareContext is how a statement goes out that is too long for one text.
func (c *thriftyConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	if c.state == promised {
		_, err := c.mysqlConn.ExecContext(ctx, begin, nil)
		c.sent(err)
		if err != nil {
			return nil, err
		}
	}
	return c.mysqlConn.PrepareContext(ctx, text)
}

// opened is a text with what is owed to the server before it.
func (c *thriftyConn) opened(text string) string {
	if c.state != promised {
		return text
	}
	if packet, is := strings.CutPrefix(text, opening); is {
		return opening + begin + between + packet
	}
	return begin + between + text
}

// sent: the server may know of the transaction now. A statement that the driver
// will not write as one text was not sent at all.
func (c *thriftyConn) sent(err error) {
	if c.state == promised && err != driver.ErrSkip {
		c.state = begun
	}
}

type thriftyTx struct{ conn *thriftyConn }

func (t thriftyTx) Commit() error   { return t.end(commit) }
func (t thriftyTx) Rollback() error { return t.end(rollback) }

func (t thriftyTx) end(how string) error {
	state := t.conn.state
	t.conn.state = noTransaction
	if state != begun {
		return nil // nothing was asked, or it has ended already
	}
	_, err := t.conn.mysqlConn.ExecContext(context.Background(), how, nil)
	return err
}
