package feed

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/store"
	"github.com/prestashop-bridge/bridge/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	sandboxKey = "SANDBOXKEY0000000000000000000032"
	interval   = time.Minute
)

// rig is a stand-in shop, a database and nodes of the feed on both. Its clocks
// stand still but for advance; the shop's may differ from ours.
type rig struct {
	*testing.T
	*sandbox.Shop
	address string
	db      *store.Store
	clock   atomic.Int64 // ours, Unix nanoseconds
	skew    atomic.Int64 // the shop's clock less ours
	node    *Feed
}

// someDay is a winter day after all of the demo's: the shop's zone is an hour
// ahead.
var someDay = time.Date(2026, 12, 2, 12, 0, 0, 0, time.UTC)

func newRig(t *testing.T, o sandbox.Options) *rig {
	t.Helper()
	r := &rig{T: t}
	r.clock.Store(someDay.UnixNano())
	o.Key, o.Now = sandboxKey, func() time.Time { return r.now().Add(time.Duration(r.skew.Load())) }
	var err error
	if r.Shop, err = sandbox.New(o); err != nil {
		t.Fatal(err)
	}
	address, stop, err := r.Shop.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	r.address = address
	file := filepath.Join(t.TempDir(), "bridge.db")
	empty, err := storetest.Empty()
	if err == nil {
		err = os.WriteFile(file, empty, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r.db, err = store.Open(t.Context(), "sqlite:"+file, store.Options{Now: r.now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.db.Close() })
	r.node = r.newNode("node", sandboxKey)
	return r
}

func (r *rig) now() time.Time { return time.Unix(0, r.clock.Load()) }

func (r *rig) advance(d time.Duration) { r.clock.Add(int64(d)) }

// newNode is one more process: caches and connections of its own.
func (r *rig) newNode(name, key string) *Feed {
	r.Helper()
	o := prestashop.Options{URL: r.address, Key: key, SaleLag: -1}
	o.Breaker.Failures = 1000 // these tests break things on purpose
	shop, err := prestashop.New(o)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(shop.Close)
	return &Feed{
		Store: r.db, Node: name, Interval: interval, Log: slog.New(slog.DiscardHandler),
		Names: func(context.Context) ([]string, error) { return []string{""}, nil },
		Shop:  func(context.Context, string) (bridge.WatchedShop, error) { return shop, nil },
	}
}

var topicsOfFeed = func() (list []bridge.Topic) {
	for _, row := range bridge.Topics {
		if row.Source == bridge.FromFeed {
			list = append(list, row.Topic)
		}
	}
	return list
}()

// subscribe registers a webhook for each topic.
func (r *rig) subscribe(pii bool, topics ...bridge.Topic) {
	r.Helper()
	for _, topic := range topics {
		w := bridge.Webhook{ClientID: "client", Topic: topic, Address: "https://receiver.example", ContentType: bridge.ContentJSON, PII: pii, CreatedAt: r.now(), UpdatedAt: r.now()}
		if _, _, err := r.db.AddWebhook(r.Context(), w); err != nil {
			r.Fatal(err)
		}
	}
}

// once runs one poll of a node to its end: the rounds that are due, then the
// looks.
func (r *rig) once(f *Feed) {
	r.Helper()
	parts := []part{newLooker(f)}
	if f.Interval > 0 {
		parts = []part{newWatcher(f), newLooker(f)}
	}
	for _, p := range parts {
		for more := true; more; {
			if err := p.begin(r.Context()); err != nil {
				r.Log(err)
			}
			p.places().Wait()
			select {
			case <-p.places().freed():
			default:
				more = false // nothing was begun
			}
		}
	}
}

// rounds lets n turns of the shop pass. Looks come due between them.
func (r *rig) rounds(n int) {
	r.Helper()
	for range n {
		for range 6 {
			r.advance(interval / 6)
			r.once(r.node)
		}
	}
}

// watched is a rig whose first round is behind it, with every list kept.
func watched(t *testing.T, topics ...bridge.Topic) *rig {
	t.Helper()
	r := newRig(t, sandbox.Options{})
	r.subscribe(true, topics...)
	r.advance(24 * time.Hour)
	r.rounds(3)
	r.want()
	return r
}

// told gives the topics and objects of the events so far, oldest first.
func (r *rig) told() (list []string) {
	r.Helper()
	for _, d := range r.deliveries() {
		list = append(list, string(d.Event.Topic)+" "+d.Event.Object)
	}
	return list
}

func (r *rig) deliveries() []bridge.Delivery {
	r.Helper()
	list, err := r.db.Deliveries(r.Context(), bridge.DeliveryQuery{Limit: 100000})
	if err != nil {
		r.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// want fails unless exactly these events were told, in any order of objects.
func (r *rig) want(events ...string) {
	r.Helper()
	got := r.told()
	slices.Sort(got)
	slices.Sort(events)
	if !slices.Equal(got, events) {
		r.Fatalf("told %q\nwant %q", got, events)
	}
}

// state is how the watching goes on.
func (r *rig) state() bridge.WatchState {
	r.Helper()
	list, err := r.db.Watches(r.Context())
	if err != nil || len(list) != 1 {
		r.Fatalf("Watches: %+v, %v", list, err)
	}
	return list[0]
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// reads counts the shop's answers to requests for one object.
func (r *rig) reads(resource string) int {
	n := 0
	for _, q := range r.Effects().Requests {
		if q.Method == http.MethodGet && strings.HasPrefix(q.Path, "/api/"+resource+"/") {
			n++
		}
	}
	return n
}

func product(n int) sandbox.Item {
	return sandbox.Item{ID: n, Reference: fmt.Sprintf("REF-%d", n), Name: sandbox.Texts{1: "Thing", 2: "Chose"}, Price: "10.00", Shelf: 3, Quantity: 5}
}
