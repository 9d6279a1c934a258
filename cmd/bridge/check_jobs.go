package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
)

// checkDatabase opens the database. An empty one gets its tables, as with a
// first start; one of another version is left to bridge migrate, because nodes
// of that version may be working on it.
func (s *site) checkDatabase(ctx context.Context) finding {
	c := s.config
	if err := os.MkdirAll(c.stateDir, 0o700); err != nil {
		return fail("STATE_DIR cannot be made: %v", err)
	}
	db, err := store.Open(ctx, c.databaseURL, store.Options{})
	if err != nil {
		return fail("%v", err)
	}
	s.store = db
	newest, err := db.Newest()
	if err != nil {
		return fail("this program's migrations cannot be read: %v", err)
	}
	version, err := db.Version(ctx)
	if err == nil && version == 0 {
		err = db.Migrate(ctx)
		version = newest
	}
	kind, _, _ := strings.Cut(c.databaseURL, ":")
	switch {
	case err != nil:
		return fail("%v", err)
	case version < newest:
		return fail("the tables are of version %d, this program needs %d", version, newest).mend("Stop the nodes of the version before, then run: bridge migrate")
	case version > newest:
		return fail("the tables are of version %d, this program knows only %d", version, newest).mend("Deploy the newer program the database was migrated for.")
	}
	return pass("%s, schema version %d", kind, version)
}

// checkRedis announces a job id and lets a runner receive it.
func (s *site) checkRedis(ctx context.Context) finding {
	probe, err := queue.OpenProbe(ctx, s.config.redisDSN, queue.Options{Node: nodeName(), ReplayTTL: s.config.replayTTL})
	if err != nil {
		return fail("REDIS_DSN: %v", err)
	}
	s.redis = probe
	if err := probe.Ready(ctx); err != nil {
		return fail("%v", err)
	}
	announced := newJobID()
	if err := probe.Announce(ctx, announced); err != nil {
		return fail("a job cannot be announced: %v", err)
	}
	if err := received(ctx, probe.Queue, announced); err != nil {
		return fail("%v", err)
	}
	if s.config.redisDSN == "" {
		return pass("in process, as REDIS_DSN is not set; a running bridge has its own")
	}
	return pass("an announced job id reached a worker")
}

// arrival is how long an announcement may take to reach a worker.
const arrival = 5 * time.Second

// received waits until a runner on the queue gets the id.
func received(ctx context.Context, q *queue.Queue, jobID string) error {
	ctx, cancel := context.WithTimeout(ctx, arrival)
	defer cancel()
	var found sync.Once
	arrived := false
	runner := queue.NewRunner(q, queue.RunnerOptions{
		Work: func(_ context.Context, id string) error {
			if id == jobID {
				found.Do(func() { arrived = true; cancel() })
			}
			return nil
		},
		Due: func(context.Context, int) ([]string, error) { return nil, nil },
	})
	if err := runner.Run(ctx); err != nil {
		return err
	}
	if !arrived {
		return errors.New("an announced job id reached no worker: streams do not work (they need Redis 6.2)")
	}
	return nil
}

// checkReplay remembers an answer and finds it again.
func (s *site) checkReplay(ctx context.Context) finding {
	requestID := uuid.NewString()
	want := bridge.Replay{Intention: checkIntention, JobID: newJobID(), Status: schemas.Succeeded, View: []byte(`{"price_ht":"25.500000"}`)}
	if err := s.redis.Remember(ctx, checkClient, requestID, want); err != nil {
		return fail("nothing can be remembered: %v", err)
	}
	got, err := s.redis.Recall(ctx, checkClient, requestID)
	switch {
	case err != nil:
		return fail("nothing can be recalled: %v", err)
	case got == nil || fmt.Sprint(*got) != fmt.Sprint(want):
		return fail("what was remembered comes back as something else")
	}
	if other, err := s.redis.Recall(ctx, checkClient+"-2", requestID); err != nil || other != nil {
		return fail("another client's request id finds the answer, or cannot be asked for: %v", err)
	}
	left, err := s.redis.ReplayTTL(ctx, checkClient, requestID)
	if err != nil || left <= 0 || left > s.config.replayTTL {
		return fail("a remembered answer is kept for %v instead of %v: %v", left, s.config.replayTTL, err)
	}
	return pass("remembered for %v", s.config.replayTTL)
}

// checkPolling follows a job while Redis loses everything before and after its
// end.
func (s *site) checkPolling(ctx context.Context) finding {
	r, err := newRehearsal(ctx, s.store)
	if err != nil {
		return fail("%v", err)
	}
	return r.clean(ctx, s.poll(ctx, r))
}

