package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// somebodyWorks makes one change of each kind and gives what is to be told of
// them.
func (r *rig) somebodyWorks() []string {
	r.Helper()
	r.must(r.EditProduct(1, sandbox.ProductEdit{Price: new("8.00")}))
	r.must(r.SetStock(2, 0, 1))
	r.must(r.AddProduct(product(40)))
	r.must(r.DeleteProduct(9))
	_, err := r.AddHistory(1, paid, 1)
	r.must(err)
	r.must(r.Configure("PS_SHOP_NAME", "Other Moon"))
	return []string{
		"products/update product:1", "products/update product:2", "products/create product:40", "products/delete product:9",
		"orders/update order:1", "orders/paid order:1", "shop/update shop:1",
	}
}

// Whatever the shop answers while it is ill, nothing is told that did not
// happen, and everything that did is told when it is well again.
func TestShopIsIll(t *testing.T) {
	list := func(q sandbox.Request) bool { return strings.Count(strings.Trim(q.Path, "/"), "/") == 1 }
	one := func(q sandbox.Request) bool { return strings.Count(strings.Trim(q.Path, "/"), "/") == 2 }
	for name, fault := range map[string]sandbox.Fault{
		"away":                     {Act: sandbox.Down()},
		"never reached":            {Act: sandbox.NotReached()},
		"cut off":                  {Act: sandbox.ApplyThenTruncate()},
		"a page of its host":       {Act: sandbox.Garbage()},
		"failing":                  {Act: sandbox.Status(http.StatusInternalServerError)},
		"off":                      {Act: sandbox.Refuse(http.StatusServiceUnavailable, 22)},
		"lists fail":               {Match: list, Act: sandbox.Status(http.StatusInternalServerError)},
		"lists end early":          {Match: list, Act: sandbox.ApplyThenTruncate()},
		"objects fail":             {Match: one, Act: sandbox.Status(http.StatusInternalServerError)},
		"objects are not found":    {Match: one, Act: sandbox.Status(http.StatusNotFound)},
		"the key is disabled":      {Act: sandbox.Refuse(http.StatusUnauthorized, 21)},
		"every other call is lost": {Match: everySecond(), Act: sandbox.NotReached()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := watched(t, topicsOfFeed...)
			heal := r.Inject(fault)
			r.rounds(2)
			want := r.somebodyWorks()
			r.rounds(10)
			for _, event := range r.told() {
				if !slices.Contains(want, event) {
					t.Errorf("%s was told while the shop was ill", event)
				}
			}
			heal()
			r.rounds(12)
			r.want(want...)
			if state := r.state(); state.Waiting != 0 || state.Trouble != "" {
				t.Errorf("it is left as %+v", state)
			}
		})
	}
}

func everySecond() func(sandbox.Request) bool {
	var n atomic.Int64
	return func(sandbox.Request) bool { return n.Add(1)%2 == 0 }
}

// An illness is seen by the operator.
func TestTroubleIsShown(t *testing.T) {
	r := watched(t, "products/update")
	heal := r.Inject(sandbox.Fault{Act: sandbox.Status(http.StatusInternalServerError)})
	r.rounds(5)
	if state := r.state(); !strings.Contains(state.Trouble, "500") || state.Lag < 4*interval {
		t.Errorf("the state is %+v", state)
	}
	heal()
	r.rounds(2)
	if state := r.state(); state.Trouble != "" || state.Lag > interval {
		t.Errorf("afterwards it is %+v", state)
	}
}

// lyingShop answers as it is told to instead of as it is.
type lyingShop struct {
	bridge.WatchedShop
	pages  func([]bridge.Row) []bridge.Row
	absent bool // Sight finds nothing
	lists  bool // and its list agrees
}

func (l *lyingShop) Page(ctx context.Context, list bridge.List, first, last int64) ([]bridge.Row, error) {
	rows, err := l.WatchedShop.Page(ctx, list, first, last)
	return l.pages(rows), err
}

func (l *lyingShop) Sight(ctx context.Context, o bridge.Object, private bool) (bridge.Sighting, error) {
	if l.absent {
		return bridge.Sighting{}, &bridge.ShopError{Fault: bridge.NotFound, Code: bridge.CodeNotFound}
	}
	return l.WatchedShop.Sight(ctx, o, private)
}

func (l *lyingShop) Lists(ctx context.Context, o bridge.Object) (bool, error) {
	if l.lists {
		return false, nil
	}
	return l.WatchedShop.Lists(ctx, o)
}

// Lists that are empty or too short take nothing from anybody: each product is
// asked for twice more, in two ways. Even a shop that lies all along loses no
// more than a few products a round.
func TestShopLosesItsCatalogue(t *testing.T) {
	catalogue := sandbox.DemoCatalogue()
	for id := 100; id < 700; id++ {
		catalogue.Products = append(catalogue.Products, product(id))
	}
	for name, lie := range map[string]lyingShop{
		"empty lists":                   {pages: func([]bridge.Row) []bridge.Row { return nil }},
		"half a list":                   {pages: func(rows []bridge.Row) []bridge.Row { return rows[:len(rows)/2] }},
		"and objects are not found":     {pages: func([]bridge.Row) []bridge.Row { return nil }, absent: true},
		"and no list shows one of them": {pages: func([]bridge.Row) []bridge.Row { return nil }, absent: true, lists: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, sandbox.Options{Catalogue: catalogue})
			r.subscribe(false, "products/delete", "products/update")
			r.advance(24 * time.Hour)
			r.rounds(3)
			honest := r.node.Shop
			r.node.Shop = func(ctx context.Context, name string) (bridge.WatchedShop, error) {
				lie := lie
				shop, err := honest(ctx, name)
				lie.WatchedShop = shop
				return &lie, err
			}
			const rounds = 6
			r.rounds(rounds)
			lost := len(r.told())
			if most := map[bool]int{true: rounds * maxGone, false: 0}[lie.lists]; lost > most {
				t.Errorf("%d products were told to be gone, at most %d may be", lost, most)
			}
			r.node.Shop = honest
			r.rounds(12)
			if len(r.told()) > 2*lost {
				t.Errorf("afterwards %d events were told", len(r.told())-lost)
			}
		})
	}
}

