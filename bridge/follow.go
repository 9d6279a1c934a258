package bridge

import (
	"context"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// followEvery is how often a waiting caller's job is read again.
const followEvery = 200 * time.Millisecond

// follow reads a job, waiting up to wait for a terminal state. The job is
// always read from the database, and only its own client may see it: to
// others it does not exist.
func (d *Desk) follow(ctx context.Context, actor Actor, id string, wait time.Duration, onProgress func(schemas.Progress)) (Job, error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	var told schemas.Progress
	for {
		job, err := d.Jobs.Job(ctx, id)
		if err != nil {
			return Job{}, err
		}
		if job.ClientID != actor.ClientID {
			return Job{}, Fault(CodeNotFound, nil, "There is no job %s.", id)
		}
		if job.Status.Terminal() || wait <= 0 {
			return job, nil
		}
		if onProgress != nil && job.Progress != told {
			told = job.Progress
			onProgress(told)
		}
		tick := time.NewTimer(followEvery)
		select {
		case <-tick.C:
		case <-deadline.C:
			tick.Stop()
			return job, nil
		case <-ctx.Done():
			tick.Stop()
			return Job{}, Fault(CodeInvalidRequest, ctx.Err(), "The wait was cancelled; the job goes on.")
		}
	}
}
