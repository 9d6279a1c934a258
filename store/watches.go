package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

var _ bridge.FeedStore = (*Store)(nil)

// Watches tells of every shop that is watched or has something to be looked
// at, by name.
func (s *Store) Watches(ctx context.Context) ([]bridge.WatchState, error) {
	states := map[string]*bridge.WatchState{}
	of := func(shop string) *bridge.WatchState {
		if states[shop] == nil {
			states[shop] = &bridge.WatchState{Shop: shop}
		}
		return states[shop]
	}
	rows, err := s.read.QueryContext(ctx, "SELECT "+s.clock(s.now)+", shop, due_at, cursor_shop, cursor_at, trouble FROM feed_watches")
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	for rows.Next() {
		var now, due int64
		var shop, trouble string
		var byShop, at sql.NullInt64
		if err := rows.Scan(&now, &shop, &due, &byShop, &at, &trouble); err != nil {
			return nil, s.fault(err)
		}
		state := of(shop)
		state.Watched, state.Due, state.Trouble, state.Cursor = true, due <= now, trouble, cursorOf(byShop, at)
		if state.Cursor != nil {
			state.Lag = micros(now - at.Int64)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, s.fault(err)
	}
	waiting, err := s.read.QueryContext(ctx, "SELECT shop, COUNT(*), "+s.clock(s.now)+" - MIN(created_at) FROM feed_looks GROUP BY shop")
	if err != nil {
		return nil, s.fault(err)
	}
	defer waiting.Close()
	for waiting.Next() {
		var shop string
		var count int
		var oldest int64
		if err := waiting.Scan(&shop, &count, &oldest); err != nil {
			return nil, s.fault(err)
		}
		of(shop).Waiting, of(shop).Oldest = count, micros(oldest)
	}
	var list []bridge.WatchState
	for _, state := range states {
		list = append(list, *state)
	}
	slices.SortFunc(list, func(a, b bridge.WatchState) int { return strings.Compare(a.Shop, b.Shop) })
	return list, s.fault(waiting.Err())
}

func micros(n int64) time.Duration { return time.Duration(max(n, 0)) * time.Microsecond }

func cursorOf(byShop, at sql.NullInt64) *bridge.Cursor {
	if !byShop.Valid || !at.Valid {
		return nil
	}
	return &bridge.Cursor{Shop: fromMicros(byShop.Int64), At: fromMicros(at.Int64)}
}

// AddWatch makes the row of a shop that has none.
func (s *Store) AddWatch(ctx context.Context, shop string, due func(now time.Time) time.Time) error {
	err := s.transact(ctx, func(tx *sql.Tx) error {
		var now int64
		if err := tx.QueryRowContext(ctx, "SELECT "+s.clock(s.now)).Scan(&now); err != nil {
			return err
		}
		return insertRows(ctx, tx, "feed_watches (shop, due_at, fence, node, places, trouble)", [][]any{
			{shop, due(fromMicros(now)).UnixMicro(), 0, "", "{}", ""},
		})
	})
	if s.duplicate(err) {
		return nil // another node was faster
	}
	return err
}

// ClaimWatch takes a shop whose turn it is, or whose watcher's lease ran out.
func (s *Store) ClaimWatch(ctx context.Context, shop, node string, lease time.Duration) (bridge.Watch, error) {
	var w bridge.Watch
	err := s.transact(ctx, func(tx *sql.Tx) error {
		var now, due int64
		var byShop, at sql.NullInt64
		var places string
		w = bridge.Watch{Shop: shop}
		err := tx.QueryRowContext(ctx, "SELECT "+s.clock(s.now)+", due_at, fence, cursor_shop, cursor_at, places FROM feed_watches WHERE shop = ?"+s.forUpdate, shop).
			Scan(&now, &due, &w.Fence, &byShop, &at, &places)
		if errors.Is(err, sql.ErrNoRows) || err == nil && due > now {
			return bridge.ErrNotClaimable
		}
		if err != nil {
			return err
		}
		w.Fence++
		w.Now, w.Cursor = fromMicros(now), cursorOf(byShop, at)
		if err := json.Unmarshal([]byte(places), &w.Places); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE feed_watches SET due_at = ?, fence = ?, node = ? WHERE shop = ?", now+lease.Microseconds(), w.Fence, node, shop)
		return err
	})
	return w, err
}

// watching runs work while the watch is still this node's, and prolongs its
// lease. The row stays locked meanwhile.
func (s *Store) watching(ctx context.Context, w bridge.Watch, lease time.Duration, work func(tx *sql.Tx, now int64) error) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		var now, fence, until int64
		err := tx.QueryRowContext(ctx, "SELECT "+s.clock(s.now)+", fence, due_at FROM feed_watches WHERE shop = ?"+s.forUpdate, w.Shop).Scan(&now, &fence, &until)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (fence != w.Fence || until <= now) {
			return bridge.ErrFenced
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE feed_watches SET due_at = ? WHERE shop = ?", now+lease.Microseconds(), w.Shop); err != nil {
			return err
		}
		return work(tx, now)
	})
}

// Notice asks for looks at what lists show.
func (s *Store) Notice(ctx context.Context, w bridge.Watch, lease time.Duration, since time.Time, list []bridge.Notice) error {
	return s.watching(ctx, w, lease, func(tx *sql.Tx, now int64) error { return s.notice(ctx, tx, now, w.Shop, since, list) })
}

