package bridge

import (
	"context"
	"errors"
	"time"
)

// WatchedShop is a shop as the feed reads it. Its errors are *ShopError.
type WatchedShop interface {
	// Clock is the shop's own time, in whole seconds.
	Clock(ctx context.Context) (time.Time, error)
	// Changed lists objects of a kind last saved within the span of the shop's
	// clock or later, with ids above after, ascending. There may be more when
	// it gives FeedPage of them. The mark of a row is the time of that save.
	// ErrNoRight when the key may not read the kind.
	Changed(ctx context.Context, kind ObjectKind, within Window, after int64) ([]Row, error)
	// Last is the highest id on a list.
	Last(ctx context.Context, list List) (int64, error)
	// Page gives the rows of a list from the first id to the last.
	Page(ctx context.Context, list List, first, last int64) ([]Row, error)
	// Sight reads an object anew, with personal data when private. A *ShopError
	// with NotFound when the shop has none; ErrNoRight when the key may not see
	// it.
	Sight(ctx context.Context, o Object, private bool) (Sighting, error)
	// Lists reports whether a list of the shop still shows an object.
	Lists(ctx context.Context, o Object) (bool, error)
}

// ErrNoRight is the cause of a refusal for which the shop's key lacks a right.
var ErrNoRight = errors.New("the webservice key lacks a right")

// FeedPage is how many rows a page of a list has at most.
const FeedPage = 500

// Window is a span of the shop's clock.
type Window struct{ From, To time.Time }

// List is a list of the shop that is compared page by page with what it was.
type List string

// ListProducts tells of products that are gone, and of those whose save a
// window missed. ListStock is needed because a change of stock moves no time of
// a save.
const (
	ListProducts List = "products"
	ListStock    List = "stock"
)

// Row is one line of a list.
type Row struct {
	ID     int64
	Object int64  // id of the object it tells of
	Mark   string // whatever changes when the line does
}

// Notice asks for a look at an object.
type Notice struct {
	Object
	Mark  string // as Look has it
	Quiet bool
}

// Page is one part of a list: the ids after Number×PageIDs, PageIDs of them.
type Page struct {
	List   List
	Number int64
	Rows   []Row
}

// PageIDs is how many ids a page covers. Fixed bounds keep pages apart however
// many of their rows come and go.
const PageIDs = 1000

// Cursor is how far a shop has been watched: a moment, by two clocks.
type Cursor struct {
	Shop time.Time // by the shop's
	At   time.Time // by the database's
}

// Watch is a shop in the hands of the one node that watches it now.
type Watch struct {
	Shop   string
	Fence  int64
	Now    time.Time // by the database's clock, when it was claimed
	Cursor *Cursor   // nil: the shop was never watched
	Places map[List]int64
}

// WatchState is how the watching of a shop goes on.
type WatchState struct {
	Shop    string
	Watched bool          // false: only what jobs changed there is looked at
	Due     bool          // to be watched now; false while a node does
	Cursor  *Cursor       // nil: never watched
	Lag     time.Duration // since the moment up to which changes were seen
	Waiting int           // objects to be looked at
	Oldest  time.Duration // for how long the first of them has waited
	Trouble string        // why the last try ended early, "" when it did not
}

// Interest is which kinds of objects the enabled webhooks of a shop are about,
// and whether any of them may see personal data.
type Interest map[ObjectKind]bool

// FeedStore is the store as the feed uses it. What is written about a watch or
// a look is fenced: ErrFenced when another node has it now, and nothing was
// written.
type FeedStore interface {
	// Watches tells of every shop that was ever watched or is to be looked at.
	Watches(ctx context.Context) ([]WatchState, error)
	// AddWatch begins to watch a shop, first of all when due says. A shop that
	// is watched already stays as it is.
	AddWatch(ctx context.Context, shop string, due func(now time.Time) time.Time) error
	// ClaimWatch takes a shop that is due; ErrNotClaimable when it is not.
	// Every other call about the watch prolongs the lease.
	ClaimWatch(ctx context.Context, shop, node string, lease time.Duration) (Watch, error)
	// Notice asks for looks. What is known to bear the same mark, and what is
	// waiting to be looked at for it, is passed over. Nothing before since can
	// be news.
	Notice(ctx context.Context, w Watch, lease time.Duration, since time.Time, list []Notice) error
	// Learn keeps marks that are no news.
	Learn(ctx context.Context, w Watch, lease time.Duration, list []Notice) error
	// KeptPage gives what is kept of a page; false when nothing is.
	KeptPage(ctx context.Context, w Watch, list List, number int64) ([]Row, bool, error)
	// TurnPage keeps a page, asks for looks and goes on to the next place, at once.
	TurnPage(ctx context.Context, w Watch, lease time.Duration, since time.Time, p Page, next int64, list []Notice) error
	// Advance ends a round: the cursor moves, and the shop is due again when due says.
	Advance(ctx context.Context, w Watch, to Cursor, due func(now time.Time) time.Time) error
	// LeaveWatch ends a round that failed. The cursor stays.
	LeaveWatch(ctx context.Context, w Watch, due func(now time.Time) time.Time, trouble string) error

	// Interest tells what the webhooks of a shop want to hear of.
	Interest(ctx context.Context, shop string) (Interest, error)
	// DueLooks lists looks that could be claimed now, those that waited longest
	// first, leaving out some shops. An object that a job holds is not due until
	// it has waited for a minute.
	DueLooks(ctx context.Context, limit int, but ...string) ([]LookHead, error)
	// ClaimLook takes a look that is still due; ErrNotClaimable when it is not.
	ClaimLook(ctx context.Context, head LookHead, node string, lease time.Duration) (Look, error)
	// SettleLook ends a look: what is known is replaced and the news are written,
	// at once. A look that was asked for again meanwhile, or whose object a job
	// has taken, tells nothing and is due again.
	SettleLook(ctx context.Context, l Look, s Sighting) ([]Topic, error)
	// MissLook writes down that the shop has no such object. The first time the
	// look is due again after the pause; the second time the object is gone.
	MissLook(ctx context.Context, l Look, pause time.Duration) ([]Topic, error)
	// DropLook forgets an object that nobody wants to hear of.
	DropLook(ctx context.Context, l Look) error
	// PutOffLook ends a look that failed.
	PutOffLook(ctx context.Context, l Look, pause time.Duration) error
}

// LookHead is a look that is due.
type LookHead struct {
	Shop string
	Object
}
