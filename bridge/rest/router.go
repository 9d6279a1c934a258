package rest

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// router is the door's handler: it finds the route, and whatever comes back
// from it, a fault or a panic, leaves through writeProblem.
type router struct {
	routes []route
	desk   *bridge.Desk
	now    func() time.Time
	log    *slog.Logger
}

// ServeHTTP answers one request.
func (t *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, start := newCall(w, overridden(r)), t.now()
	defer t.record(c, start)
	defer t.recovered(c)
	found, err := find(t.routes, c)
	if err == nil {
		err = found.serve(c)
	}
	if err != nil {
		t.refuse(c, err)
	}
}

func (t *router) refuse(c *call, err error) {
	c.refusal = err
	writeProblem(c, bridge.AsError(err))
}

// recovered turns a panic into a 500 that says nothing. A panic after the
// first byte can only cut the connection, which net/http does for us.
func (t *router) recovered(c *call) {
	what := recover()
	if what == nil {
		return
	}
	if what == http.ErrAbortHandler {
		panic(what)
	}
	t.log.ErrorContext(c.r.Context(), "panic", "route", orNone(c.pattern), "request_id", c.requestID, "panic", what, "stack", string(debug.Stack()))
	fault := bridge.AsError(nil)
	c.refusal = fault
	if c.w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	writeProblem(c, fault)
}

// record hands in the receipt. It names the route's pattern and never the
// path, for a path or query may hold what does not belong in a log.
func (t *router) record(c *call, start time.Time) {
	t.desk.Record(c.r.Context(), bridge.Receipt{
		Door: bridge.DoorREST, Began: start, BytesIn: c.r.ContentLength,
		Method: c.r.Method, Route: orNone(c.pattern), Operation: c.operation,
		Client: c.client, Shop: c.shop, RequestID: c.requestID,
		Status: c.w.status, Answered: c.answered, Err: c.refusal,
	})
}

func orNone(pattern string) string {
	if pattern == "" {
		return "(none)"
	}
	return pattern
}
