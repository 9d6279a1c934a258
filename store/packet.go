package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"strconv"
	"strings"
)

// packet is statements that need nothing of each other's answers. Where a
// statement is a round trip they travel together: the wait for an answer, not
// the work, is most of what a small statement costs there.
type packet struct{ parts []part }

// part is one statement of a packet.
type part struct {
	text string
	args []any
	read func(*sql.Rows) error // nil for a statement that answers no rows
}

func (p *packet) exec(text string, args ...any) { p.parts = append(p.parts, part{text, args, nil}) }

// query adds a statement whose rows read takes.
func (p *packet) query(read func(*sql.Rows) error, text string, args ...any) {
	p.parts = append(p.parts, part{text, args, read})
}

// between separates the statements of a text. No statement of the program
// contains it.
const between = ";\n"

// A MariaDB answers each statement of a text as soon as it is done, and every
// such answer wakes our side up in vain. These make the text one statement for
// it, which answers when something is to be read and at its end; for a MySQL
// they are comments. What fails ends the text either way.
const (
	opening = "/*M!100101 BEGIN NOT ATOMIC */ "
	closing = " /*M!100101 ; END */"
)

// longestPacket bounds the text of several statements in bytes, well below what
// a server takes (max_allowed_packet, 16 MB or more). A statement that is longer
// travels alone, as it would without packets.
const longestPacket = 1 << 20

// querier is a transaction, or a pool for statements that need none.
type querier interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// send carries the statements out in their order.
func (s *Store) send(ctx context.Context, on querier, p packet) error {
	for left := p.parts; len(left) > 0; {
		n := 1
		if s.packets {
			n = fitting(left)
		}
		if err := sendTogether(ctx, on, left[:n]); err != nil {
			return err
		}
		left = left[n:]
	}
	return nil
}

// fitting is how many statements at the beginning of a list travel together.
func fitting(parts []part) int {
	size := parts[0].size()
	for n, p := range parts[1:] {
		if size += p.size(); size > longestPacket {
			return n + 1
		}
	}
	return len(parts)
}

// size is about how long a statement's text is with its parameters in it.
func (p part) size() int {
	n := len(p.text)
	for _, arg := range p.args {
		switch v := arg.(type) {
		case string:
			n += len(v)
		case sql.NullString:
			n += len(v.String)
		default:
			n += 8
		}
	}
	return n
}

// sendTogether sends one text. A statement that fails keeps those behind it
// from being carried out, those before it are.
func sendTogether(ctx context.Context, on querier, parts []part) error {
	text, args, reads := joined(parts)
	if len(reads) == 0 {
		_, err := on.ExecContext(ctx, text, args...)
		return err
	}
	rows, err := on.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for i, read := range reads { // statements without rows are passed over
		if i > 0 && !rows.NextResultSet() {
			return cmp.Or(rows.Err(), errAnswersMissing)
		}
		if err := read(rows); err != nil {
			return err
		}
	}
	for rows.NextResultSet() {
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return rows.Close()
}

// errAnswersMissing: something between us and the database does not let several
// statements pass in one text. What they say must not be taken for nothing.
var errAnswersMissing = errors.New("fewer answers than statements came back; let a proxy before the database pass several statements in one text")

func joined(parts []part) (text string, args []any, reads []func(*sql.Rows) error) {
	if one := parts[0]; len(parts) == 1 {
		if one.read != nil {
			reads = append(reads, one.read)
		}
		return one.text, one.args, reads
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.text
		args = append(args, p.args...)
		if p.read != nil {
			reads = append(reads, p.read)
		}
	}
	return opening + strings.Join(texts, between) + closing, args, reads
}

// sendLast carries the statements out and tells what they make true. Where
// packets are, the transaction's COMMIT travels with them, unless somebody wants
// to be told: that is asked in the packet itself, by a statement that fails and
// so stops the packet before its end (overheard). Then the events are written,
// and the caller's commit does the rest.
func (s *Store) sendLast(ctx context.Context, tx *sql.Tx, p packet, t tidings) error {
	if !s.packets {
		if err := s.send(ctx, tx, p); err != nil {
			return err
		}
		return s.spread(ctx, tx, t)
	}
	if condition, args := listeners(heard(t.told), len(t.looks) > 0); condition != "" {
		p.exec("SET @listener = (SELECT "+unanswerable+" FROM webhooks w WHERE "+condition+" LIMIT 1)", args...)
	}
	p.exec("COMMIT")
	err := s.send(ctx, tx, p)
	if s.overheard(err) {
		return s.spread(ctx, tx, t)
	}
	return err
}

// unanswerable is out of its type's range for every webhook w: a SELECT of it
// fails if it finds one, and costs little if it does not. SET keeps it from
// answering rows that nobody reads.
var unanswerable = strconv.FormatUint(math.MaxUint64, 10) + " + w.id"
