package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
)

const (
	// checkClient owns what a check writes; no token is ever issued to it.
	checkClient = "bridge-check"
	// checkKind is no operation: no worker has a plan for it.
	checkKind = "bridge_check"
	// checkIntention stands where a request's intention would.
	checkIntention = "b42b0a6e5a8e0e9a9d0f2f6f0b7d4f0e6a7f3c1d2e5b8a9c0d1e2f3a4b5c6d7e"
	// outOfReach is how far ahead a rehearsal's job is dated, so that no worker
	// claims it before the check itself does.
	outOfReach = 24 * time.Hour
	// abandoned is the age after which a job left by a killed check is removed.
	abandoned = 10 * time.Minute
)

// rehearsal plays a job through the deployment's own database without a shop:
// it has a client, a kind and a target of its own, and its one step counts its
// effects here.
type rehearsal struct {
	bridge.Shop // nil: a worker asks a shop for nothing but the plan of its job
	store       *store.Store
	job         bridge.Job
	written     []string // ids of all jobs that may be in the database
	effects     atomic.Int64
	hold        time.Duration // how long the effect takes
}

// newRehearsal prepares a job and removes what killed checks have left.
func newRehearsal(ctx context.Context, db *store.Store) (*rehearsal, error) {
	left, err := db.Jobs(ctx, bridge.JobFilter{ClientID: checkClient, Kind: checkKind, Limit: 1000})
	if err != nil {
		return nil, err
	}
	for _, job := range left {
		if time.Since(job.AcceptedAt) > abandoned {
			if err := db.RemoveRehearsal(ctx, job.ID); err != nil {
				return nil, err
			}
		}
	}
	job := rehearsedJob()
	return &rehearsal{store: db, job: job, written: []string{job.ID}}, nil
}

// rehearsedJob is a job of its own request id and target, out of every
// worker's reach.
func rehearsedJob() bridge.Job {
	id, reach := newJobID(), time.Now().Add(outOfReach).UTC()
	return bridge.Job{
		ID: id, Kind: checkKind, ClientID: checkClient, RequestID: uuid.NewString(), Status: schemas.Accepted,
		Payload: json.RawMessage("{}"), Targets: []string{checkClient + ":" + id}, MaxAttempts: 1,
		AcceptedAt: time.Now().UTC(), NextAttemptAt: &reach,
	}
}

// accept makes the job durable.
func (r *rehearsal) accept(ctx context.Context) error {
	recorded, err := r.store.Accept(ctx, r.job, checkIntention)
	if err == nil && recorded != nil {
		err = errors.New("a new request id is known already")
	}
	return err
}

// clean takes the jobs out of the database, also when the check was
// interrupted, and gives the finding back unless that fails.
func (r *rehearsal) clean(ctx context.Context, f finding) finding {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for _, id := range r.written {
		if err := r.store.RemoveRehearsal(ctx, id); err != nil && f.state == passed {
			return fail("job %s cannot be removed: %v", id, err)
		}
	}
	return f
}

// worker is one node's worker, the deployment's but for the early claim and
// the shop.
func (r *rehearsal) worker() *bridge.Worker {
	return &bridge.Worker{
		Ledger: earlyLedger{r.store}, Shops: bridge.OneShop(r), Node: nodeName(), Lease: jobLease,
		AttemptTimeout: checkTimeout, Now: time.Now, Log: quiet(),
	}
}

// earlyLedger claims jobs that are dated ahead.
type earlyLedger struct{ *store.Store }

// Claim implements bridge.Ledger.
func (l earlyLedger) Claim(ctx context.Context, jobID, node string, lease time.Duration) (bridge.Claim, error) {
	return l.ClaimEarly(ctx, jobID, node, lease)
}

// Plan implements bridge.Shop: one step, whose effect is counted.
func (r *rehearsal) Plan(_ context.Context, job bridge.Job) (bridge.Plan, error) {
	step := bridge.Step{
		Name: "count",
		Baseline: func(context.Context, bridge.Journal) (bridge.Baseline, error) {
			return bridge.Baseline{Target: job.Targets[0]}, nil
		},
		Send: func(ctx context.Context, _ bridge.Baseline) (bridge.Effect, error) {
			r.effects.Add(1)
			pause := time.NewTimer(r.hold)
			defer pause.Stop()
			select {
			case <-pause.C:
			case <-ctx.Done():
			}
			return bridge.Effect{Detail: "counted"}, nil
		},
		Check: func(context.Context, bridge.Baseline) (bridge.Finding, error) {
			if r.effects.Load() > 0 {
				return bridge.Finding{Verdict: bridge.Applied}, nil
			}
			return bridge.Finding{Verdict: bridge.NotApplied}, nil
		},
	}
	return bridge.Plan{
		Units:  []bridge.Unit{{Steps: []bridge.Step{step}}},
		Result: func(bridge.Outcome) any { return map[string]int64{"effects": r.effects.Load()} },
	}, nil
}

// poll asks for the job as a client does. The desk's only part is the
// database: whatever answers came from there.
func (r *rehearsal) poll(ctx context.Context) (schemas.Job, error) {
	desk := &bridge.Desk{Jobs: r.store, Now: time.Now, Log: quiet()}
	answer, err := desk.Do(ctx, bridge.Actor{ClientID: checkClient, Scopes: []string{auth.ScopeRead}},
		bridge.Request{Operation: bridge.OpGetJobStatus, Arguments: []byte(`{"job_id":"` + r.job.ID + `"}`)})
	if err != nil {
		return schemas.Job{}, err
	}
	job, isJob := answer.Body.(schemas.Job)
	if !isJob {
		return job, errors.New("the answer is no job")
	}
	return job, nil
}

// known reports whether the request id stands for the job in the database.
func (r *rehearsal) known(ctx context.Context) (bool, error) {
	recorded, err := r.store.Recall(ctx, checkClient, r.job.RequestID, "")
	return recorded != nil && recorded.Job.ID == r.job.ID && recorded.Intention == checkIntention, err
}

// made counts the rehearsal's jobs in the database.
func (r *rehearsal) made(ctx context.Context) (n int, err error) {
	list, err := r.store.Jobs(ctx, bridge.JobFilter{ClientID: checkClient, Kind: checkKind, Limit: 1000})
	for _, job := range list {
		if slices.Contains(r.written, job.ID) {
			n++
		}
	}
	return n, err
}
