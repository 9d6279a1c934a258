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
	var both sync.WaitGroup
	defer both.Wait()
	if f.Interval > 0 {
		both.Go(func() { f.poll(ctx, "watching", newWatcher(f)) })
	}
	f.poll(ctx, "looking", newLooker(f))
	return ctx.Err()
}

// part is one half of the feed: begin starts what is due, each in a goroutine
// that holds a place meanwhile.
type part interface {
	begin(ctx context.Context) error
	places() *places
}

// poll begins what is due, again and again, and waits for what is under way
// when ctx ends.
func (f *Feed) poll(ctx context.Context, what string, p part) {
	defer p.places().Wait()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := p.begin(ctx); err != nil && ctx.Err() == nil {
			f.Log.WarnContext(ctx, "feed: trying again", "while", what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-p.places().freed():
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

// places bound what is under way, by shop and in all.
type places struct {
	sync.WaitGroup
	most, mostOfShop int

	mu     sync.Mutex
	taken  map[string]int
	total  int
	signal chan struct{} // has room for one
}

func newPlaces(most, mostOfShop int) *places {
	return &places{most: most, mostOfShop: mostOfShop, taken: map[string]int{}, signal: make(chan struct{}, 1)}
}

// take gives a place if there is one; leave gives it back, and so does use at
// its end.
func (p *places) take(shop string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.total >= p.most || p.taken[shop] >= p.mostOfShop {
		return false
	}
	p.taken[shop]++
	p.total++
	return true
}

func (p *places) leave(shop string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total--
	if p.taken[shop]--; p.taken[shop] == 0 {
		delete(p.taken, shop)
	}
}

// use runs work on a place that was taken.
func (p *places) use(shop string, work func() (done bool)) {
	p.Go(func() {
		done := work()
		p.leave(shop)
		if !done {
			return
		}
		select {
		case p.signal <- struct{}{}:
		default:
		}
	})
}

// freed receives when work was done. What failed is no reason to try again at
// once.
func (p *places) freed() <-chan struct{} { return p.signal }

// full are the shops that have no place left.
func (p *places) full() (shops []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for shop, count := range p.taken {
		if count >= p.mostOfShop {
			shops = append(shops, shop)
		}
	}
	return shops
}
