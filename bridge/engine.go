package bridge

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// attempt is one worker's turn at a job. It walks the plan's units, several at
// a time, and the steps of each in order; what the journal has settled is never
// done again.
type attempt struct {
	worker *Worker
	claim  Claim
	lease  *lease
	idle   func() // says that no more calls leave for the shop
	units  int    // of the plan
	total  int    // of the progress: units or, with one unit, steps
	turns  turns

	mu         sync.Mutex // held while the journal is written, so that progress never goes back
	journal    Journal
	unwritten  map[string][]StepRecord // by unit: of the journal, waiting for the unit's next write
	seq        int                     // of the next step record
	concluded  int                     // units done, failed or unknown
	progressed bool                    // some step was settled in this attempt
	halted     *pause                  // why no further call is made; settled units still count
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
	outcome, waiting, err := a.work(ctx, plan.Units)
	if err != nil {
		return err
	}
	return a.close(ctx, plan, outcome, waiting)
}

// work runs the units, at most Worker.ParallelUnits at once and begun in the
// order of the plan. A fault of the ledger lets the others finish the call they
// are at: to cut it off would only make its outcome unclear.
func (a *attempt) work(ctx context.Context, units []Unit) (Outcome, *pause, error) {
	outcome := Outcome{Units: make([]UnitOutcome, len(units))}
	pauses := make([]*pause, len(units))
	var group errgroup.Group
	group.SetLimit(max(1, a.worker.ParallelUnits))
	for i, unit := range units {
		group.Go(func() (err error) {
			defer recovered(&err)
			outcome.Units[i], pauses[i], err = a.unit(ctx, unit)
			a.conclude(ctx, pauses[i], err)
			return err
		})
	}
	err := group.Wait()
	var waiting *pause
	for _, p := range pauses {
		if p != nil {
			waiting = waiting.merge(p)
		}
	}
	return outcome, waiting, err
}

// conclude counts a unit as done with, or remembers why no other is to begin.
func (a *attempt) conclude(ctx context.Context, waiting *pause, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
		a.halted = &pause{at: a.worker.Now(), stop: true, err: AsError(err)}
	case waiting == nil:
		a.concluded++
	case waiting.stop || ctx.Err() != nil:
		a.halted = waiting
	}
}

// plan asks the shop for the steps; a panic in there is a counted failure. A
// job without any was written by another version: to call it succeeded would be
// to say that the shop was changed.
func (a *attempt) plan(ctx context.Context) (plan Plan, err error) {
	defer recovered(&err)
	if err := stillValid(a.claim.Job); err != nil {
		return plan, err
	}
	shop, err := a.worker.Shops.Shop(ctx, a.claim.Job.Shop)
	if err != nil {
		return plan, err
	}
	plan, err = shop.Plan(ctx, a.claim.Job)
	if err == nil && !slices.ContainsFunc(plan.Units, func(u Unit) bool { return len(u.Steps) > 0 }) {
		err = Fault(CodeUnprocessable, nil, "The job's payload asks for nothing that this version of the bridge knows.")
	}
	return plan, err
}

// unplanned puts back or ends a job whose steps could not be laid out. Without
// them no call that left unanswered can be looked up any more: it stays
// unknown.
func (a *attempt) unplanned(ctx context.Context, err error) error {
	nothing := Plan{Result: func(Outcome) any { return nil }}
	outcome := Outcome{Units: []UnitOutcome{{State: UnitOpen, Journal: a.journal}}}
	if wait := a.waitFor(ctx, err); wait != nil {
		return a.close(ctx, nothing, outcome, wait)
	}
	fault := AsError(shopAnswer(err))
	if slices.ContainsFunc(a.journal, StepRecord.inFlight) {
		if outcome, err = a.exhaust(ctx, outcome, fault); err != nil {
			return err
		}
	} else {
		outcome.Units[0] = UnitOutcome{State: UnitFailed, Error: fault}
	}
	return a.close(ctx, nothing, outcome, nil)
}

