package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
)

// clock is the time of a test: the store and the worker agree on it, and it
// moves only when told.
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

const (
	testLease  = 8 * time.Second
	testSettle = 5 * time.Second
)

// countingShop is a shop whose steps must not be repeated: each send adds one
// to its effect. faults say what goes wrong, by step and send number.
type countingShop struct {
	bridge.Shop
	steps   []string
	units   int
	effects map[string]int
	sends   map[string]int
	faults  map[string]fault // "step#send"
	killed  func(event string) bool
}

type fault int

const (
	fine fault = iota
	notReached
	appliedThenCut
	away
	refused
	unreadable // applied then cut, and the check cannot tell
	panics
)

var faultNames = map[fault]string{
	fine: "fine", notReached: "cut before the shop", appliedThenCut: "applied then cut", away: "shop away",
	refused: "refused", unreadable: "cannot know", panics: "panic",
}

var errKilled = errors.New("the worker was killed")

func (s *countingShop) Plan(context.Context, bridge.Job) (bridge.Plan, error) {
	plan := bridge.Plan{Result: func(o bridge.Outcome) any { return len(o.Units) }}
	for u := range s.units {
		unit := bridge.Unit{}
		if s.units > 1 {
			unit.Key = "items/" + strconv.Itoa(u)
		}
		for _, name := range s.steps {
			unit.Steps = append(unit.Steps, s.step(unit.Key, name))
		}
		plan.Units = append(plan.Units, unit)
	}
	return plan, nil
}

func (s *countingShop) step(unit, name string) bridge.Step {
	key := unit + name
	count := func() json.RawMessage { return json.RawMessage(strconv.Itoa(s.effects[key])) }
	return bridge.Step{
		Name: name,
		Baseline: func(context.Context, bridge.Journal) (bridge.Baseline, error) {
			if s.killed("baseline " + key) {
				return bridge.Baseline{}, errKilled
			}
			return bridge.Baseline{Target: "product:7", Data: count(), Before: count()}, nil
		},
		Send: func(context.Context, bridge.Baseline) (bridge.Effect, error) {
			if s.killed("send " + key) {
				return bridge.Effect{}, errKilled
			}
			s.sends[key]++
			switch s.faults[key+"#"+strconv.Itoa(s.sends[key])] {
			case notReached:
				return bridge.Effect{}, &bridge.ShopError{Fault: bridge.Unclear, Code: bridge.CodeShopUnavailable, Message: "cut"}
			case away:
				return bridge.Effect{}, &bridge.ShopError{Fault: bridge.Unreached, Code: bridge.CodeShopUnavailable, Message: "away"}
			case refused:
				return bridge.Effect{}, &bridge.ShopError{Fault: bridge.Refused, Code: bridge.CodeUnprocessable, Message: "no"}
			case appliedThenCut, unreadable:
				s.effects[key]++
				return bridge.Effect{}, &bridge.ShopError{Fault: bridge.Unclear, Code: bridge.CodeShopUnavailable, Message: "cut"}
			case panics:
				s.effects[key]++
				panic("a bug in a step")
			}
			s.effects[key]++
			if s.killed("sent " + key) {
				return bridge.Effect{}, errKilled
			}
			return bridge.Effect{After: count()}, nil
		},
		Check: func(_ context.Context, b bridge.Baseline) (bridge.Finding, error) {
			if s.killed("check " + key) {
				return bridge.Finding{}, errKilled
			}
			if s.faults[key+"#"+strconv.Itoa(s.sends[key])] == unreadable {
				return bridge.Finding{Verdict: bridge.CannotKnow, Reason: "someone else wrote"}, nil
			}
			if string(b.Data) != string(count()) {
				return bridge.Finding{Verdict: bridge.Applied, Effect: bridge.Effect{After: count()}}, nil
			}
			return bridge.Finding{Verdict: bridge.NotApplied}, nil
		},
	}
}

