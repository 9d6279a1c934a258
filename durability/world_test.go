package durability

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/store"
)

const (
	shopKey = "DURABILITYDURABILITYDURABILITY01"
	lease   = 8 * time.Second // as cmd/bridge has it
	settle  = 5 * time.Second // the default of SHOP_SETTLE_SECONDS
	// patient is a call's timeout where no answer is late: long enough for a
	// busy test machine.
	patient = 30 * time.Second
)

var writer = bridge.Actor{ClientID: "client", Scopes: []string{auth.ScopeRead, auth.ScopeWrite}}

// clock is the time of a case: store and workers agree on it, and it moves only
// when told, so leases and pauses end without anybody waiting.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 21, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is one case: a shop of its own with a front, a database of its own, and
// the clock of both.
type world struct {
	store *store.Store
	file  string // of the database
	clock *clock
	shop  *sandbox.Shop
	front *front
	log   *slog.Logger
	// callTimeout is the shop client's.
	callTimeout time.Duration
	// saleLag is the shop client's; negative for none, as the stand-in shop
	// takes goods and writes order lines in one go.
	saleLag     time.Duration
	settle      time.Duration
	maxAttempts int
	parallel    int // items of a batch at once
	turns       int
}

// newWorld opens a case; closeWorld is not t.Cleanup, because a table has
// thousands.
func newWorld(t testing.TB, data *databases) (w *world, closeWorld func()) {
	t.Helper()
	db := data.take(t)
	w = &world{store: db.store, file: db.file, clock: db.clock, callTimeout: patient, saleLag: -1, settle: settle, maxAttempts: 5, log: slog.New(slog.DiscardHandler)}
	var err error
	if w.shop, err = sandbox.New(sandbox.Options{Key: shopKey}); err != nil {
		t.Fatal(err)
	}
	w.front = fronts.open(w.shop)
	return w, func() {
		w.front.settle()
		fronts.shut(w.front)
		data.giveBack(db)
	}
}

// client is the shop client of one worker process.
func (w *world) client(t testing.TB, caller string) *prestashop.Shop {
	t.Helper()
	shop, err := prestashop.New(prestashop.Options{
		URL: w.front.url(caller), Key: shopKey, Timeout: w.callTimeout, SaleLag: w.saleLag, Book: book(), EmployeeID: 1,
		// Worlds share a database, and their shops give the same ids to different
		// things.
		Memory: w.store.Images(w.front.name),
	})
	if err != nil {
		t.Fatal(err)
	}
	return shop
}

func book() policies.Book {
	return policies.Book{MaxPayloadBytes: 10 << 20, AllowedHosts: []string{fronts.host}}
}

// desk is what the doors call. Its queue is a stub; redis_test.go has the real
// one.
func (w *world) desk(shop bridge.Shop) *bridge.Desk {
	return &bridge.Desk{
		Intake: w.store, Jobs: w.store, Shops: bridge.OneShop(shop), Transport: noQueue{}, Replays: noQueue{}, Limiter: noQueue{},
		Rules: book(), MaxAttempts: w.maxAttempts, Now: w.clock.Now, NewID: newID, Log: w.log,
	}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// noQueue is a transport that loses everything, which the contract allows.
type noQueue struct{}

func (noQueue) Announce(context.Context, string) error { return nil }

func (noQueue) Recall(context.Context, string, string) (*bridge.Replay, error) { return nil, nil }

func (noQueue) Remember(context.Context, string, string, bridge.Replay) error { return nil }

func (noQueue) Take(context.Context, bridge.Actor, bridge.RateClass) (bridge.RateWindow, error) {
	return bridge.RateWindow{Allowed: true}, nil
}

// accept sends a write through the desk and gives its job's id.
func (w *world) accept(t testing.TB, operation, payload string) string {
	t.Helper()
	shop := w.client(t, "door")
	defer shop.Close()
	answer, err := w.desk(shop).Do(t.Context(), writer, bridge.Request{Operation: operation, RequestID: uuid.NewString(), Arguments: []byte(payload)})
	if err != nil {
		t.Fatalf("%s %s: %v", operation, payload, err)
	}
	return answer.Acceptance.JobID
}

func (w *world) job(t testing.TB, id string) bridge.Job {
	t.Helper()
	job, err := w.store.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

var errKilled = errors.New("the worker was killed")

// turn lets one fresh worker process have a go at the job. killed decides at
// each event whether the process dies there; nothing it does later gets
// through. It reports whether the process died.
func (w *world) turn(t testing.TB, jobID string, killed func(event string) bool) (died bool) {
	t.Helper()
	life := &life{decide: killed}
	w.live(t.Context(), t, jobID, life)
	return life.over()
}

// live is a worker process from its start to its end.
func (w *world) live(ctx context.Context, t testing.TB, jobID string, life *life) {
	t.Helper()
	w.turns++
	name := "worker" + strconv.Itoa(w.turns)
	w.front.caller(name).killed = life.dies
	shop := w.client(t, name)
	defer shop.Close()
	worker := w.worker(mortalLedger{w.store, life}, shop, name)
	err := worker.Run(ctx, jobID)
	if err != nil && !errors.Is(err, errKilled) && !errors.Is(err, bridge.ErrNotClaimable) {
		t.Errorf("%s: %v", name, err)
	}
}

func (w *world) worker(ledger bridge.Ledger, shop bridge.Shop, name string) *bridge.Worker {
	return &bridge.Worker{
		Ledger: ledger, Shops: bridge.OneShop(shop), Node: name, Lease: lease, AttemptTimeout: 2 * time.Minute, Settle: w.settle,
		ParallelUnits: w.parallel, Now: w.clock.Now, Log: w.log,
	}
}

// maxTurns is far beyond what any case needs; a job that is not done by then
// never will be.
const maxTurns = 60

// finish lets workers come by until the job has ended. betweenTurns hears of
// each turn's end, from 1, before the clock moves.
func (w *world) finish(t testing.TB, jobID string, killed func(string) bool, betweenTurns func(turn int)) bridge.Job {
	t.Helper()
	for turn := 1; turn <= maxTurns; turn++ {
		w.turn(t, jobID, killed)
		if betweenTurns != nil {
			betweenTurns(turn)
		}
		if job := w.job(t, jobID); job.Status.Terminal() {
			return job
		}
		w.clock.advance(2 * lease) // past the lease of a dead worker and past settle
	}
	job := w.job(t, jobID)
	t.Errorf("the job never ended: %s", story(job))
	return job
}

// life is one worker process. Its ledger and its calls ask it whether they
// still get through.
type life struct {
	decide func(event string) bool // nil: never dies

	mu    sync.Mutex
	dead  bool
	claim bridge.Claim // its latest
}

// kill ends the process wherever it is.
func (l *life) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

// dies tells of an event and reports whether the process is dead by now. The
// empty event only asks.
func (l *life) dies(event string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dead && event != "" && l.decide != nil {
		l.dead = l.decide(event)
	}
	return l.dead
}

func (l *life) over() bool { return l.dies("") }
