package queue

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	peer "github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/prestashop-bridge/bridge/bridge"
)

// station is a Redis that can keep everybody waiting, and counts the trips that
// are made to it.
type station struct {
	*bubble
	q     *Queue
	trips atomic.Int32
}

// counted is a connection whose writes are trips.
type counted struct {
	net.Conn
	trips *atomic.Int32
}

func (c counted) Write(p []byte) (int, error) {
	c.trips.Add(1)
	return c.Conn.Write(p)
}

func atStation(t *testing.T, test func(t *testing.T, s *station)) {
	inBubble(t, func(t *testing.T, b *bubble) {
		s := &station{bubble: b}
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := b.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return counted{conn, &s.trips}, nil
		}
		s.q = assemble(t.Context(), &redis.Options{Dialer: dial}, Options{Limits: contractLimits}.withDefaults())
		t.Cleanup(func() { _ = s.q.Close() })
		test(t, s)
	})
}

// hold keeps Redis from answering; the function it gives lets it.
func (s *station) hold() (release func()) {
	released := make(chan struct{})
	s.redis.data.Server().SetPreHook(func(*peer.Peer, string, ...string) bool {
		<-released
		return false
	})
	return func() {
		s.redis.data.Server().SetPreHook(nil)
		close(released)
	}
}

// occupy makes every trip there is be under way, to a Redis that is held.
func (s *station) occupy(t *testing.T, callers *sync.WaitGroup) {
	for range maxTrips {
		callers.Go(func() {
			if _, err := s.q.Recall(t.Context(), "c", "id"); err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Wait()
}

func TestWhoComesDuringATripSharesTheNext(t *testing.T) {
	atStation(t, func(t *testing.T, s *station) {
		announce(t, s.q, "first", "second") // a group, and a connection
		settled := receiveAll(t, s.q, 1)[0]
		var callers sync.WaitGroup
		release := s.hold()
		s.occupy(t, &callers)
		s.trips.Store(0)
		for n := range 40 {
			callers.Go(func() { announce(t, s.q, fmt.Sprint("job ", n)) })
		}
		for range contractLimits[bridge.RateWrite] + 5 {
			callers.Go(func() { take(t, s.q, "client", bridge.RateWrite) })
		}
		callers.Go(func() { s.q.settle(t.Context(), settled.id) })
		synctest.Wait()
		release()
		callers.Wait()
		if n := s.trips.Load(); n > maxTrips {
			t.Errorf("%d trips for those who waited", n)
		}
		if n := s.q.redis.XLen(t.Context(), s.q.stream()).Val(); n != 41 {
			t.Errorf("%d announcements, want 41", n)
		}
		if n := pendingEntries(t, s.q); n != 0 {
			t.Errorf("%d entries are pending", n)
		}
		if w := take(t, s.q, "client", bridge.RateWrite); w.Allowed || w.Reset <= 0 {
			t.Errorf("a shared trip was not counted: %+v", w)
		}
	})
}

func TestALoneCallNeedsNobody(t *testing.T) {
	atStation(t, func(t *testing.T, s *station) {
		s.trips.Store(0)
		for n := range 10 {
			announce(t, s.q, fmt.Sprint(n))
		}
		if n := s.trips.Load(); n != 10 {
			t.Errorf("%d trips for ten calls, one after the other", n)
		}
	})
}

func TestCompanyDoesNotShareItsErrors(t *testing.T) {
	atStation(t, func(t *testing.T, s *station) {
		broken := s.q.key("rate", "write", "broken")
		if err := s.q.redis.LPush(t.Context(), broken, "x").Err(); err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		release := s.hold()
		s.occupy(t, &callers)
		for _, client := range []string{"broken", "sound"} {
			callers.Go(func() {
				count, _, err := s.q.countShared(t.Context(), s.q.key("rate", "write", client))
				if (err != nil) != (client == "broken") || err == nil && count != 1 {
					t.Errorf("%s: %d, %v", client, count, err)
				}
			})
		}
		callers.Go(func() {
			if replay, err := s.q.Recall(t.Context(), "c", "unknown"); replay != nil || err != nil {
				t.Errorf("%v, %v", replay, err)
			}
		})
		callers.Go(func() { announce(t, s.q, "job") })
		synctest.Wait()
		release()
		callers.Wait()
		if !s.q.Answers() {
			t.Error("a Redis that answers is thought to be away")
		}
	})
}

func TestAWaitingCallKeepsItsOwnDeadline(t *testing.T) {
	atStation(t, func(t *testing.T, s *station) {
		var callers sync.WaitGroup
		release := s.hold()
		s.occupy(t, &callers)
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := s.q.Announce(ctx, "gone"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 10*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		release()
		callers.Wait()
		if n := s.q.redis.XLen(t.Context(), s.q.stream()).Val(); n != 0 {
			t.Error("who had gone was asked for all the same")
		}
		if !s.q.Answers() {
			t.Error("a caller's own deadline was taken for Redis's silence")
		}
	})
}

func TestCompanyLearnsOfALostRedisTogether(t *testing.T) {
	atStation(t, func(t *testing.T, s *station) {
		release := s.hold()
		var callers sync.WaitGroup
		begin := time.Now()
		for n := range 20 {
			callers.Go(func() {
				if err := s.q.Announce(t.Context(), fmt.Sprint(n)); err == nil {
					t.Error("announced into silence")
				}
			})
		}
		callers.Wait()
		if took := time.Since(begin); took > s.q.patience {
			t.Errorf("the silence took %v to notice", took)
		}
		if s.q.Answers() {
			t.Error("silence was taken for an answer")
		}
		if err := s.q.Announce(t.Context(), "later"); err == nil || time.Since(begin) > s.q.patience {
			t.Errorf("a Redis that is away was asked again: %v", err)
		}
		release()
	})
}

// TestARefusalInsideATransactionCounts refuses a command as it is queued, as a
// Redis does that is loading its data.
func TestARefusalInsideATransactionCounts(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{Limits: contractLimits})
		take(t, q, "c", bridge.RateRead)
		b.redis.data.Server().SetPreHook(func(to *peer.Peer, command string, _ ...string) bool {
			if command == "INCR" {
				to.WriteError("LOADING Redis is loading the dataset in memory")
			}
			return command == "INCR"
		})
		take(t, q, "c", bridge.RateRead)
		if q.Answers() {
			t.Error("a Redis that lets nobody in is thought to answer")
		}
	})
}