// mortalLedger is the real ledger in the hands of a process that may die: from
// the moment it is killed nothing gets through any more.
type mortalLedger struct {
	bridge.Ledger
	killed func(event string) bool
}

func (l mortalLedger) Journal(ctx context.Context, c bridge.Claim, e bridge.Entry) error {
	if l.killed("journal " + written(e.Steps)) {
		return errKilled
	}
	if err := l.Ledger.Journal(ctx, c, e); err != nil {
		return err
	}
	if l.killed("journalled " + written(e.Steps)) {
		return errKilled
	}
	return nil
}

// written names the steps of a write.
func written(steps []bridge.StepRecord) (names string) {
	for _, s := range steps {
		names += string(s.State) + " " + s.Unit + s.Name + " "
	}
	return names
}

func (l mortalLedger) Release(ctx context.Context, c bridge.Claim, r bridge.Release) error {
	if l.killed("release") {
		return errKilled
	}
	return l.Ledger.Release(ctx, c, r)
}

func (l mortalLedger) Finish(ctx context.Context, c bridge.Claim, e bridge.Ending) error {
	if l.killed("finish") {
		return errKilled
	}
	return l.Ledger.Finish(ctx, c, e)
}

// bench is one job on a real SQLite store, worked on by one worker after
// another.
type bench struct {
	store *store.Store
	clock *clock
	shop  *countingShop
	jobID string
	told  bridge.Observer // nil for none
}

func newBench(t *testing.T, shop *countingShop) *bench {
	t.Helper()
	b := &bench{clock: newClock(), shop: shop, jobID: uuid.Must(uuid.NewV7()).String()}
	db := openDatabase(t, store.Options{Now: b.clock.Now})
	b.store = db
	shop.effects, shop.sends = map[string]int{}, map[string]int{}
	if shop.units == 0 {
		shop.units = 1
	}
	job := bridge.Job{
		ID: b.jobID, Kind: bridge.OpUpdateProduct, ClientID: "test", RequestID: uuid.NewString(), Status: schemas.Accepted,
		Payload: json.RawMessage(`{"product_id":7,"updates":{"stock_delta":1}}`), Targets: []string{"product:7"}, MaxAttempts: 3, AcceptedAt: b.clock.Now(),
	}
	if _, err := db.Accept(t.Context(), job, "intention"); err != nil {
		t.Fatal(err)
	}
	return b
}

// run lets one worker have its turn; it is killed at the event with that
// number (0: never). The events it lived through come back.
func (b *bench) run(t *testing.T, killAt int) []string {
	t.Helper()
	var events []string
	dead := false
	killed := func(event string) bool {
		if !dead {
			events = append(events, event)
			dead = len(events) == killAt
		}
		return dead
	}
	b.shop.killed = killed
	worker := &bridge.Worker{
		Ledger: mortalLedger{b.store, killed}, Shops: bridge.OneShop(b.shop), Node: "test", Lease: testLease,
		AttemptTimeout: time.Minute, Settle: testSettle, MaxWait: 24 * time.Hour, Now: b.clock.Now, Log: slog.New(slog.DiscardHandler),
		Observe: b.told,
	}
	err := worker.Run(t.Context(), b.jobID)
	if err != nil && !errors.Is(err, errKilled) && !errors.Is(err, bridge.ErrNotClaimable) {
		t.Fatalf("worker: %v", err)
	}
	return events
}

// finish lets workers come by until the job has ended.
func (b *bench) finish(t *testing.T) bridge.Job {
	t.Helper()
	for range 40 {
		job, err := b.store.Job(t.Context(), b.jobID)
		if err != nil {
			t.Fatal(err)
		}
		if job.Status.Terminal() {
			return job
		}
		b.clock.advance(2 * testLease)
		b.run(t, 0)
	}
	t.Fatal("the job never ended")
	return bridge.Job{}
}

