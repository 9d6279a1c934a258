package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// recorded is a rig whose first node's statements are written down.
func recorded(r rig) (rig, *recorder) {
	r.Helper()
	heard := &recorder{}
	s, err := Open(r.Context(), r.url, Options{wrap: heard.wrap})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		if err := s.Close(); err != nil {
			r.Error(err)
		}
	})
	r.Store = s
	return r, heard
}

// A cost is what one call of the store may ask of the database. A trip is a
// wait for the server, where there is one: statements that travel together are
// one. A commit is a flush of the disk. More of any is slower on every machine,
// which a time would not show on a busy one. Whoever raises a number here has
// measured that it is worth it (docs/performance.md).
type cost struct{ statements, trips, commits int }

var costs = map[string]cost{
	"accept":                   {4, 1, 1}, // job, request id, targets; who wants to be told
	"accept with a batch id":   {5, 1, 1},
	"accept of a known id":     {5, 5, 1}, // tried, rolled back, looked up, committed, shown
	"recall of a new id":       {1, 1, 0},
	"claim, first of a job":    {3, 2, 1},
	"claim, next of a job":     {4, 3, 1}, // with its journal
	"claim of a job not due":   {1, 2, 0}, // rolled back
	"journal, first of a step": {3, 2, 1},
	"journal, next of a step":  {2, 2, 1},
	"renew":                    {2, 2, 1},
	"release":                  {2, 2, 1},
	"lock of a target":         {3, 2, 1},
	"unlock of a target":       {2, 2, 1},
	"finish":                   {4, 2, 1},
	"job":                      {2, 1, 0},
	"due":                      {1, 1, 0},
	"list":                     {1, 1, 0},
	"census":                   {1, 1, 0},
}

// cost of what was heard last. Without a server nothing travels.
func (r rig) cost(heard *recorder, asked []statement, commits int) cost {
	if r.packets {
		return cost{len(asked), len(heard.texts), commits}
	}
	return cost{statements: len(asked), commits: commits}
}

func (r rig) allowed(name string) cost {
	c := costs[name]
	if !r.packets {
		c.trips = 0
	} else if name == "accept of a known id" { // the rest of the packet was sent, and not carried out
		c.statements, c.commits = c.statements+2, c.commits+1
	}
	return c
}

func TestStatementsAndFlushes(t *testing.T) {
	onEach(t, func(r rig) {
		r, heard := recorded(r)
		seen := map[string]bool{}
		hold := func(name string, do func()) {
			t.Helper()
			seen[name] = true
			asked, commits := heard.listen(do)
			if got := r.cost(heard, asked, commits); got != r.allowed(name) {
				r.Errorf("%s: %+v; allowed are %+v\n%s", name, got, r.allowed(name), listing(asked))
			}
		}
		first, batched := job("product:1", "product:2"), job("product:3")
		first.BatchID = ""
		hold("recall of a new id", func() { r.recallNothing(first.RequestID) })
		hold("accept", func() { r.accept(first) })
		hold("accept with a batch id", func() { r.accept(batched) })
		again := first
		again.ID = uuid.Must(uuid.NewV7()).String()
		hold("accept of a known id", func() { r.acceptKnown(again) })
		var c bridge.Claim
		hold("claim, first of a job", func() { c = r.claimed(first) })
		hold("claim of a job not due", func() {
			if _, err := r.Claim(r.Context(), first.ID, "node", someLease); err == nil {
				r.Error("claimed twice")
			}
		})
		step := bridge.StepRecord{Name: "price", State: bridge.StepSending}
		write := func() {
			if err := r.Journal(r.Context(), c, bridge.Entry{Steps: []bridge.StepRecord{step}, Progress: schemas.Progress{Total: 1}}); err != nil {
				r.Error(err)
			}
		}
		hold("journal, first of a step", write)
		step.State = bridge.StepApplied
		hold("journal, next of a step", write)
		hold("renew", func() {
			if _, err := r.Renew(r.Context(), c, someLease); err != nil {
				r.Error(err)
			}
		})
		hold("lock of a target", func() {
			if ours, err := r.LockTarget(r.Context(), c, "product:more"); err != nil || !ours {
				r.Errorf("LockTarget gave %v, %v", ours, err)
			}
		})
		hold("unlock of a target", func() {
			if err := r.Journal(r.Context(), c, bridge.Entry{Unlock: []string{"product:more"}, Progress: schemas.Progress{Total: 1}}); err != nil {
				r.Error(err)
			}
		})
		hold("finish", func() { r.finish(c) })
		other := r.claimed(batched)
		hold("release", func() {
			if err := r.Release(r.Context(), other, bridge.Release{At: time.Now().Add(-time.Minute)}); err != nil {
				r.Error(err)
			}
		})
		hold("claim, next of a job", func() { r.claimed(batched) })
		hold("job", func() { r.loaded(first.ID) })
		hold("due", func() { r.due() })
		hold("list", func() { r.list(bridge.JobFilter{Status: schemas.Failed}) })
		hold("census", func() {
			if _, err := r.Census(r.Context()); err != nil {
				r.Error(err)
			}
		})
		for name := range costs {
			if !seen[name] {
				r.Errorf("%s has a cost and is never held to it", name)
			}
		}
	})
}

// Jobs that are accepted together share one transaction and its statements.
func TestAcceptedTogetherCostsOneFlush(t *testing.T) {
	onEach(t, func(r rig) {
		r, heard := recorded(r)
		const many = 50
		acceptors := r.dialect.acceptors
		waited := r.write.Stats().WaitCount
		release := r.hold()
		asked, commits := heard.listen(func() {
			var all sync.WaitGroup
			accept := func(i int) {
				j := job(fmt.Sprintf("product:%d", i))
				j.BatchID = ""
				all.Go(func() { r.accept(j) })
			}
			for i := range acceptors { // each takes one and waits with it for the connection
				accept(i)
				r.eventually("an acceptor did not begin", func() bool { return r.write.Stats().WaitCount > waited+int64(i) })
			}
			for i := acceptors; i < many; i++ {
				accept(i)
			}
			r.eventually("the others never queued", func() bool { return r.waitingEntries() == many-acceptors })
			release()
			all.Wait()
		})
		most := acceptors + 1
		if commits > most || len(asked) > 4*most {
			r.Errorf("%d jobs took %d statements and %d commits; at most %d and %d", many, len(asked), commits, 4*most, most)
		}
	})
}

func (r rig) recallNothing(requestID string) {
	r.Helper()
	if recorded, err := r.Recall(r.Context(), "client", requestID, ""); err != nil || recorded != nil {
		r.Errorf("got %+v, %v", recorded, err)
	}
}

func (r rig) acceptKnown(j bridge.Job) {
	r.Helper()
	if recorded, err := r.Accept(r.Context(), j, someIntention); err != nil || recorded == nil {
		r.Errorf("got %+v, %v", recorded, err)
	}
}

func (r rig) list(f bridge.JobFilter) []bridge.Job {
	r.Helper()
	jobs, err := r.Jobs(r.Context(), f)
	if err != nil {
		r.Fatal(err)
	}
	return jobs
}

func listing(asked []statement) string {
	var lines []string
	for _, s := range asked {
		lines = append(lines, "\t"+strings.Join(strings.Fields(s.text), " "))
	}
	return strings.Join(lines, "\n")
}
