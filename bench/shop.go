package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// blankShop stands in for the shop where the bridge alone is measured: nothing
// is asked at the door, and a job is one step that has nothing to do or, with
// sent, one that is applied at once.
type blankShop struct {
	sent func(jobID string) // nil: the step has nothing to do
}

var errNoShop = errors.New("this shop has nothing to read")

func (blankShop) Product(context.Context, int64) (schemas.Product, error) {
	return schemas.Product{}, errNoShop
}

func (blankShop) Order(context.Context, int64, bool) (schemas.Order, error) {
	return schemas.Order{}, errNoShop
}

func (blankShop) Preflight(context.Context, string, json.RawMessage) error { return nil }

func (s blankShop) Plan(_ context.Context, job bridge.Job) (bridge.Plan, error) {
	baseline := bridge.Baseline{}
	if s.sent == nil {
		baseline.Skip = "nothing to do"
	}
	step := bridge.Step{
		Name:     "nothing",
		Baseline: func(context.Context, bridge.Journal) (bridge.Baseline, error) { return baseline, nil },
		Send: func(context.Context, bridge.Baseline) (bridge.Effect, error) {
			s.sent(job.ID)
			return bridge.Effect{}, nil
		},
		Check: func(context.Context, bridge.Baseline) (bridge.Finding, error) { return bridge.Finding{}, nil },
	}
	result := func(bridge.Outcome) any { return struct{}{} }
	return bridge.Plan{Units: []bridge.Unit{{Steps: []bridge.Step{step}}}, Result: result}, nil
}
