package store

import (
	"context"
	"database/sql/driver"
	"slices"
)

// SQLite parses and plans a statement each time it is asked, a fifth of the
// time of a small read. So its connections keep what they have prepared, each
// its own, and give it up when they close. Not so
// on MySQL: with the parameters written into the text (mysqlConfig) a statement
// is one round trip, and what is prepared there counts against a limit that all
// clients of the server share.
const (
	// keptStatements bounds what a connection keeps, at some 10 kB each. The
	// texts of normal work are fewer; those that carry a time, such as a claim's,
	// are never asked again and leave as the oldest.
	keptStatements = 32
	// longestKept leaves out the lists of many rows, whose texts rarely recur.
	longestKept = 2048
)

// statementKeeper makes connections that keep their statements.
type statementKeeper struct{ driver.Connector }

func (k statementKeeper) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &keepingConn{driverConn: conn.(driverConn)}, nil
}

// keepingConn is used by one goroutine at a time, as database/sql promises.
type keepingConn struct {
	driverConn
	kept []keptStatement // the one used last is last
}

// keptStatement is prepared, and in nobody's hands.
type keptStatement struct {
	text     string
	prepared sqliteStatement
}

// sqliteStatement is what the driver's statements can do.
type sqliteStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func (c *keepingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if len(text) > longestKept {
		return c.driverConn.ExecContext(ctx, text, args)
	}
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	result, err := s.prepared.ExecContext(ctx, args)
	c.giveBack(s, err)
	return result, err
}

func (c *keepingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if len(text) > longestKept {
		return c.driverConn.QueryContext(ctx, text, args)
	}
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := s.prepared.QueryContext(ctx, args)
	if err != nil {
		c.giveBack(s, err)
		return nil, err
	}
	return &keptRows{Rows: rows, conn: c, statement: s}, nil
}

// Close gives the statements up before the connection they belong to.
func (c *keepingConn) Close() error {
	for _, s := range c.kept {
		_ = s.prepared.Close() // repeats the error of its last use
	}
	c.kept = nil
	return c.driverConn.Close()
}

// take gives a statement into the caller's hands alone: rows of the same text
// may still be open on this connection.
func (c *keepingConn) take(ctx context.Context, text string) (keptStatement, error) {
	for i, s := range c.kept {
		if s.text == text {
			c.kept = slices.Delete(c.kept, i, i+1)
			return s, nil
		}
	}
	prepared, err := c.PrepareContext(ctx, text)
	if err != nil {
		return keptStatement{}, err
	}
	return keptStatement{text, prepared.(sqliteStatement)}, nil
}

// giveBack keeps a statement that did its work; one that failed is prepared
// anew.
func (c *keepingConn) giveBack(s keptStatement, err error) {
	if err != nil {
		_ = s.prepared.Close() // repeats that error
		return
	}
	if len(c.kept) == keptStatements {
		_ = c.kept[0].prepared.Close() // its last use succeeded
		c.kept = slices.Delete(c.kept, 0, 1)
	}
	c.kept = append(c.kept, s)
}

// keptRows gives its statement back when it is closed, which resets it: a
// statement that is not reset would hold on to its view of the database.
type keptRows struct {
	driver.Rows
	conn      *keepingConn
	statement keptStatement
}

func (r *keptRows) Close() error {
	err := r.Rows.Close()
	r.conn.giveBack(r.statement, err)
	return err
}
