package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// RunnerOptions are what a Runner works with.
type RunnerOptions struct {
	// Work does what a job id stands for: claim it, apply it, finish or release
	// it. bridge.ErrNotClaimable says that nothing was to be done.
	Work func(ctx context.Context, jobID string) error
	// Due lists up to limit jobs of the database that could be claimed now.
	Due func(ctx context.Context, limit int) ([]string, error)

	Workers      int           // jobs at once; 8
	SweepEvery   time.Duration // between two looks into the database; 500 ms, and at most 100 ms while Redis is away
	DrainTimeout time.Duration // what running jobs get at the end; 20 s
	ReclaimAfter time.Duration // idle time after which another worker's announcement is taken over; 1 min
	ForgetAfter  time.Duration // idle time after which a worker without announcements is removed; 1 h

	// Observe hears where each id came from that is given to Work; nil for none.
	Observe func(Source)
}

// Source is where the runner found a job id.
type Source string

// The stream announces; the sweep finds what it lost, retries and orphans.
const (
	FromStream Source = "stream"
	FromSweep  Source = "sweep"
)

func (o RunnerOptions) withDefaults() RunnerOptions {
	o.Workers = positive(o.Workers, 8)
	o.SweepEvery = positive(o.SweepEvery, 500*time.Millisecond)
	o.DrainTimeout = positive(o.DrainTimeout, 20*time.Second)
	o.ReclaimAfter = positive(o.ReclaimAfter, time.Minute)
	o.ForgetAfter = positive(o.ForgetAfter, time.Hour)
	return o
}

// Runner brings job ids to Work, a bounded number at once and never the same
// id twice at once. Ids come from the stream, which is fast and may lose them,
// and from the sweep of the database, which is slower and loses none.
type Runner struct {
	options RunnerOptions
	queue   *Queue
	logger  *slog.Logger

	slots   chan struct{} // one token per running job
	ending  chan struct{} // one token per job that has given its slot away
	kick    chan struct{}
	starved atomic.Bool // the stream brings nothing: sweep more often
	running atomic.Int64

	jobs sync.WaitGroup
	mu   sync.Mutex
	held map[string]*place // ids running or, with nil, waiting for a slot

	troubles troubles
}

// NewRunner makes a Runner that is fed by q.
func NewRunner(q *Queue, o RunnerOptions) *Runner {
	o = o.withDefaults()
	return &Runner{
		options: o,
		queue:   q,
		logger:  q.logger,
		slots:   make(chan struct{}, o.Workers),
		ending:  make(chan struct{}, o.Workers),
		kick:    make(chan struct{}, 1),
		held:    map[string]*place{},
	}
}

// Run works until ctx is done, then takes no more ids, lets the running jobs
// end, cancels those that outlast DrainTimeout, and returns when all are back.
func (r *Runner) Run(ctx context.Context) error {
	if r.options.Work == nil || r.options.Due == nil {
		return errors.New("a runner needs Work and Due")
	}
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var loops sync.WaitGroup
	loops.Go(func() { r.follow(ctx, working) })
	loops.Go(func() { r.sweep(ctx, working) })
	loops.Go(func() { r.tend(ctx, working) })
	<-ctx.Done()
	late := time.AfterFunc(r.options.DrainTimeout, func() {
		r.logger.Warn("jobs still running at the end are cancelled; their leases run out and another worker resumes them", "jobs", r.Running())
		cancel()
	})
	defer late.Stop()
	loops.Wait()
	r.jobs.Wait()
	return nil
}

// Running counts the jobs in work.
func (r *Runner) Running() int { return int(r.running.Load()) }

// Kick asks for a sweep now.
func (r *Runner) Kick() {
	select {
	case r.kick <- struct{}{}:
	default: // one is asked for already
	}
}

// follow feeds the workers from the stream.
func (r *Runner) follow(ctx, working context.Context) {
	for {
		free := r.vacancies(ctx)
		if free == 0 {
			return
		}
		entries, err := r.queue.receive(ctx, free)
		if ctx.Err() != nil {
			return // what was read is handed out again, or swept
		}
		r.noteFeed(ctx, err)
		if err != nil {
			r.pause(ctx)
			continue
		}
		r.take(ctx, working, entries)
	}
}

