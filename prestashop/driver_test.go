package prestashop_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// perform carries a job out as the engine does, without its journal on disk:
// baseline, send, and the check when the answer is unclear. It gives the
// outcome and the result as JSON.
func perform(t *testing.T, shop bridge.Shop, kind string, payload any) (bridge.Outcome, json.RawMessage) {
	t.Helper()
	plan := planFor(t, shop, kind, payload)
	var outcome bridge.Outcome
	for _, unit := range plan.Units {
		outcome.Units = append(outcome.Units, performUnit(t, unit))
	}
	result, err := json.Marshal(plan.Result(outcome))
	if err != nil {
		t.Fatal(err)
	}
	return outcome, result
}

func planFor(t *testing.T, shop bridge.Shop, kind string, payload any) bridge.Plan {
	t.Helper()
	plan, err := shop.Plan(t.Context(), bridge.Job{Kind: kind, Payload: asJSON(t, payload)})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func asJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func performUnit(t *testing.T, unit bridge.Unit) bridge.UnitOutcome {
	t.Helper()
	out := bridge.UnitOutcome{Key: unit.Key, State: bridge.UnitDone}
	for _, step := range unit.Steps {
		rec, fault := performStep(t, unit.Key, step, out.Journal)
		out.Journal = append(out.Journal, rec)
		switch {
		case rec.State == bridge.StepUnknown:
			out.State, out.Error = bridge.UnitUnknown, fault
		case rec.State == bridge.StepFailed && !step.Tolerated:
			out.State, out.Error = bridge.UnitFailed, fault
		}
		if out.State != bridge.UnitDone {
			break
		}
	}
	return out
}

// maxSends bounds the driver; the engine's bound is the job's attempts.
const maxSends = 4

func performStep(t *testing.T, unit string, step bridge.Step, done bridge.Journal) (bridge.StepRecord, *bridge.Error) {
	t.Helper()
	rec := bridge.StepRecord{Unit: unit, Name: step.Name}
	for range maxSends {
		b, err := step.Baseline(t.Context(), done)
		if err != nil {
			return failed(rec, err)
		}
		rec.Target, rec.Baseline, rec.Before = b.Target, b.Data, b.Before
		if b.Skip != "" {
			rec.State, rec.After, rec.Detail = bridge.StepSkipped, b.After, b.Skip
			return rec, nil
		}
		rec.Sends++
		effect, err := step.Send(t.Context(), b)
		if err == nil {
			rec.State, rec.After, rec.Detail = bridge.StepApplied, effect.After, effect.Detail
			return rec, nil
		}
		switch faultOf(t, err) {
		case bridge.Refused, bridge.NotFound:
			return failed(rec, err)
		case bridge.Unreached:
			continue
		}
		switch finding := checkStep(t, step, b); finding.Verdict {
		case bridge.Applied:
			rec.State, rec.After, rec.Detail = bridge.StepApplied, finding.Effect.After, finding.Effect.Detail
			return rec, nil
		case bridge.CannotKnow:
			rec.State, rec.Detail = bridge.StepUnknown, finding.Reason
			return rec, bridge.Fault(bridge.CodeOutcomeUnknown, nil, "%s", finding.Reason)
		}
	}
	t.Fatalf("step %s was sent %d times", step.Name, maxSends)
	return rec, nil
}

// checkStep calls Check as the engine does: with what the journal kept.
func checkStep(t *testing.T, step bridge.Step, b bridge.Baseline) bridge.Finding {
	t.Helper()
	finding, err := step.Check(context.WithoutCancel(t.Context()), bridge.Baseline{Target: b.Target, Data: b.Data, Before: b.Before})
	if err != nil {
		t.Fatalf("check of %s: %v", step.Name, err)
	}
	return finding
}

func failed(rec bridge.StepRecord, err error) (bridge.StepRecord, *bridge.Error) {
	rec.State = bridge.StepFailed
	public := bridge.Fault(bridge.CodeShopRefused, err, "%s", err)
	var known *bridge.Error
	var fault *bridge.ShopError
	switch {
	case errors.As(err, &known):
		public = known
	case errors.As(err, &fault):
		public = bridge.Fault(fault.Code, err, "%s", fault.Message)
	}
	rec.Detail = public.Message
	rec.Error = &schemas.JobError{Code: string(public.Code), Message: public.Message, Fix: public.PublicFix()}
	return rec, public
}

func faultOf(t *testing.T, err error) bridge.ShopFault {
	t.Helper()
	var fault *bridge.ShopError
	if !errors.As(err, &fault) {
		t.Fatalf("%v is no ShopError", err)
	}
	return fault.Fault
}

// stepOf finds a step in a plan.
func stepOf(t *testing.T, plan bridge.Plan, name string) bridge.Step {
	t.Helper()
	for _, unit := range plan.Units {
		for _, step := range unit.Steps {
			if step.Name == name {
				return step
			}
		}
	}
	t.Fatalf("no step %s", name)
	return bridge.Step{}
}

func pointer[T any](v T) *T { return &v }

func money(t *testing.T, text string) *schemas.Money {
	t.Helper()
	m, err := schemas.ParseMoney(text)
	if err != nil {
		t.Fatal(err)
	}
	return &m
}
