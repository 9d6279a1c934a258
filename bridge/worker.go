package bridge

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Worker applies accepted jobs to their shops. All fields are required but
// MaxWait, ParallelUnits and the last four.
type Worker struct {
	Ledger Ledger
	Shops  Shops
	Node   string // who holds a lease, for the log
	// Lease is how long a claim covers a job without renewal; at most 10 s, so
	// that a dead worker's job goes on soon. It is renewed three times as often.
	Lease time.Duration
	// AttemptTimeout bounds one attempt (JOB_TIMEOUT_SECONDS).
	AttemptTimeout time.Duration
	// Settle is how long an unanswered call may still be running inside the
	// shop: a call is never sent again before that has passed.
	Settle time.Duration
	// MaxWait is how long after its start a job may go on waiting without using
	// up attempts; then the last fault ends it. A shop that never comes back, or
	// one page of it that never works, must not keep a job for ever. Zero: no end.
	MaxWait time.Duration
	// ParallelUnits is how many units of a job, the items of an import, are
	// worked on at once; zero means one after another.
	ParallelUnits int
	Now           func() time.Time
	Log           *slog.Logger
	Observe       Observer
	Trace         Tracer
	Slots         *Slots // nil: every shop may have all workers
	// Ending hears of a job, before Run returns, that to write how it went is
	// all that is left to do.
	Ending func(jobID string)
}

// busyRetry is when a job looks again at a target another job holds.
const busyRetry = 250 * time.Millisecond

// awayRetry is the mean pause of a job whose shop is away.
const awayRetry = 3 * time.Second

// maxBackoff caps the exponential backoff between counted attempts.
const maxBackoff = time.Minute

// Backoff is the pause after a counted attempt, 1 s doubled each time with
// full jitter over its upper half, so that jobs do not come back in step.
func Backoff(attempt int) time.Duration {
	pause := min(time.Second<<min(attempt, 10)/2, maxBackoff)
	return pause/2 + rand.N(pause/2+1)
}

// Run claims the job and works on it until it ends, must wait or is taken
// over. ErrNotClaimable says that there was nothing to do now; any other error
// is for the log, the job itself is safe in the ledger.
func (w *Worker) Run(ctx context.Context, jobID string) (err error) {
	leave, err := w.admit(ctx, jobID)
	if err != nil {
		return err
	}
	leave = sync.OnceFunc(leave)
	defer leave()
	claim, err := w.Ledger.Claim(ctx, jobID, w.Node, w.Lease)
	if err != nil {
		return err
	}
	job := claim.Job
	w.observer().Attempt(job.Kind)
	ctx, end := w.tracer().Job(ctx, jobID, "attempt "+job.Kind, slog.Int("attempt", job.Attempts), slog.String("shop", ShopLabel(job.Shop)), slog.String("node", w.Node))
	defer func() { end(err) }()
	held, stop := w.hold(ctx, claim)
	defer stop()
	bounded, cancel := context.WithTimeout(held.ctx, w.AttemptTimeout)
	defer cancel()

	idle := func() {
		leave()
		if w.Ending != nil {
			w.Ending(jobID)
		}
	}
	a := attempt{worker: w, claim: claim, lease: held, idle: idle, unwritten: map[string][]StepRecord{}, journal: job.Steps, seq: Journal(job.Steps).nextSeq()}
	err = a.run(bounded)
	if errors.Is(err, ErrFenced) {
		w.Log.WarnContext(ctx, "job taken over by another worker", "job_id", jobID, "fence", claim.Fence)
		return nil
	}
	return err
}

// lease is a claim kept alive. Its context ends when the claim is lost.
type lease struct {
	ctx   context.Context
	until atomic.Int64 // unix nanoseconds, local clock
	now   func() time.Time
}

// alive reports whether the claim still covers the job by the local clock. It
// is asked right before a call leaves for the shop: a process that was stopped
// past its lease must not send.
func (l *lease) alive() bool { return l.now().UnixNano() < l.until.Load() }

// hold renews the claim until stop is called. When a renewal is refused, or
// none gets through before the lease ends, the lease's context is cancelled
// with ErrFenced.
func (w *Worker) hold(ctx context.Context, claim Claim) (*lease, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	l := &lease{ctx: ctx, now: w.Now}
	l.until.Store(claim.Until.UnixNano())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.renew(ctx, claim, l, cancel)
	}()
	return l, func() {
		cancel(nil)
		<-done
	}
}

func (w *Worker) renew(ctx context.Context, claim Claim, l *lease, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(w.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		until, err := w.Ledger.Renew(ctx, claim, w.Lease)
		switch {
		case err == nil:
			l.until.Store(until.UnixNano())
		case errors.Is(err, ErrFenced) || !l.alive():
			cancel(ErrFenced)
			return
		default:
			w.Log.WarnContext(ctx, "lease not renewed", "job_id", claim.Job.ID, "error", err)
		}
	}
}
