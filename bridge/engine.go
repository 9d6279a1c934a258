package bridge

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// attempt is one worker's turn at a job. It walks the plan's units and steps;
// what the journal has settled is never done again.
type attempt struct {
	worker     *Worker
	claim      Claim
	lease      *lease
	journal    Journal
	units      int    // of the plan
	concluded  int    // units done, failed or unknown
	total      int    // of the progress: units or, with one unit, steps
	progressed bool   // some step was settled in this attempt
	halted     *pause // why no further call is made; settled units still count
}

// journalTimeout bounds a write to the ledger made after the attempt's own
// context has ended.
const journalTimeout = 5 * time.Second

// pause is why a unit stays open: it waits until at. Counted uses up the
// attempt. Stop ends the whole attempt without using it up: the shop is away.
type pause struct {
	at      time.Time
	counted bool
	stop    bool
	err     *Error
}

func (p *pause) merge(other *pause) *pause {
	if p == nil {
		return other
	}
	if other.at.Before(p.at) {
		p.at = other.at
	}
	p.counted, p.stop = p.counted || other.counted, p.stop || other.stop
	p.err = other.err
	return p
}

// run carries the job as far as it goes now and ends it or puts it back.
func (a *attempt) run(ctx context.Context) error {
	plan, err := a.plan(ctx)
	if err != nil {
		return a.unplanned(ctx, err)
	}
	a.units, a.total = len(plan.Units), len(plan.Units)
	if a.units == 1 {
		a.total = len(plan.Units[0].Steps)
	}
	var outcome Outcome
	var waiting *pause
	for _, unit := range plan.Units {
		out, pause, err := a.unit(ctx, unit)
		if err != nil {
			return err
		}
		outcome.Units = append(outcome.Units, out)
		if pause == nil {
			a.concluded++
			continue
		}
		waiting = waiting.merge(pause)
		if pause.stop || ctx.Err() != nil {
			a.halted = pause
		}
	}
	return a.close(ctx, plan, outcome, waiting)
}

// plan asks the shop for the steps; a panic in there is a counted failure. A
// job without any was written by another version: to call it succeeded would be
// to say that the shop was changed.
func (a *attempt) plan(ctx context.Context) (plan Plan, err error) {
	defer recovered(&err)
	if err := stillValid(a.claim.Job); err != nil {
		return plan, err
	}
	plan, err = a.worker.Shop.Plan(ctx, a.claim.Job)
	if err == nil && !slices.ContainsFunc(plan.Units, func(u Unit) bool { return len(u.Steps) > 0 }) {
		err = Fault(CodeUnprocessable, nil, "The job's payload asks for nothing that this version of the bridge knows.")
	}
	return plan, err
}

// unplanned puts back or ends a job whose steps could not be laid out.
func (a *attempt) unplanned(ctx context.Context, err error) error {
	nothing := Plan{Result: func(Outcome) any { return nil }}
	if wait := a.waitFor(ctx, err); wait != nil {
		return a.close(ctx, nothing, Outcome{Units: []UnitOutcome{{State: UnitOpen}}}, wait)
	}
	return a.close(ctx, nothing, Outcome{Units: []UnitOutcome{{State: UnitFailed, Error: AsError(shopAnswer(err))}}}, nil)
}

// unit runs a unit's steps in order until one of them fails, waits or cannot
// be known. Targets locked on the way are given back when it is concluded.
func (a *attempt) unit(ctx context.Context, u Unit) (UnitOutcome, *pause, error) {
	out := UnitOutcome{Key: u.Key, State: UnitDone}
	locked := map[string]bool{}
	for _, step := range u.Steps {
		rec, wait, err := a.turn(ctx, u, step, locked)
		if err != nil {
			return out, nil, err
		}
		if wait != nil {
			out.State, out.Error, out.Journal = UnitOpen, wait.err, a.journal.of(u.Key)
			return out, wait, nil
		}
		if out.State, out.Error = concluded(step, rec); out.State != UnitDone {
			break
		}
	}
	out.Journal = a.journal.of(u.Key)
	return out, nil, a.unlock(ctx, locked)
}

// turn gives a step's settled record, working on it when it is not settled.
func (a *attempt) turn(ctx context.Context, u Unit, s Step, locked map[string]bool) (StepRecord, *pause, error) {
	rec, seen := a.journal.Find(u.Key, s.Name)
	if seen && rec.State.Settled() {
		return rec, nil, nil
	}
	if a.halted != nil {
		return rec, a.halted, nil
	}
	if !seen {
		rec = StepRecord{Seq: a.journal.nextSeq(), Unit: u.Key, Name: s.Name}
	}
	ctx, end := a.worker.tracer().Span(ctx, "step "+s.Name, slog.String("unit", u.Key))
	rec, wait, err := a.step(ctx, u, s, rec, locked)
	end(troubleOf(rec, wait, err))
	return rec, wait, err
}

