package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
)

// plannedShop carries out a plan it is given.
type plannedShop struct {
	bridge.Shop
	units []bridge.Unit
}

func (s plannedShop) Plan(context.Context, bridge.Job) (bridge.Plan, error) {
	return bridge.Plan{Units: s.units, Result: func(o bridge.Outcome) any { return len(o.Units) }}, nil
}

// calls notes the calls of a plan: how many are under way at once, and whether
// two ever met on one target.
type calls struct {
	mu      sync.Mutex
	now     int
	most    int
	targets map[string]int
	met     []string
	order   []string
}

func (c *calls) begin(key, target string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now++
	c.most = max(c.most, c.now)
	c.order = append(c.order, key)
	if c.targets[target]++; c.targets[target] > 1 {
		c.met = append(c.met, target)
	}
}

func (c *calls) end(target string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now--
	c.targets[target]--
}

// items makes n units of one step each, whose call runs work.
func (c *calls) items(n int, target func(i int) string, work func(ctx context.Context, i int) error) []bridge.Unit {
	c.targets = map[string]int{}
	units := make([]bridge.Unit, n)
	for i := range n {
		key := "items/" + strconv.Itoa(i)
		units[i] = bridge.Unit{Key: key, Steps: []bridge.Step{{
			Name: "product",
			Baseline: func(context.Context, bridge.Journal) (bridge.Baseline, error) {
				return bridge.Baseline{Target: target(i)}, nil
			},
			Send: func(ctx context.Context, _ bridge.Baseline) (bridge.Effect, error) {
				c.begin(key, target(i))
				defer c.end(target(i))
				return bridge.Effect{}, work(ctx, i)
			},
			Check: func(context.Context, bridge.Baseline) (bridge.Finding, error) {
				return bridge.Finding{Verdict: bridge.Applied}, nil
			},
		}}}
	}
	return units
}

