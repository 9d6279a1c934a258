package remote

import (
	"context"
	"encoding/json"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The pace of a wait: fast at first, since most jobs take a second, and a tenth
// of the reads a minute allows in all.
const (
	firstPoll   = 400 * time.Millisecond
	slowestPoll = 5 * time.Second
)

// follow reads a job, again and again until it has ended or the wait is over.
// The REST door has no wait of its own. What is asked of the client's window
// here is missing elsewhere, so when the bridge says it is too much the wait
// ends with what is known.
func (d *Desk) follow(ctx context.Context, op bridge.Operation, asked schemas.GetJobStatus, onProgress func(schemas.Progress)) (any, error) {
	id, err := bridge.CheckJobID(asked.JobID)
	if err != nil {
		return nil, err
	}
	until := d.now().Add(time.Duration(asked.WaitSeconds) * time.Second)
	var known *schemas.Job
	for pause := firstPoll; ; pause = min(pause*3/2, slowestPoll) {
		job, advice, err := d.job(ctx, op, id)
		if err != nil && known != nil && bridge.AsError(err).Code == bridge.CodeRateLimited {
			return *known, nil
		}
		if err != nil {
			return nil, err
		}
		known = &job
		left := until.Sub(d.now())
		if job.Status.Terminal() || left <= 0 {
			return job, nil
		}
		if onProgress != nil {
			onProgress(job.Progress)
		}
		if !sleep(ctx, min(max(pause, advice), left)) {
			return nil, cancelled(ctx)
		}
	}
}

// job reads a job once, and what the bridge says about asking again.
func (d *Desk) job(ctx context.Context, op bridge.Operation, id string) (schemas.Job, time.Duration, error) {
	payload, err := json.Marshal(map[string]string{op.PathKey: id})
	if err != nil {
		return schemas.Job{}, 0, err
	}
	response, err := d.call(ctx, op, "", payload)
	if err != nil {
		return schemas.Job{}, 0, err
	}
	job, err := checkedJob(op, response, id)
	return job, response.RetryAfter(), err
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func cancelled(ctx context.Context) error {
	return bridge.Fault(bridge.CodeInvalidRequest, context.Cause(ctx), "The wait was cancelled; the job goes on.")
}
