package store

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// refused checks that a job cannot be claimed now.
func (r rig) refused(j bridge.Job) {
	r.Helper()
	if c, err := r.Claim(r.Context(), j.ID, "node", someLease); !errors.Is(err, bridge.ErrNotClaimable) {
		r.Errorf("Claim gave fence %d, %v; want ErrNotClaimable", c.Fence, err)
	}
}

func TestClaimGivesTheJob(t *testing.T) {
	onEach(t, func(r rig) {
		j := r.accepted("product:1")
		c := r.claimed(j)
		if c.Fence != 1 || c.Job.Status != schemas.Processing || c.Job.Attempts != 1 || c.Job.StartedAt == nil {
			r.Errorf("claim %+v", c)
		}
		if diff := cmp.Diff(r.loaded(j.ID), c.Job); diff != "" {
			r.Errorf("the claim's job is not what was written (-written +claimed):\n%s", diff)
		}
		r.refused(j)
	})
}

// A lease must not end before its holder thinks so: Until is counted by the
// local clock from before the question.
func TestUntilIsNeverTooLate(t *testing.T) {
	onEach(t, func(r rig) {
		j := r.accepted("product:1")
		before := time.Now()
		c := r.claimed(j)
		after := time.Now()
		if c.Until.Before(before.Add(someLease)) || c.Until.After(after.Add(someLease)) {
			r.Errorf("until %v; want between %v and %v", c.Until, before.Add(someLease), after.Add(someLease))
		}
		if end := fromMicros(int64(r.count("SELECT claimable_at FROM jobs"))); end.Before(c.Until) {
			r.Errorf("the lease ends %v, before the claim says: %v", end, c.Until)
		}
		before = time.Now()
		until, err := r.Renew(r.Context(), c, time.Minute)
		if err != nil {
			r.Fatal(err)
		}
		if until.Before(before.Add(time.Minute)) || until.After(time.Now().Add(time.Minute)) {
			r.Errorf("renewed until %v", until)
		}
		if end := fromMicros(int64(r.count("SELECT claimable_at FROM jobs"))); end.Before(until) {
			r.Errorf("the lease ends %v, before Renew says: %v", end, until)
		}
	})
}

// The leases of several machines must not depend on their clocks; those of
// several processes on one machine have only that machine's.
func TestWhoseClockLeasesRunBy(t *testing.T) {
	onEach(t, func(r rig) {
		wrong := r.node()
		wrong.now = func() time.Time { return time.Now().Add(time.Hour) }
		j := r.accepted("product:1")
		r.claimed(j)
		_, err := wrong.Claim(r.Context(), j.ID, "node", someLease)
		if sharedClock := r.dialect.name == "mysql"; sharedClock != errors.Is(err, bridge.ErrNotClaimable) {
			r.Errorf("a node whose clock is an hour ahead: %v", err)
		}
	})
}

func TestOneOfManyClaimsSucceeds(t *testing.T) {
	onEach(t, func(r rig) {
		nodes := []*Store{r.Store, r.node()}
		j := r.accepted("product:1")
		for round := range 3 {
			var claims atomic.Int64
			together(32, func(i int) {
				c, err := nodes[i%2].Claim(r.Context(), j.ID, "node", someLease)
				switch {
				case err == nil:
					claims.Add(1)
					if c.Fence != int64(round+1) {
						r.Errorf("fence %d in round %d", c.Fence, round)
					}
				case !errors.Is(err, bridge.ErrNotClaimable):
					r.Error(err)
				}
			})
			if claims.Load() != 1 {
				r.Errorf("round %d: %d claims; want 1", round, claims.Load())
			}
			r.advance(someLease + time.Second) // the holder dies
		}
	})
}

