package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

const (
	// patience is how long a look waits for a job to let go of its object, so
	// that a job's steps are told as one change. A job that waits for hours must
	// not hide what others do.
	patience = time.Minute
	// ownSpan is how far back a first look reaches that a job's step asked for.
	ownSpan = 10 * time.Minute
)

// feedTopics are the topics that looks are made for.
var feedTopics = func() (list []any) {
	for _, row := range bridge.Topics {
		if row.Topic.KindOf() != "" && row.Source == bridge.FromFeed {
			list = append(list, string(row.Topic))
		}
	}
	return list
}()

// Interest tells what the webhooks of a shop want to hear of.
func (s *Store) Interest(ctx context.Context, shop string) (bridge.Interest, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT w.topic, MAX(w.pii)"+feedWebhooks+" GROUP BY w.topic", append([]any{shop}, feedTopics...)...)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	interest := bridge.Interest{}
	for rows.Next() {
		var topic bridge.Topic
		var private bool
		if err := rows.Scan(&topic, &private); err != nil {
			return nil, s.fault(err)
		}
		if private || !topic.Personal() {
			interest[topic.KindOf()] = interest[topic.KindOf()] || private
		}
	}
	return interest, s.fault(rows.Err())
}

// feedWebhooks are a shop's enabled webhooks for the feed's topics, of clients
// that were not revoked.
var feedWebhooks = " FROM webhooks w LEFT JOIN clients c ON c.id = w.client_id WHERE w.enabled = 1 AND c.revoked_at IS NULL AND w.shop = ? AND w.topic IN " + marks(len(feedTopics))

// lookAfter asks for looks at what steps may have changed in the shop, if any
// webhook wants to hear of such.
func (s *Store) lookAfter(ctx context.Context, tx *sql.Tx, now int64, shop string, steps ...bridge.StepRecord) error {
	if list := touched(steps); len(list) > 0 {
		return s.lookAgain(ctx, tx, outlook{shop, now, list})
	}
	return nil
}

// touched lists what steps may have changed in a shop.
func touched(steps []bridge.StepRecord) (list []bridge.Notice) {
	for _, step := range steps {
		if object, certainly, any := step.Touched(); any {
			list = append(list, bridge.Notice{Object: object, Quiet: !certainly})
		}
	}
	return list
}

