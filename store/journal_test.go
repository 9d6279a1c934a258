package store

import (
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

func at(micros int64) *time.Time {
	t := time.UnixMicro(1_700_000_000_000_000 + micros).UTC()
	return &t
}

func TestJournalKeepsEveryStep(t *testing.T) {
	onEach(t, func(r rig) {
		j := r.accepted("product:7")
		c := r.claimed(j)
		sending := bridge.StepRecord{
			Seq: 0, Unit: "items/0", Name: "price", Target: "product:7", State: bridge.StepSending, Sends: 1,
			Baseline: json.RawMessage(`{"etag":"é \\"}`), Before: json.RawMessage(`"1.00"`), SentAt: at(1),
		}
		applied := sending
		applied.Seq, applied.State, applied.Sends = 5, bridge.StepApplied, 2
		applied.After, applied.Detail, applied.DoneAt = json.RawMessage(`null`), "bytes \xff of a shop", at(2)
		other := bridge.StepRecord{Seq: 1, Unit: "items/1", Name: "price", State: bridge.StepSkipped}
		twin := bridge.StepRecord{Seq: 2, Unit: "items/1", Name: "Price", State: bridge.StepUnknown,
			Error: &schemas.JobError{Code: "outcome_unknown", Message: "é", Fix: "look"}}
		for i, step := range []bridge.StepRecord{sending, other, twin, applied, applied} {
			if err := r.Journal(r.Context(), c, bridge.Entry{Steps: []bridge.StepRecord{step}, Progress: schemas.Progress{Done: i, Total: 9}}); err != nil {
				r.Fatal(err)
			}
		}
		applied.Seq, applied.Detail = 0, "bytes \uFFFD of a shop"
		got := r.loaded(j.ID)
		if diff := cmp.Diff([]bridge.StepRecord{applied, other, twin}, got.Steps); diff != "" {
			r.Errorf("steps (-want +got):\n%s", diff)
		}
		if want := (schemas.Progress{Done: 4, Total: 9}); got.Progress != want {
			r.Errorf("progress %+v; want %+v", got.Progress, want)
		}
		r.advance(someLease)
		if diff := cmp.Diff(got.Steps, r.claimed(j).Job.Steps); diff != "" {
			r.Errorf("the next worker gets other steps (-want +got):\n%s", diff)
		}
	})
}

func TestReleaseKeepsTheJobAndItsTargets(t *testing.T) {
	onEach(t, func(r rig) {
		j := r.accepted("product:1")
		fault := &schemas.JobError{Code: "shop_unavailable", Message: "away", Fix: "wait"}
		for _, step := range []struct {
			counted  bool
			fault    *schemas.JobError
			attempts int
		}{{true, fault, 1}, {false, nil, 1}, {false, fault, 1}, {true, nil, 2}} {
			c := r.claimed(j)
			due := time.Now().Add(time.Minute)
			if err := r.Release(r.Context(), c, bridge.Release{At: due, Counted: step.counted, Error: step.fault}); err != nil {
				r.Fatal(err)
			}
			got := r.loaded(j.ID)
			if got.Status != schemas.Retrying || got.Attempts != step.attempts || !cmp.Equal(got.Error, step.fault) {
				r.Errorf("released job is %s after %d attempts with %v", got.Status, got.Attempts, got.Error)
			}
			r.checkPause(got, due)
			if r.count("SELECT COUNT(*) FROM turns WHERE place = ''") != 1 {
				r.Error("the target was let go")
			}
			r.refused(j)
			r.advance(time.Minute + time.Second)
		}
	})
}

// checkPause: the end of the pause is by the database's clock, here ahead of
// ours by what the test advanced.
func (r rig) checkPause(got bridge.Job, due time.Time) {
	r.Helper()
	if got.NextAttemptAt == nil {
		r.Fatal("no next attempt")
	}
	local := got.NextAttemptAt.Add(-time.Duration(r.ahead.Load()) * time.Microsecond)
	if off := local.Sub(due).Abs(); off > 5*time.Second {
		r.Errorf("next attempt at %v; want %v", local, due)
	}
}

func TestReleaseIntoThePastIsDueAtOnce(t *testing.T) {
	onEach(t, func(r rig) {
		j := r.accepted("product:1")
		if err := r.Release(r.Context(), r.claimed(j), bridge.Release{}); err != nil {
			r.Fatal(err)
		}
		r.checkPause(r.loaded(j.ID), time.Now())
		r.claimed(j)
	})
}

func TestFinishEndsAJob(t *testing.T) {
	for _, ending := range []bridge.Ending{
		{Status: schemas.Succeeded, Result: json.RawMessage(`{"product_id":7}`), Progress: schemas.Progress{Done: 2, Total: 2}},
		{Status: schemas.Failed, Error: &schemas.JobError{Code: "shop_refused", Message: "nein", Fix: "prüfen"}, Progress: schemas.Progress{Total: 2}},
		{Status: schemas.NeedsReview, Result: json.RawMessage(`{}`), Error: &schemas.JobError{Code: "outcome_unknown"}},
	} {
		t.Run(string(ending.Status), func(t *testing.T) {
			onEach(t, func(r rig) {
				j := r.accepted("product:1")
				c := r.claimed(j)
				if err := r.Finish(r.Context(), c, ending); err != nil {
					r.Fatal(err)
				}
				got := r.loaded(j.ID)
				want := c.Job
				want.Status, want.Result, want.Error, want.Progress = ending.Status, ending.Result, ending.Error, ending.Progress
				want.FinishedAt = got.FinishedAt
				if diff := cmp.Diff(want, got); diff != "" {
					r.Errorf("finished job (-want +got):\n%s", diff)
				}
				if got.FinishedAt == nil || got.FinishedAt.Before(*got.StartedAt) {
					r.Errorf("finished at %v", got.FinishedAt)
				}
				r.advance(time.Hour)
				r.refused(j)
				if due := r.due(); len(due) != 0 {
					r.Errorf("due %v", due)
				}
				r.claimed(r.accepted("product:1"))
			})
		})
	}
}

// Every move out of processing that the store offers is one the table allows,
// and no other ending is written.
func TestMovesAreThoseOfTheTable(t *testing.T) {
	onEach(t, func(r rig) {
		for _, to := range schemas.JobStatuses {
			c := r.claimed(r.accepted("product:" + string(to)))
			err := r.Finish(r.Context(), c, bridge.Ending{Status: to})
			allowed := to.Terminal() && bridge.CanMove(schemas.Processing, to)
			if (err == nil) != allowed {
				r.Errorf("processing to %s: %v; want allowed: %v", to, err, allowed)
			}
			if !allowed && r.loaded(c.Job.ID).Status != schemas.Processing {
				r.Errorf("processing to %s was written", to)
			}
		}
		if !bridge.CanMove(schemas.Processing, schemas.Retrying) {
			r.Error("the table does not allow a release")
		}
	})
}

// standing is a job with a status, however it came by it.
func (r rig) standing(status schemas.JobStatus) bridge.Job {
	r.Helper()
	j := r.accepted("product:" + string(status))
	claimable := any(0)
	if status == schemas.AwaitingApproval || status.Terminal() {
		claimable = nil
	}
	if err := r.exec("UPDATE jobs SET status = ?, claimable_at = ? WHERE id = ?", string(status), claimable, j.ID); err != nil {
		r.Fatal(err)
	}
	return j
}

// A claim is refused exactly from where the table has no move to processing.
func TestClaimsAreMovesOfTheTable(t *testing.T) {
	onEach(t, func(r rig) {
		for _, from := range schemas.JobStatuses {
			j := r.standing(from)
			_, err := r.Claim(r.Context(), j.ID, "node", someLease)
			if allowed := bridge.CanMove(from, schemas.Processing); (err == nil) != allowed {
				r.Errorf("claim from %s: %v; want allowed: %v", from, err, allowed)
			}
		}
	})
}

// One job as a worker sees it: claimed, one step journalled twice, finished.
func BenchmarkJob(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "mysql": mysqlURL} {
		b.Run(name, func(b *testing.B) {
			s := benched(b, url(b))
			var elapsed time.Duration
			for i := range b.N {
				j := job("product:" + strconv.Itoa(i))
				if _, err := s.Accept(b.Context(), j, someIntention); err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				c, err := s.Claim(b.Context(), j.ID, "node", someLease)
				for _, state := range []bridge.StepState{bridge.StepSending, bridge.StepApplied} {
					step := bridge.StepRecord{Name: "price", Target: "product:1", State: state}
					err = errors.Join(err, s.Journal(b.Context(), c, bridge.Entry{Steps: []bridge.StepRecord{step}, Progress: schemas.Progress{Total: 1}}))
				}
				err = errors.Join(err, s.Finish(b.Context(), c, bridge.Ending{Status: schemas.Succeeded}))
				if err != nil {
					b.Fatal(err)
				}
				elapsed += time.Since(start)
			}
			b.ReportMetric(float64(b.N)/elapsed.Seconds(), "jobs/s")
		})
	}
}
