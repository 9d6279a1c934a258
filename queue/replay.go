package queue

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/prestashop-bridge/bridge/bridge"
)

// Recall finds the remembered answer to a client's request id; nil when there
// is none. An error means that Redis is away.
func (q *Queue) Recall(ctx context.Context, clientID, requestID string) (*bridge.Replay, error) {
	key := q.key("replay", clientID, requestID)
	var stored []byte
	err := q.visit(ctx, func(pipe redis.Pipeliner) func() error {
		answer := pipe.Get(ctx, key)
		return func() (err error) {
			stored, err = answer.Bytes()
			return err
		}
	})
	switch {
	case errors.Is(err, redis.Nil):
		return nil, nil
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return nil, q.discard(ctx, key)
	case err != nil:
		return nil, unavailable(err)
	}
	var replay bridge.Replay
	if json.Unmarshal(stored, &replay) != nil || replay.Intention == "" || replay.JobID == "" {
		return nil, q.discard(ctx, key)
	}
	return &replay, nil
}

// discard removes a value that cannot be read, so that the database's answer
// can take its place.
func (q *Queue) discard(ctx context.Context, key string) error {
	q.logger.WarnContext(ctx, "a remembered replay cannot be read and is removed", "key", key)
	return unavailable(q.call(ctx, func(ctx context.Context) error {
		return q.redis.Del(ctx, key).Err()
	}))
}

// Remember keeps the answer to a request id whose job has ended.
func (q *Queue) Remember(ctx context.Context, clientID, requestID string, r bridge.Replay) error {
	value, err := json.Marshal(r)
	if err != nil {
		return bridge.Fault(bridge.CodeInternal, err, "The replay cannot be written.")
	}
	return unavailable(q.visit(ctx, func(pipe redis.Pipeliner) func() error {
		return pipe.Set(ctx, q.key("replay", clientID, requestID), value, q.replayTTL).Err
	}))
}
