package queue

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A job that is writing how it went makes room for another, and so do as many as
// there are workers; none beyond that, nor twice.
func TestAJobThatEndsMakesRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{})
		announce(t, q, "a", "b", "c", "d", "e", "f", "g")
		var r *Runner
		leave := make(chan struct{})
		r = NewRunner(q, RunnerOptions{Workers: 2, Due: nothingDue, Work: func(_ context.Context, id string) error {
			r.Ending(id)
			r.Ending(id)
			<-leave
			return nil
		}})
		stop := run(t, r)
		time.Sleep(time.Second)
		synctest.Wait()
		if n := r.Running(); n != 4 {
			t.Errorf("%d jobs in work; want two that end beside two", n)
		}
		close(leave)
		time.Sleep(time.Second)
		if n := r.Running(); n != 0 || len(r.slots) != 0 || len(r.ending) != 0 {
			t.Errorf("%d jobs in work, %d slots and %d places taken after all have ended", n, len(r.slots), len(r.ending))
		}
		if n := q.redis.XLen(t.Context(), q.stream()).Val(); n != 0 {
			t.Errorf("%d jobs were not worked", n)
		}
		stop()
	})
}

// Only a job in work has a slot to give away.
func TestEndingOfAJobThatIsNotInWork(t *testing.T) {
	r := NewRunner(&Queue{}, RunnerOptions{Workers: 1})
	r.hold("waiting")
	r.Ending("waiting")
	r.Ending("unknown")
	if len(r.slots) != 0 || len(r.ending) != 0 {
		t.Error("a slot was given away")
	}
}

// A list that leaves something out is asked for again soon, a complete one is
// not, and both the later the longer the database took.
func TestHowSoonASweepFollowsAnother(t *testing.T) {
	for title, test := range map[string]struct {
		due  int // of 2 jobs that fit into a list
		took time.Duration
		want time.Duration
	}{
		"complete":                {1, 0, sweepGap},
		"complete and quite slow": {1, 2 * time.Millisecond, sweepGap},
		"complete and slow":       {1, 20 * time.Millisecond, 80 * time.Millisecond},
		"crowded":                 {2, 0, crowdedGap},
		"crowded and quick":       {2, 100 * time.Microsecond, crowdedGap},
		"crowded and slow":        {2, 20 * time.Millisecond, 20 * time.Millisecond},
	} {
		t.Run(title, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				var asked []time.Time
				due := func(context.Context, int) ([]string, error) {
					asked = append(asked, time.Now())
					time.Sleep(test.took)
					return []string{"a", "b"}[:test.due], nil
				}
				r := NewRunner(b.open(t, Options{}), RunnerOptions{Workers: 1, Due: due, SweepEvery: time.Hour, Work: func(context.Context, string) error { return nil }})
				stop := run(t, r)
				time.Sleep(time.Second)
				stop()
				if len(asked) < 2 {
					t.Fatal("no second sweep")
				}
				if got := asked[1].Sub(asked[0]) - test.took; got != test.want {
					t.Errorf("the second followed after %v; want %v", got, test.want)
				}
			})
		})
	}
}
