package queue

import (
	"context"
	"testing"
)

func TestRunnerTellsWhereItsWorkComesFrom(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{})
		due := make(chan string, 1)
		listed := func(context.Context, int) ([]string, error) {
			select {
			case id := <-due:
				return []string{id}, nil
			default:
				return nil, nil
			}
		}
		running := make(chan int, 1)
		sources := make(chan Source, 10)
		var r *Runner
		r = NewRunner(q, RunnerOptions{
			Work:    func(context.Context, string) error { running <- r.Running(); return nil },
			Due:     listed,
			Observe: func(s Source) { sources <- s },
		})
		stop := run(t, r)
		expect := func(want Source) {
			t.Helper()
			if n := <-running; n != 1 {
				t.Errorf("%d jobs running, want 1", n)
			}
			if got := <-sources; got != want {
				t.Errorf("the job came from %s, want %s", got, want)
			}
		}
		announce(t, q, "a")
		expect(FromStream)
		due <- "b"
		expect(FromSweep)
		stop()
		if n := r.Running(); n != 0 {
			t.Errorf("%d jobs running after the end", n)
		}
		if !q.Answers() {
			t.Error("Redis is said to be away")
		}
	})
}
