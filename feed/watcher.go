package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

const (
	// overlap is how far each window reaches back into the one before: for the
	// clock's whole seconds, and for saves that were under way at its end.
	overlap = 2 * time.Minute
	// watchLease covers one call to the shop with all it may wait for. Every
	// write about the round prolongs it.
	watchLease = 3 * time.Minute
	// maxWatching bounds the shops that this process watches at the same moment.
	maxWatching = 4
	// stockPages and productPages are how many pages of a list one round
	// compares; the next round goes on behind them. A round costs a shop the
	// same, however large it is.
	stockPages, productPages = 10, 1
	// maxGone bounds how many missing products of one page a round has looked
	// at. A shop that answers with too little loses its catalogue slowly, and
	// each product only if two direct questions say so, too.
	maxGone = 20
)

// watchedKinds have a time of their last save. Customers come last: a key
// without the right to them must not keep the others from being watched.
var watchedKinds = []bridge.ObjectKind{bridge.KindProduct, bridge.KindOrder, bridge.KindCustomer}

type watcher struct {
	*Feed
	at *places
}

func newWatcher(f *Feed) *watcher { return &watcher{Feed: f, at: newPlaces(maxWatching, 1)} }

func (w *watcher) places() *places { return w.at }

// begin starts the rounds of the shops whose turn it is.
func (w *watcher) begin(ctx context.Context) error {
	names, err := w.Names(ctx)
	if err != nil {
		return err
	}
	list, err := w.Store.Watches(ctx)
	if err != nil {
		return err
	}
	known := map[string]bridge.WatchState{}
	for _, state := range list {
		known[state.Shop] = state
	}
	for _, name := range names {
		state := known[name]
		if !state.Watched {
			if err := w.Store.AddWatch(ctx, name, w.turn(name)); err != nil {
				return err
			}
			continue
		}
		if state.Due && w.at.take(name) {
			w.at.use(name, func() bool { return w.watch(ctx, name) })
		}
	}
	return nil
}

// leaveTimeout bounds the writing down of a round that failed.
const leaveTimeout = 5 * time.Second

// watch makes one round of a shop, and tells whether it came to its end.
func (w *watcher) watch(ctx context.Context, name string) bool {
	log := w.Log.With("shop", bridge.ShopLabel(name))
	claimed, err := w.Store.ClaimWatch(ctx, name, w.Node, watchLease)
	if err == nil {
		r := round{watcher: w, Watch: claimed}
		if err = r.run(ctx); err != nil && !errors.Is(err, bridge.ErrFenced) {
			leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
			defer cancel()
			// When that fails as well, the lease ends and the cursor is where it was.
			_ = w.Store.LeaveWatch(leaving, claimed, w.turn(name), trouble(err))
		}
	}
	switch {
	case err == nil, errors.Is(err, bridge.ErrNotClaimable), errors.Is(err, bridge.ErrFenced), ctx.Err() != nil:
	default:
		log.WarnContext(ctx, "a round of the feed ended early; the next one begins where it began", "error", err)
	}
	return err == nil
}

// trouble is what an operator is shown of an error.
func trouble(err error) string {
	var fault *bridge.ShopError
	if errors.As(err, &fault) {
		return fault.Message
	}
	return bridge.AsError(err).Message
}

// round is one time that a shop is watched.
type round struct {
	*watcher
	bridge.Watch
	shop  bridge.WatchedShop
	since time.Time // nothing before it is news, by the database's clock
}

func (r *round) run(ctx context.Context) (err error) {
	if r.shop, err = r.Feed.Shop(ctx, r.Watch.Shop); err != nil {
		return err
	}
	clock, err := r.shop.Clock(ctx)
	if err != nil {
		return err
	}
	r.since = r.Now.Add(-overlap)
	if r.Cursor != nil {
		r.since = r.Cursor.At.Add(-overlap)
	}
	interest, err := r.Store.Interest(ctx, r.Watch.Shop)
	if err != nil {
		return err
	}
	for _, kind := range watchedKinds {
		if _, wanted := interest[kind]; kind == bridge.KindCustomer && !wanted {
			continue // nobody's personal data is read for nobody
		}
		if err := r.window(ctx, kind, clock); err != nil {
			return err
		}
	}
	if _, wanted := interest[bridge.KindShop]; wanted {
		settings := bridge.Notice{Object: bridge.Object{Kind: bridge.KindShop, ID: bridge.ShopSettingsID}, Quiet: true}
		if err := r.Store.Notice(ctx, r.Watch, watchLease, r.since, []bridge.Notice{settings}); err != nil {
			return err
		}
	}
	if err := r.pages(ctx, bridge.ListProducts, productPages); err != nil {
		return err
	}
	if err := r.pages(ctx, bridge.ListStock, stockPages); err != nil {
		return err
	}
	return r.Store.Advance(ctx, r.Watch, bridge.Cursor{Shop: clock, At: r.Now}, r.turn(r.Watch.Shop))
}