// importJob is an accepted job of 12 items in a store of its own, and a worker
// for it.
func importJob(t *testing.T, units []bridge.Unit, parallel int) (*store.Store, *bridge.Worker, string) {
	t.Helper()
	db := openDatabase(t, store.Options{})
	job := bridge.Job{
		ID: uuid.Must(uuid.NewV7()).String(), Kind: "rehearsal", ClientID: "test", RequestID: uuid.NewString(), Status: schemas.Accepted,
		Payload: json.RawMessage(`{}`), Targets: []string{"reference:shared"}, MaxAttempts: 3, AcceptedAt: time.Now(),
	}
	if _, err := db.Accept(t.Context(), job, "intention"); err != nil {
		t.Fatal(err)
	}
	worker := &bridge.Worker{
		Ledger: db, Shops: bridge.OneShop(plannedShop{units: units}), Node: "test", Lease: 8 * time.Second, AttemptTimeout: time.Minute,
		ParallelUnits: parallel, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	return db, worker, job.ID
}

func endOf(t *testing.T, db *store.Store, id string) bridge.Job {
	t.Helper()
	job, err := db.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// Each call waits until as many others are under way as there may be: with
// fewer at once the test would never end, with more it fails.
func TestItemsRunSideBySideUpToTheLimit(t *testing.T) {
	const parallel, n = 4, 12
	var c calls
	var mu sync.Mutex
	arrived, gate := 0, make(chan struct{})
	units := c.items(n, func(i int) string { return bridge.ProductTarget(int64(i + 1)) }, func(ctx context.Context, _ int) error {
		mu.Lock()
		arrived++
		mine := gate
		if arrived%parallel == 0 {
			close(gate)
			gate = make(chan struct{})
		}
		mu.Unlock()
		select {
		case <-mine:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	db, worker, id := importJob(t, units, parallel)
	if err := worker.Run(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	job := endOf(t, db, id)
	if job.Status != schemas.Succeeded || job.Progress != (schemas.Progress{Done: n, Total: n}) || c.most != parallel {
		t.Errorf("%s %+v, at most %d calls at once", job.Status, job.Progress, c.most)
	}
	seen := map[int]bool{}
	for _, step := range job.Steps {
		if seen[step.Seq] {
			t.Errorf("two steps have the number %d", step.Seq)
		}
		seen[step.Seq] = true
	}
}

func TestWithoutALimitItemsRunInOrder(t *testing.T) {
	var c calls
	units := c.items(6, func(i int) string { return bridge.ProductTarget(int64(i + 1)) }, func(context.Context, int) error { return nil })
	_, worker, id := importJob(t, units, 0)
	if err := worker.Run(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if c.most != 1 || !slices.IsSorted(c.order) {
		t.Errorf("%d at once, in the order %v", c.most, c.order)
	}
}

// Items may turn out to be one product, and a job's own locks would let both
// pass: one found by reading, or one the job has held since its claim.
func TestItemsOfOneProductNeverMeet(t *testing.T) {
	for name, target := range map[string]string{"found by reading": "product:7", "held since the claim": "reference:shared"} {
		t.Run(name, func(t *testing.T) {
			var c calls
			units := c.items(8, func(i int) string {
				if i%2 == 0 {
					return target
				}
				return bridge.ProductTarget(int64(100 + i))
			}, func(context.Context, int) error {
				for range 5000 { // long enough for the others to come by
					runtime.Gosched()
				}
				return nil
			})
			db, worker, id := importJob(t, units, 4)
			if err := worker.Run(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if job := endOf(t, db, id); job.Status != schemas.Succeeded || len(c.met) > 0 {
				t.Errorf("%s; two calls at once to %v", job.Status, c.met)
			}
		})
	}
}

// A target that is known beforehand is locked before it is read, so that it is
// read once.
func TestAKnownTargetIsReadOnceUnderItsLock(t *testing.T) {
	const target = "product:7"
	var c calls
	units := c.items(1, func(int) string { return target }, func(context.Context, int) error { return nil })
	db, worker, id := importJob(t, units, 1)
	other := bridge.Job{
		ID: uuid.Must(uuid.NewV7()).String(), Kind: "rehearsal", ClientID: "test", RequestID: uuid.NewString(), Status: schemas.Accepted,
		Payload: json.RawMessage(`{}`), Targets: []string{"reference:other"}, MaxAttempts: 3, AcceptedAt: time.Now(),
	}
	if _, err := db.Accept(t.Context(), other, "intention"); err != nil {
		t.Fatal(err)
	}
	rival, err := db.Claim(t.Context(), other.ID, "rival", 8*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	reads := 0
	step := &units[0].Steps[0]
	step.Target = func(bridge.Journal) string { return target }
	step.Baseline = func(ctx context.Context, _ bridge.Journal) (bridge.Baseline, error) {
		reads++
		if free, err := db.LockTarget(ctx, rival, target); free || err != nil {
			t.Errorf("read while others could take it: %v, %v", free, err)
		}
		return bridge.Baseline{Target: target}, nil
	}
	if err := worker.Run(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if job := endOf(t, db, id); job.Status != schemas.Succeeded || reads != 1 {
		t.Errorf("%s after %d reads", job.Status, reads)
	}
}

// A shop that goes away stops the items that have not begun; those under way
// still journal their answer.
func TestAShopGoneAwayStopsTheOtherItems(t *testing.T) {
	var c calls
	units := c.items(12, func(i int) string { return bridge.ProductTarget(int64(i + 1)) }, func(_ context.Context, i int) error {
		if i < 2 {
			return nil
		}
		return &bridge.ShopError{Fault: bridge.Unreached, Code: bridge.CodeShopUnavailable, Message: "away"}
	})
	db, worker, id := importJob(t, units, 2)
	if err := worker.Run(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	job := endOf(t, db, id)
	if job.Status != schemas.Retrying || job.Attempts != 0 && job.Progress.Done == 0 || len(c.order) > 5 {
		t.Errorf("%s after %d attempts, %+v; calls: %v", job.Status, job.Attempts, job.Progress, c.order)
	}
	applied := 0
	for _, step := range job.Steps {
		if step.State == bridge.StepApplied {
			applied++
		}
	}
	if applied != 2 {
		t.Errorf("%d steps journalled as applied", applied)
	}
}

// brokenLedger refuses the journal of one item.
type brokenLedger struct {
	bridge.Ledger
	unit string
}

var errDisk = errors.New("disk full")

func (l brokenLedger) Journal(ctx context.Context, c bridge.Claim, e bridge.Entry) error {
	if slices.ContainsFunc(e.Steps, func(s bridge.StepRecord) bool { return s.Unit == l.unit && s.State == bridge.StepApplied }) {
		return errDisk
	}
	return l.Ledger.Journal(ctx, c, e)
}

// A ledger that fails for one item must not cut the calls of the others: their
// outcome would become unclear.
func TestAFaultOfTheLedgerLetsRunningCallsEnd(t *testing.T) {
	var c calls
	both := make(chan struct{})
	failed := make(chan struct{})
	units := c.items(2, func(i int) string { return bridge.ProductTarget(int64(i + 1)) }, func(ctx context.Context, i int) error {
		if i == 0 {
			<-both
			close(failed)
			return nil
		}
		close(both)
		<-failed
		return ctx.Err()
	})
	db, worker, id := importJob(t, units, 2)
	worker.Ledger = brokenLedger{db, "items/0"}
	if err := worker.Run(t.Context(), id); !errors.Is(err, errDisk) {
		t.Fatalf("got %v", err)
	}
	rec, found := bridge.Journal(endOf(t, db, id).Steps).Find("items/1", "product")
	if !found || rec.State != bridge.StepApplied {
		t.Errorf("the other item: %+v", rec)
	}
}
