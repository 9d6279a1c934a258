package store

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// rehearsal accepts a job of a kind of its own for tomorrow.
func (r rig) rehearsal() bridge.Job {
	r.Helper()
	j := job("rehearsal:1")
	tomorrow := time.Now().Add(24 * time.Hour)
	j.Kind, j.NextAttemptAt = "rehearsal", &tomorrow
	r.accept(j)
	return j
}

func TestAnEarlyClaimIsTheOnlyOne(t *testing.T) {
	onEach(t, func(r rig) {
		j := r.rehearsal()
		if _, err := r.Claim(r.Context(), j.ID, "worker", time.Minute); !errors.Is(err, bridge.ErrNotClaimable) {
			r.Fatalf("a worker claimed a job of tomorrow: %v", err)
		}
		if due, err := r.Due(r.Context(), 10); err != nil || len(due) != 0 {
			r.Fatalf("due: %v, %v", due, err)
		}
		var claims atomic.Int64
		var racing sync.WaitGroup
		for _, node := range []*Store{r.Store, r.node(), r.node(), r.node()} {
			racing.Go(func() {
				switch _, err := node.ClaimEarly(r.Context(), j.ID, "check", time.Minute); {
				case err == nil:
					claims.Add(1)
				case !errors.Is(err, bridge.ErrNotClaimable):
					r.Error(err)
				}
			})
		}
		racing.Wait()
		if claims.Load() != 1 {
			r.Errorf("%d claims", claims.Load())
		}
		if due, err := r.Due(r.Context(), 10); err != nil || len(due) != 0 {
			r.Errorf("due while claimed: %v, %v", due, err)
		}
	})
}

func TestARehearsalLeavesNothing(t *testing.T) {
	onEach(t, func(r rig) {
		bystander := r.accepted("product:1")
		for _, end := range []bool{false, true} {
			j := r.rehearsal()
			claim, err := r.ClaimEarly(r.Context(), j.ID, "check", time.Minute)
			if err != nil {
				r.Fatal(err)
			}
			if err := r.Journal(r.Context(), claim, bridge.Entry{Steps: []bridge.StepRecord{bridge.StepRecord{Name: "step", State: bridge.StepApplied}}, Progress: schemas.Progress{Done: 1, Total: 1}}); err != nil {
				r.Fatal(err)
			}
			if end {
				if err := r.Finish(r.Context(), claim, bridge.Ending{Status: schemas.Succeeded}); err != nil {
					r.Fatal(err)
				}
			}
			if err := r.RemoveRehearsal(r.Context(), j.ID); err != nil {
				r.Fatal(err)
			}
			for _, table := range []string{"jobs WHERE id", "job_steps WHERE job_id", "idempotency WHERE job_id", "batches WHERE job_id", "turns WHERE job_id"} {
				var left int
				if err := r.read.QueryRowContext(r.Context(), "SELECT COUNT(*) FROM "+table+" = ?", j.ID).Scan(&left); err != nil || left != 0 {
					r.Errorf("%d rows left in %s, %v", left, table, err)
				}
			}
			if err := r.RemoveRehearsal(r.Context(), j.ID); err != nil {
				r.Errorf("once more: %v", err)
			}
		}
		if due, err := r.Due(r.Context(), 10); err != nil || !slices.Equal(due, []string{bystander.ID}) {
			r.Errorf("due: %v, %v", due, err)
		}
	})
}

func TestNobodyRehearsesWithRealWork(t *testing.T) {
	onEach(t, func(r rig) {
		j := r.accepted("product:1")
		if _, err := r.ClaimEarly(r.Context(), j.ID, "check", time.Minute); !errors.Is(err, errNotRehearsed) {
			r.Errorf("claimed early: %v", err)
		}
		if err := r.RemoveRehearsal(r.Context(), j.ID); !errors.Is(err, errNotRehearsed) {
			r.Errorf("removed: %v", err)
		}
		if _, err := r.Job(r.Context(), j.ID); err != nil {
			r.Error(err)
		}
	})
}

func TestClockAndNewest(t *testing.T) {
	onEach(t, func(r rig) {
		r.advance(time.Hour)
		if at, err := r.Clock(r.Context()); err != nil || time.Until(at) < 59*time.Minute || time.Until(at) > 61*time.Minute {
			r.Errorf("the clock says %v, %v", at, err)
		}
		newest, err := r.Newest()
		if err != nil {
			r.Fatal(err)
		}
		if version, err := r.Version(r.Context()); err != nil || version != newest {
			r.Errorf("version %d, newest %d, %v", version, newest, err)
		}
	})
}
