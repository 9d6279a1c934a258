package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/bridge/rest"
)

// shopCheckEvery is how long the shop's answer to a probe counts: probes come
// every second, from several places, and the shop is not ours to load.
const shopCheckEvery = 5 * time.Second

// checks are the parts /readyz tells of. Without database, its tables or Redis
// no write can be accepted; without a shop its jobs are still taken in.
func (p *parts) checks() []rest.Check {
	shop := remembered{every: shopCheckEvery, probe: p.shops.Ping}
	return []rest.Check{
		{Name: "database", Needed: true, Probe: p.store.Ping},
		{Name: "migrations", Needed: true, Probe: p.store.Migrated},
		{Name: "transport", Needed: true, Probe: p.queue.Ready},
		{Name: "shop", Probe: shop.ask},
	}
}

// remembered asks at most once in a while, and once for all who wait.
type remembered struct {
	every time.Duration
	probe func(context.Context) error

	mu    sync.Mutex
	until time.Time
	last  error
}

func (r *remembered) ask(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.until) {
		return r.last
	}
	err := r.probe(unhurried(ctx))
	if errors.Is(ctx.Err(), context.Canceled) {
		return err // who asked has gone away, which tells nothing
	}
	r.last, r.until = err, time.Now().Add(r.every)
	return err
}

// unhurried is a context that is cancelled when ctx ends, but never runs out
// of time itself: to the shop's breaker a deadline is a shop that does not
// answer, and an impatient probe must not stop the jobs.
func unhurried(ctx context.Context) context.Context {
	calm, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, cancel)
	return calm
}
