package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// A status is the whole job but for what may be megabytes of it.
func TestJobStatus(t *testing.T) {
	onEach(t, func(r rig) {
		j := r.accepted("product:1")
		claim := r.claimed(j)
		step := bridge.StepRecord{Name: "price", Target: "product:1", State: bridge.StepApplied}
		if err := r.Journal(r.Context(), claim, bridge.Entry{Steps: []bridge.StepRecord{step}, Progress: schemas.Progress{Done: 1, Total: 1}}); err != nil {
			r.Fatal(err)
		}
		r.finish(claim)
		whole := r.loaded(j.ID)
		if len(whole.Payload) == 0 || len(whole.Targets) != 1 {
			r.Fatalf("the whole job has payload %q and targets %q", whole.Payload, whole.Targets)
		}
		got, err := r.JobStatus(r.Context(), j.ID)
		if err != nil {
			r.Fatal(err)
		}
		if got.Payload != nil || len(got.Targets) != 0 {
			r.Errorf("a status has payload %q and targets %q", got.Payload, got.Targets)
		}
		if diff := cmp.Diff(whole.View(), got.View()); diff != "" {
			r.Errorf("view (-whole +status):\n%s", diff)
		}
		if got.ClientID != whole.ClientID || got.RequestID != whole.RequestID {
			r.Errorf("got %+v", got)
		}
		if _, err := r.JobStatus(r.Context(), "nobody"); code(err) != bridge.CodeNotFound {
			r.Errorf("no such job: %v", err)
		}
	})
}

func TestJobStates(t *testing.T) {
	onEach(t, func(r rig) {
		waits, runs := r.accepted("product:1"), r.accepted("product:2")
		claim := r.claimed(runs)
		progress := schemas.Progress{Done: 2, Total: 7}
		if err := r.Journal(r.Context(), claim, bridge.Entry{Steps: []bridge.StepRecord{bridge.StepRecord{Name: "x", State: bridge.StepApplied}}, Progress: progress}); err != nil {
			r.Fatal(err)
		}
		ids := []string{"nobody", runs.ID, waits.ID}
		for i := range 2 * maxRows { // more than one statement's worth
			ids = append(ids, fmt.Sprint("nobody-", i))
		}
		got, err := r.JobStates(r.Context(), append(ids, waits.ID))
		if err != nil {
			r.Fatal(err)
		}
		slices.SortFunc(got, func(a, b bridge.JobState) int { return a.Progress.Total - b.Progress.Total })
		want := []bridge.JobState{{ID: waits.ID, Status: schemas.Accepted}, {ID: waits.ID, Status: schemas.Accepted}, {ID: runs.ID, Status: schemas.Processing, Progress: progress}}
		if diff := cmp.Diff(want, got); diff != "" {
			r.Errorf("(-want +got):\n%s", diff)
		}
		if none, err := r.JobStates(r.Context(), nil); err != nil || len(none) != 0 {
			r.Errorf("nobody asked about: %v, %v", none, err)
		}
	})
}

func TestRecentJobsAreTheClientsOwn(t *testing.T) {
	onEach(t, func(r rig) {
		var own []string
		for i := range 4 {
			j := job("product:1")
			if i == 1 {
				j.ClientID = "stranger"
			} else {
				own = append(own, j.ID)
			}
			r.accept(j)
		}
		got, err := r.RecentJobs(r.Context(), "client", 2)
		want := []bridge.JobState{{ID: own[2], Status: schemas.Accepted}, {ID: own[1], Status: schemas.Accepted}}
		if err != nil || !slices.Equal(got, want) {
			r.Errorf("got %v, %v; want %v", got, err, want)
		}
		if got, err := r.RecentJobs(r.Context(), "nobody", 2); err != nil || len(got) != 0 {
			r.Errorf("a client without jobs: %v, %v", got, err)
		}
	})
}