// mortal is the store of a process that is killed around its nth call: before
// the database did it, or after, and then no call of it arrives any more.
type mortal struct {
	bridge.FeedStore
	calls atomic.Int64
	last  int64
	after bool // the last call is done, and nobody hears of it
}

var errKilled = errors.New("the process is gone")

// lives says whether a call is done, and whether its caller hears of it.
func (m *mortal) lives() (done, heard bool) {
	n := m.calls.Add(1)
	return n < m.last || n == m.last && m.after, n < m.last
}

func through[T any](m *mortal, call func() (T, error)) (none T, _ error) {
	done, heard := m.lives()
	if !done {
		return none, errKilled
	}
	value, err := call()
	if !heard {
		return none, errKilled
	}
	return value, err
}

func done(m *mortal, call func() error) error {
	_, err := through(m, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (m *mortal) ClaimWatch(ctx context.Context, shop, node string, lease time.Duration) (bridge.Watch, error) {
	return through(m, func() (bridge.Watch, error) { return m.FeedStore.ClaimWatch(ctx, shop, node, lease) })
}

func (m *mortal) Notice(ctx context.Context, w bridge.Watch, lease time.Duration, since time.Time, list []bridge.Notice) error {
	return done(m, func() error { return m.FeedStore.Notice(ctx, w, lease, since, list) })
}

func (m *mortal) TurnPage(ctx context.Context, w bridge.Watch, lease time.Duration, since time.Time, p bridge.Page, next int64, list []bridge.Notice) error {
	return done(m, func() error { return m.FeedStore.TurnPage(ctx, w, lease, since, p, next, list) })
}

func (m *mortal) Advance(ctx context.Context, w bridge.Watch, to bridge.Cursor, due func(time.Time) time.Time) error {
	return done(m, func() error { return m.FeedStore.Advance(ctx, w, to, due) })
}

func (m *mortal) LeaveWatch(ctx context.Context, w bridge.Watch, due func(time.Time) time.Time, trouble string) error {
	return done(m, func() error { return m.FeedStore.LeaveWatch(ctx, w, due, trouble) })
}

func (m *mortal) ClaimLook(ctx context.Context, head bridge.LookHead, node string, lease time.Duration) (bridge.Look, error) {
	return through(m, func() (bridge.Look, error) { return m.FeedStore.ClaimLook(ctx, head, node, lease) })
}

func (m *mortal) SettleLook(ctx context.Context, l bridge.Look, s bridge.Sighting) ([]bridge.Topic, error) {
	return through(m, func() ([]bridge.Topic, error) { return m.FeedStore.SettleLook(ctx, l, s) })
}

func (m *mortal) MissLook(ctx context.Context, l bridge.Look, pause time.Duration) ([]bridge.Topic, error) {
	return through(m, func() ([]bridge.Topic, error) { return m.FeedStore.MissLook(ctx, l, pause) })
}

func (m *mortal) PutOffLook(ctx context.Context, l bridge.Look, pause time.Duration) error {
	return done(m, func() error { return m.FeedStore.PutOffLook(ctx, l, pause) })
}

// A node is killed around each of its calls to the database in turn. Another
// goes on, and everything is told exactly once.
func TestKilledAnywhere(t *testing.T) {
	const calls = 40 // more than a node makes here
	for last := int64(1); last <= calls; last += 3 {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/%v", last, after), func(t *testing.T) {
				t.Parallel()
				r := watched(t, topicsOfFeed...)
				want := r.somebodyWorks()
				heir := r.node
				doomed := r.newNode("doomed", sandboxKey)
				doomed.Store = &mortal{FeedStore: r.db, last: last, after: after}
				r.node = doomed
				r.rounds(3)
				r.node = heir
				r.rounds(8)
				r.want(want...)
			})
		}
	}
}

// Several nodes at once do no more than one.
func TestManyNodes(t *testing.T) {
	r := watched(t, topicsOfFeed...)
	var nodes []*Feed
	for i := range 4 {
		nodes = append(nodes, r.newNode(fmt.Sprint("node-", i), sandboxKey))
	}
	want := r.somebodyWorks()
	for range 60 {
		r.advance(interval / 12)
		var all sync.WaitGroup
		for _, node := range nodes {
			all.Go(func() { r.once(node) })
		}
		all.Wait()
	}
	r.want(want...)
	if n := r.reads("products"); n > 8 {
		t.Errorf("%d readings of four products", n)
	}
}

// The loops themselves: what is due is done without anybody's call, and
// nothing goes on after the end.
func TestRun(t *testing.T) {
	r := watched(t, "products/update")
	ended := make(chan []bridge.Topic, 8)
	r.node.Observe = func(_ bridge.ObjectKind, told []bridge.Topic) { ended <- told }
	r.node.Log = slog.New(slog.DiscardHandler)
	r.must(r.EditProduct(7, sandbox.ProductEdit{Price: new("25.00")}))
	r.advance(interval)
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan error)
	go func() { over <- r.node.Run(ctx) }()
	for len(r.deliveries()) == 0 {
		select {
		case <-ended:
		case <-time.After(time.Millisecond):
			r.advance(time.Second)
		case <-t.Context().Done():
			t.Fatal("nothing was told")
		}
	}
	stop()
	if err := <-over; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	r.want("products/update product:7")
}
