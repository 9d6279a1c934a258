package store

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

func TestRetention(t *testing.T) {
	onEach(t, func(r rig) {
		const day = 24 * time.Hour
		policy := Retention{Idempotency: 30 * day, Failed: 90 * day}
		// aged makes a job of that age which ended in a status.
		aged := func(status schemas.JobStatus, age time.Duration) bridge.Job {
			j := job("product:" + uuid.NewString())
			j.AcceptedAt = j.AcceptedAt.Add(-age)
			r.accept(j)
			if status != schemas.Accepted {
				if err := r.Finish(r.Context(), r.claimed(j), bridge.Ending{Status: status}); err != nil {
					r.Fatal(err)
				}
			}
			for _, backdate := range []string{
				"UPDATE jobs SET finished_at = accepted_at WHERE id = ? AND claimable_at IS NULL",
				"UPDATE idempotency SET created_at = (SELECT accepted_at FROM jobs WHERE id = job_id) WHERE job_id = ?",
			} {
				if err := r.exec(backdate, j.ID); err != nil {
					r.Fatal(err)
				}
			}
			return j
		}
		type fate struct {
			job       bridge.Job
			kept, ids bool
			because   string
		}
		bound := aged(schemas.Succeeded, 40*day)
		again := bound
		again.ID, again.RequestID, again.AcceptedAt = uuid.Must(uuid.NewV7()).String(), uuid.NewString(), time.Now()
		if recorded, err := r.Accept(r.Context(), again, someIntention); err != nil || recorded == nil {
			r.Fatalf("%+v, %v", recorded, err)
		}
		fates := []fate{
			{aged(schemas.Succeeded, 29*day), true, true, "a success younger than 30 days"},
			{aged(schemas.Succeeded, 31*day), false, false, "a success older than 30 days"},
			{bound, true, true, "an old success whose batch was sent again today"},
			{aged(schemas.Failed, 31*day), true, false, "a failure older than 30 days, younger than 90"},
			{aged(schemas.Failed, 91*day), false, false, "a failure older than 90 days"},
			{aged(schemas.NeedsReview, 400*day), true, false, "a job that still waits for a person"},
			{aged(schemas.Accepted, 400*day), true, true, "a job that has not ended"},
		}
		for range retainBatch + 3 { // more than one transaction
			aged(schemas.Succeeded, 50*day)
		}
		removed, err := r.Retain(r.Context(), policy)
		if err != nil || removed != retainBatch+3+2 {
			r.Errorf("removed %d jobs, %v; want %d", removed, err, retainBatch+3+2)
		}
		for _, f := range fates {
			if kept := r.count("SELECT COUNT(*) FROM jobs WHERE id = ?", f.job.ID) == 1; kept != f.kept {
				r.Errorf("%s: kept %t, want %t", f.because, kept, f.kept)
			}
			ids := r.count("SELECT COUNT(*) FROM idempotency WHERE job_id = ?", f.job.ID) + r.count("SELECT COUNT(*) FROM batches WHERE job_id = ?", f.job.ID)
			if (ids > 0) != f.ids {
				r.Errorf("%s: ids known %t, want %t", f.because, ids > 0, f.ids)
			}
		}
		if again, err := r.Retain(r.Context(), policy); err != nil || again != 0 {
			r.Errorf("the second sweep removed %d, %v", again, err)
		}
	})
}