// unit runs a unit's steps in order until one of them fails, waits or cannot
// be known. Targets locked on the way are given back when it is concluded.
func (a *attempt) unit(ctx context.Context, u Unit) (UnitOutcome, *pause, error) {
	out := UnitOutcome{Key: u.Key, State: UnitDone}
	locked := map[string]bool{}
	defer a.turns.leave(u.Key)
	for _, step := range u.Steps {
		rec, wait, err := a.turn(ctx, u, step, locked)
		if err != nil {
			return out, nil, err
		}
		if wait != nil {
			out.State, out.Error, out.Journal = UnitOpen, wait.err, a.done(u.Key)
			return out, wait, nil
		}
		if out.State, out.Error = concluded(step, rec); out.State != UnitDone {
			break
		}
	}
	out.Journal = a.done(u.Key)
	if a.units > 1 {
		return out, nil, a.conclusion(ctx, u.Key, locked)
	}
	return out, nil, nil // the job's end writes what is left and gives everything back
}

// turn gives a step's settled record, working on it when it is not settled.
func (a *attempt) turn(ctx context.Context, u Unit, s Step, locked map[string]bool) (StepRecord, *pause, error) {
	rec, halted := a.record(u, s)
	if rec.State.Settled() || halted != nil {
		return rec, halted, nil
	}
	ctx, end := a.worker.tracer().Span(ctx, "step "+s.Name, slog.String("unit", u.Key))
	rec, wait, err := a.step(ctx, u, s, rec, locked)
	if err == nil && wait == nil {
		err = a.settle(ctx, u, s, rec)
	}
	end(troubleOf(rec, wait, err))
	return rec, wait, err
}

// settle journals a step that is done with. What another transaction follows at
// once waits for that one: the last record of a unit for the unit's conclusion
// or the job's end. And so may a step for which no call ever left, in a job of
// one unit: should the worker die before, the next one reads the shop again and
// decides anew.
func (a *attempt) settle(ctx context.Context, u Unit, s Step, rec StepRecord) error {
	state, _ := concluded(s, rec)
	last := state != UnitDone || s.Name == u.Steps[len(u.Steps)-1].Name
	if last || a.units == 1 && rec.State == StepSkipped && rec.Sends == 0 {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.note(rec)
		a.unwritten[u.Key] = append(a.unwritten[u.Key], rec)
		return nil
	}
	return a.write(ctx, rec)
}

// record gives the step's record, a new one when it has none yet; with it, for
// a step that is not settled, why no call is to be made.
func (a *attempt) record(u Unit, s Step) (StepRecord, *pause) {
	a.mu.Lock()
	defer a.mu.Unlock()
	rec, seen := a.journal.Find(u.Key, s.Name)
	switch {
	case seen && rec.State.Settled():
		return rec, nil
	case seen || a.halted != nil:
		return rec, a.halted
	}
	rec = StepRecord{Seq: a.seq, Unit: u.Key, Name: s.Name, State: StepSending}
	a.seq++
	return rec, nil
}

