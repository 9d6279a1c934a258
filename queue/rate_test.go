package queue

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
)

var contractLimits = map[bridge.RateClass]int{bridge.RateRead: 100, bridge.RateWrite: 20}

// closedAddress is a loopback port at which nobody listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// limiters runs a test on each way of counting: in both kinds of Redis, and in
// the process while Redis is away.
func limiters(t *testing.T, test func(t *testing.T, q *Queue, expire func(key string))) {
	eachRedis(t, func(t *testing.T, b backend) {
		q := b.open(t, Options{Limits: contractLimits})
		test(t, q, func(key string) { b.expire(t, q, key) })
	})
	t.Run("in process", func(t *testing.T) {
		clock := &wallClock{now: time.Now()}
		q := open(t, "redis://"+closedAddress(t), Options{Limits: contractLimits, Now: clock.Now})
		test(t, q, func(string) { clock.add(rateWindow) })
	})
}

func take(t *testing.T, q *Queue, client string, class bridge.RateClass) bridge.RateWindow {
	t.Helper()
	w, err := q.Take(t.Context(), bridge.Actor{ClientID: client}, class)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestExactlyTheLimitPassesInOneWindow(t *testing.T) {
	limiters(t, func(t *testing.T, q *Queue, expire func(string)) {
		for class, limit := range contractLimits {
			for window := range 2 {
				for n := 1; n <= limit+1; n++ {
					got := take(t, q, "client", class)
					want := bridge.RateWindow{Allowed: n <= limit, Limit: limit, Remaining: max(limit-n, 0), Reset: got.Reset}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("%s window %d request %d: %s", class, window, n, diff)
					}
					if got.Reset <= 0 || got.Reset > rateWindow {
						t.Fatalf("%s window %d request %d: Reset %v", class, window, n, got.Reset)
					}
				}
				expire(q.key("rate", string(class), "client"))
			}
		}
	})
}

func TestConcurrentRequestsPassExactlyTheLimit(t *testing.T) {
	limiters(t, func(t *testing.T, q *Queue, _ func(string)) {
		var passed atomic.Int32
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				for range 10 {
					if w, err := q.Take(t.Context(), bridge.Actor{ClientID: "client"}, bridge.RateWrite); err == nil && w.Allowed {
						passed.Add(1)
					}
				}
			})
		}
		callers.Wait()
		if n := passed.Load(); n != 20 {
			t.Errorf("%d passed, want 20", n)
		}
	})
}

func TestWindowsOfClientsAndClassesAreApart(t *testing.T) {
	limiters(t, func(t *testing.T, q *Queue, _ func(string)) {
		for range 21 {
			take(t, q, "a", bridge.RateWrite)
		}
		if take(t, q, "a", bridge.RateWrite).Allowed {
			t.Error("the client passed beyond its limit")
		}
		if !take(t, q, "b", bridge.RateWrite).Allowed {
			t.Error("another client was refused")
		}
		if !take(t, q, "a", bridge.RateRead).Allowed {
			t.Error("a read was refused for writes")
		}
	})
}

func TestAClientsOwnLimitGoesBeforeTheDeployments(t *testing.T) {
	limiters(t, func(t *testing.T, q *Queue, _ func(string)) {
		actor := bridge.Actor{ClientID: "generous", Limits: map[bridge.RateClass]int{bridge.RateWrite: 2}}
		for n, want := range []bool{true, true, false} {
			w, err := q.Take(t.Context(), actor, bridge.RateWrite)
			if err != nil || w.Allowed != want || w.Limit != 2 {
				t.Errorf("request %d: %+v, %v", n+1, w, err)
			}
		}
		if w := take(t, q, "other", bridge.RateWrite); w.Limit != contractLimits[bridge.RateWrite] {
			t.Errorf("another client's limit is %d", w.Limit)
		}
	})
}

func TestNodesShareTheWindow(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		nodes := []*Queue{b.open(t, Options{Limits: contractLimits}), b.open(t, Options{Limits: contractLimits})}
		passed := 0
		for n := range 30 {
			if take(t, nodes[n%2], "client", bridge.RateWrite).Allowed {
				passed++
			}
		}
		if passed != 20 {
			t.Errorf("%d passed on two nodes, want 20", passed)
		}
	})
}

func TestNoLimitCountsNothing(t *testing.T) {
	for title, limits := range map[string]map[bridge.RateClass]int{
		"absent": nil, "zero": {bridge.RateRead: 0}, "negative": {bridge.RateRead: -1},
	} {
		q := &Queue{limits: limits} // it must not even ask Redis
		if diff := cmp.Diff(bridge.RateWindow{Allowed: true}, take(t, q, "client", bridge.RateRead)); diff != "" {
			t.Errorf("%s: %s", title, diff)
		}
	}
}

func TestUnusableCounterIsCountedInProcess(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		q := b.open(t, Options{Limits: contractLimits})
		if err := q.redis.LPush(t.Context(), q.key("rate", "write", "client"), "x").Err(); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 21; n++ {
			if got := take(t, q, "client", bridge.RateWrite).Allowed; got != (n <= 20) {
				t.Fatalf("request %d: allowed %v", n, got)
			}
		}
	})
}

func TestWindowsInProcessAreBounded(t *testing.T) {
	clock := &wallClock{now: time.Now()}
	w := &localWindows{now: clock.Now, open: map[string]localWindow{}}
	for n := range maxLocalWindows {
		w.count(fmt.Sprint("early ", n))
		clock.add(time.Millisecond)
	}
	w.count("one more")
	if len(w.open) != maxLocalWindows {
		t.Errorf("%d windows are kept", len(w.open))
	}
	if n, _ := w.count(fmt.Sprint("early ", maxLocalWindows-1)); n != 2 {
		t.Errorf("the newest window was dropped: it counts %d", n)
	}
	clock.add(rateWindow)
	w.count("late")
	if len(w.open) != 1 {
		t.Errorf("%d windows are kept after all but one are over", len(w.open))
	}
}
