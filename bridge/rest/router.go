package rest

import (
	"context"
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
	now    func() time.Time
	log    *slog.Logger
}

// ServeHTTP answers one request.
func (t *router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, start := newCall(w, r), t.now()
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
	fault := bridge.AsError(err)
	c.code, c.cause = fault.Code, err
	writeProblem(c, fault)
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
	c.code = bridge.CodeInternal
	if c.w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	writeProblem(c, bridge.Fault(bridge.CodeInternal, nil, "Something went wrong inside the bridge."))
}

// record writes the access log line. It names the route's pattern and never
// the path, for a path or query may hold what does not belong in a log. The
// error of a request that failed on our side stands in the same line.
func (t *router) record(c *call, start time.Time) {
	attrs := []slog.Attr{
		slog.String("method", knownMethod(c.r.Method)),
		slog.String("route", orNone(c.pattern)),
		slog.Int("status", c.w.status),
		slog.String("code", string(c.code)),
		slog.String("client", c.client),
		slog.String("request_id", c.requestID),
		slog.Duration("took", t.now().Sub(start)),
		slog.Int64("bytes_in", max(c.r.ContentLength, 0)),
		slog.Int64("bytes_out", c.w.bytes),
	}
	level := slog.LevelInfo
	if c.w.status >= http.StatusInternalServerError {
		level = slog.LevelError
		if c.cause != nil {
			attrs = append(attrs, slog.String("error", c.cause.Error()))
		}
	}
	// A client that has gone away is logged like any other.
	t.log.LogAttrs(context.WithoutCancel(c.r.Context()), level, "request", attrs...)
}

func orNone(pattern string) string {
	if pattern == "" {
		return "(none)"
	}
	return pattern
}

// knownMethod keeps a made-up method, which may be any word, out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return "(other)"
}
