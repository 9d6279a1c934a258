package queue

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// unhurried keeps a busy test machine from looking like an absent Redis.
const unhurried = 10 * time.Second

// backend opens queues on one and the same Redis: each call is another node.
type backend struct {
	open   func(t *testing.T, o Options) *Queue
	expire func(t *testing.T, q *Queue, key string) // lets the key's whole TTL pass

	tellsIdle bool // whether it knows how long a worker has been idle
}

// eachRedis runs a test on the embedded Redis and on the one of TEST_REDIS_URL.
func eachRedis(t *testing.T, test func(t *testing.T, b backend)) {
	t.Run("embedded", func(t *testing.T) { test(t, embeddedBackend(t)) })
	t.Run("redis", func(t *testing.T) {
		dsn := os.Getenv("TEST_REDIS_URL")
		if dsn == "" {
			t.Skip("TEST_REDIS_URL is not set: not run on a real Redis")
		}
		test(t, realBackend(t, dsn))
	})
}

func embeddedBackend(t *testing.T) backend {
	clock := &wallClock{now: time.Now()}
	first := open(t, "", Options{Now: clock.Now})
	return backend{
		open: func(t *testing.T, o Options) *Queue {
			o.Now, o.Patience = clock.Now, unhurried
			q := assemble(t.Context(), first.embedded.settings(), o.withDefaults())
			t.Cleanup(func() { _ = q.Close() })
			return q
		},
		expire: func(t *testing.T, q *Queue, key string) {
			clock.add(q.redis.PTTL(t.Context(), key).Val())
			first.embedded.clock.advance()
		},
	}
}

func realBackend(t *testing.T, dsn string) backend {
	prefix := "bridge-test:" + strings.ReplaceAll(t.Name(), "/", ":") + ":" + time.Now().Format("150405.000000") + ":"
	cleaner := open(t, dsn, Options{KeyPrefix: prefix})
	if err := cleaner.Ready(t.Context()); err != nil {
		t.Fatalf("TEST_REDIS_URL does not answer: %v", err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		keys := cleaner.redis.Scan(ctx, 0, prefix+"*", 1000).Iterator()
		for keys.Next(ctx) {
			cleaner.redis.Del(ctx, keys.Val())
		}
	})
	return backend{
		open: func(t *testing.T, o Options) *Queue {
			o.KeyPrefix = prefix
			return open(t, dsn, o)
		},
		expire: func(t *testing.T, q *Queue, key string) {
			if ttl := q.redis.PTTL(t.Context(), key).Val(); ttl <= 0 {
				t.Fatalf("%s would never expire (TTL %v)", key, ttl)
			}
			q.redis.PExpire(t.Context(), key, -time.Second)
		},
		tellsIdle: true,
	}
}

func open(t *testing.T, dsn string, o Options) *Queue {
	t.Helper()
	if o.Patience == 0 {
		o.Patience = unhurried
	}
	q, err := Open(t.Context(), dsn, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return q
}

type wallClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *wallClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *wallClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// logBook keeps what was logged and tells how often a text stands in it.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBook) count(text string) int { return strings.Count(b.String(), text) }

func (b *logBook) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: level}))
}

// deadline bounds every wait for a signal.
const deadline = 30 * time.Second

func await[T any](t *testing.T, what string, signal <-chan T) T {
	t.Helper()
	select {
	case value := <-signal:
		return value
	case <-time.After(deadline):
		t.Fatalf("%s: not within %v", what, deadline)
		panic("unreachable")
	}
}

func pendingEntries(t *testing.T, q *Queue) int64 {
	t.Helper()
	pending, err := q.redis.XPending(t.Context(), q.stream(), workerGroup).Result()
	if err != nil && err != redis.Nil {
		t.Fatal(err)
	}
	return pending.Count
}
