package rest_test

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// backroom stands in for everything behind the hub: store, queue and shop.
// Every test of this package runs the real bridge.Desk on it.
type backroom struct {
	mu        sync.Mutex
	byRequest map[string]bridge.Recorded
	byBatch   map[string]bridge.Recorded
	jobs      map[string]bridge.Job

	// A test sets these before it sends anything.
	window   bridge.RateWindow
	limitErr error
	shopErr  error
	queueErr error
	storeErr error
	panics   bool
}

func newBackroom() *backroom {
	return &backroom{
		byRequest: map[string]bridge.Recorded{}, byBatch: map[string]bridge.Recorded{}, jobs: map[string]bridge.Job{},
		window: bridge.RateWindow{Allowed: true, Limit: 100, Remaining: 99, Reset: 59500 * time.Millisecond},
	}
}

func (b *backroom) Take(context.Context, bridge.Actor, bridge.RateClass) (bridge.RateWindow, error) {
	return b.window, b.limitErr
}

func (b *backroom) Product(_ context.Context, id int64) (schemas.Product, error) {
	if b.panics {
		panic("the secret of a panic")
	}
	if b.shopErr != nil {
		return schemas.Product{}, b.shopErr
	}
	price, err := schemas.ParseMoney("19.90")
	return schemas.Product{ID: id, Reference: "MUG-1", PriceHT: price}, err
}

func (b *backroom) Order(_ context.Context, id int64, withCustomer bool) (schemas.Order, error) {
	order := schemas.Order{ID: id, Reference: "XKBKNABJK"}
	if withCustomer {
		order.Customer = &schemas.OrderCustomer{}
	}
	return order, b.shopErr
}

func (b *backroom) Preflight(context.Context, string, json.RawMessage) error { return b.shopErr }

func (b *backroom) Plan(context.Context, bridge.Job) (bridge.Plan, error) {
	panic("no worker runs here")
}

func (b *backroom) Announce(context.Context, string) error { return nil }

func (b *backroom) JobStatus(_ context.Context, id string) (bridge.Job, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	job, known := b.jobs[id]
	if !known {
		return bridge.Job{}, bridge.Fault(bridge.CodeNotFound, nil, "There is no job %s.", id)
	}
	return job, b.storeErr
}

func (b *backroom) JobStates(_ context.Context, ids []string) (states []bridge.JobState, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		if job, known := b.jobs[id]; known {
			states = append(states, bridge.JobState{ID: id, Status: job.Status, Progress: job.Progress})
		}
	}
	return states, b.storeErr
}

func (b *backroom) RecentJobs(context.Context, string, int) ([]bridge.JobState, error) {
	return nil, b.storeErr
}

func (b *backroom) Accept(_ context.Context, job bridge.Job, intention string) (*bridge.Recorded, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.storeErr != nil {
		return nil, b.storeErr
	}
	if known, taken := b.byRequest[job.ClientID+job.RequestID]; taken {
		return &known, nil
	}
	recorded := bridge.Recorded{Intention: intention, Job: job}
	b.byRequest[job.ClientID+job.RequestID] = recorded
	b.jobs[job.ID] = job
	return nil, nil
}

// end finishes every accepted job, as a worker would.
func (b *backroom) end(status schemas.JobStatus, fault *schemas.JobError) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, recorded := range b.byRequest {
		done := recorded.Job.AcceptedAt.Add(time.Second)
		recorded.Job.Status, recorded.Job.FinishedAt, recorded.Job.Error = status, &done, fault
		b.byRequest[key], b.jobs[recorded.Job.ID] = recorded, recorded.Job
	}
}

// intake and replays share a method name, so each is a face of its own.
type intake struct{ *backroom }

func (b intake) Recall(_ context.Context, clientID, requestID, _ string) (*bridge.Recorded, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, taken := b.byRequest[clientID+requestID]; taken {
		return &known, nil
	}
	return nil, b.storeErr
}

type replays struct{ *backroom }

func (b replays) Recall(context.Context, string, string) (*bridge.Replay, error) {
	return nil, b.queueErr
}

func (b replays) Remember(context.Context, string, string, bridge.Replay) error { return nil }