func TestJobsOfOneTargetGoInTheOrderOfAcceptance(t *testing.T) {
	onEach(t, func(r rig) {
		first, second := r.accepted("product:1"), r.accepted("product:1", "product:2")
		third, elsewhere := r.accepted("product:2"), r.accepted("product:3")
		if diff := cmp.Diff([]string{first.ID, elsewhere.ID}, r.due()); diff != "" {
			r.Errorf("due (-want +got):\n%s", diff)
		}
		r.refused(second)
		r.refused(third)
		c := r.claimed(first)
		r.refused(second)
		if err := r.Release(r.Context(), c, bridge.Release{At: time.Now().Add(time.Minute)}); err != nil {
			r.Fatal(err)
		}
		r.refused(second) // the first waits, but it was first
		r.advance(2 * time.Minute)
		r.finish(r.claimed(first))
		r.refused(third)
		r.finish(r.claimed(second))
		r.finish(r.claimed(third))
	})
}

func TestAwaitingApprovalBlocksNobody(t *testing.T) {
	onEach(t, func(r rig) {
		held := job("product:1")
		held.Status = schemas.AwaitingApproval
		r.accept(held)
		next := r.accepted("product:1")
		r.refused(held)
		if diff := cmp.Diff([]string{next.ID}, r.due()); diff != "" {
			r.Errorf("due (-want +got):\n%s", diff)
		}
		r.claimed(next)
	})
}

func TestDueKnowsWhatClaimGives(t *testing.T) {
	onEach(t, func(r rig) {
		leased, waiting, finished := r.accepted("product:1"), r.accepted("product:2"), r.accepted("product:3")
		fresh := r.accepted("product:4")
		r.claimed(leased)
		if err := r.Release(r.Context(), r.claimed(waiting), bridge.Release{At: time.Now().Add(time.Minute)}); err != nil {
			r.Fatal(err)
		}
		r.finish(r.claimed(finished))
		for _, step := range []struct {
			wait time.Duration
			want []string
		}{
			{0, []string{fresh.ID}},
			{someLease + time.Second, []string{leased.ID, fresh.ID}},
			{time.Minute, []string{leased.ID, waiting.ID, fresh.ID}},
		} {
			r.advance(step.wait)
			if diff := cmp.Diff(step.want, r.due()); diff != "" {
				r.Errorf("due (-want +got):\n%s", diff)
			}
		}
		if got, err := r.Due(r.Context(), 2); err != nil || !slices.Equal(got, []string{leased.ID, waiting.ID}) {
			r.Errorf("the oldest two: %v, %v", got, err)
		}
	})
}

// Two that take the same target at once may both see it free; the one whose
// row comes second is refused, not failed.
func TestTakingATargetBesideAnother(t *testing.T) {
	for name, take := range map[string]func(r rig, held bridge.Claim, waits bridge.Job) error{
		"Claim": func(r rig, _ bridge.Claim, waits bridge.Job) error {
			_, err := r.Claim(r.Context(), waits.ID, "node", someLease)
			if errors.Is(err, bridge.ErrNotClaimable) {
				return nil
			}
			return fmt.Errorf("claim gave %v; want ErrNotClaimable", err)
		},
		"LockTarget": func(r rig, held bridge.Claim, _ bridge.Job) error {
			ours, err := r.LockTarget(r.Context(), held, "product:1")
			if ours || err != nil {
				return fmt.Errorf("LockTarget gave %v, %v; want false", ours, err)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, mysqlURL(t))
			first, held, waits := r.accepted("product:9"), r.claimed(r.accepted("product:2")), r.accepted("product:1")
			beside := r.begin()
			if _, err := beside.ExecContext(t.Context(), "INSERT INTO turns VALUES (?, 'product:1', '', 1)", first.ID); err != nil {
				t.Fatal(err)
			}
			taken := make(chan error)
			go func() { taken <- take(r, held, waits) }()
			r.eventually("nobody waits for the other transaction", func() bool {
				return r.waiting(held.Job.ID)+r.waiting(waits.ID) > 0
			})
			if err := beside.Commit(); err != nil {
				t.Fatal(err)
			}
			if err := <-taken; err != nil {
				t.Error(err)
			}
		})
	}
}

