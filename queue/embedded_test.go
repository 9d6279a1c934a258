package queue

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/prestashop-bridge/bridge/bridge"
)

func TestEmbeddedClockForwardsTheMeasuredTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wall := &wallClock{now: time.Now()}
		var steps []time.Duration
		c := newClock(wall.Now, func(d time.Duration) { steps = append(steps, d) })
		for _, passed := range []time.Duration{time.Second, 7 * time.Second, -time.Hour, 0, time.Second} {
			wall.add(passed)
			c.advance()
		}
		if want := []time.Duration{time.Second, 7 * time.Second, time.Second}; !slices.Equal(steps, want) {
			t.Errorf("forwarded %v, want %v", steps, want)
		}
	})
}

func TestEmbeddedTTLsPassByThemselves(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{ReplayTTL: 10 * time.Minute, Limits: map[bridge.RateClass]int{bridge.RateWrite: 1}})
		if err := q.Remember(t.Context(), "c", "id", ended); err != nil {
			t.Fatal(err)
		}
		take(t, q, "c", bridge.RateWrite)

		time.Sleep(58 * time.Second)
		if w := take(t, q, "c", bridge.RateWrite); w.Allowed || w.Reset > 4*time.Second {
			t.Errorf("before the window's end: %+v", w)
		}
		time.Sleep(3 * time.Second)
		if w := take(t, q, "c", bridge.RateWrite); !w.Allowed {
			t.Errorf("after the window's end: %+v", w)
		}
		if got, err := q.Recall(t.Context(), "c", "id"); got == nil || err != nil {
			t.Errorf("the replay is gone too early: %v", err)
		}
		time.Sleep(9 * time.Minute)
		if got, err := q.Recall(t.Context(), "c", "id"); got != nil || err != nil {
			t.Errorf("the replay outlived its time: %v, %v", got, err)
		}
	})
}

func TestEmbeddedRedisIsOutOfReachOfOtherPrograms(t *testing.T) {
	q := open(t, "", Options{})
	if err := q.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if address := q.embedded.data.Addr(); address != "" {
		t.Errorf("it listens on %s", address)
	}
}

// A pipeline is written to its end before its first answer is read: what either
// end has said must find room.
func TestEmbeddedTakesALongPipeline(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{})
		pipe := q.redis.Pipeline()
		for range 10 * maxParty {
			pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: q.stream(), Values: []string{jobField, "018f0000-0000-7000-8000-0000000000aa"}})
		}
		begin := time.Now()
		if _, err := pipe.Exec(t.Context()); err != nil || time.Since(begin) != 0 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}