// within is the span of the shop's clock that this round is about. Between two
// rounds that clock may have been set: then the time that has passed by ours
// tells how far back to go.
func (r *round) within(clock time.Time) bridge.Window {
	if r.Cursor == nil {
		return bridge.Window{From: clock.Add(-overlap), To: clock}
	}
	from := clock.Add(-r.Now.Sub(r.Cursor.At))
	if r.Cursor.Shop.Before(from) {
		from = r.Cursor.Shop
	}
	return bridge.Window{From: from.Add(-overlap), To: clock}
}

// window asks for looks at what was saved since the last round. The first round
// of a shop asks for none: it only learns what the next windows show again,
// saves of the last minutes and such as bear a time in the future.
func (r *round) window(ctx context.Context, kind bridge.ObjectKind, clock time.Time) error {
	for after := int64(0); ; {
		rows, err := r.shop.Changed(ctx, kind, r.within(clock), after)
		if kind == bridge.KindCustomer && errors.Is(err, bridge.ErrNoRight) {
			r.sayOnce(ctx, r.Watch.Shop, kind, err)
			return nil
		}
		if err != nil {
			return err
		}
		list := make([]bridge.Notice, len(rows))
		for i, row := range rows {
			list[i] = bridge.Notice{Object: bridge.Object{Kind: kind, ID: row.Object}, Mark: row.Mark}
		}
		if r.Cursor == nil {
			err = r.Store.Learn(ctx, r.Watch, watchLease, list)
		} else {
			err = r.Store.Notice(ctx, r.Watch, watchLease, r.since, list)
		}
		if err != nil || len(rows) < bridge.FeedPage {
			return err
		}
		after = rows[len(rows)-1].ID
	}
}

// sayOnce logs that the key may not read a kind.
func (f *Feed) sayOnce(ctx context.Context, shop string, kind bridge.ObjectKind, err error) {
	if _, said := f.unseen.LoadOrStore(shop+"/"+string(kind), true); !said {
		f.Log.WarnContext(ctx, "feed: this kind is not told", "shop", bridge.ShopLabel(shop), "kind", string(kind), "error", err)
	}
}

// pages compares the next pages of a list with what they were.
func (r *round) pages(ctx context.Context, list bridge.List, most int) error {
	last, err := r.shop.Last(ctx, list)
	if err != nil {
		return err
	}
	count := (last + bridge.PageIDs - 1) / bridge.PageIDs
	at := r.Places[list]
	for range min(int64(most), count) {
		if at >= count {
			at = 0
		}
		next := at + 1
		if err := r.page(ctx, list, at, next); err != nil {
			return fmt.Errorf("page %d of %s: %w", at, list, err)
		}
		at = next
	}
	return nil
}

func (r *round) page(ctx context.Context, list bridge.List, number, next int64) error {
	rows, err := r.shop.Page(ctx, list, number*bridge.PageIDs+1, (number+1)*bridge.PageIDs)
	if err != nil {
		return err
	}
	before, kept, err := r.Store.KeptPage(ctx, r.Watch, list, number)
	if err != nil {
		return err
	}
	var notices []bridge.Notice
	if kept {
		rows, notices = compare(list, before, rows)
	}
	return r.Store.TurnPage(ctx, r.Watch, watchLease, r.since, bridge.Page{List: list, Number: number, Rows: rows}, next, notices)
}

// compare tells which objects to look at because a page is not what it was, and
// what to keep of the page.
func compare(list bridge.List, before, now []bridge.Row) (keep []bridge.Row, notices []bridge.Notice) {
	old := map[int64]bridge.Row{}
	for _, row := range before {
		old[row.ID] = row
	}
	look := func(row bridge.Row, mark string, quiet bool) {
		notices = append(notices, bridge.Notice{Object: bridge.Object{Kind: bridge.KindProduct, ID: row.Object}, Mark: mark, Quiet: quiet})
	}
	for _, row := range now {
		if was, is := old[row.ID]; !is || was != row {
			mark := row.Mark
			if list == bridge.ListStock {
				mark = "" // a quantity is no time of a save
			}
			look(row, mark, false)
		}
		delete(old, row.ID)
	}
	keep = now
	gone := 0
	for _, row := range before {
		if _, missing := old[row.ID]; !missing {
			continue
		}
		if gone++; gone > maxGone {
			keep = append(keep, row) // still missing when its turn comes again
			continue
		}
		look(row, "", true) // an answer that is too short must not tell of changes
	}
	return keep, notices
}
