package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// start runs an entry's job as soon as a slot is free; false when ctx ended
// first. An id that is held already is settled and left alone: its job is
// being looked at, and the sweep knows if it becomes due again.
func (r *Runner) start(ctx, working context.Context, e entry) bool {
	if !r.hold(e.jobID) {
		r.settle(working, e)
		return true
	}
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		r.release(e.jobID)
		return false
	}
	if r.options.Observe != nil {
		r.options.Observe(e.source())
	}
	r.running.Add(1)
	p := r.occupy(e.jobID)
	r.jobs.Go(func() {
		defer r.vacate(p)
		defer r.running.Add(-1)
		r.run(working, e)
	})
	return true
}

// place is where a job in work stands: on a slot, or beside them.
type place struct{ ending bool }

// occupy puts a job that is held on the slot that was taken for it.
func (r *Runner) occupy(jobID string) *place {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &place{}
	r.held[jobID] = p
	return p
}

// Ending says of a job in work that to write how it went is all that is left of
// it. Another job gets its slot meanwhile: the writes of many then share one
// flush of the disk. At most as many jobs end beside the slots as there are
// slots, so a slow database is not given ever more to do.
func (r *Runner) Ending(jobID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.held[jobID]
	if p == nil || p.ending {
		return
	}
	select {
	case r.ending <- struct{}{}:
		p.ending = true
		<-r.slots // its own
	default:
	}
}

// vacate gives the place of a job to another.
func (r *Runner) vacate(p *place) {
	r.mu.Lock()
	ending := p.ending
	r.mu.Unlock()
	if ending {
		<-r.ending
	} else {
		<-r.slots
	}
}

func (r *Runner) run(ctx context.Context, e entry) {
	defer r.settle(ctx, e)
	err := r.perform(ctx, e.jobID)
	r.release(e.jobID)
	switch {
	case err == nil:
		r.Kick() // a job that waited for this one's target may be due
	case errors.Is(err, bridge.ErrNotClaimable):
	default:
		// No kick: what cannot work now would come back at once, for ever.
		r.logger.Log(ctx, r.troubles.level(bridge.AsError(err).Code), "a job was not worked to its end", "job", e.jobID, "error", err)
	}
}

// troubleEvery is how often one kind of trouble is worth a warning. A database
// that is full fails every job at every sweep, and its log is on the same disk.
const troubleEvery = time.Minute

// troubles remembers when each kind of trouble was warned of last.
type troubles struct {
	mu   sync.Mutex
	last map[bridge.Code]time.Time
}

// level is a warning for the first of its kind in a while, else for debugging.
func (t *troubles) level(kind bridge.Code) slog.Level {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if last, known := t.last[kind]; known && now.Sub(last) < troubleEvery {
		return slog.LevelDebug
	}
	if t.last == nil {
		t.last = map[bridge.Code]time.Time{}
	}
	t.last[kind] = now
	return slog.LevelWarn
}

// perform turns a panic into an error: one broken job must not take the other
// jobs of the process with it.
func (r *Runner) perform(ctx context.Context, jobID string) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			r.logger.ErrorContext(ctx, "a job panicked", "job", jobID, "panic", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return r.options.Work(ctx, jobID)
}

// settle acknowledges an announcement, also when the job has been cancelled at
// the end of a drain.
func (r *Runner) settle(ctx context.Context, e entry) {
	if e.id != "" {
		r.queue.settle(context.WithoutCancel(ctx), e.id)
	}
}

func (r *Runner) hold(jobID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, held := r.held[jobID]; held {
		return false
	}
	r.held[jobID] = nil
	return true
}

func (r *Runner) release(jobID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.held, jobID)
}

func (r *Runner) holding() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.held)
}

// vacancies waits for a free slot and counts them; 0 when ctx ended first.
func (r *Runner) vacancies(ctx context.Context) int {
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	<-r.slots
	return max(1, cap(r.slots)-len(r.slots))
}
