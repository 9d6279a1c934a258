package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// probePrefix is before every key of every probe. It lies outside the prefix
// of any deployment.
const probePrefix = "bridge-check:"

// probeKept is how long a probe's stream outlives one that was killed.
const probeKept = 10 * time.Minute

// Probe is a Queue whose keys are nobody else's, to try a Redis out beside the
// nodes that work on it. Only a Probe can be emptied: its prefix is random, so
// that it can never take a deployment's keys with it.
type Probe struct{ *Queue }

// OpenProbe opens a Queue under a prefix of its own.
func OpenProbe(ctx context.Context, redisDSN string, o Options) (*Probe, error) {
	o.KeyPrefix = probePrefix + rand.Text() + ":"
	q, err := Open(ctx, redisDSN, o)
	if err != nil {
		return nil, err
	}
	return &Probe{q}, nil
}

// Announce tells the probe's own runner of a job.
func (p *Probe) Announce(ctx context.Context, jobID string) error {
	if err := p.Queue.Announce(ctx, jobID); err != nil {
		return err
	}
	return unavailable(p.call(ctx, func(ctx context.Context) error {
		return p.redis.Expire(ctx, p.stream(), probeKept).Err()
	}))
}

// ReplayTTL is how long a remembered replay is kept from now on; negative when
// it is not there or would never go.
func (p *Probe) ReplayTTL(ctx context.Context, clientID, requestID string) (left time.Duration, err error) {
	key := p.key("replay", clientID, requestID)
	err = p.call(ctx, func(ctx context.Context) (err error) {
		left, err = p.redis.PTTL(ctx, key).Result()
		return err
	})
	return left, unavailable(err)
}

// Empty removes every key of the probe, as a Redis that restarts without its
// data does, and gives their number.
func (p *Probe) Empty(ctx context.Context) (removed int, err error) {
	err = p.call(ctx, func(ctx context.Context) error {
		keys := p.redis.Scan(ctx, 0, p.prefix+"*", 1000).Iterator()
		for keys.Next(ctx) {
			n, err := p.redis.Del(ctx, keys.Val()).Result()
			if err != nil {
				return err
			}
			removed += int(n)
		}
		return keys.Err()
	})
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	return removed, unavailable(err)
}
