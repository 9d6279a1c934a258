package queue

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// Forty calls at once and no more, on two nodes together; another token's
// bucket is its own.
func TestBucketHoldsFortyOverNodes(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		nodes := []*Queue{b.open(t, Options{}), b.open(t, Options{})}
		var poured atomic.Int64
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				if nodes[i%2].Pour(t.Context(), "token").Allowed {
					poured.Add(1)
				}
			})
		}
		all.Wait()
		// A real Redis's clock runs on, so a call may have leaked meanwhile.
		if n := poured.Load(); n < bucketSize || n > bucketSize+4 {
			t.Errorf("%d calls went in", n)
		}
		full := nodes[0].Pour(t.Context(), "token")
		if full.Allowed || full.Used != bucketSize || full.Total != bucketSize || full.Wait <= 0 || full.Wait > bucketLeak {
			t.Errorf("full: %+v", full)
		}
		if other := nodes[0].Pour(t.Context(), "another"); other != (bridge.Level{Used: 1, Total: bucketSize, Allowed: true}) {
			t.Errorf("another's: %+v", other)
		}
	})
}

// While Redis is away the node has a bucket of its own, which leaks as the
// shared one does.
func TestBucketInProcess(t *testing.T) {
	clock := &wallClock{now: time.Now()}
	q := open(t, "redis://"+closedAddress(t), Options{Now: clock.Now})
	for n := 1; n <= bucketSize; n++ {
		if got := q.Pour(t.Context(), "token"); !got.Allowed || got.Used != n {
			t.Fatalf("call %d: %+v", n, got)
		}
	}
	if got := q.Pour(t.Context(), "token"); got.Allowed || got.Used != bucketSize || got.Wait != bucketLeak {
		t.Errorf("full: %+v", got)
	}
	clock.add(2 * time.Second)
	for n := range 5 {
		if got := q.Pour(t.Context(), "token"); got.Allowed != (n < 4) {
			t.Errorf("call %d two seconds later: %+v", n, got)
		}
	}
	clock.add(bucketEmpty)
	if got := q.Pour(t.Context(), "token"); got.Used != 1 {
		t.Errorf("when it has leaked out: %+v", got)
	}
}
