package bridge

import (
	"context"
	"fmt"
	"time"
)

// send journals the call and makes it. An outcome that settles the step is for
// the caller to journal.
func (a *attempt) send(ctx context.Context, s Step, rec StepRecord, b Baseline) (StepRecord, *pause, error) {
	rec.State, rec.Sends, rec.SentAt, rec.DoneAt = StepSending, rec.Sends+1, a.now(), nil
	rec.After, rec.Error = nil, nil
	if err := a.write(ctx, rec); err != nil {
		return rec, nil, err
	}
	if !a.lease.alive() {
		return rec, nil, ErrFenced
	}
	effect, err := sendStep(ctx, s, b)
	rec.DoneAt = a.now()
	if err == nil {
		rec.State, rec.After, rec.Detail = StepApplied, effect.After, effect.Detail
		return rec, nil, nil
	}
	fault := shopFault(err)
	rec.Detail = fault.Message
	switch fault.Fault {
	case Refused, NotFound:
		return failed(rec, fault.public(), a.now()), nil, nil
	case Unreached:
		rec.SentAt, rec.Sends = nil, rec.Sends-1
		return rec, a.waitFor(ctx, err), a.write(ctx, rec)
	}
	a.worker.Log.WarnContext(ctx, "unclear answer of the shop", "job_id", a.claim.Job.ID, "step", rec.Name, "target", rec.Target, "error", err)
	if err := a.write(ctx, rec); err != nil {
		return rec, nil, err
	}
	if ctx.Err() != nil {
		return rec, a.waitFor(ctx, err), nil
	}
	settled, wait, err := a.decide(ctx, s, rec)
	if wait == nil && err == nil && !settled.State.Settled() {
		wait = &pause{at: a.worker.Now(), err: fault.public()}
	}
	return settled, wait, err
}

// failed settles a step that was certainly not applied.
func failed(rec StepRecord, why *Error, at *time.Time) StepRecord {
	rec.State, rec.Detail, rec.DoneAt, rec.Error = StepFailed, why.Message, at, jobError(why)
	return rec
}

// decide settles a call that left and was never answered, by its read-back
// check. A record that stays sending may be sent again.
func (a *attempt) decide(ctx context.Context, s Step, rec StepRecord) (StepRecord, *pause, error) {
	finding, err := check(ctx, s, rec)
	if err != nil {
		if wait := a.waitFor(ctx, err); wait != nil {
			return rec, wait, nil
		}
		finding = Finding{Verdict: CannotKnow, Reason: "the read-back was refused: " + AsError(shopAnswer(err)).Message}
	}
	switch finding.Verdict {
	case Applied:
		rec.State, rec.After, rec.Detail, rec.DoneAt = StepApplied, finding.Effect.After, finding.Effect.Detail, a.now()
		return rec, nil, nil
	case CannotKnow:
		rec.State, rec.Detail, rec.DoneAt = StepUnknown, finding.Reason, a.now()
		rec.Error = jobError(Fault(CodeOutcomeUnknown, nil, "%s on %s: %s", rec.Name, rec.Target, finding.Reason))
		return rec, nil, nil
	}
	if rec.DoneAt == nil {
		// Its worker stopped with the call under way, at a moment nobody noted
		// but before this claim. The shop may have had the call until then.
		rec.DoneAt, rec.Detail = a.now(), "its worker stopped before the shop had answered"
		if err := a.write(ctx, rec); err != nil {
			return rec, nil, err
		}
	}
	lastFault := Fault(CodeShopUnavailable, nil, "%s on %s was not applied: %s", rec.Name, rec.Target, rec.Detail)
	if settled := rec.DoneAt.Add(a.worker.Settle); a.worker.Now().Before(settled) {
		return rec, &pause{at: settled, err: lastFault}, nil
	}
	if rec.Sends >= a.claim.Job.MaxAttempts {
		why := Fault(CodeAttemptsExhausted, nil, "%s on %s was sent %d times and never applied: %s", rec.Name, rec.Target, rec.Sends, rec.Detail)
		return failed(rec, why, a.now()), nil, nil
	}
	return rec, nil, nil
}

// The three calls into a shop's step, each guarded: a panic there is a bug of
// one step, not the end of the worker.
func readBaseline(ctx context.Context, s Step, done Journal) (b Baseline, err error) {
	defer recovered(&err)
	return s.Baseline(ctx, done)
}

func sendStep(ctx context.Context, s Step, b Baseline) (e Effect, err error) {
	defer recovered(&err)
	return s.Send(ctx, b)
}

func check(ctx context.Context, s Step, rec StepRecord) (f Finding, err error) {
	defer recovered(&err)
	return s.Check(ctx, Baseline{Target: rec.Target, Data: rec.Baseline, Before: rec.Before})
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = &ShopError{Fault: Unclear, Code: CodeInternal, Message: "A step of the job failed inside the bridge.", Cause: fmt.Errorf("panic: %v", r)}
	}
}
