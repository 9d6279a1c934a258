package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// inOne makes calls while every lane is busy, each after the one before it has
// queued, and lets go: they share a transaction.
func (r rig) inOne(calls ...func() error) []error {
	r.Helper()
	g := &r.group
	r.soon("a call is still under way", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.lanes > 0 {
			return false
		}
		g.lanes = r.dialect.lanes // as if all were busy
		return true
	})
	answers := make([]error, len(calls))
	done := make(chan struct{})
	for i, do := range calls {
		go func() {
			answers[i] = do()
			done <- struct{}{}
		}()
		r.queuedCalls(i + 1)
	}
	g.mu.Lock()
	g.lanes = 1
	g.running.Go(r.lane)
	g.mu.Unlock()
	for range calls {
		<-done
	}
	return answers
}

// queuedCalls waits until so many calls wait.
func (r rig) queuedCalls(n int) {
	r.Helper()
	r.soon(fmt.Sprintf("%d calls never queued", n), func() bool {
		r.group.mu.Lock()
		defer r.group.mu.Unlock()
		return len(r.group.waiting) >= n
	})
}

// many accepts jobs of targets of their own.
func (r rig) many(n int) []bridge.Job {
	r.Helper()
	jobs := make([]bridge.Job, n)
	for i := range jobs {
		jobs[i] = r.accepted(fmt.Sprintf("product:own-%d", i))
	}
	return jobs
}

// claimedTogether claims jobs in one transaction.
func (r rig) claimedTogether(jobs []bridge.Job) []bridge.Claim {
	r.Helper()
	claims := make([]bridge.Claim, len(jobs))
	calls := make([]func() error, len(jobs))
	for i, j := range jobs {
		calls[i] = func() (err error) {
			claims[i], err = r.Claim(r.Context(), j.ID, "node", someLease)
			return err
		}
	}
	if err := errors.Join(r.inOne(calls...)...); err != nil {
		r.Fatal(err)
	}
	return claims
}

// finishedTogether ends jobs with one step each, in one transaction.
func (r rig) finishedTogether(claims []bridge.Claim) {
	r.Helper()
	calls := make([]func() error, len(claims))
	for i, c := range claims {
		end := bridge.Ending{Status: schemas.Succeeded, Result: json.RawMessage(strconv.Itoa(i)), Progress: schemas.Progress{Done: i, Total: len(claims)},
			Steps: []bridge.StepRecord{{Name: "price", State: bridge.StepSkipped}}}
		calls[i] = func() error { return r.Finish(r.Context(), c, end) }
	}
	if err := errors.Join(r.inOne(calls...)...); err != nil {
		r.Fatal(err)
	}
}

// Calls that come together share a transaction and its statements, however many
// they are.
func TestCallsTogetherCostWhatOneCosts(t *testing.T) {
	onEach(t, func(r rig) {
		r, heard := recorded(r)
		jobs := r.many(20)
		var claims []bridge.Claim
		r.holdTogether(heard, "claim, first of a job", func() { claims = r.claimedTogether(jobs) }, 0)
		r.holdTogether(heard, "finish", func() { r.finishedTogether(claims) }, 1) // and the steps
		for i, j := range jobs {
			got := r.loaded(j.ID)
			if got.Status != schemas.Succeeded || string(got.Result) != strconv.Itoa(i) || got.Progress.Done != i || len(got.Steps) != 1 {
				r.Errorf("job %d: %+v", i, got)
			}
		}
		if left := r.count("SELECT COUNT(*) FROM turns"); left != 0 {
			r.Errorf("%d rows of targets left", left)
		}
	})
}

func (r rig) holdTogether(heard *recorder, name string, do func(), more int) {
	r.Helper()
	asked, commits := heard.listen(do)
	want := r.allowed(name)
	want.statements += more
	if got := r.cost(heard, asked, commits); got != want {
		r.Errorf("%s together: %+v; want %+v\n%s", name, got, want, listing(asked))
	}
}

