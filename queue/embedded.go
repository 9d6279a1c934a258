package queue

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc/test/bufconn"
)

// embedded is a Redis inside this process. It keeps nothing over a restart,
// which is the very loss the Runner's sweep exists for. It listens in memory
// alone: no other program can reach it, and a visit costs a third of one over a
// loopback port.
type embedded struct {
	data    *miniredis.Miniredis
	door    *bufconn.Listener
	serving sync.WaitGroup
	clock   *clock
	stop    context.CancelFunc
	ticking sync.WaitGroup
}

func startEmbedded(now func() time.Time) (*embedded, error) {
	e := &embedded{data: miniredis.NewMiniRedis(), door: bufconn.Listen(bufferedBytes)}
	first, err := e.data.Dial() // the one way to start it without a port
	if err != nil {
		return nil, err
	}
	_ = first.Close() // nothing was sent
	e.serving.Go(e.serve)
	var ctx context.Context
	ctx, e.stop = context.WithCancel(context.Background())
	e.clock = newClock(now, e.data.FastForward)
	e.ticking.Go(func() { e.clock.run(ctx) })
	return e, nil
}

// bufferedBytes is what each direction of a connection holds: far more than the
// longest pipeline and its answers, of which both ends write before they read.
const bufferedBytes = 256 << 10

// serve hands connections to the server until the door is closed.
func (e *embedded) serve() {
	for {
		conn, err := e.door.Accept()
		if err != nil {
			return
		}
		e.data.Server().ServeConn(conn)
	}
}

func (e *embedded) settings() *redis.Options { return &redis.Options{Dialer: e.dial} }

func (e *embedded) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return e.door.DialContext(ctx)
}

func (e *embedded) close() {
	e.stop()
	e.ticking.Wait()
	_ = e.door.Close() // refuses who comes now; it has no other error
	e.serving.Wait()
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
