package bridge

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"
)

// DoorName says through which door a request came; only receipts know.
type DoorName string

// The three doors.
const (
	DoorREST     DoorName = "rest"
	DoorMCPHTTP  DoorName = "mcp-http"
	DoorMCPStdio DoorName = "mcp-stdio"
)

// Decision is what became of a request.
type Decision string

// A request is refused when it is the caller's to mend, and failed when it is
// ours: a part behind the door is away, or the bridge has a fault.
const (
	DecisionRead     Decision = "read"     // answered, nothing was changed
	DecisionAccepted Decision = "accepted" // a job was made
	DecisionReplayed Decision = "replayed" // the id already stood for this intention
	DecisionRefused  Decision = "refused"
	DecisionFailed   Decision = "failed"
)

// Decision tells a read, a new job and a known one apart.
func (a Answer) Decision() Decision {
	switch {
	case a.Repeated || a.Replay != nil:
		return DecisionReplayed
	case a.Acceptance != nil:
		return DecisionAccepted
	}
	return DecisionRead
}

// Receipt is what is known of one request when it has been answered, at every
// door the same. Audit line and counters are made from it, so it holds words
// of our own and checked ids only: never a path, a query, a body or anything
// else a client is free to choose.
type Receipt struct {
	Door      DoorName
	Began     time.Time
	Method    string // HTTP verb
	Route     string // path pattern at REST, protocol method at MCP
	Operation string // of the operation table, "" for what is none
	Client    string // once authenticated
	RequestID string // when it is a valid one
	BytesIn   int64
	// Status is that of the contract, also where MCP wraps a refusal in a 200.
	Status   int
	Decision Decision // of an answer; see Verdict
	Err      error    // why there is none
}

// Answered fills in the answer of an operation.
func (r *Receipt) Answered(a Answer) {
	r.Decision, r.Status = a.Decision(), http.StatusOK
	if a.Acceptance != nil && a.Replay == nil {
		r.Status = http.StatusAccepted
	}
}

// Refused fills in an error.
func (r *Receipt) Refused(err error) { r.Err, r.Status = err, AsError(err).Code.Row().Status }

// Verdict is the decision, refusals and failures included.
func (r Receipt) Verdict() Decision {
	switch {
	case r.Err == nil:
		return cmp.Or(r.Decision, DecisionRead)
	case r.Status >= http.StatusInternalServerError:
		return DecisionFailed
	}
	return DecisionRefused
}

// Outcome is the error code, or ok.
func (r Receipt) Outcome() string {
	if r.Err == nil {
		return "ok"
	}
	return string(AsError(r.Err).Code.Row().Code)
}

// Rule is the rule that refused, if one did.
func (r Receipt) Rule() string {
	if r.Err == nil {
		return ""
	}
	return AsError(r.Err).Rule
}

// Record writes the audit line of a request and counts it. The error stands in
// the line only when the fault is on our side.
func (d *Desk) Record(ctx context.Context, r Receipt) {
	took := d.Now().Sub(r.Began)
	d.observer().Request(r, took)
	attrs := []slog.Attr{
		slog.String("door", string(r.Door)),
		slog.String("method", r.Method),
		slog.String("route", r.Route),
		slog.String("operation", r.Operation),
		slog.String("client", r.Client),
		slog.String("request_id", r.RequestID),
		slog.Int("status", r.Status),
		slog.String("outcome", r.Outcome()),
		slog.String("decision", string(r.Verdict())),
		slog.String("rule", r.Rule()),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.Int64("bytes_in", max(r.BytesIn, 0)),
	}
	level := slog.LevelInfo
	if r.Verdict() == DecisionFailed {
		level, attrs = slog.LevelError, append(attrs, slog.String("error", r.Err.Error()))
	}
	// A client that has gone away is recorded like any other.
	d.Log.LogAttrs(context.WithoutCancel(ctx), level, "request", attrs...)
}