// Each call of a shared transaction gets the answer it would have got alone.
func TestARefusedCallBesideGoodOnes(t *testing.T) {
	onEach(t, func(r rig) {
		claims := r.claimedTogether(r.many(3))
		late, free := claims[1], r.accepted("product:free")
		late.Fence--
		nobody := claims[1]
		nobody.Job.ID = "nobody"
		step := bridge.StepRecord{Name: "price", State: bridge.StepSending}
		journal := func(c bridge.Claim) func() error {
			return func() error {
				return r.Journal(r.Context(), c, bridge.Entry{Steps: []bridge.StepRecord{step}, Progress: schemas.Progress{Done: 1, Total: 2}})
			}
		}
		claim := func(j bridge.Job) func() error {
			return func() error { _, err := r.Claim(r.Context(), j.ID, "node", someLease); return err }
		}
		answers := r.inOne(journal(claims[0]), journal(late), journal(nobody), claim(claims[2].Job), claim(free))
		for i, want := range []error{nil, bridge.ErrFenced, bridge.ErrFenced, bridge.ErrNotClaimable, nil} {
			if !errors.Is(answers[i], want) {
				r.Errorf("call %d: %v; want %v", i, answers[i], want)
			}
		}
		if got := r.count("SELECT COUNT(*) FROM job_steps"); got != 1 {
			r.Errorf("%d steps; want the one of the good claim", got)
		}
	})
}

// Of two jobs with one target that are claimed in one transaction the older is
// given, whichever asked first.
func TestTwoOfOneTargetClaimedTogether(t *testing.T) {
	onEach(t, func(r rig) {
		older, younger := r.accepted("product:1", "product:2"), r.accepted("product:2", "product:3")
		claim := func(j bridge.Job) func() error {
			return func() error { _, err := r.Claim(r.Context(), j.ID, "node", someLease); return err }
		}
		answers := r.inOne(claim(younger), claim(older))
		if !errors.Is(answers[0], bridge.ErrNotClaimable) || answers[1] != nil {
			r.Errorf("younger: %v, older: %v", answers[0], answers[1])
		}
		if got := r.count("SELECT COUNT(*) FROM turns WHERE job_id = ? AND place = ''", younger.ID); got != 0 {
			r.Errorf("the younger holds %d targets", got)
		}
	})
}

// A call that the database refuses fails alone.
func TestOneBadCallDoesNotFailItsNeighbours(t *testing.T) {
	onEach(t, func(r rig) {
		claims := r.claimedTogether(r.many(4))
		calls := make([]func() error, len(claims))
		for i, c := range claims {
			calls[i] = func() error { return r.Finish(r.Context(), c, bridge.Ending{Status: schemas.Succeeded}) }
		}
		calls[1] = func() error { // refused by a CHECK
			return r.fenced(r.Context(), claims[1], func(w *writing, h holding) error {
				w.set(h.id, "attempts", -1)
				return nil
			})
		}
		answers := r.inOne(calls...)
		for i, err := range answers {
			if (err != nil) != (i == 1) || err != nil && code(err) != bridge.CodeInternal {
				r.Errorf("call %d: %v", i, err)
			}
		}
		if got := r.count("SELECT COUNT(*) FROM jobs WHERE status = 'succeeded'"); got != 3 {
			r.Errorf("%d jobs ended; want 3", got)
		}
		if got := r.loaded(claims[1].Job.ID); got.Status != schemas.Processing || got.Attempts != 1 {
			r.Errorf("the bad call's job is %s after %d attempts", got.Status, got.Attempts)
		}
	})
}

// A transaction the database gave up because of others is run again, each call
// for itself.
func TestADeadlockOfASharedTransaction(t *testing.T) {
	onEach(t, func(r rig) {
		claims := r.claimedTogether(r.many(3))
		var tries atomic.Int64
		r.dialect.transient = func(err error) bool { return errors.Is(err, errDeadlock) }
		calls := make([]func() error, len(claims))
		for i, c := range claims {
			calls[i] = func() error { return r.Finish(r.Context(), c, bridge.Ending{Status: schemas.Succeeded}) }
		}
		calls[2] = func() error {
			return r.fenced(r.Context(), claims[2], func(w *writing, h holding) error {
				if tries.Add(1) < 3 {
					return errDeadlock
				}
				w.set(h.id, "node", "other")
				return nil
			})
		}
		if err := errors.Join(r.inOne(calls...)...); err != nil || tries.Load() != 3 {
			r.Errorf("%d tries, %v; want the third to succeed", tries.Load(), err)
		}
		if got := r.count("SELECT COUNT(*) FROM jobs WHERE status = 'succeeded' OR node = 'other'"); got != 3 {
			r.Errorf("%d jobs written; want 3", got)
		}
	})
}

var errDeadlock = errors.New("deadlock")

