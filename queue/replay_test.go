package queue

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

var ended = bridge.Replay{
	Intention: "9f86d081",
	JobID:     "0199-job",
	Status:    schemas.Succeeded,
	View:      json.RawMessage(`{"job_id":"0199-job","result":{"price_ht":"25.500000"}}`),
}

func TestReplayIsRememberedForItsClientAndIDOnly(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		first, second := b.open(t, Options{}), b.open(t, Options{})
		if err := first.Remember(t.Context(), "shop:a", "id", ended); err != nil {
			t.Fatal(err)
		}
		got, err := second.Recall(t.Context(), "shop:a", "id")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&ended, got); diff != "" {
			t.Error(diff)
		}
		for _, other := range [][2]string{{"shop", "a:id"}, {"shop:a:id", ""}, {"shop:a", "id2"}, {"shop:b", "id"}, {"", "shop:aid"}} {
			if got, err := second.Recall(t.Context(), other[0], other[1]); got != nil || err != nil {
				t.Errorf("client %q, request %q: %v, %v", other[0], other[1], got, err)
			}
		}
	})
}

func TestReplayIsForgottenAfterItsTime(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		q := b.open(t, Options{ReplayTTL: time.Hour})
		if err := q.Remember(t.Context(), "c", "id", ended); err != nil {
			t.Fatal(err)
		}
		key := q.key("replay", "c", "id")
		if ttl := q.redis.PTTL(t.Context(), key).Val(); ttl <= 59*time.Minute || ttl > time.Hour {
			t.Errorf("TTL %v", ttl)
		}
		b.expire(t, q, key)
		if got, err := q.Recall(t.Context(), "c", "id"); got != nil || err != nil {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestUnreadableReplayIsAMissAndIsRemoved(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		q := b.open(t, Options{})
		key := q.key("replay", "c", "id")
		for title, write := range map[string]func() error{
			"no JSON":       func() error { return q.redis.Set(t.Context(), key, "{", 0).Err() },
			"other JSON":    func() error { return q.redis.Set(t.Context(), key, `{"a":1}`, 0).Err() },
			"no string":     func() error { return q.redis.LPush(t.Context(), key, "x").Err() },
			"of other type": func() error { return q.redis.Set(t.Context(), key, `{"intention":7}`, 0).Err() },
		} {
			if err := write(); err != nil {
				t.Fatal(err)
			}
			if got, err := q.Recall(t.Context(), "c", "id"); got != nil || err != nil {
				t.Errorf("%s: %v, %v", title, got, err)
			}
			if n := q.redis.Exists(t.Context(), key).Val(); n != 0 {
				t.Errorf("%s: the value is still there", title)
			}
		}
	})
}

func TestReplayWithoutRedisIsAnErrorNotAMiss(t *testing.T) {
	q := open(t, "redis://"+closedAddress(t), Options{})
	_, recall := q.Recall(t.Context(), "c", "id")
	for what, err := range map[string]error{
		"Recall":   recall,
		"Remember": q.Remember(t.Context(), "c", "id", ended),
		"Announce": q.Announce(t.Context(), "job"),
		"Ready":    q.Ready(t.Context()),
	} {
		var fault *bridge.Error
		if !errors.As(err, &fault) || fault.Code != bridge.CodeQueueUnavailable || fault.RetryAfter != 2*time.Second || fault.Unwrap() == nil {
			t.Errorf("%s: %#v", what, err)
		}
	}
}