// troubleOf is what a trace shows of a step that is not simply done.
func troubleOf(rec StepRecord, wait *pause, err error) error {
	switch {
	case err != nil:
		return err
	case wait != nil:
		return wait.err
	case rec.State == StepFailed || rec.State == StepUnknown:
		return stepError(rec)
	}
	return nil
}

// concluded says what a settled step means for its unit.
func concluded(s Step, rec StepRecord) (UnitState, *Error) {
	switch {
	case rec.State == StepUnknown:
		return UnitUnknown, stepError(rec)
	case rec.State == StepFailed && !s.Tolerated:
		return UnitFailed, stepError(rec)
	}
	return UnitDone, nil
}

func (a *attempt) unlock(ctx context.Context, locked map[string]bool) error {
	for target := range locked {
		if err := a.worker.Ledger.UnlockTarget(ctx, a.claim, target); err != nil {
			return err
		}
	}
	return nil
}

// step settles one step or says what it waits for.
func (a *attempt) step(ctx context.Context, u Unit, s Step, rec StepRecord, locked map[string]bool) (StepRecord, *pause, error) {
	if rec.State == StepSending && rec.SentAt != nil {
		settled, wait, err := a.decide(ctx, s, rec)
		if err != nil || wait != nil || settled.State.Settled() {
			return settled, wait, err
		}
		rec = settled
	}
	baseline, refused, wait, err := a.baseline(ctx, u, s, rec.Target, locked)
	switch {
	case err != nil || wait != nil:
		return rec, wait, err
	case refused != nil:
		return a.fail(ctx, rec, AsError(shopAnswer(refused)))
	}
	rec.Target, rec.Baseline, rec.Before = baseline.Target, baseline.Data, baseline.Before
	if baseline.Skip != "" {
		rec.State, rec.After, rec.Detail, rec.DoneAt = StepSkipped, baseline.After, baseline.Skip, a.now()
		return rec, nil, a.write(ctx, rec)
	}
	return a.send(ctx, s, rec, baseline)
}

// baseline reads where the step starts from, holding its target: one that
// becomes known only by reading is locked, then read again. refused is the
// shop's no, err a fault of the ledger.
func (a *attempt) baseline(ctx context.Context, u Unit, s Step, target string, locked map[string]bool) (b Baseline, refused error, wait *pause, err error) {
	for {
		if wait, err := a.lock(ctx, target, locked); wait != nil || err != nil {
			return b, nil, wait, err
		}
		b, err := readBaseline(ctx, s, a.journal.of(u.Key))
		if err != nil {
			if wait := a.waitFor(ctx, err); wait != nil {
				return b, nil, wait, nil
			}
			return b, err, nil, nil
		}
		if b.Target == target || a.holds(b.Target, locked) {
			return b, nil, nil, nil
		}
		target = b.Target
	}
}

// lock takes a target for the unit unless the job holds it already.
func (a *attempt) lock(ctx context.Context, target string, locked map[string]bool) (*pause, error) {
	if target == "" || a.holds(target, locked) {
		return nil, nil
	}
	free, err := a.worker.Ledger.LockTarget(ctx, a.claim, target)
	if err != nil {
		return nil, err
	}
	if !free {
		busy := Fault(CodeShopUnavailable, nil, "%s is being changed by another job.", target)
		return &pause{at: a.worker.Now().Add(busyRetry), err: busy}, nil
	}
	locked[target] = true
	return nil, nil
}

func (a *attempt) holds(target string, locked map[string]bool) bool {
	return locked[target] || slices.Contains(a.claim.Job.Targets, target)
}

// waitFor says how long an error makes the unit wait; nil when waiting will
// not help.
func (a *attempt) waitFor(ctx context.Context, err error) *pause {
	now := a.worker.Now()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
		// The process is shutting down, or the lease is lost (then the ledger
		// refuses the release): another worker goes on at once.
		return &pause{at: now, stop: true, err: Fault(CodeInternal, err, "The worker stopped; the job goes on elsewhere.")}
	}
	var public *Error
	if errors.As(err, &public) {
		if public.Code == CodeInternal {
			return &pause{at: now.Add(Backoff(a.claim.Job.Attempts)), counted: true, err: public}
		}
		return nil
	}
	fault := shopFault(err)
	switch fault.Fault {
	case Unreached:
		return &pause{at: now.Add(awayRetry/2 + Backoff(1)), stop: true, err: fault.public()}
	case Unclear:
		return &pause{at: now.Add(Backoff(a.claim.Job.Attempts)), counted: true, err: fault.public()}
	}
	return nil
}

// write journals a record, even when the attempt's time is up: an answer that
// came must not be lost.
func (a *attempt) write(ctx context.Context, rec StepRecord) error {
	a.journal = a.journal.with(rec)
	a.progressed = a.progressed || rec.State.Settled()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTimeout)
	defer cancel()
	if err := a.worker.Ledger.Journal(ctx, a.claim, rec, a.progress()); err != nil {
		return err
	}
	if rec.State.Settled() {
		a.worker.observer().Step(a.claim.Job.Kind, rec)
	}
	return nil
}

func (a *attempt) now() *time.Time {
	t := a.worker.Now().UTC()
	return &t
}
