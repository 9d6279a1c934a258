package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

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

func nothingDue(context.Context, int) ([]string, error) { return nil, nil }

// report is a Work that tells which ids it was given.
func report(worked chan<- string) func(context.Context, string) error {
	return func(_ context.Context, id string) error {
		worked <- id
		return nil
	}
}

func TestRunnerWorksAnnouncedJobs(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		q, door := b.open(t, Options{Node: "worker"}), b.open(t, Options{Node: "door"})
		worked := make(chan string, 10)
		stop := run(t, NewRunner(q, RunnerOptions{Work: report(worked), Due: nothingDue, Workers: 1}))
		announce(t, door, "a", "b", "c")
		for _, want := range []string{"a", "b", "c"} {
			if got := await(t, "job "+want, worked); got != want {
				t.Errorf("worked %s, want %s", got, want)
			}
		}
		stop()
		if n := q.redis.XLen(t.Context(), q.stream()).Val(); n != 0 {
			t.Errorf("%d announcements were not settled", n)
		}
	})
}

func TestRunnerTakesOverFromTheDead(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		dead, heir := b.open(t, Options{Node: "dead"}), b.open(t, Options{Node: "heir"})
		announce(t, dead, "a", "b", "c")
		receiveAll(t, dead, 3) // and then it dies
		worked := make(chan string, 10)
		stop := run(t, NewRunner(heir, RunnerOptions{Work: report(worked), Due: nothingDue, Workers: 2, ReclaimAfter: 20 * time.Millisecond}))
		got := map[string]bool{}
		for len(got) < 3 {
			got[await(t, "a dead worker's job", worked)] = true
		}
		stop()
		if n := pendingEntries(t, heir); n != 0 {
			t.Errorf("%d announcements were not settled", n)
		}
	})
}

func TestRunnerTakesOverAfterAMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		dead, heir := b.open(t, Options{Node: "dead"}), b.open(t, Options{Node: "heir"})
		announce(t, dead, "a")
		receiveAll(t, dead, 1)
		worked := make(chan string, 1)
		begin := time.Now()
		stop := run(t, NewRunner(heir, RunnerOptions{Work: report(worked), Due: nothingDue}))
		<-worked
		if waited := time.Since(begin); waited < time.Minute || waited > 91*time.Second {
			t.Errorf("taken over after %v", waited)
		}
		stop()
	})
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

func TestOneIDNeverRunsTwiceAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{})
		l := &ledger{due: []string{"a"}} // the sweep lists it as well, all the time
		var running, most, runs atomic.Int32
		stop := run(t, NewRunner(q, RunnerOptions{Due: l.Due, Work: func(context.Context, string) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			runs.Add(1)
			time.Sleep(5 * time.Second)
			l.done("a")
			return nil
		}}))
		for range 20 {
			announce(t, q, "a")
		}
		time.Sleep(30 * time.Second)
		stop()
		if most.Load() != 1 || runs.Load() != 1 {
			t.Errorf("%d at once, %d in all", most.Load(), runs.Load())
		}
		if n := q.redis.XLen(t.Context(), q.stream()).Val(); n != 0 {
			t.Errorf("%d announcements were not settled", n)
		}
	})
}

func TestNoMoreJobsAtOnceThanWorkers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{})
		l := &ledger{}
		for n := range 40 {
			id := string(rune('A' + n))
			l.add(id)
			announce(t, q, id)
		}
		var running, most, runs atomic.Int32
		stop := run(t, NewRunner(q, RunnerOptions{Workers: 3, Due: l.Due, Work: func(_ context.Context, id string) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			if !l.done(id) {
				return bridge.ErrNotClaimable
			}
			runs.Add(1)
			time.Sleep(time.Second)
			return nil
		}}))
		time.Sleep(time.Minute)
		stop()
		if most.Load() != 3 || runs.Load() != 40 {
			t.Errorf("%d at once, %d in all; want 3 and 40", most.Load(), runs.Load())
		}
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

func TestDrainLetsRunningJobsEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{})
		started, ended := make(chan string, 10), make(chan error, 10)
		stop := run(t, NewRunner(q, RunnerOptions{Workers: 1, Due: nothingDue, Work: func(ctx context.Context, id string) error {
			started <- id
			time.Sleep(15 * time.Second)
			ended <- ctx.Err()
			return nil
		}}))
		announce(t, q, "running", "next")
		<-started
		begin := time.Now()
		stop()
		if took := time.Since(begin); took > 15*time.Second {
			t.Errorf("the drain took %v", took)
		}
		if err := <-ended; err != nil {
			t.Errorf("the job's context ended: %v", err)
		}
		if len(started) != 0 {
			t.Error("a job was started after the end")
		}
		if n := q.redis.XLen(t.Context(), q.stream()).Val(); n != 1 {
			t.Errorf("%d announcements are left for another worker, want 1", n)
		}
	})
}

func TestDrainCancelsWhatOutlastsIt(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{})
		started := make(chan struct{})
		stop := run(t, NewRunner(q, RunnerOptions{Due: nothingDue, DrainTimeout: 3 * time.Second, Work: func(ctx context.Context, _ string) error {
			close(started)
			<-ctx.Done()
			return ctx.Err()
		}}))
		announce(t, q, "endless")
		<-started
		begin := time.Now()
		stop()
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("the drain took %v", took)
		}
	})
}

func TestRunnerEndsSoonWhenIdle(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		stop := run(t, NewRunner(b.open(t, Options{}), RunnerOptions{Due: nothingDue, Work: report(nil)}))
		time.Sleep(10*time.Second + time.Millisecond)
		begin := time.Now()
		stop()
		if took := time.Since(begin); took > readBlock {
			t.Errorf("the end took %v", took)
		}
	})
}

func TestPanicEndsOneJobOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		log := &logBook{}
		q := b.open(t, Options{Logger: log.logger(slog.LevelInfo)})
		worked := make(chan string, 10)
		stop := run(t, NewRunner(q, RunnerOptions{Workers: 1, Due: nothingDue, Work: func(_ context.Context, id string) error {
			if id == "broken" {
				panic("what a job")
			}
			worked <- id
			return nil
		}}))
		announce(t, q, "broken", "whole")
		if got := <-worked; got != "whole" {
			t.Errorf("worked %q", got)
		}
		stop()
		if log.count("what a job") == 0 || log.count("runner_test.go") == 0 {
			t.Errorf("the log lacks the panic or its stack:\n%s", log)
		}
		if n := q.redis.XLen(t.Context(), q.stream()).Val(); n != 0 {
			t.Errorf("%d announcements were not settled", n)
		}
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

func TestRunnerNeedsItsTwoFunctions(t *testing.T) {
	for _, o := range []RunnerOptions{{Due: nothingDue}, {Work: report(nil)}} {
		if err := NewRunner(&Queue{}, o).Run(t.Context()); err == nil {
			t.Error("it ran")
		}
	}
}

func TestRunnerDefaults(t *testing.T) {
	got := NewRunner(&Queue{}, RunnerOptions{}).options
	want := RunnerOptions{
		Workers: 8, SweepEvery: 500 * time.Millisecond, DrainTimeout: 20 * time.Second,
		ReclaimAfter: time.Minute, ForgetAfter: time.Hour,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
