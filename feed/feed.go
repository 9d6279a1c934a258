package feed

import (
	"context"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// Feed watches shops and looks at objects. All fields but Observe are required.
type Feed struct {
	Store bridge.FeedStore
	// Names are the shops there are, "" for that of the settings.
	Names func(ctx context.Context) ([]string, error)
	Shop  func(ctx context.Context, name string) (bridge.WatchedShop, error)
	Node  string // who holds a lease, for the database
	// Interval is the time from one round of a shop to its next. Zero watches
	// none: then only what jobs change is looked at.
	Interval time.Duration
	Log      *slog.Logger
	// Observe hears of each look that ended with something told or not; nil for
	// nobody.
	Observe func(kind bridge.ObjectKind, told []bridge.Topic)

	unseen sync.Map // shop and kind of which it was said that the key may not read it
}

// pollEvery is how often a node asks the database what is due.
const pollEvery = time.Second

// Run watches and looks until ctx ends, and returns when what was under way has
// been written down.
func (f *Feed) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	if f.Interval > 0 {
		running.Go(func() { f.poll(ctx, "watching", f.newWatcher().begin) })
	}
	f.poll(ctx, "looking", f.newLooker().begin)
	return ctx.Err()
}

// poll begins what is due, again and again, and waits for what is under way
// when ctx ends.
func (f *Feed) poll(ctx context.Context, what string, begin func(ctx context.Context, running *sync.WaitGroup) error) {
	var running sync.WaitGroup
	defer running.Wait()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := begin(ctx, &running); err != nil && ctx.Err() == nil {
			f.Log.WarnContext(ctx, "feed: trying again", "while", what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// turn gives a shop's next round. Each shop has its own moment within the
// interval, the same on every node, so that many of them spread over it.
func (f *Feed) turn(shop string) func(now time.Time) time.Time {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(shop)) // never fails
	offset := int64(hash.Sum64() % uint64(f.Interval))
	return func(now time.Time) time.Time {
		rounds := (now.UnixNano()-offset)/int64(f.Interval) + 1
		return time.Unix(0, rounds*int64(f.Interval)+offset).UTC()
	}
}

// busy counts what is under way by shop.
type busy struct {
	mu     sync.Mutex
	counts map[string]int
	total  int
}

// enter takes a place if there is one; leave gives it back.
func (b *busy) enter(shop string, most, mostOfShop int) (leave func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.total >= most || b.counts[shop] >= mostOfShop {
		return nil, false
	}
	if b.counts == nil {
		b.counts = map[string]int{}
	}
	b.counts[shop]++
	b.total++
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.total--
		if b.counts[shop]--; b.counts[shop] == 0 {
			delete(b.counts, shop)
		}
	}, true
}

// full are the shops that have no place left.
func (b *busy) full(mostOfShop int) (shops []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for shop, count := range b.counts {
		if count >= mostOfShop {
			shops = append(shops, shop)
		}
	}
	return shops
}