// TestOneEffectWhereverTheWorkerDies kills the worker at every event of a job,
// for every fault of the shop at every step, and counts effects afterwards.
func TestOneEffectWhereverTheWorkerDies(t *testing.T) {
	steps := []string{"price_seo", "stock"}
	for f := fine; f <= panics; f++ {
		for _, faulty := range steps {
			if f == fine && faulty != steps[0] {
				continue
			}
			faults := map[string]fault{faulty + "#1": f}
			if f == refused { // a shop that says no says it again
				faults[faulty+"#2"] = f
			}
			t.Run(fmt.Sprintf("%s at %s", faultNames[f], faulty), func(t *testing.T) {
				dry := newBench(t, &countingShop{steps: steps, faults: faults})
				events := len(dry.run(t, 0))
				for kill := 1; kill <= events; kill++ {
					b := newBench(t, &countingShop{steps: steps, faults: faults})
					seen := b.run(t, kill)
					job := b.finish(t)
					judge(t, b, job, f, faulty, "killed at "+seen[len(seen)-1])
				}
				judge(t, dry, dry.finish(t), f, faulty, "not killed")
			})
		}
	}
}

// judge checks the end of a job against the shop's counters: exactly one
// effect, or at most one where the job says that it cannot know.
func judge(t *testing.T, b *bench, job bridge.Job, f fault, faulty, when string) {
	t.Helper()
	want := schemas.Succeeded
	switch f {
	case refused:
		want = schemas.Failed
	case unreadable:
		want = schemas.NeedsReview
	}
	if job.Status != want {
		t.Errorf("%s: the job ended %s, want %s (steps %+v)", when, job.Status, want, job.Steps)
	}
	for _, step := range b.shop.steps {
		count := b.shop.effects[step]
		switch {
		case count > 1:
			t.Errorf("%s: %s had %d effects", when, step, count)
		case job.Status == schemas.Succeeded && count != 1:
			t.Errorf("%s: the job says succeeded, %s had %d effects", when, step, count)
		case f == refused && step == faulty && count != 0:
			t.Errorf("%s: %s was refused and has %d effects", when, step, count)
		}
	}
	if job.Status != schemas.Succeeded && job.Error == nil {
		t.Errorf("%s: the job ended %s without a word", when, job.Status)
	}
}

func TestUnclearCallIsNotSentAgainBeforeItHasSettled(t *testing.T) {
	b := newBench(t, &countingShop{steps: []string{"stock"}, faults: map[string]fault{"stock#1": notReached}})
	b.run(t, 0)
	b.clock.advance(testSettle - time.Millisecond)
	b.run(t, 0)
	if b.shop.sends["stock"] != 1 {
		t.Fatalf("sent again %v after the silence began; the shop may still be at it", testSettle)
	}
	b.clock.advance(time.Millisecond)
	b.run(t, 0)
	if job := b.finish(t); job.Status != schemas.Succeeded || b.shop.effects["stock"] != 1 {
		t.Fatalf("job %s, %d effects", job.Status, b.shop.effects["stock"])
	}
}

func TestCallThatNeverArrivesFailsInWords(t *testing.T) {
	faults := map[string]fault{}
	for n := range 10 {
		faults["stock#"+strconv.Itoa(n+1)] = notReached
	}
	b := newBench(t, &countingShop{steps: []string{"stock"}, faults: faults})
	job := b.finish(t)
	if job.Status != schemas.Failed || job.Error.Code != string(bridge.CodeAttemptsExhausted) {
		t.Fatalf("job %s %+v", job.Status, job.Error)
	}
	if b.shop.sends["stock"] != job.MaxAttempts {
		t.Errorf("sent %d times, want %d", b.shop.sends["stock"], job.MaxAttempts)
	}
}

func TestShopAwayUsesUpNoAttempt(t *testing.T) {
	faults := map[string]fault{}
	for n := range 10 {
		faults["stock#"+strconv.Itoa(n+1)] = away
	}
	b := newBench(t, &countingShop{steps: []string{"stock"}, faults: faults})
	job := b.finish(t)
	if job.Status != schemas.Succeeded {
		t.Fatalf("a shop that was away for longer than MaxAttempts ended the job %s: %+v", job.Status, job.Error)
	}
}

