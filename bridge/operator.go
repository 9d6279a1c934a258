package bridge

import (
	"context"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// JobFilter narrows a list of jobs; zero values match all.
type JobFilter struct {
	Status   schemas.JobStatus
	Kind     string
	ClientID string
	Shop     *string // "" is that of the settings
	Limit    int     // newest first; zero means 50
}

// Decision is what an operator does to a job, a client or a shop: who, what and why.
// It is written to the audit log in the transaction that carries it out.
type Decision struct {
	Operator string
	Action   string // an Action constant
	Reason   string
	Subject  string // a job id, a client id or a shop's name
	At       time.Time
}

// The operator's actions.
const (
	ActionRetry             = "retry"
	ActionCancel            = "cancel"
	ActionResolveApplied    = "resolve-applied"
	ActionResolveNotApplied = "resolve-not-applied"
)

// Docket is the store as the operator's hand uses it. Amend loads the job
// under a lock, lets change alter it, and stores the job, its journal and the
// decision in one transaction; an error of change leaves everything as it was.
type Docket interface {
	// Job loads a job with its steps; CodeNotFound when there is none.
	Job(ctx context.Context, id string) (Job, error)
	Jobs(ctx context.Context, filter JobFilter) ([]Job, error)
	Amend(ctx context.Context, d Decision, change func(*Job) error) (Job, error)
}

// Operator is the merchant's own hand on the jobs, from the command line or
// the console.
type Operator struct {
	Docket    Docket
	Transport Transport
	Now       func() time.Time
}

// Jobs lists jobs of all clients.
func (o *Operator) Jobs(ctx context.Context, filter JobFilter) ([]Job, error) {
	return o.Docket.Jobs(ctx, filter)
}

// Job loads one job of any client.
func (o *Operator) Job(ctx context.Context, id string) (Job, error) { return o.Docket.Job(ctx, id) }

// Retry lets a failed job run again. What its journal says was applied stays
// applied; the steps that failed are tried anew, with all attempts.
func (o *Operator) Retry(ctx context.Context, operator, jobID, reason string) (Job, error) {
	return o.amend(ctx, Decision{Operator: operator, Action: ActionRetry, Subject: jobID, Reason: reason}, func(job *Job) error {
		if job.Status != schemas.Failed {
			return cannot(ActionRetry, *job, "only a failed job can be retried")
		}
		job.Steps = without(job.Steps, StepFailed)
		job.reopen()
		return nil
	})
}

// Cancel ends a job of which nothing was sent yet.
func (o *Operator) Cancel(ctx context.Context, operator, jobID, reason string) (Job, error) {
	return o.amend(ctx, Decision{Operator: operator, Action: ActionCancel, Subject: jobID, Reason: reason}, func(job *Job) error {
		return job.cancel(o.Now(), "Cancelled by an operator: "+reason)
	})
}

// Resolve tells what became of the steps a job could not know about: applied
// steps count as done, others are sent again. The job then goes on.
func (o *Operator) Resolve(ctx context.Context, operator, jobID string, applied bool, reason string) (Job, error) {
	action := ActionResolveNotApplied
	if applied {
		action = ActionResolveApplied
	}
	return o.amend(ctx, Decision{Operator: operator, Action: action, Subject: jobID, Reason: reason}, func(job *Job) error {
		if job.Status != schemas.NeedsReview {
			return cannot(action, *job, "only a job that needs review can be resolved")
		}
		if applied {
			for i, step := range job.Steps {
				if step.State == StepUnknown {
					step.State, step.Error, step.Detail = StepApplied, nil, "applied, says "+operator+": "+reason
					job.Steps[i] = step
				}
			}
		} else {
			job.Steps = without(job.Steps, StepUnknown)
		}
		job.Steps = without(job.Steps, StepFailed)
		job.reopen()
		return nil
	})
}

// complete stamps a decision and demands its reason.
func (d *Decision) complete(now time.Time) error {
	d.At, d.Reason = now.UTC(), strings.TrimSpace(d.Reason)
	if d.Reason == "" {
		return Fault(CodeInvalidRequest, nil, "A decision needs a reason: it is what the audit log will show.")
	}
	return nil
}

// amend carries a decision out and tells the workers.
func (o *Operator) amend(ctx context.Context, d Decision, change func(*Job) error) (Job, error) {
	if err := d.complete(o.Now()); err != nil {
		return Job{}, err
	}
	job, err := o.Docket.Amend(ctx, d, change)
	if err != nil || job.Status != schemas.Accepted {
		return job, err
	}
	// Best effort: the sweep finds the job as well.
	_ = o.Transport.Announce(ctx, job.ID)
	return job, nil
}

func cannot(action string, job Job, why string) *Error {
	return Fault(CodeUnprocessable, nil, "Job %s is %s: %s (%s).", job.ID, job.Status, why, action)
}

// reopen puts an ended job back to where it was accepted.
func (j *Job) reopen() {
	j.Status, j.Attempts = schemas.Accepted, 0
	j.StartedAt, j.FinishedAt, j.NextAttemptAt, j.Result, j.Error = nil, nil, nil, nil, nil
}

// without gives a journal less the steps in one state.
func without(steps []StepRecord, state StepState) []StepRecord {
	var kept []StepRecord
	for _, step := range steps {
		if step.State != state {
			kept = append(kept, step)
		}
	}
	return kept
}
