package queue

import (
	"context"
	"testing"
	"time"
)

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

func TestDrainStartsNothingThatWaitsForASlot(t *testing.T) {
	r := NewRunner(&Queue{}, RunnerOptions{Workers: 1, Work: func(context.Context, string) error {
		t.Error("the job was started")
		return nil
	}})
	r.slots <- struct{}{} // another job runs
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r.start(ctx, t.Context(), entry{jobID: "a"}) {
		t.Error("the runner goes on")
	}
	if r.holding() != 0 {
		t.Error("the job is held though it does not run")
	}
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