func TestShopAwayForGoodEndsTheJobInWords(t *testing.T) {
	faults := map[string]fault{}
	for n := range 40 {
		faults["stock#"+strconv.Itoa(n+1)] = away
	}
	b := newBench(t, &countingShop{steps: []string{"stock"}, faults: faults})
	b.run(t, 0)
	b.clock.advance(24 * time.Hour)
	if job := b.finish(t); job.Status != schemas.Failed || job.Error == nil || job.Error.Code != string(bridge.CodeAttemptsExhausted) {
		t.Fatalf("job %s, %+v", job.Status, job.Error)
	}
}

// A payload that an older version wrote is refused as a whole: one field of it
// is known here, the other is not.
func TestPayloadOfAnotherVersionIsNotHalfDone(t *testing.T) {
	b := newBench(t, &countingShop{steps: []string{"stock"}})
	job := bridge.Job{
		ID: uuid.Must(uuid.NewV7()).String(), Kind: bridge.OpUpdateProduct, ClientID: "test", RequestID: uuid.NewString(), Status: schemas.Accepted,
		Payload: json.RawMessage(`{"product_id":8,"updates":{"stock_delta":1,"colour":"red"}}`), Targets: []string{"product:8"}, MaxAttempts: 3, AcceptedAt: b.clock.Now(),
	}
	if _, err := b.store.Accept(t.Context(), job, "intention"); err != nil {
		t.Fatal(err)
	}
	b.jobID = job.ID
	ended := b.finish(t)
	if ended.Status != schemas.Failed || ended.Error.Code != string(bridge.CodeSchemaViolation) || len(b.shop.sends) != 0 {
		t.Errorf("job %s %+v, sends %v", ended.Status, ended.Error, b.shop.sends)
	}
}

func TestOneBadItemDoesNotStopTheOthers(t *testing.T) {
	b := newBench(t, &countingShop{steps: []string{"product", "stock"}, units: 4, faults: map[string]fault{"items/1product#1": refused}})
	job := b.finish(t)
	if job.Status != schemas.Failed {
		t.Fatalf("job %s", job.Status)
	}
	for unit, want := range map[string]int{"items/0": 1, "items/1": 0, "items/2": 1, "items/3": 1} {
		if got := b.shop.effects[unit+"stock"]; got != want {
			t.Errorf("%s: stock written %d times, want %d", unit, got, want)
		}
	}
	if job.Progress != (schemas.Progress{Done: 4, Total: 4}) {
		t.Errorf("progress %+v", job.Progress)
	}
}

func TestWorkerStoppedPastItsLeaseSendsNothing(t *testing.T) {
	b := newBench(t, &countingShop{steps: []string{"price_seo", "stock"}, faults: map[string]fault{}})
	paused := false
	b.shop.killed = func(event string) bool {
		if event == "baseline stock" && !paused {
			paused = true
			b.clock.advance(testLease + time.Second) // SIGSTOP ... SIGCONT
		}
		return false
	}
	worker := &bridge.Worker{
		Ledger: b.store, Shops: bridge.OneShop(b.shop), Node: "paused", Lease: testLease, AttemptTimeout: time.Minute, Settle: testSettle,
		MaxWait: 24 * time.Hour, Now: b.clock.Now, Log: slog.New(slog.DiscardHandler),
	}
	if err := worker.Run(t.Context(), b.jobID); err != nil {
		t.Fatal(err)
	}
	if b.shop.sends["stock"] != 0 {
		t.Fatal("a worker whose lease had run out sent a write")
	}
	if job := b.finish(t); job.Status != schemas.Succeeded || b.shop.effects["stock"] != 1 || b.shop.effects["price_seo"] != 1 {
		t.Fatalf("job %s, effects %v", job.Status, b.shop.effects)
	}
}
