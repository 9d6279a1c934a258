package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/prestashop-bridge/bridge/schemas"
)

// close ends the job when no unit is open, else puts it back.
func (a *attempt) close(ctx context.Context, plan Plan, outcome Outcome, waiting *pause) (err error) {
	a.idle()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTimeout)
	defer cancel()
	if waiting != nil {
		counted := waiting.counted && !waiting.stop && !a.progressed
		if !a.spent(counted) {
			if err := a.flush(ctx); err != nil {
				return err
			}
			return a.release(ctx, Release{At: waiting.at.UTC(), Counted: counted, Error: jobError(waiting.err)})
		}
		if outcome, err = a.exhaust(ctx, outcome, waiting.err); err != nil {
			return err
		}
	}
	ending, err := a.ending(plan, outcome)
	if err != nil {
		return errors.Join(err, a.flush(ctx))
	}
	if err := a.worker.Ledger.Finish(ctx, a.claim, ending); err != nil {
		return err
	}
	for _, rec := range ending.Steps {
		a.written(rec)
	}
	job := a.claim.Job
	a.worker.observer().Ended(job, ending.Status, a.worker.Now().Sub(job.AcceptedAt))
	return nil
}

func (a *attempt) release(ctx context.Context, r Release) error {
	if err := a.worker.Ledger.Release(ctx, a.claim, r); err != nil {
		return err
	}
	a.worker.observer().Released(a.claim.Job.Kind, r.Counted)
	return nil
}

// spent says whether the job may not be put back once more.
func (a *attempt) spent(counted bool) bool {
	job := a.claim.Job
	if counted && job.Attempts >= job.MaxAttempts {
		return true
	}
	return a.worker.MaxWait > 0 && job.StartedAt != nil && a.worker.Now().Sub(*job.StartedAt) >= a.worker.MaxWait
}

// exhaust settles the open units of a job that has no attempts left. A call
// that left without an answer and could not be checked is not a failure but
// unknown.
func (a *attempt) exhaust(ctx context.Context, outcome Outcome, last *Error) (Outcome, error) {
	for i, u := range outcome.Units {
		if u.State != UnitOpen {
			continue
		}
		u.State = UnitFailed
		u.Error = Fault(CodeAttemptsExhausted, last, "Given up after %d counted attempts: %s", a.claim.Job.Attempts, last.Message)
		for _, rec := range u.Journal {
			if !rec.inFlight() {
				continue
			}
			u.State = UnitUnknown
			u.Error = Fault(CodeOutcomeUnknown, last, "%s on %s was sent and could not be read back: %s", rec.Name, rec.Target, last.Message)
			rec.State, rec.Error = StepUnknown, jobError(u.Error)
			if err := a.write(ctx, rec); err != nil {
				return outcome, err
			}
		}
		outcome.Units[i] = u
	}
	return outcome, nil
}

// ending sums the units up: needs_review outweighs failed outweighs succeeded.
func (a *attempt) ending(plan Plan, outcome Outcome) (end Ending, err error) {
	defer recovered(&err)
	end = Ending{Status: schemas.Succeeded, Progress: a.progress(), Steps: slices.Concat(slices.Collect(maps.Values(a.unwritten))...)}
	failed := 0
	var first *Error
	for _, u := range outcome.Units {
		switch u.State {
		case UnitUnknown:
			end.Status = schemas.NeedsReview
		case UnitFailed:
			if end.Status == schemas.Succeeded {
				end.Status = schemas.Failed
			}
		default:
			continue
		}
		failed++
		if first == nil || u.State == UnitUnknown {
			first = u.Error
		}
	}
	if first != nil {
		end.Error = jobError(first)
		if len(outcome.Units) > 1 {
			end.Error.Message = fmt.Sprintf("%d of %d items did not succeed; the first: %s", failed, len(outcome.Units), first.Message)
		}
	}
	result, err := json.Marshal(plan.Result(outcome))
	if err != nil {
		return end, Fault(CodeInternal, err, "The job's result cannot be written.")
	}
	end.Result = result
	return end, nil
}

// progress counts concluded units, or settled steps when there is one unit.
func (a *attempt) progress() schemas.Progress {
	if a.units > 1 {
		return schemas.Progress{Done: a.concluded, Total: a.total}
	}
	settled := 0
	for _, rec := range a.journal {
		if rec.State.Settled() {
			settled++
		}
	}
	return schemas.Progress{Done: settled, Total: a.total}
}

func jobError(e *Error) *schemas.JobError {
	return &schemas.JobError{Code: string(e.Code), Message: e.Message, Fix: e.PublicFix()}
}

func stepError(rec StepRecord) *Error {
	if rec.Error == nil {
		return Fault(CodeInternal, nil, "%s", rec.Detail)
	}
	return &Error{Code: Code(rec.Error.Code), Message: rec.Error.Message, Fix: rec.Error.Fix}
}
