package queue

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// embedded is a Redis inside this process. It keeps nothing over a restart,
// which is the very loss the Runner's sweep exists for. It listens nowhere:
// its connections are loops, which no other program can reach and which cost a
// third of a loopback port's.
type embedded struct {
	data    *miniredis.Miniredis
	serve   func(net.Conn)
	clock   *clock
	stop    context.CancelFunc
	ticking sync.WaitGroup
}

func startEmbedded(now func() time.Time) (*embedded, error) {
	e := &embedded{data: miniredis.NewMiniRedis()}
	first, err := e.data.Dial() // the one way to start it without a listener
	if err != nil {
		return nil, err
	}
	_ = first.Close() // nothing was sent
	e.serve = e.data.Server().ServeConn
	var ctx context.Context
	ctx, e.stop = context.WithCancel(context.Background())
	e.clock = newClock(now, e.data.FastForward)
	e.ticking.Go(func() { e.clock.run(ctx) })
	return e, nil
}

func (e *embedded) settings() *redis.Options { return &redis.Options{Dialer: e.dial} }

func (e *embedded) dial(context.Context, string, string) (net.Conn, error) {
	here, there := newLoop()
	e.serve(there)
	return here, nil
}

func (e *embedded) close() {
	e.stop()
	e.ticking.Wait()
	e.data.Close()
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