func (s *Store) lookAgain(ctx context.Context, tx *sql.Tx, look outlook) error {
	var one int
	err := tx.QueryRowContext(ctx, "SELECT 1"+feedWebhooks+" LIMIT 1", append([]any{look.shop}, feedTopics...)...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.ask(ctx, tx, asking{now: look.now, due: look.now, since: look.now - ownSpan.Microseconds(), shop: look.shop}, look.notices)
}

// asking is what looks have in common that are asked for at once.
type asking struct {
	now, due, since int64
	shop            string
}

const looksInto = "feed_looks (target, shop, kind, object_id, mark, quiet, since, generation, fence, node, attempts, misses, due_at, created_at)"

// ask makes looks, or asks again for those there are. It inserts first: an
// update that finds no row would lock the gap in which another node inserts.
func (s *Store) ask(ctx context.Context, tx *sql.Tx, a asking, list []bridge.Notice) error {
	rows := make([][]any, len(list))
	for i, n := range list {
		rows[i] = []any{targetOf(a.shop, n.Target()), a.shop, string(n.Kind), n.ID, n.Mark, n.Quiet, a.since, 1, 0, "", 0, 0, a.due, a.now}
	}
	err := insertRows(ctx, tx, looksInto, rows)
	if !s.duplicate(err) {
		return err
	}
	for i, n := range list {
		err := insertRows(ctx, tx, looksInto, rows[i:i+1])
		if s.duplicate(err) {
			_, err = tx.ExecContext(ctx, `UPDATE feed_looks SET generation = generation + 1, mark = ?, misses = 0,
				quiet = CASE WHEN ? THEN quiet ELSE 0 END, since = CASE WHEN since < ? THEN since ELSE ? END,
				due_at = CASE WHEN node = '' THEN ? ELSE due_at END WHERE target = ?`,
				n.Mark, n.Quiet, a.since, a.since, a.due, rows[i][0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DueLooks lists what is to be looked at, the longest due first.
func (s *Store) DueLooks(ctx context.Context, limit int, but ...string) ([]bridge.LookHead, error) {
	args := []any{patience.Microseconds()}
	for _, shop := range but {
		args = append(args, shop)
	}
	now := s.clock(s.now)
	rows, err := s.read.QueryContext(ctx, `SELECT k.shop, k.kind, k.object_id FROM feed_looks k LEFT JOIN turns held ON held.target = k.target AND held.place = ''
		WHERE k.due_at <= `+now+` AND (held.target IS NULL OR k.created_at <= `+now+` - ?)`+strings.Repeat(" AND k.shop <> ?", len(but))+
		" ORDER BY k.due_at LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var list []bridge.LookHead
	for rows.Next() {
		var head bridge.LookHead
		if err := rows.Scan(&head.Shop, &head.Kind, &head.ID); err != nil {
			return nil, s.fault(err)
		}
		list = append(list, head)
	}
	return list, s.fault(rows.Err())
}

// ClaimLook leases a look that is still due.
func (s *Store) ClaimLook(ctx context.Context, head bridge.LookHead, node string, lease time.Duration) (bridge.Look, error) {
	l := bridge.Look{Shop: head.Shop, Object: head.Object}
	target := targetOf(head.Shop, head.Target())
	err := s.transact(ctx, func(tx *sql.Tx) error {
		var now, due, since int64
		err := tx.QueryRowContext(ctx, "SELECT "+s.clock(s.now)+", due_at, since, mark, quiet, generation, fence, attempts, misses FROM feed_looks WHERE target = ?"+s.forUpdate, target).
			Scan(&now, &due, &since, &l.Mark, &l.Quiet, &l.Generation, &l.Fence, &l.Attempts, &l.Misses)
		if errors.Is(err, sql.ErrNoRows) || err == nil && due > now {
			return bridge.ErrNotClaimable
		}
		if err != nil {
			return err
		}
		l.Fence++
		l.Span = micros(now - since)
		_, err = tx.ExecContext(ctx, "UPDATE feed_looks SET due_at = ?, fence = ?, node = ? WHERE target = ?", now+lease.Microseconds(), l.Fence, node, target)
		return err
	})
	return l, err
}

// heldLook is a look in its holder's transaction.
type heldLook struct {
	bridge.Look
	target string
	now    int64
	again  bool // asked for again since it was claimed
	young  bool // its patience has not run out
}

// looking runs work while the look is still this node's. Its row stays locked
// meanwhile, so what is known of the object changes in one place at a time.
func (s *Store) looking(ctx context.Context, l bridge.Look, work func(tx *sql.Tx, h heldLook) error) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		h := heldLook{Look: l, target: targetOf(l.Shop, l.Target())}
		var fence, until, generation, created int64
		err := tx.QueryRowContext(ctx, "SELECT "+s.clock(s.now)+", fence, due_at, generation, created_at FROM feed_looks WHERE target = ?"+s.forUpdate, h.target).
			Scan(&h.now, &fence, &until, &generation, &created)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (fence != l.Fence || until <= h.now) {
			return bridge.ErrFenced
		}
		if err != nil {
			return err
		}
		h.again, h.young = generation != l.Generation, created > h.now-patience.Microseconds()
		return work(tx, h)
	})
}

// SettleLook compares what was seen with what was known and tells what is new.
func (s *Store) SettleLook(ctx context.Context, l bridge.Look, seen bridge.Sighting) (told []bridge.Topic, err error) {
	err = s.looking(ctx, l, func(tx *sql.Tx, h heldLook) error {
		told = nil
		unsure, err := h.unsure(ctx, tx)
		if err != nil {
			return err
		}
		if unsure {
			return h.giveBack(ctx, tx, bridge.SettleAfter)
		}
		known, err := readKnown(ctx, tx, h.target)
		if err != nil {
			return err
		}
		list, next := l.Tell(known, seen)
		if err := s.keep(ctx, tx, l.Shop, l.Object, next); err != nil {
			return err
		}
		told, err = s.tell(ctx, tx, l, list)
		if err != nil {
			return err
		}
		return h.end(ctx, tx)
	})
	return told, err
}

// unsure: what was seen may be the middle of a change.
func (h heldLook) unsure(ctx context.Context, tx *sql.Tx) (bool, error) {
	if !h.young {
		return false, nil
	}
	var one int
	err := tx.QueryRowContext(ctx, "SELECT 1 FROM turns WHERE target = ? AND place = ''", h.target).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return h.again, nil
	}
	return true, err
}

// tell writes the events of a look.
func (s *Store) tell(ctx context.Context, tx *sql.Tx, l bridge.Look, list []bridge.News) ([]bridge.Topic, error) {
	var told []bridge.Topic
	var events []news
	for _, n := range list {
		told = append(told, n.Topic)
		events = append(events, news{shop: l.Shop, topic: n.Topic, object: l.Target(), bodies: func() (json.RawMessage, json.RawMessage, error) { return n.Body, n.Private, nil }})
	}
	return told, s.insertEvents(ctx, tx, events...)
}

// end removes a look, unless it was asked for again.
func (h heldLook) end(ctx context.Context, tx *sql.Tx) error {
	if h.again {
		_, err := tx.ExecContext(ctx, "UPDATE feed_looks SET created_at = ? WHERE target = ?", h.now, h.target)
		if err != nil {
			return err
		}
		return h.giveBack(ctx, tx, bridge.SettleAfter)
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM feed_looks WHERE target = ?", h.target)
	return err
}

func (h heldLook) giveBack(ctx context.Context, tx *sql.Tx, pause time.Duration) error {
	_, err := tx.ExecContext(ctx, "UPDATE feed_looks SET node = '', attempts = 0, due_at = ? WHERE target = ?", h.now+pause.Microseconds(), h.target)
	return err
}

// MissLook counts that the shop has no such object, and believes it the second
// time.
func (s *Store) MissLook(ctx context.Context, l bridge.Look, pause time.Duration) (told []bridge.Topic, err error) {
	err = s.looking(ctx, l, func(tx *sql.Tx, h heldLook) error {
		told = nil
		if h.again {
			return h.giveBack(ctx, tx, bridge.SettleAfter)
		}
		if l.Misses == 0 {
			if _, err := tx.ExecContext(ctx, "UPDATE feed_looks SET misses = 1 WHERE target = ?", h.target); err != nil {
				return err
			}
			return h.giveBack(ctx, tx, pause)
		}
		if err := forget(ctx, tx, h.target); err != nil {
			return err
		}
		told, err = s.tell(ctx, tx, l, l.Gone())
		return err
	})
	return told, err
}

// DropLook forgets an object.
func (s *Store) DropLook(ctx context.Context, l bridge.Look) error {
	return s.looking(ctx, l, func(tx *sql.Tx, h heldLook) error { return forget(ctx, tx, h.target) })
}

func forget(ctx context.Context, tx *sql.Tx, target string) error {
	for _, table := range []string{"feed_known", "feed_looks"} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE target = ?", target); err != nil {
			return err
		}
	}
	return nil
}

// PutOffLook gives a look back after a failure.
func (s *Store) PutOffLook(ctx context.Context, l bridge.Look, pause time.Duration) error {
	return s.looking(ctx, l, func(tx *sql.Tx, h heldLook) error {
		_, err := tx.ExecContext(ctx, "UPDATE feed_looks SET node = '', attempts = attempts + 1, due_at = ? WHERE target = ?", h.now+pause.Microseconds(), h.target)
		return err
	})
}

func readKnown(ctx context.Context, tx *sql.Tx, target string) (known bridge.Known, err error) {
	err = tx.QueryRowContext(ctx, "SELECT digest, mark, settled, last_change FROM feed_known WHERE target = ?", target).
		Scan(&known.Digest, &known.Mark, &known.Settled, &known.LastChange)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return known, err
}

// keep replaces what is known of an object.
func (s *Store) keep(ctx context.Context, tx *sql.Tx, shop string, o bridge.Object, known bridge.Known) error {
	kept, err := affected(tx.ExecContext(ctx, "UPDATE feed_known SET digest = ?, mark = ?, settled = ?, last_change = ? WHERE target = ?",
		known.Digest, words(known.Mark), known.Settled, known.LastChange, targetOf(shop, o.Target())))
	if err != nil || kept {
		return err
	}
	return insertRows(ctx, tx, knownInto, [][]any{knownRow(shop, o, known)})
}

const knownInto = "feed_known (target, shop, digest, mark, settled, last_change)"

func knownRow(shop string, o bridge.Object, known bridge.Known) []any {
	return []any{targetOf(shop, o.Target()), shop, known.Digest, words(known.Mark), known.Settled, known.LastChange}
}

// forgetFeed removes what the feed knows of a shop that is removed.
func forgetFeed(ctx context.Context, tx *sql.Tx, shop string) error {
	for _, table := range []string{"feed_watches", "feed_looks", "feed_known", "feed_pages"} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE shop = ?", shop); err != nil {
			return err
		}
	}
	return nil
}
