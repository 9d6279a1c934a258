package bridge

import (
	"context"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// follow reads a job, waiting up to wait for a terminal state. What it answers
// is always read from the database after the wait, and only its own client may
// see it: to others the job does not exist.
func (d *Desk) follow(ctx context.Context, actor Actor, id string, wait time.Duration, onProgress func(schemas.Progress)) (Job, error) {
	job, err := d.own(ctx, actor, id)
	if err != nil || job.Status.Terminal() || wait <= 0 {
		return job, err
	}
	if onProgress == nil {
		onProgress = func(schemas.Progress) {}
	}
	if err := d.awaitEnd(ctx, job, wait, onProgress); err != nil {
		return Job{}, err
	}
	return d.own(ctx, actor, id)
}

// RecentJobs tells where the actor's own newest jobs are, newest first.
func (d *Desk) RecentJobs(ctx context.Context, actor Actor, limit int) ([]JobState, error) {
	op, _ := FindOperation(OpGetJobStatus)
	if err := d.Authorize(actor, op); err != nil {
		return nil, err
	}
	return d.Jobs.RecentJobs(ctx, actor.ClientID, limit)
}

// own loads a job for the client whose job it is.
func (d *Desk) own(ctx context.Context, actor Actor, id string) (Job, error) {
	job, err := d.Jobs.JobStatus(ctx, id)
	if err != nil {
		return Job{}, err
	}
	if job.ClientID != actor.ClientID {
		return Job{}, noSuchJob(id)
	}
	return job, nil
}

// awaitEnd returns when the job has ended, is gone, or wait has passed.
func (d *Desk) awaitEnd(ctx context.Context, job Job, wait time.Duration, onProgress func(schemas.Progress)) error {
	news, leave := d.lookout.join(d.Jobs, job.ID)
	defer leave()
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	var told schemas.Progress
	for now := job.Progress; ; {
		if now != told {
			told = now
			onProgress(told)
		}
		select {
		case seen := <-news:
			if seen.err != nil || seen.gone || seen.state.Status.Terminal() {
				return seen.err
			}
			now = seen.state.Progress
		case <-deadline.C:
			return nil
		case <-ctx.Done():
			return Fault(CodeInvalidRequest, ctx.Err(), "The wait was cancelled; the job goes on.")
		}
	}
}

// Hearing gives an observer that hands everything on to o and wakes at once
// those who wait at this desk for a job that a worker of the same process has
// ended. Jobs that end elsewhere are seen at the next look into the database.
func (d *Desk) Hearing(o Observer) Observer { return hearing{Observer: o, desk: d} }

type hearing struct {
	Observer
	desk *Desk
}

// Ended implements Observer.
func (h hearing) Ended(job Job, status schemas.JobStatus, took time.Duration) {
	h.desk.lookout.wake(job.ID)
	h.Observer.Ended(job, status, took)
}

func noSuchJob(id string) error { return Fault(CodeNotFound, nil, "There is no job %s.", id) }