// done is the journal of one unit so far.
func (a *attempt) done(unit string) Journal {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.journal.of(unit)
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

// conclusion writes what is left of a unit and gives back the targets under
// whose locks it was found.
func (a *attempt) conclusion(ctx context.Context, unit string, locked map[string]bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.writeDown(ctx, unit, Entry{Unlock: slices.Sorted(maps.Keys(locked))})
}

// step settles one step or says what it waits for.
func (a *attempt) step(ctx context.Context, u Unit, s Step, rec StepRecord, locked map[string]bool) (StepRecord, *pause, error) {
	if rec.inFlight() {
		if err := a.turns.take(ctx, u.Key, rec.Target); err != nil {
			return rec, a.waitFor(ctx, err), nil
		}
		settled, wait, err := a.decide(ctx, s, rec)
		if err != nil || wait != nil || settled.State.Settled() {
			return settled, wait, err
		}
		rec = settled
	}
	baseline, refused, wait, err := a.baseline(ctx, u, s, knownTarget(s, rec, a.done(u.Key)), locked)
	switch {
	case err != nil || wait != nil:
		return rec, wait, err
	case refused != nil:
		return failed(rec, AsError(shopAnswer(refused)), a.now()), nil, nil
	}
	rec.Target, rec.Baseline, rec.Before = baseline.Target, baseline.Data, baseline.Before
	if baseline.Skip != "" {
		rec.State, rec.After, rec.Detail, rec.DoneAt = StepSkipped, baseline.After, baseline.Skip, a.now()
		return rec, nil, nil
	}
	return a.send(ctx, s, rec, baseline)
}

// knownTarget is what can be locked before the shop is asked; "" for nothing.
func knownTarget(s Step, rec StepRecord, done Journal) string {
	if rec.Target == "" && s.Target != nil {
		return s.Target(done)
	}
	return rec.Target
}

// baseline reads where the step starts from, holding its target: one that
// becomes known only by reading is locked, then read again. refused is the
// shop's no, err a fault of the ledger.
func (a *attempt) baseline(ctx context.Context, u Unit, s Step, target string, locked map[string]bool) (b Baseline, refused error, wait *pause, err error) {
	for {
		begun := a.turns.now()
		if wait, err := a.lock(ctx, u, target, locked); wait != nil || err != nil {
			return b, nil, wait, err
		}
		b, err := readBaseline(ctx, s, a.done(u.Key))
		if err != nil {
			if wait := a.waitFor(ctx, err); wait != nil {
				return b, nil, wait, nil
			}
			return b, err, nil, nil
		}
		if b.Target == target || a.holds(b.Target, locked) && a.turns.untouched(u.Key, b.Target, begun) {
			return b, nil, nil, nil
		}
		target = b.Target
	}
}

// lock takes a target for the unit: from the job's other units, then from other
// jobs unless the job holds it already.
func (a *attempt) lock(ctx context.Context, u Unit, target string, locked map[string]bool) (*pause, error) {
	if target == "" {
		return nil, nil
	}
	if err := a.turns.take(ctx, u.Key, target); err != nil {
		return a.waitFor(ctx, err), nil
	}
	if a.holds(target, locked) {
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
		switch public.Code {
		case CodeInternal:
			return &pause{at: now.Add(Backoff(a.claim.Job.Attempts)), counted: true, err: public}
		case CodeStoreUnavailable: // it was asked for the shop
			return &pause{at: now.Add(awayRetry/2 + Backoff(1)), stop: true, err: public}
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
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(rec)
	return a.writeDown(ctx, rec.Unit, Entry{Steps: []StepRecord{rec}})
}

// flush writes what waits.
func (a *attempt) flush(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, unit := range slices.Sorted(maps.Keys(a.unwritten)) {
		if err := a.writeDown(ctx, unit, Entry{}); err != nil {
			return err
		}
	}
	return nil
}

// note keeps a record in mind; mu is held.
func (a *attempt) note(rec StepRecord) {
	a.journal = a.journal.with(rec)
	a.progressed = a.progressed || rec.State.Settled()
}

// writeDown writes what waits of a unit with an entry; mu is held. What the
// ledger refuses is not kept for later: its error ends the attempt.
func (a *attempt) writeDown(ctx context.Context, unit string, e Entry) error {
	e.Steps = append(a.unwritten[unit], e.Steps...)
	delete(a.unwritten, unit)
	if len(e.Steps) == 0 && len(e.Unlock) == 0 {
		return nil
	}
	e.Progress = a.progress()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTimeout)
	defer cancel()
	if err := a.worker.Ledger.Journal(ctx, a.claim, e); err != nil {
		return err
	}
	for _, rec := range e.Steps {
		a.written(rec)
	}
	return nil
}

func (a *attempt) written(rec StepRecord) {
	if rec.State.Settled() {
		a.worker.observer().Step(a.claim.Job.Kind, rec)
	}
}

func (a *attempt) now() *time.Time {
	t := a.worker.Now().UTC()
	return &t
}
