package durability

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/store"
)

// node is the whole program in this process, on the wall clock and put together
// as cmd/bridge does: desk, queue, runner, worker.
type node struct {
	store  *store.Store
	queue  *queue.Queue
	shop   *prestashop.Shop
	desk   *bridge.Desk
	runner *queue.Runner
}

// nodeOptions are what tests change; zero values are ordinary.
type nodeOptions struct {
	database       string // default: an SQLite file of the test's own
	redis          string // default: the embedded one
	name           string
	log            *slog.Logger
	callTimeout    time.Duration
	attemptTimeout time.Duration
	settle         time.Duration
	maxAttempts    int
	workers        int
	breaker        prestashop.Breaker
	now            func() time.Time
	ledger         func(bridge.Ledger) bridge.Ledger
	work           func(func(context.Context, string) error) func(context.Context, string) error
}

// openShop makes a stand-in shop with a front.
func openShop(t testing.TB) *front {
	t.Helper()
	shop, err := sandbox.New(sandbox.Options{Key: shopKey})
	if err != nil {
		t.Fatal(err)
	}
	f := fronts.open(shop)
	t.Cleanup(func() {
		f.settle()
		fronts.shut(f)
	})
	return f
}

// openNode assembles a node; start lets its workers work.
func openNode(t testing.TB, f *front, o nodeOptions) *node {
	t.Helper()
	o = o.withDefaults(t)
	n := &node{}
	var err error
	if n.store, err = store.Open(t.Context(), o.database, store.Options{Now: o.now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.store.Close(); err != nil {
			t.Errorf("%s: the database was not closed cleanly: %v", o.name, err)
		}
	})
	if err := n.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.queue, err = queue.Open(t.Context(), o.redis, queue.Options{
		Node: o.name, Logger: o.log, Limits: map[bridge.RateClass]int{bridge.RateRead: 100000, bridge.RateWrite: 100000},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.queue.Close() }) // a Redis that was killed cannot be left politely
	n.shop, err = prestashop.New(prestashop.Options{
		URL: f.url(o.name), Key: shopKey, Timeout: o.callTimeout, SaleLag: -1, Book: book(), EmployeeID: 1, Logger: o.log, Breaker: o.breaker, Memory: n.store.Images(""),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.shop.Close)
	n.desk = &bridge.Desk{
		Intake: n.store, Jobs: n.store, Shops: bridge.OneShop(n.shop), Transport: n.queue, Replays: n.queue, Limiter: n.queue,
		Rules: book(), MaxAttempts: o.maxAttempts, Now: o.now, NewID: newID, Log: o.log,
	}
	worker := &bridge.Worker{
		Ledger: o.ledger(n.store), Shops: bridge.OneShop(n.shop), Node: o.name, Lease: lease,
		AttemptTimeout: o.attemptTimeout, Settle: o.settle, ParallelUnits: 4, Now: o.now, Log: o.log,
	}
	n.runner = queue.NewRunner(n.queue, queue.RunnerOptions{Work: o.work(worker.Run), Due: worker.Due, Workers: o.workers, DrainTimeout: time.Second})
	return n
}

func (o nodeOptions) withDefaults(t testing.TB) nodeOptions {
	if o.database == "" {
		o.database = "sqlite:" + filepath.Join(scratch(t), "bridge.db")
	}
	if o.name == "" {
		o.name = "node"
	}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	for field, usual := range map[*time.Duration]time.Duration{&o.callTimeout: patient, &o.attemptTimeout: 2 * time.Minute, &o.settle: time.Second} {
		if *field == 0 {
			*field = usual
		}
	}
	if o.maxAttempts == 0 {
		o.maxAttempts = 5
	}
	if o.workers == 0 {
		o.workers = 8
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.ledger == nil {
		o.ledger = func(l bridge.Ledger) bridge.Ledger { return l }
	}
	if o.work == nil {
		o.work = func(work func(context.Context, string) error) func(context.Context, string) error { return work }
	}
	return o
}

// start runs the workers until stop is called or the test ends.
func (n *node) start(t testing.TB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := n.runner.Run(ctx); err != nil {
			t.Errorf("runner: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return stop
}

// send asks the desk for a write under a request id.
func (n *node) send(ctx context.Context, operation, requestID, payload string) (bridge.Answer, error) {
	return n.desk.Do(ctx, writer, bridge.Request{Operation: operation, RequestID: requestID, Arguments: []byte(payload)})
}

// accept sends a write that must be accepted.
func (n *node) accept(t testing.TB, operation, payload string) string {
	t.Helper()
	answer, err := n.send(t.Context(), operation, uuid.NewString(), payload)
	if err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	return answer.Acceptance.JobID
}

func (n *node) job(t testing.TB, id string) bridge.Job {
	t.Helper()
	job, err := n.store.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// allEnd waits until each job has ended and gives them.
func (n *node) allEnd(t testing.TB, within time.Duration, ids ...string) []bridge.Job {
	t.Helper()
	var jobs []bridge.Job
	for _, id := range ids {
		var job bridge.Job
		await(t, within, fmt.Sprintf("the end of job %s", id), func() bool {
			job = n.job(t, id)
			return job.Status.Terminal()
		})
		jobs = append(jobs, job)
	}
	return jobs
}

func priceChange(product int, price string) string {
	return fmt.Sprintf(`{"product_id":%d,"updates":{"price_ht":%s}}`, product, price)
}
