package bridge

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// Observer hears of what the hub does, to count it. It is told on the path of
// the work, so it must be quick and must not wait for anything.
type Observer interface {
	// Request: a door has answered.
	Request(r Receipt, took time.Duration)
	// Attempt: a worker has claimed a job.
	Attempt(kind string)
	// Step: a shop call's outcome is final and journalled.
	Step(kind string, step StepRecord)
	// Released: a job was put back; counted says that its attempt was used up.
	Released(kind string, counted bool)
	// Ended: a job, shown as it was claimed, has come to its end, took after it
	// was accepted.
	Ended(job Job, status schemas.JobStatus, took time.Duration)
}

// Tracer opens the spans of a trace. end closes a span with the error it ended
// with, or nil.
type Tracer interface {
	// Span opens a span below the one in ctx.
	Span(ctx context.Context, name string, attrs ...slog.Attr) (_ context.Context, end func(error))
	// Job opens a span in the job's own trace, which is the same for all its
	// attempts on all nodes, and links it with the span in ctx.
	Job(ctx context.Context, jobID, name string, attrs ...slog.Attr) (_ context.Context, end func(error))
}

// Census counts the jobs that have not ended.
type Census struct {
	Jobs map[schemas.JobStatus]int
	// Waiting is for how long the oldest job has been due that no worker has.
	Waiting time.Duration
}

func (d *Desk) observer() Observer   { return cmp.Or[Observer](d.Observe, unobserved{}) }
func (d *Desk) tracer() Tracer       { return cmp.Or[Tracer](d.Trace, Untraced{}) }
func (w *Worker) observer() Observer { return cmp.Or[Observer](w.Observe, unobserved{}) }
func (w *Worker) tracer() Tracer     { return cmp.Or[Tracer](w.Trace, Untraced{}) }

// unobserved is the Observer of a hub that was given none.
type unobserved struct{}

func (unobserved) Request(Receipt, time.Duration)              {}
func (unobserved) Attempt(string)                              {}
func (unobserved) Step(string, StepRecord)                     {}
func (unobserved) Released(string, bool)                       {}
func (unobserved) Ended(Job, schemas.JobStatus, time.Duration) {}

// Untraced is the Tracer that opens nothing.
type Untraced struct{}

// Span gives ctx back.
func (Untraced) Span(ctx context.Context, _ string, _ ...slog.Attr) (context.Context, func(error)) {
	return ctx, ended
}

// Job gives ctx back.
func (Untraced) Job(ctx context.Context, _, _ string, _ ...slog.Attr) (context.Context, func(error)) {
	return ctx, ended
}

func ended(error) {}