// noteFeed remembers whether the stream feeds the workers. The link logs an
// absent Redis; one that answers with a refusal is logged here, once.
func (r *Runner) noteFeed(ctx context.Context, err error) {
	if err == nil {
		r.starved.Store(false)
		return
	}
	if r.starved.Swap(true) {
		return
	}
	if away, _ := r.queue.link.away(); !away {
		r.logger.WarnContext(ctx, "Redis refuses to give job ids; jobs come from the database alone", "error", err)
	}
	r.Kick()
}

func (r *Runner) pause(ctx context.Context) {
	away, pause := r.queue.link.away()
	if !away {
		pause = lastPause
	}
	wait(ctx, pause)
}

// take starts every entry as slots come free; what is left when ctx ends stays
// with the group for another worker.
func (r *Runner) take(ctx, working context.Context, entries []entry) {
	for _, e := range entries {
		if !r.start(ctx, working, e) {
			return
		}
	}
}

// sweepGap keeps a storm of kicks from becoming a storm of queries, and restFor a
// list that takes the database long from being asked for all the time. A list
// that left something out brings work, and more of it at once than the stream
// does: those are asked for sooner.
const (
	sweepGap       = 10 * time.Millisecond
	restFor        = 4 // times what the last one took
	crowdedGap     = time.Millisecond
	crowdedRestFor = 1
)

// starvedSweep is how often the database is asked while the stream is silent.
const starvedSweep = 100 * time.Millisecond

// sweep feeds the workers from the database. It asks only when a worker is
// free, and competes with the stream for each slot on equal terms, so that a
// flood of new jobs does not hold up retries and orphans.
func (r *Runner) sweep(ctx, working context.Context) {
	failing := false
	for r.vacancies(ctx) > 0 {
		// Ids that run here but are not claimed yet are listed too.
		limit, asked := 2*r.options.Workers+r.holding(), time.Now()
		ids, err := r.options.Due(ctx, limit)
		took := time.Since(asked)
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != failing {
			failing = err != nil
			r.logSweep(ctx, err)
		}
		for _, id := range ids {
			if !r.start(ctx, working, entry{jobID: id}) {
				return
			}
		}
		gap, rest := sweepGap, restFor*took
		if len(ids) == limit {
			gap, rest = crowdedGap, crowdedRestFor*took
		}
		r.awaitSweep(ctx, max(gap, rest))
	}
}

func (r *Runner) logSweep(ctx context.Context, err error) {
	if err != nil {
		r.logger.WarnContext(ctx, "the sweep cannot list due jobs", "error", err)
		return
	}
	r.logger.InfoContext(ctx, "the sweep lists due jobs again")
}

// awaitSweep waits for a kick or for the next sweep's time, but at least a gap.
func (r *Runner) awaitSweep(ctx context.Context, gap time.Duration) {
	wait(ctx, gap)
	pause := r.options.SweepEvery
	if r.starved.Load() {
		pause = min(pause, starvedSweep)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-r.kick:
	case <-timer.C:
	}
}

// tend takes over what dead workers have left and removes their names.
func (r *Runner) tend(ctx, working context.Context) {
	for ctx.Err() == nil {
		r.takeOver(ctx, working)
		if err := r.queue.forget(ctx, r.options.ForgetAfter); err != nil {
			r.logger.DebugContext(ctx, "idle workers are not removed now", "error", err)
		}
		wait(ctx, r.options.ReclaimAfter/2)
	}
}

func (r *Runner) takeOver(ctx, working context.Context) {
	for cursor := firstCursor; ; {
		free := r.vacancies(ctx)
		if free == 0 {
			return
		}
		entries, next, err := r.queue.reclaim(ctx, r.options.ReclaimAfter, cursor, free)
		r.take(ctx, working, entries)
		if err != nil || next == firstCursor {
			return
		}
		cursor = next
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