func (s *site) poll(ctx context.Context, r *rehearsal) finding {
	if err := r.accept(ctx); err != nil {
		return fail("a job cannot be accepted: %v", err)
	}
	if err := s.redis.Announce(ctx, r.job.ID); err != nil {
		return fail("%v", err)
	}
	if f := s.polled(ctx, r, schemas.Accepted); f.state != passed {
		return f
	}
	if err := r.worker().Run(ctx, r.job.ID); err != nil {
		return fail("the job was not worked on: %v", err)
	}
	replay := bridge.Replay{Intention: checkIntention, JobID: r.job.ID, Status: schemas.Succeeded, View: []byte("{}")}
	if err := s.redis.Remember(ctx, checkClient, r.job.RequestID, replay); err != nil {
		return fail("%v", err)
	}
	return s.polled(ctx, r, schemas.Succeeded)
}

// polled empties the check's own keys and asks for the job.
func (s *site) polled(ctx context.Context, r *rehearsal, want schemas.JobStatus) finding {
	if _, err := s.redis.Empty(ctx); err != nil {
		return fail("the check's own keys cannot be removed from Redis: %v", err)
	}
	if cached, err := s.redis.Recall(ctx, checkClient, r.job.RequestID); err != nil || cached != nil {
		return fail("Redis still knows the answer after its keys were removed: %v", err)
	}
	job, err := r.poll(ctx)
	if err != nil || job.Status != want {
		return fail("the database says %q instead of %q: %v", job.Status, want, err)
	}
	if known, err := r.known(ctx); err != nil || !known {
		return fail("the database does not know the request id any more: %v", err)
	}
	return pass("accepted and succeeded, both polled with an empty Redis")
}

// deliveries is how many workers get the same job, and how many callers use the
// same request id.
const deliveries = 8

// checkDelivery hands one job to many workers, and one request id to many
// callers.
func (s *site) checkDelivery(ctx context.Context) finding {
	r, err := newRehearsal(ctx, s.store)
	if err != nil {
		return fail("%v", err)
	}
	r.hold = 100 * time.Millisecond
	return r.clean(ctx, r.contend(ctx))
}

// contend sends the request many times at once, then delivers the one job many
// times at once, and once more after its end.
func (r *rehearsal) contend(ctx context.Context) finding {
	jobs := make([]bridge.Job, deliveries)
	for i := range jobs {
		jobs[i] = rehearsedJob()
		jobs[i].RequestID = r.job.RequestID
		r.written = append(r.written, jobs[i].ID)
	}
	answers := make([]string, deliveries)
	err := atOnce(func(i int) error {
		recorded, err := r.store.Accept(ctx, jobs[i], checkIntention)
		answers[i] = jobs[i].ID
		if recorded != nil {
			answers[i] = recorded.Job.ID
		}
		return err
	})
	if err != nil {
		return fail("a request was not accepted: %v", err)
	}
	made, err := r.made(ctx)
	if err != nil || made != 1 || len(slices.Compact(answers)) != 1 {
		return fail("%d requests with one id made %d jobs and were answered with %v: %v", deliveries, made, answers, err)
	}
	r.job.ID = answers[0]
	return r.deliver(ctx)
}

func (r *rehearsal) deliver(ctx context.Context) finding {
	workers := make([]*bridge.Worker, deliveries)
	for i := range workers {
		workers[i] = r.worker()
	}
	err := atOnce(func(i int) error { return unlessTaken(workers[i].Run(ctx, r.job.ID)) })
	if err != nil {
		return fail("a delivery failed: %v", err)
	}
	if err := unlessTaken(r.worker().Run(ctx, r.job.ID)); err != nil {
		return fail("a delivery after the job's end failed: %v", err)
	}
	job, err := r.poll(ctx)
	if err != nil || job.Status != schemas.Succeeded {
		return fail("the job ended %q: %v", job.Status, err)
	}
	if effects := r.effects.Load(); effects != 1 {
		return fail("%d deliveries of one job had %d effects", deliveries+1, effects)
	}
	return pass("%d requests made 1 job, %d deliveries had 1 effect", deliveries, deliveries+1)
}

// unlessTaken drops the answer that another worker has the job or has had it.
func unlessTaken(err error) error {
	if errors.Is(err, bridge.ErrNotClaimable) {
		return nil
	}
	return err
}

// atOnce runs something as many times at once as there are deliveries.
func atOnce(do func(i int) error) error {
	faults := make([]error, deliveries)
	var underway sync.WaitGroup
	for i := range deliveries {
		underway.Go(func() { faults[i] = do(i) })
	}
	underway.Wait()
	return errors.Join(faults...)
}
