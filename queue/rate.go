package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/prestashop-bridge/bridge/bridge"
)

// rateWindow is the minute of the contract; it begins with its first request.
const rateWindow = time.Minute

// Take counts one request of a client and says whether it is within the limit.
// It never fails: while Redis is away each node counts for itself, because an
// expendable Redis must not stop reads, nor open the doors to a flood.
func (q *Queue) Take(ctx context.Context, actor bridge.Actor, class bridge.RateClass) (bridge.RateWindow, error) {
	limit, own := actor.Limits[class]
	if !own {
		limit = q.limits[class]
	}
	if limit <= 0 {
		return bridge.RateWindow{Allowed: true}, nil
	}
	key := q.key("rate", string(class), actor.ClientID)
	count, reset, err := q.countShared(ctx, key)
	if err != nil {
		count, reset = q.windows.count(key)
	}
	return bridge.RateWindow{
		Allowed:   count <= limit,
		Limit:     limit,
		Remaining: max(limit-count, 0),
		Reset:     reset,
	}, nil
}

// countShared counts in Redis. SET NX opens the window and INCR leaves its TTL
// alone, so one MULTI is exact without a script, which the embedded Redis
// would pay for dearly, and without PEXPIRE NX, which Redis 6 does not have.
func (q *Queue) countShared(ctx context.Context, key string) (int, time.Duration, error) {
	var values []any
	err := q.visit(ctx, func(pipe redis.Pipeliner) func() error {
		answers := transaction(ctx, pipe,
			[]any{"set", key, 0, "px", rateWindow.Milliseconds(), "nx"}, []any{"incr", key}, []any{"pttl", key})
		return func() (err error) {
			values, err = answers()
			return err
		}
	})
	if err != nil {
		return 0, 0, err
	}
	if len(values) == 3 {
		count, counted := values[1].(int64)
		left, timed := values[2].(int64)
		if counted && timed {
			return int(count), time.Duration(left) * time.Millisecond, nil
		}
	}
	return 0, 0, errors.New("the rate window holds no counter")
}

// localWindows counts in this process by the same arithmetic.
type localWindows struct {
	now func() time.Time

	mu   sync.Mutex
	open map[string]localWindow
}

type localWindow struct {
	ends  time.Time
	count int
}

// maxLocalWindows bounds the memory of an outage. Clients are authenticated
// before they are counted, so more than this at once is not expected.
const maxLocalWindows = 10_000

func (w *localWindows) count(key string) (int, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	window, found := w.open[key]
	if !found || !now.Before(window.ends) {
		if !found && len(w.open) >= maxLocalWindows {
			w.makeRoom(now)
		}
		window = localWindow{ends: now.Add(rateWindow)}
	}
	window.count++
	w.open[key] = window
	return window.count, window.ends.Sub(now)
}

// makeRoom drops the windows that are over, or else the one that is over first.
func (w *localWindows) makeRoom(now time.Time) {
	var first string
	for key, window := range w.open {
		if !now.Before(window.ends) {
			delete(w.open, key)
			continue
		}
		if first == "" || window.ends.Before(w.open[first].ends) {
			first = key
		}
	}
	if len(w.open) >= maxLocalWindows {
		delete(w.open, first)
	}
}