// A job whose row somebody has locked delays its own call, not its neighbours'.
func TestALockedRowDelaysNoNeighbour(t *testing.T) {
	r := newRig(t, mysqlURL(t))
	claims := r.claimedTogether(r.many(3))
	beside := r.begin()
	if _, err := beside.ExecContext(t.Context(), "UPDATE jobs SET node = 'x' WHERE id = ?", claims[1].Job.ID); err != nil {
		t.Fatal(err)
	}
	neighbours := make(chan struct{}, 2)
	calls := make([]func() error, len(claims))
	for i, c := range claims {
		calls[i] = func() error {
			err := r.Finish(t.Context(), c, bridge.Ending{Status: schemas.Succeeded})
			if i != 1 {
				neighbours <- struct{}{}
			}
			return err
		}
	}
	answers := make(chan []error)
	go func() { answers <- r.inOne(calls...) }()
	<-neighbours
	<-neighbours // while the row is still locked
	if err := beside.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-answers...); err != nil {
		t.Error(err)
	}
}

// A caller that gives up while it waits is left out, and cancels nothing.
func TestACallerThatGivesUpIsLeftOut(t *testing.T) {
	onEach(t, func(r rig) {
		claims := r.claimedTogether(r.many(3))
		ctx, cancel := context.WithCancel(r.Context())
		calls := make([]func() error, len(claims))
		for i, c := range claims {
			calls[i] = func() error { return r.Finish(r.Context(), c, bridge.Ending{Status: schemas.Succeeded}) }
		}
		calls[1] = func() error { return r.Finish(ctx, claims[1], bridge.Ending{Status: schemas.Succeeded}) }
		calls[2] = func() error {
			cancel() // the second is queued
			return r.Finish(r.Context(), claims[2], bridge.Ending{Status: schemas.Succeeded})
		}
		answers := r.inOne(calls...)
		if answers[0] != nil || answers[2] != nil || !errors.Is(answers[1], context.Canceled) || code(answers[1]) != bridge.CodeStoreUnavailable {
			r.Errorf("answers %v", answers)
		}
		if got := r.loaded(claims[1].Job.ID).Status; got != schemas.Processing {
			r.Errorf("the call that was given up ended its job: %s", got)
		}
	})
}

// Two calls for one job never share a transaction: the second sees what the
// first has written.
func TestTwoCallsForOneJob(t *testing.T) {
	onEach(t, func(r rig) {
		c := r.claimed(r.accepted("product:1"))
		answers := r.inOne(
			func() error { return r.Finish(r.Context(), c, bridge.Ending{Status: schemas.Succeeded}) },
			func() error { _, err := r.Renew(r.Context(), c, someLease); return err },
		)
		if answers[0] != nil || !errors.Is(answers[1], bridge.ErrFenced) {
			r.Errorf("answers %v", answers)
		}
	})
}

// Close answers who waits and refuses who comes later.
func TestCloseAnswersCalls(t *testing.T) {
	onEach(t, func(r rig) {
		c := r.claimed(r.accepted("product:1"))
		if err := r.Store.Close(); err != nil {
			r.Fatal(err)
		}
		if err := r.Finish(r.Context(), c, bridge.Ending{Status: schemas.Succeeded}); code(err) != bridge.CodeStoreUnavailable {
			r.Errorf("Finish after Close gave %v", err)
		}
	})
}

// BenchmarkJobs is many workers at once: claim, a step that was sent, end.
func BenchmarkJobs(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "mysql": mysqlURL} {
		for _, workers := range []int{1, 8, 32, 256} {
			b.Run(name+"/workers="+strconv.Itoa(workers), func(b *testing.B) {
				s := benched(b, url(b))
				jobs := make([]bridge.Job, b.N)
				together(64, func(at int) {
					for i := at; i < b.N; i += 64 {
						jobs[i] = job("product:" + strconv.Itoa(i))
						if _, err := s.Accept(b.Context(), jobs[i], someIntention); err != nil {
							b.Error(err)
						}
					}
				})
				var next atomic.Int64
				b.ResetTimer()
				together(workers, func(int) {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						if err := benchmarkJob(b, s, jobs[i-1].ID); err != nil {
							b.Error(err)
							return
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
			})
		}
	}
}

func benchmarkJob(b *testing.B, s *Store, id string) error {
	c, err := s.Claim(b.Context(), id, "node", someLease)
	if err != nil {
		return err
	}
	step := bridge.StepRecord{Name: "price", Target: "product:1", State: bridge.StepSkipped}
	return s.Finish(b.Context(), c, bridge.Ending{Status: schemas.Succeeded, Steps: []bridge.StepRecord{step}, Progress: schemas.Progress{Done: 1, Total: 1}})
}
