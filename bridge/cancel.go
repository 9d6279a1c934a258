package bridge

import (
	"context"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/schemas"
)

// CancelJob is what a client may ask of its own job beyond reading it. It is
// not in the table of Operations, so no tool and no route is made of it.
var CancelJob = Operation{Name: "cancel_job", Title: "Cancel a job", Scope: auth.ScopeWrite, Write: true}

// Cancel ends a job of the actor's of which nothing was sent yet: the
// operator's rule, audited as the client's decision. It reports whether it
// did; false means that the job goes on, or had ended before. To others than
// its client a job does not exist.
func (d *Desk) Cancel(ctx context.Context, actor Actor, jobID string) (bool, error) {
	if err := d.Authorize(actor, CancelJob); err != nil {
		return false, err
	}
	id, err := schemas.ParseJobID(jobID)
	if err != nil {
		return false, violation([]schemas.FieldError{{Pointer: "/job_id", Keyword: "format", Message: err.Error()}})
	}
	decision := Decision{Operator: "client:" + actor.ClientID, Action: ActionCancel, Subject: id, Reason: "The client asked for it.", At: d.Now().UTC()}
	_, err = d.Docket.Amend(ctx, decision, func(job *Job) error {
		if job.ClientID != actor.ClientID {
			return noSuchJob(id)
		}
		return job.cancel(d.Now(), "Cancelled by its client.")
	})
	if AsError(err).Code == CodeUnprocessable { // too late
		return false, nil
	}
	return err == nil, err
}

// cancel ends a job of which nothing was sent; CodeUnprocessable when it is too
// late for that.
func (j *Job) cancel(now time.Time, why string) error {
	if !CanMove(j.Status, schemas.Cancelled) {
		return cannot(ActionCancel, *j, "only a job that waits can be cancelled")
	}
	for _, step := range j.Steps {
		if step.SentAt != nil {
			return cannot(ActionCancel, *j, "a step of it has been sent to the shop")
		}
	}
	at := now.UTC()
	j.Status, j.FinishedAt, j.NextAttemptAt = schemas.Cancelled, &at, nil
	j.Error = &schemas.JobError{Code: "cancelled", Message: why, Fix: "Send the change again with a new request id if it is still wanted."}
	return nil
}
