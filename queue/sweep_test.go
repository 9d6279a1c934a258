package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// ledger is the database as a runner sees it: jobs are due until worked.
type ledger struct {
	mu     sync.Mutex
	due    []string
	sweeps int
	err    error
}

func (l *ledger) add(ids ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due = append(l.due, ids...)
}

// Due lists what is due.
func (l *ledger) Due(_ context.Context, limit int) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweeps++
	if l.err != nil {
		return nil, l.err
	}
	return append([]string(nil), l.due[:min(limit, len(l.due))]...), nil
}

// done takes a job off the list; false when it was not on it.
func (l *ledger) done(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, due := range l.due {
		if due == id {
			l.due = append(l.due[:i], l.due[i+1:]...)
			return true
		}
	}
	return false
}

func (l *ledger) sweepCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sweeps
}

func (l *ledger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func TestSweepFindsWhatTheStreamNeverCarried(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		l := &ledger{}
		worked := make(chan time.Time, 1)
		stop := run(t, NewRunner(b.open(t, Options{}), RunnerOptions{Due: l.Due, Work: func(_ context.Context, id string) error {
			l.done(id)
			worked <- time.Now()
			return nil
		}}))
		time.Sleep(10 * time.Second)
		accepted := time.Now()
		l.add("orphan")
		if waited := (<-worked).Sub(accepted); waited > 520*time.Millisecond {
			t.Errorf("worked after %v", waited)
		}
		stop()
	})
}

func TestSweepQuickensWhileRedisIsAway(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		l := &ledger{}
		log := &logBook{}
		stop := run(t, NewRunner(b.open(t, Options{Logger: log.logger(slog.LevelInfo)}), RunnerOptions{Due: l.Due, Work: report(nil)}))
		sweepsIn := func(d time.Duration) int {
			before := l.sweepCount()
			time.Sleep(d)
			return l.sweepCount() - before
		}
		if n := sweepsIn(10 * time.Second); n < 19 || n > 21 {
			t.Errorf("%d sweeps in ten seconds with Redis", n)
		}
		b.lose()
		time.Sleep(2 * time.Second)
		if n := sweepsIn(10 * time.Second); n < 85 || n > 101 {
			t.Errorf("%d sweeps in ten seconds without Redis", n)
		}
		b.find()
		time.Sleep(2 * time.Second)
		if n := sweepsIn(10 * time.Second); n < 19 || n > 21 {
			t.Errorf("%d sweeps in ten seconds after Redis came back", n)
		}
		stop()
		if lost, found := log.count("Redis does not answer"), log.count("Redis answers again"); lost != 1 || found != 1 {
			t.Errorf("lost was logged %d times, found %d times:\n%s", lost, found, log)
		}
	})
}

func TestFinishedJobKicksASweepAndOthersDoNot(t *testing.T) {
	for title, row := range map[string]struct {
		outcome func() error
		soon    bool
	}{
		"finished":      {func() error { return nil }, true},
		"not claimable": {func() error { return bridge.ErrNotClaimable }, false},
		"failed":        {func() error { return errors.New("the database is away") }, false},
		"panicked":      {func() error { panic("broken job") }, false},
	} {
		t.Run(title, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				q := b.open(t, Options{})
				l := &ledger{}
				done := make(chan struct{})
				stop := run(t, NewRunner(q, RunnerOptions{Due: l.Due, SweepEvery: time.Hour, Work: func(context.Context, string) error {
					defer close(done)
					return row.outcome()
				}}))
				time.Sleep(time.Second)
				before := l.sweepCount()
				announce(t, q, "a")
				<-done
				time.Sleep(time.Second)
				if soon := l.sweepCount() > before; soon != row.soon {
					t.Errorf("swept soon: %v, want %v", soon, row.soon)
				}
				stop()
			})
		})
	}
}

