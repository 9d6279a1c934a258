package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Plan is how a shop carries out one job: units of work, each an ordered list
// of steps, and how to sum up what was done. The engine runs it and knows
// nothing else of the shop.
type Plan struct {
	Units []Unit
	// Result turns the outcome into the job's result, a JSON object.
	Result func(Outcome) any
}

// Unit is work that succeeds or fails as a whole: one item of an import, or
// the only unit of another job (then Key is "").
type Unit struct {
	Key   string
	Steps []Step
}

// Step is one call that changes the shop, with the reads that make it safe.
type Step struct {
	Name string
	// Target names what the step changes when that is known without asking the
	// shop, so that it is locked before it is read; nil or "" when Baseline has
	// to find it, which is then read again under its lock.
	Target func(done Journal) string
	// Baseline reads what the call depends on, just before it is sent, and
	// names the target. done holds the unit's earlier steps.
	Baseline func(ctx context.Context, done Journal) (Baseline, error)
	// Send makes the call. Its error is a *ShopError.
	Send func(ctx context.Context, b Baseline) (Effect, error)
	// Check reads back whether the call of this baseline was applied.
	Check func(ctx context.Context, b Baseline) (Finding, error)
	// Tolerated lets the unit go on when the shop refuses this step.
	Tolerated bool
}

// Baseline is the state a step starts from. Data is the step's own and is
// journalled; Before is shown to people. A non-empty Skip says why nothing
// needs to be sent, with After as the state found.
type Baseline struct {
	Target string
	Data   json.RawMessage
	Before json.RawMessage
	Skip   string
	After  json.RawMessage
}

// Effect is what a call did.
type Effect struct {
	After  json.RawMessage
	Detail string
}

// Verdict of a read-back check.
type Verdict int

// NotApplied is the only verdict after which a call may be sent again.
const (
	CannotKnow Verdict = iota
	Applied
	NotApplied
)

// Finding is what a check saw.
type Finding struct {
	Verdict Verdict
	Effect  Effect // when Applied
	Reason  string // when CannotKnow: what is known
}

// UnitState is how a unit ended.
type UnitState string

// A unit is open until each of its steps is settled or one of them failed.
const (
	UnitOpen    UnitState = "open"
	UnitDone    UnitState = "done"
	UnitFailed  UnitState = "failed"
	UnitUnknown UnitState = "unknown"
)

// UnitOutcome is the end of one unit.
type UnitOutcome struct {
	Key     string
	State   UnitState
	Error   *Error
	Journal Journal
}

// Outcome is the end of a job's work.
type Outcome struct{ Units []UnitOutcome }

// ShopFault sorts what can go wrong with a call to the shop by what it means
// for the shop's state.
type ShopFault int

// Unreached: certainly not executed, the shop is away. Refused: executed and
// answered no, nothing changed. NotFound: a refusal because the thing is not
// there. Unclear: sent, and nobody knows.
const (
	Unclear ShopFault = iota
	Unreached
	Refused
	NotFound
)

// ShopError is every error of a shop call.
type ShopError struct {
	Fault   ShopFault
	Code    Code   // CodeShopUnavailable, CodeShopRefused, CodeNotFound, CodeUnprocessable
	Message string // safe to show
	Fix     string
	Cause   error
}

// Error describes the fault for the log.
func (e *ShopError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("shop: %s: %v", e.Message, e.Cause)
	}
	return "shop: " + e.Message
}

// Unwrap gives the cause.
func (e *ShopError) Unwrap() error { return e.Cause }

// public turns the shop's fault into the program's error.
func (e *ShopError) public() *Error {
	fault := Fault(e.Code, e, "%s", e.Message)
	fault.Fix = e.Fix
	return fault
}

// shopFault classifies any error of a step: what is not a ShopError (a bug, a
// deadline of ours) counts as unclear, the careful answer.
func shopFault(err error) *ShopError {
	var known *ShopError
	if errors.As(err, &known) {
		return known
	}
	return &ShopError{Fault: Unclear, Code: CodeShopUnavailable, Message: "The call to the shop ended without an answer.", Cause: err}
}
