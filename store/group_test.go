package store

import (
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

// BenchmarkJobs is many workers at once: claim, a step that was sent, end.
func BenchmarkJobs(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "mysql": mysqlURL} {
		for _, workers := range []int{1, 8, 32, 256} {
			b.Run(name+"/workers="+strconv.Itoa(workers), func(b *testing.B) {
				s, err := Open(b.Context(), url(b), Options{})
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				if err := s.Migrate(b.Context()); err != nil {
					b.Fatal(err)
				}
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