// However many jobs are kept, and however long a queue is, Due reads the live
// ones in order and stops when it has enough: no join over all that wait.
func TestDueStopsEarly(t *testing.T) {
	onEach(t, func(r rig) {
		for range 100 {
			r.accepted("product:1")
		}
		explain, refresh := "EXPLAIN FORMAT=JSON ", "ANALYZE TABLE jobs, turns"
		if r.dialect.name == "sqlite" {
			explain, refresh = "EXPLAIN QUERY PLAN ", "ANALYZE"
		}
		if err := r.exec(refresh); err != nil {
			r.Fatal(err)
		}
		plan := r.plan(explain+r.dueQuery(0), 10)
		if !strings.Contains(plan, "jobs_stage") || regexp.MustCompile(`(?i)materialized|filesort|TEMP B-TREE|SCAN`).MatchString(plan) {
			r.Errorf("plan:\n%s", plan)
		}
	})
}

// plan is how the database would go about a query that says EXPLAIN.
func (r rig) plan(query string, args ...any) (plan string) {
	r.Helper()
	rows, err := r.read.QueryContext(r.Context(), query, args...)
	if err != nil {
		r.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		r.Fatal(err)
	}
	for rows.Next() {
		row := make([]any, len(columns))
		for i := range row {
			row[i] = new(sql.RawBytes)
		}
		if err := rows.Scan(row...); err != nil {
			r.Fatal(err)
		}
		plan += string(*row[len(row)-1].(*sql.RawBytes)) + "\n"
	}
	return plan
}

func TestAnExpiredJobIsClaimedAgainWithItsTargets(t *testing.T) {
	onEach(t, func(r rig) {
		j := r.accepted("product:1", "product:2")
		dead := r.claimed(j)
		if ours, err := r.LockTarget(r.Context(), dead, "product:9"); !ours || err != nil {
			r.Fatalf("LockTarget gave %v, %v", ours, err)
		}
		r.advance(someLease)
		again := r.claimed(j)
		if again.Fence != 2 || again.Job.Attempts != 2 || !again.Job.StartedAt.Equal(*dead.Job.StartedAt) {
			r.Errorf("second claim %+v", again)
		}
		if got := r.count("SELECT COUNT(*) FROM turns WHERE job_id = ? AND place = ''", j.ID); got != 3 {
			r.Errorf("holds %d targets; want 3", got)
		}
		r.finish(again)
		if left := r.count("SELECT COUNT(*) FROM turns"); left != 0 {
			r.Errorf("%d rows of targets left", left)
		}
	})
}

// occupancy notices two jobs on one target, and a younger one served first.
type occupancy struct {
	sync.Mutex
	holder map[string]string
	served map[string][]string
	ended  int
	change chan struct{} // closed at the next end of a job
}

func (o *occupancy) enter(r rig, j bridge.Job) {
	o.Lock()
	defer o.Unlock()
	for _, target := range j.Targets {
		if other := o.holder[target]; other != "" {
			r.Errorf("%s and %s both hold %s", other, j.ID, target)
		}
		o.holder[target] = j.ID
		o.served[target] = append(o.served[target], j.ID)
	}
}

func (o *occupancy) leave(j bridge.Job) {
	o.Lock()
	defer o.Unlock()
	for _, target := range j.Targets {
		o.holder[target] = ""
	}
}

func (o *occupancy) end() {
	o.Lock()
	defer o.Unlock()
	o.ended++
	close(o.change)
	o.change = make(chan struct{})
}

func (o *occupancy) state() (ended int, change <-chan struct{}) {
	o.Lock()
	defer o.Unlock()
	return o.ended, o.change
}

