package queue

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
)

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

func TestOneIDRunsAgainWhenItIsAnnouncedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{})
		worked := make(chan string, 1)
		stop := run(t, NewRunner(q, RunnerOptions{Due: nothingDue, Work: report(worked)}))
		for range 3 { // a retry has the id of its job
			announce(t, q, "a")
			<-worked
			time.Sleep(time.Second)
		}
		stop()
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