func TestKickSweepsAtOnceButNotInAStorm(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		l := &ledger{}
		r := NewRunner(b.open(t, Options{}), RunnerOptions{Due: l.Due, SweepEvery: time.Hour, Work: report(nil)})
		stop := run(t, r)
		time.Sleep(time.Second)
		before := l.sweepCount()
		r.Kick()
		synctest.Wait()
		if n := l.sweepCount() - before; n != 1 {
			t.Errorf("%d sweeps after one kick", n)
		}
		before = l.sweepCount()
		for range 1000 {
			r.Kick()
			time.Sleep(time.Millisecond)
		}
		if n := l.sweepCount() - before; n < 90 || n > 101 {
			t.Errorf("%d sweeps in a second of kicks", n)
		}
		stop()
	})
}

func TestLossOfRedisSweepsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		l := &ledger{}
		worked := make(chan string, 1)
		stop := run(t, NewRunner(b.open(t, Options{}), RunnerOptions{Due: l.Due, SweepEvery: time.Hour, Work: report(worked)}))
		time.Sleep(time.Second)
		b.lose()
		l.add("a")
		begin := time.Now()
		<-worked
		if waited := time.Since(begin); waited > 2*readBlock {
			t.Errorf("worked after %v", waited)
		}
		stop()
	})
}

func TestSweepLooksPastJobsThatRunHere(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		l := &ledger{due: []string{"unclaimed", "failing", "whole"}} // the first two stay listed
		begin := time.Now()
		worked := make(chan time.Duration, 1)
		stop := run(t, NewRunner(b.open(t, Options{}), RunnerOptions{Workers: 2, Due: l.Due, Work: func(_ context.Context, id string) error {
			switch id {
			case "unclaimed":
				time.Sleep(time.Minute)
			case "whole":
				l.done(id)
				worked <- time.Since(begin)
				return nil
			}
			return errors.New("not now")
		}}))
		if waited := <-worked; waited > 2*time.Second {
			t.Errorf("worked after %v", waited)
		}
		stop()
	})
}

func TestFloodOfAnnouncementsDoesNotStarveTheSweep(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{})
		for n := range 1000 {
			announce(t, q, fmt.Sprint("new ", n))
		}
		l := &ledger{due: []string{"retry"}}
		begin := time.Now()
		found := make(chan time.Duration, 1)
		stop := run(t, NewRunner(q, RunnerOptions{Workers: 2, Due: l.Due, Work: func(_ context.Context, id string) error {
			if l.done(id) {
				found <- time.Since(begin)
			}
			time.Sleep(time.Second)
			return nil
		}}))
		if waited := <-found; waited > 5*time.Second {
			t.Errorf("the retry waited %v behind the flood", waited)
		}
		stop()
	})
}

func TestFailingSweepIsLoggedOncePerChange(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		log := &logBook{}
		l := &ledger{}
		l.fail(errors.New("the database is away"))
		stop := run(t, NewRunner(b.open(t, Options{Logger: log.logger(slog.LevelInfo)}), RunnerOptions{Due: l.Due, Work: report(nil)}))
		time.Sleep(10 * time.Second)
		l.fail(nil)
		time.Sleep(10 * time.Second)
		stop()
		if failed, again := log.count("cannot list due jobs"), log.count("lists due jobs again"); failed != 1 || again != 1 {
			t.Errorf("failing was logged %d times, its end %d times", failed, again)
		}
	})
}

func TestRefusingRedisLeavesTheWorkToTheSweep(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		log := &logBook{}
		q := b.open(t, Options{Logger: log.logger(slog.LevelInfo)})
		if err := q.redis.Set(t.Context(), q.stream(), "not a stream", 0).Err(); err != nil {
			t.Fatal(err)
		}
		l := &ledger{}
		worked := make(chan string, 1)
		stop := run(t, NewRunner(q, RunnerOptions{Due: l.Due, Work: func(_ context.Context, id string) error {
			l.done(id)
			worked <- id
			return nil
		}}))
		time.Sleep(10 * time.Second)
		l.add("a")
		begin := time.Now()
		<-worked
		if waited := time.Since(begin); waited > starvedSweep+2*sweepGap {
			t.Errorf("worked after %v", waited)
		}
		stop()
		if n := log.count("Redis refuses"); n != 1 {
			t.Errorf("the refusal was logged %d times", n)
		}
	})
}
