package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
)

// hangingShop keeps every job until it is let go.
type hangingShop struct {
	bridge.Shop
	came  chan string // the shop of each job that begins
	leave chan struct{}
}

func (s hangingShop) Plan(ctx context.Context, job bridge.Job) (bridge.Plan, error) {
	s.came <- job.Shop
	<-s.leave
	return bridge.Plan{}, bridge.Fault(bridge.CodeUnprocessable, nil, "no")
}

// crowd is a store with jobs of several shops and a worker of one process.
type crowd struct {
	*store.Store
	worker *bridge.Worker
	shop   hangingShop
	freed  atomic.Int64
	busy   sync.WaitGroup
}

func newCrowd(t *testing.T, workers int, several bool) *crowd {
	t.Helper()
	c := &crowd{Store: openDatabase(t, store.Options{}), shop: hangingShop{came: make(chan string), leave: make(chan struct{})}}
	c.worker = &bridge.Worker{
		Ledger: c.Store, Shops: anyName{c.shop}, Node: "test", Lease: testLease, AttemptTimeout: time.Minute,
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Slots: &bridge.Slots{Workers: workers, Freed: func() { c.freed.Add(1) }, Several: func(context.Context) (bool, error) { return several, nil }},
	}
	return c
}

// anyName gives one shop for all names.
type anyName struct{ shop bridge.Shop }

func (a anyName) Shop(context.Context, string) (bridge.Shop, error) { return a.shop, nil }

// accepted is a new job of a shop.
func (c *crowd) accepted(t *testing.T, shop string) string {
	t.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	if _, err := c.Accept(t.Context(), bridge.Job{
		ID: id, Kind: bridge.OpUpdateProduct, ClientID: "test", Shop: shop, RequestID: uuid.NewString(), Status: schemas.Accepted,
		Payload: json.RawMessage(`{"product_id":7,"updates":{"stock_delta":1}}`), MaxAttempts: 3, AcceptedAt: time.Now(),
	}, "intention"); err != nil {
		t.Fatal(err)
	}
	return id
}

// begin lets a worker have a new job of the shop, and reports whether it is at
// work on it.
func (c *crowd) begin(t *testing.T, shop string) bool {
	t.Helper()
	id, ended := c.accepted(t, shop), make(chan error, 1)
	c.busy.Go(func() { ended <- c.worker.Run(context.WithoutCancel(t.Context()), id) })
	select {
	case <-c.shop.came:
		return true
	case err := <-ended:
		if !errors.Is(err, bridge.ErrNotClaimable) {
			t.Fatal(err)
		}
		return false
	}
}

// fill begins jobs of a shop until it gets no worker any more.
func (c *crowd) fill(t *testing.T, shop string) (got int) {
	t.Helper()
	for c.begin(t, shop) {
		got++
	}
	return got
}

// end lets all jobs end.
func (c *crowd) end() {
	close(c.shop.leave)
	c.busy.Wait()
}

// TestAHangingShopLeavesWorkers: however many jobs of hanging shops there are,
// the next shop's job finds a worker.
func TestAHangingShopLeavesWorkers(t *testing.T) {
	for workers, want := range map[int][]int{8: {4, 2, 1, 1}, 3: {2, 1}, 2: {1, 1}, 1: {1}} {
		c := newCrowd(t, workers, true)
		for i, most := range want {
			if got := c.fill(t, []string{"", "outlet", "archive", "last"}[i]); got != most {
				t.Errorf("of %d workers shop %d got %d, want %d", workers, i+1, got, most)
			}
		}
		c.end()
		if c.freed.Load() == 0 {
			t.Errorf("nobody was told that a worker is free for who was refused")
		}
	}
}

// TestTheSweepLooksPastASatedShop: jobs that would be refused are not listed,
// or the oldest of them would hide everybody else's.
func TestTheSweepLooksPastASatedShop(t *testing.T) {
	c := newCrowd(t, 2, true)
	if got := c.fill(t, "outlet"); got != 1 {
		t.Fatalf("the shop got %d workers", got)
	}
	mine := c.accepted(t, "")
	if due, err := c.worker.Due(t.Context(), 1); err != nil || !slices.Equal(due, []string{mine}) {
		t.Errorf("due: %v, %v; want %s", due, err, mine)
	}
	c.end()
	if due, err := c.worker.Due(t.Context(), 1); err != nil || len(due) != 1 || due[0] == mine {
		t.Errorf("due at last: %v, %v", due, err)
	}
}

func TestAloneAShopHasAllWorkers(t *testing.T) {
	c := newCrowd(t, 4, false)
	for range 4 {
		if !c.begin(t, "") {
			t.Error("the only shop was refused a worker")
		}
	}
	c.end()
}

// A job that only has its end to write leaves its shop's worker to others, and
// says so.
func TestAnEndingJobLeavesItsWorker(t *testing.T) {
	for name, reply := range map[string]error{
		"ended":    bridge.Fault(bridge.CodeUnprocessable, nil, "no"),
		"put back": &bridge.ShopError{Fault: bridge.Unreached, Code: bridge.CodeShopUnavailable, Message: "away"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, 2, true)
			c.worker.Shops = anyName{refusingShop{reply: reply}}
			id, next := c.accepted(t, "outlet"), c.accepted(t, "outlet")
			ending := 0
			c.worker.Ending = func(jobID string) {
				ending++
				job, err := c.Job(t.Context(), id)
				if err != nil || jobID != id || job.Status != schemas.Processing {
					t.Errorf("job %s is ending while %s is %s, %v", jobID, id, job.Status, err)
				}
				if due, err := c.worker.Due(t.Context(), 1); err != nil || !slices.Equal(due, []string{next}) {
					t.Errorf("due: %v, %v; want the shop's other job", due, err)
				}
			}
			if err := c.worker.Run(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if ending != 1 {
				t.Errorf("told %d times", ending)
			}
		})
	}
}

// refusingShop plans nothing.
type refusingShop struct {
	bridge.Shop
	reply error
}

func (s refusingShop) Plan(context.Context, bridge.Job) (bridge.Plan, error) {
	return bridge.Plan{}, s.reply
}