func (s *Store) notice(ctx context.Context, tx *sql.Tx, now int64, shop string, since time.Time, list []bridge.Notice) error {
	for some := range slices.Chunk(list, maxRows) {
		fresh, err := s.unseen(ctx, tx, shop, some)
		if err != nil {
			return err
		}
		if err := s.ask(ctx, tx, asking{now: now, due: now + bridge.SettleAfter.Microseconds(), since: since.UnixMicro(), shop: shop}, fresh); err != nil {
			return err
		}
	}
	return nil
}

// unseen leaves out what is known by the same mark and cannot have been saved
// since, and what waits to be looked at for the same reason.
func (s *Store) unseen(ctx context.Context, tx *sql.Tx, shop string, list []bridge.Notice) ([]bridge.Notice, error) {
	targets := make([]any, len(list))
	for i, n := range list {
		targets[i] = targetOf(shop, n.Target())
	}
	settled, err := marksOf(tx.QueryContext(ctx, "SELECT target, mark FROM feed_known WHERE settled = 1 AND target IN "+marks(len(targets)), targets...))
	if err != nil {
		return nil, err
	}
	waiting, err := marksOf(tx.QueryContext(ctx, "SELECT target, mark FROM feed_looks WHERE node = '' AND target IN "+marks(len(targets)), targets...))
	if err != nil {
		return nil, err
	}
	var fresh []bridge.Notice
	asked := map[string]bool{}
	for _, n := range list {
		target := targetOf(shop, n.Target())
		known, isKnown := settled[target]
		wanted, isWaiting := waiting[target]
		switch {
		case asked[target]:
		case n.Mark != "" && isKnown && known == n.Mark:
		case isWaiting && (n.Mark == "" || wanted == n.Mark):
		default:
			asked[target] = true
			fresh = append(fresh, n)
		}
	}
	return fresh, nil
}

func marksOf(rows *sql.Rows, err error) (map[string]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]string{}
	for rows.Next() {
		var target, mark string
		if err := rows.Scan(&target, &mark); err != nil {
			return nil, err
		}
		found[target] = mark
	}
	return found, rows.Err()
}

// Learn keeps marks of objects that were never looked at. What a look has seen
// stays known.
func (s *Store) Learn(ctx context.Context, w bridge.Watch, lease time.Duration, list []bridge.Notice) error {
	return s.watching(ctx, w, lease, func(tx *sql.Tx, _ int64) error {
		for _, n := range list {
			err := insertRows(ctx, tx, knownInto, [][]any{knownRow(w.Shop, n.Object, bridge.Known{Mark: n.Mark, Settled: true})})
			if err != nil && !s.duplicate(err) {
				return err
			}
		}
		return nil
	})
}

// KeptPage gives the rows that were on a page when it was last turned.
func (s *Store) KeptPage(ctx context.Context, w bridge.Watch, list bridge.List, number int64) ([]bridge.Row, bool, error) {
	var content string
	err := s.read.QueryRowContext(ctx, "SELECT content FROM feed_pages WHERE shop = ? AND list_name = ? AND page_number = ?", w.Shop, string(list), number).Scan(&content)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, s.fault(err)
	}
	var rows []bridge.Row
	return rows, true, s.fault(json.Unmarshal([]byte(content), &rows))
}

// TurnPage keeps a page and asks for looks at what changed on it.
func (s *Store) TurnPage(ctx context.Context, w bridge.Watch, lease time.Duration, since time.Time, p bridge.Page, next int64, list []bridge.Notice) error {
	content, err := json.Marshal(p.Rows)
	if err != nil {
		return s.fault(err)
	}
	return s.watching(ctx, w, lease, func(tx *sql.Tx, now int64) error {
		kept, err := affected(tx.ExecContext(ctx, "UPDATE feed_pages SET content = ? WHERE shop = ? AND list_name = ? AND page_number = ?", string(content), w.Shop, string(p.List), p.Number))
		if err != nil {
			return err
		}
		if !kept {
			if err := insertRows(ctx, tx, "feed_pages (shop, list_name, page_number, content)", [][]any{{w.Shop, string(p.List), p.Number, string(content)}}); err != nil {
				return err
			}
		}
		w.Places[p.List] = next
		places, err := json.Marshal(w.Places)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE feed_watches SET places = ? WHERE shop = ?", string(places), w.Shop); err != nil {
			return err
		}
		return s.notice(ctx, tx, now, w.Shop, since, list)
	})
}

// Advance moves the cursor and gives the shop back.
func (s *Store) Advance(ctx context.Context, w bridge.Watch, to bridge.Cursor, due func(now time.Time) time.Time) error {
	return s.watching(ctx, w, 0, func(tx *sql.Tx, now int64) error {
		_, err := tx.ExecContext(ctx, "UPDATE feed_watches SET due_at = ?, node = '', cursor_shop = ?, cursor_at = ?, trouble = '' WHERE shop = ?",
			due(fromMicros(now)).UnixMicro(), to.Shop.UnixMicro(), to.At.UnixMicro(), w.Shop)
		return err
	})
}

// LeaveWatch gives the shop back with the cursor where it was.
func (s *Store) LeaveWatch(ctx context.Context, w bridge.Watch, due func(now time.Time) time.Time, trouble string) error {
	return s.watching(ctx, w, 0, func(tx *sql.Tx, now int64) error {
		_, err := tx.ExecContext(ctx, "UPDATE feed_watches SET due_at = ?, node = '', trouble = ? WHERE shop = ?", due(fromMicros(now)).UnixMicro(), words(trouble), w.Shop)
		return err
	})
}
