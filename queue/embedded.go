package queue

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// embedded is a Redis inside this process. It keeps nothing over a restart,
// which is the very loss the Runner's sweep exists for.
type embedded struct {
	server   *miniredis.Miniredis
	password string
	clock    *clock
	stop     context.CancelFunc
	ticking  sync.WaitGroup
}

// startEmbedded listens on a free loopback port. The port is open to every
// user of the machine, so it asks for a password that only this process knows.
func startEmbedded(now func() time.Time) (*embedded, error) {
	e := &embedded{server: miniredis.NewMiniRedis(), password: rand.Text()}
	e.server.RequireAuth(e.password)
	if err := e.server.Start(); err != nil {
		return nil, err
	}
	e.startClock(now)
	return e, nil
}

func (e *embedded) startClock(now func() time.Time) {
	var ctx context.Context
	ctx, e.stop = context.WithCancel(context.Background())
	e.clock = newClock(now, e.server.FastForward)
	e.ticking.Go(func() { e.clock.run(ctx) })
}

func (e *embedded) settings() *redis.Options {
	return &redis.Options{Addr: e.server.Addr(), Password: e.password}
}

func (e *embedded) close() {
	e.stop()
	e.ticking.Wait()
	e.server.Close()
}

// clock makes the embedded TTLs pass: miniredis only ever moves them when told
// how far. It is told the time that was measured, not the time between ticks,
// so that a starved process does not keep keys too long.
type clock struct {
	now     func() time.Time
	forward func(time.Duration)

	mu   sync.Mutex
	seen time.Time
}

func newClock(now func() time.Time, forward func(time.Duration)) *clock {
	return &clock{now: now, forward: forward, seen: now()}
}

// clockTick is coarse because each step walks every key under the server's one
// lock: about a third of a second for 200,000 keys.
const clockTick = time.Second

func (c *clock) run(ctx context.Context) {
	ticker := time.NewTicker(clockTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.advance()
		}
	}
}

func (c *clock) advance() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	elapsed := now.Sub(c.seen)
	c.seen = now
	if elapsed > 0 { // a wall clock may be set back
		c.forward(elapsed)
	}
}
