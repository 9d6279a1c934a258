package queue

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/prestashop-bridge/bridge/bridge"
)

// The leaky bucket of Youhaosuda's open API: room for 40 calls, 2 leak out a
// second.
const (
	bucketSize  = 40
	bucketLeak  = 500 * time.Millisecond // for one call
	bucketEmpty = bucketSize * bucketLeak
)

var _ bridge.Buckets = (*Queue)(nil)

// pour is one step of the generic cell rate algorithm: what is kept is the time
// at which the bucket will be empty, in milliseconds by Redis's own clock, so
// that nodes whose clocks differ share one bucket. A full bucket is left as it
// is. It answers how long the bucket takes to empty, and whether the call went
// in.
var pour = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local leak, size = tonumber(ARGV[1]), tonumber(ARGV[2])
if empty + leak - now > size then return {empty - now, 0} end
redis.call('SET', KEYS[1], string.format('%d', empty + leak), 'PX', size)
return {empty + leak - now, 1}
`)

// Pour adds a call to a bucket if there is room. Without Redis this node has
// a bucket of its own.
func (q *Queue) Pour(ctx context.Context, name string) bridge.Level {
	key := q.key("bucket", name)
	var answer []int64
	err := q.call(ctx, func(ctx context.Context) (err error) {
		answer, err = pour.Run(ctx, q.redis, []string{key}, bucketLeak.Milliseconds(), bucketEmpty.Milliseconds()).Int64Slice()
		return err
	})
	if err != nil || len(answer) != 2 {
		return level(q.buckets.pour(key))
	}
	return level(time.Duration(answer[0])*time.Millisecond, answer[1] == 1)
}

// level tells a bucket by how long it takes to empty.
func level(left time.Duration, poured bool) bridge.Level {
	l := bridge.Level{Used: int((left + bucketLeak - 1) / bucketLeak), Total: bucketSize, Allowed: poured}
	if !poured {
		l.Wait = left + bucketLeak - bucketEmpty
	}
	return l
}

// localBuckets do the same in this process.
type localBuckets struct {
	now   func() time.Time
	mu    sync.Mutex
	empty map[string]time.Time
}

func (b *localBuckets) pour(key string) (left time.Duration, poured bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	empty := b.empty[key]
	if empty.Before(now) {
		empty = now
	}
	if empty.Add(bucketLeak).Sub(now) > bucketEmpty {
		return empty.Sub(now), false
	}
	if len(b.empty) >= maxLocalWindows { // tokens are known ones, so this is not expected
		clear(b.empty)
	}
	b.empty[key] = empty.Add(bucketLeak)
	return b.empty[key].Sub(now), true
}