// Import-like jobs with random sets of few targets, two nodes, many workers:
// no two on one target, each target in the order of acceptance, and all end.
func TestManyTargetsManyWorkers(t *testing.T) {
	onEach(t, func(r rig) {
		const jobs = 40
		nodes := []*Store{r.Store, r.node()}
		for range jobs {
			var targets []string
			for _, n := range rand.Perm(10)[:1+rand.N(5)] {
				targets = append(targets, "product:"+strconv.Itoa(n))
			}
			r.accepted(targets...)
		}
		seen := &occupancy{holder: map[string]string{}, served: map[string][]string{}, change: make(chan struct{})}
		deadline := time.After(time.Minute)
		together(8, func(i int) {
			for {
				ended, change := seen.state()
				if ended == jobs || r.Failed() {
					return
				}
				if r.work(nodes[i%2], seen) {
					continue
				}
				select {
				case <-change:
				case <-deadline:
					r.Errorf("only %d of %d jobs ended", ended, jobs)
				}
			}
		})
		for target, order := range seen.served {
			if !slices.IsSorted(order) {
				r.Errorf("%s was served out of order", target)
			}
		}
	})
}

// work does what is due as a worker would, and reports whether there was any.
func (r rig) work(node *Store, seen *occupancy) (worked bool) {
	ids, err := node.Due(r.Context(), 5)
	if err != nil {
		r.Error(err)
	}
	for _, id := range ids {
		c, err := node.Claim(r.Context(), id, "node", someLease)
		if errors.Is(err, bridge.ErrNotClaimable) {
			continue
		}
		if err != nil {
			r.Error(err)
			return worked
		}
		seen.enter(r, c.Job)
		step := bridge.StepRecord{Name: "price", Target: c.Job.Targets[0], State: bridge.StepApplied}
		if err := node.Journal(r.Context(), c, bridge.Entry{Steps: []bridge.StepRecord{step}, Progress: schemas.Progress{Done: 1, Total: 1}}); err != nil {
			r.Error(err)
		}
		seen.leave(c.Job)
		if err := node.Finish(r.Context(), c, bridge.Ending{Status: schemas.Succeeded}); err != nil {
			r.Error(err)
		}
		seen.end()
		worked = true
	}
	return worked
}

func TestOneOfManyTakesAnotherTarget(t *testing.T) {
	onEach(t, func(r rig) {
		nodes := []*Store{r.Store, r.node()}
		claims := make([]bridge.Claim, 16)
		for i := range claims {
			claims[i] = r.claimed(r.accepted("reference:" + strconv.Itoa(i)))
		}
		var holder atomic.Int64
		holder.Store(-1)
		together(len(claims), func(i int) {
			ours, err := nodes[i%2].LockTarget(r.Context(), claims[i], "product:1")
			if err != nil {
				r.Error(err)
			}
			if ours && !holder.CompareAndSwap(-1, int64(i)) {
				r.Errorf("jobs %d and %d both hold the target", holder.Load(), i)
			}
		})
		if holder.Load() < 0 {
			r.Fatal("nobody holds the target")
		}
		owner, other := claims[holder.Load()], claims[(holder.Load()+1)%16]
		r.checkTarget(owner, other)
	})
}

// checkTarget walks through taking, giving back and waiting for product:1.
func (r rig) checkTarget(owner, other bridge.Claim) {
	r.Helper()
	ctx := r.Context()
	lock := func(c bridge.Claim, want bool) {
		r.Helper()
		if ours, err := r.LockTarget(ctx, c, "product:1"); ours != want || err != nil {
			r.Errorf("LockTarget gave %v, %v; want %v", ours, err, want)
		}
	}
	lock(owner, true) // again
	lock(other, false)
	queued := r.accepted("product:1")
	r.refused(queued)
	if err := r.Journal(ctx, other, bridge.Entry{Unlock: []string{"product:1"}}); err != nil { // not its own
		r.Error(err)
	}
	lock(other, false)
	if err := r.Journal(ctx, owner, bridge.Entry{Unlock: []string{"product:1"}}); err != nil {
		r.Error(err)
	}
	lock(other, true)
	r.refused(queued)
	r.finish(other)
	r.claimed(queued)
}
