package main

import (
	"context"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// slowest is the longest a request runs in the shop by a fault. It stays well
// below settleSeconds, which is the operator's word to the bridge on how long
// an unanswered request may still run.
const slowest = 400 * time.Millisecond

// fault is one way the shop fails, and how often: shares of all writes and of
// all reads, in thousandths.
type fault struct {
	name   string
	writes int
	reads  int
	act    sandbox.Action
}

var faults = []fault{
	{"cut before", 15, 2, sandbox.NotReached()},
	{"cut after applying", 20, 2, sandbox.ApplyThenCut()},
	{"500 after applying", 20, 2, sandbox.ApplyThenStatus(500)},
	{"late answer", 10, 2, sandbox.ApplyThenDelay(sandbox.For(slowest))},
	{"late execution", 10, 2, sandbox.DelayThenApply(sandbox.For(slowest))},
	{"slow write", 10, 0, sandbox.Slow(sandbox.For(slowest))},
}

// shopDown counts the times the shop took no connection at all.
const shopDown = "down"

// weather makes the shop fail at random while it is on.
type weather struct {
	shop *sandbox.Shop

	mu     sync.Mutex
	rng    *rand.Rand
	struck string // the fault that strikes the request in hand, if any
	counts map[string]int
}

// newWeather lets the faults strike until stop is called. One throw decides for
// all of them, so that at most one strikes a request and is counted.
func newWeather(shop *sandbox.Shop, rng *rand.Rand) (w *weather, stop func()) {
	w = &weather{shop: shop, rng: rng, counts: map[string]int{}}
	var removes []func()
	for at, f := range faults {
		removes = append(removes, shop.Inject(sandbox.Fault{Act: f.act, Match: func(r sandbox.Request) bool {
			return w.strikes(f.name, at == 0, r.Method == "GET")
		}}))
	}
	return w, func() {
		for _, remove := range removes {
			remove()
		}
	}
}

// strikes is asked for every fault and request, in order, under the lock of the
// shop's faults; the first fault throws for all.
func (w *weather) strikes(name string, first, read bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if first {
		w.struck = w.throw(read)
	}
	if w.struck != name {
		return false
	}
	w.counts[name]++
	return true
}

func (w *weather) throw(read bool) string {
	throw := w.rng.IntN(1000)
	for _, f := range faults {
		share := f.writes
		if read {
			share = f.reads
		}
		if throw -= share; throw < 0 {
			return f.name
		}
	}
	return ""
}

// blackouts takes the shop down for about a second, again and again.
func (w *weather) blackouts(ctx context.Context, rng *rand.Rand, every time.Duration) {
	for sleep(ctx, about(rng, every)) == nil {
		up := w.shop.Inject(sandbox.Fault{Act: sandbox.Down()})
		_ = sleep(ctx, about(rng, time.Second))
		up()
		w.mu.Lock()
		w.counts[shopDown]++
		w.mu.Unlock()
	}
}

func (w *weather) struckSoFar() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.counts)
}

// about is a time around the mean, from a fifth of it to nine fifths.
func about(rng *rand.Rand, mean time.Duration) time.Duration {
	return mean/5 + time.Duration(rng.Int64N(int64(mean)*8/5))
}
