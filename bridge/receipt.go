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

// The doors.
const (
	DoorREST     DoorName = "rest"
	DoorMCPHTTP  DoorName = "mcp-http"
	DoorMCPStdio DoorName = "mcp-stdio"
	DoorLogin    DoorName = "login"
)

// Disposition is what became of a request: decision in the audit line.
type Disposition string

// A request is refused when it is the caller's to mend, and failed when it is
// ours: a part behind the door is away, or the bridge has a fault.
const (
	RequestRead      Disposition = "read"      // answered, nothing was changed
	RequestAccepted  Disposition = "accepted"  // a job was made
	RequestReplayed  Disposition = "replayed"  // the id already stood for this intention
	RequestCancelled Disposition = "cancelled" // a job was ended before anything was sent
	RequestChanged   Disposition = "changed"   // something of the bridge's own was made, changed or removed
	RequestRefused   Disposition = "refused"
	RequestFailed    Disposition = "failed"
)

// Disposition tells a read, a new job and a known one apart.
func (a Answer) Disposition() Disposition {
	switch {
	case a.Repeated || a.Replay != nil:
		return RequestReplayed
	case a.Acceptance != nil:
		return RequestAccepted
	}
	return RequestRead
}

// Receipt is what is known of one request when it has been answered, at every
// door the same. Audit line and counters are made from it, so it holds words
// of our own and checked ids only: never a path, a query, a body or anything
// else a client is free to choose.
type Receipt struct {
	Door      DoorName
	Began     time.Time
	Method    string // HTTP verb as sent, "" over stdio
	Route     string // path pattern at REST, protocol method at MCP
	Operation string // of the operation table, or CancelJob's; "" for what is none
	Client    string // once authenticated
	Shop      string // the client's; "" for that of the settings
	RequestID string // when it is a valid one
	BytesIn   int64
	// Status is that of the contract, also where MCP wraps a refusal in a 200.
	Status   int
	Answered Disposition // "" for what is no operation
	Err      error       // why there is no answer
}

// NewReceipt begins the receipt of a request that has just come in.
func (d *Desk) NewReceipt(door DoorName) Receipt { return Receipt{Door: door, Began: d.Now()} }

// Answer fills in the answer of an operation.
func (r *Receipt) Answer(a Answer) {
	r.Answered, r.Status = a.Disposition(), http.StatusOK
	if a.Acceptance != nil && a.Replay == nil {
		r.Status = http.StatusAccepted
	}
}

// Refuse fills in an error.
func (r *Receipt) Refuse(err error) { r.Err, r.Status = err, AsError(err).Code.Row().Status }

// Decision is the disposition, refusals and failures included.
func (r Receipt) Decision() Disposition {
	switch {
	case r.Err == nil:
		return cmp.Or(r.Answered, RequestRead)
	case r.Status >= http.StatusInternalServerError:
		return RequestFailed
	}
	return RequestRefused
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

// Record writes the audit line of a request and counts it.
func (d *Desk) Record(ctx context.Context, r Receipt) {
	took := d.Now().Sub(r.Began)
	d.observer().Request(r, took)
	r.Log(ctx, d.Log, took)
}

// Log writes the audit line. The error stands in it only when the fault is on
// our side.
func (r Receipt) Log(ctx context.Context, log *slog.Logger, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("door", string(r.Door)),
		slog.String("method", knownVerb(r.Method)),
		slog.String("route", r.Route),
		slog.String("operation", r.Operation),
		slog.String("client", r.Client),
		slog.String("request_id", r.RequestID),
		slog.Int("status", r.Status),
		slog.String("outcome", r.Outcome()),
		slog.String("decision", string(r.Decision())),
		slog.String("rule", r.Rule()),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.Int64("bytes_in", max(r.BytesIn, 0)),
	}
	if r.Shop != "" {
		attrs = append(attrs, slog.String("shop", r.Shop))
	}
	level := slog.LevelInfo
	if r.Decision() == RequestFailed {
		level, attrs = slog.LevelError, append(attrs, slog.String("error", r.Err.Error()))
	}
	// A client that has gone away is recorded like any other.
	log.LogAttrs(context.WithoutCancel(ctx), level, "request", attrs...)
}

// knownVerb keeps a made-up method, which may be any word, out of the log. MCP
// over stdio has none.
func knownVerb(method string) string {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return "(other)"
}
