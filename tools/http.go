package tools

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

const (
	// largeBody is the size above which bodies are read and served one at a
	// time, so that a few big imports cannot fill the memory.
	largeBody = 1 << 20
	// largeBodyTimeout is how long the one who sends a large body may take: the
	// others wait for it.
	largeBodyTimeout = 30 * time.Second
)

// endpoint is the streamable HTTP transport: our checks, then mcp-go.
type endpoint struct {
	door    *Door
	origins origins
	server  *server.MCPServer
	inner   http.Handler  // mcp-go's transport for that server
	large   chan struct{} // holds the one large body
}

// Handler serves MCP over streamable HTTP at Path, and the metadata of that
// resource at the other two paths of this door. It keeps no sessions: every
// POST stands alone, so any node can serve it, for clients of both protocol
// eras.
func (d *Door) Handler() http.Handler {
	endpoint, metadata := d.newEndpoint(), d.metadata()
	return d.recorded(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case Path:
			endpoint.ServeHTTP(w, r)
		case MetadataPath, RootMetadataPath:
			receiptFrom(r.Context()).Route = r.URL.Path
			metadata.ServeHTTP(w, r)
		default:
			fault := bridge.Fault(bridge.CodeNotFound, nil, "There is nothing at this path.")
			receiptFrom(r.Context()).Refuse(fault)
			writeProblem(w, fault)
		}
	})
}

func (d *Door) newEndpoint() *endpoint {
	allowed, inner := newOrigins(d.BaseURL, d.AllowedOrigins), d.newServer()
	return &endpoint{
		door: d, origins: allowed, large: make(chan struct{}, 1), server: inner,
		inner: server.NewStreamableHTTPServer(inner,
			server.WithStateLess(true),
			server.WithStreamableHTTPLogger(d.Log),
			// mcp-go refuses any public Host on a loopback connection, and with
			// it every reverse proxy on this machine. Only a bridge that is
			// meant for this machine wants that.
			server.WithDisableLocalhostProtection(!allowed.loopback),
		),
	}
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer e.recover(w, r)
	receipt := receiptFrom(r.Context())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // proxies must pass progress on at once (2026-07-28, SHOULD)
	actor, err := e.admit(r)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	receipt.Client, receipt.Shop = actor.ClientID, actor.Shop
	body, release, err := e.read(w, r)
	defer release()
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	m, fault := readMessage(body)
	receipt.BytesIn = int64(len(body))
	noteMessage(receipt, m)
	m.call.copied = e.door.copies(r.Header.Get(mcp.HeaderProtocolVersion))
	switch {
	case fault != nil:
		writeJSON(w, http.StatusBadRequest, jsonType, fault.response())
	case m.kind == response || m.method == string(mcp.MethodNotificationCancelled):
		// Nothing here waits for a response. And without sessions the id to
		// cancel could be anybody's: mcp-go would stop another client's call.
		// Closing the connection is what cancels.
		w.WriteHeader(http.StatusAccepted)
	case m.listens():
		e.serveListen(w, forMCP(r, actor, m), m)
	case m.extended():
		e.serveExtended(w, forMCP(r, actor, m), m)
	default:
		e.inner.ServeHTTP(w, forMCP(r, actor, m))
	}
}

// admit checks what can be checked before the body is read, so that nobody
// without a token makes us read one.
func (e *endpoint) admit(r *http.Request) (bridge.Actor, error) {
	if err := bridge.AdmitSource(e.door.Sources, r); err != nil {
		return bridge.Actor{}, err
	}
	if !e.origins.allow(r) {
		fault := bridge.Fault(bridge.CodeSourceRefused, nil, "Pages of this Origin may not call the bridge.")
		fault.Fix = "Call from the bridge's own origin, or have the operator allow this one."
		return bridge.Actor{}, fault
	}
	if r.Method != http.MethodPost {
		return bridge.Actor{}, bridge.Fault(bridge.CodeMethodNotAllowed, nil, "This endpoint takes POST only; it opens no stream of its own and keeps no session.")
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		fault := bridge.Fault(bridge.CodeUnsupportedMediaType, nil, "MCP messages are not compressed.")
		fault.Fix = "Send the body without Content-Encoding."
		return bridge.Actor{}, fault
	}
	if r.ContentLength > e.door.maxMessage() {
		return bridge.Actor{}, e.overLimit()
	}
	return e.door.authenticate(r)
}

func (e *endpoint) overLimit() *bridge.Error {
	fault := bridge.Fault(bridge.CodePayloadTooLarge, nil, "The body is over the limit of %d bytes of arguments.", e.door.maxPayload())
	fault.Rule = policies.MaxPayload
	return fault
}

// read takes the body in. Above largeBody it waits for its turn, which lasts
// until release is called.
func (e *endpoint) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	release = func() {}
	limited := http.MaxBytesReader(w, r.Body, e.door.maxMessage())
	body, err = io.ReadAll(io.LimitReader(limited, largeBody+1))
	if err != nil || len(body) <= largeBody {
		return body, release, e.bodyFault(err)
	}
	select {
	case e.large <- struct{}{}:
		release = func() { <-e.large }
	case <-r.Context().Done():
		return nil, release, bridge.Fault(bridge.CodeInvalidRequest, r.Context().Err(), "The request was given up.")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(largeBodyTimeout)) // not every writer can
	rest, err := io.ReadAll(limited)
	return append(body, rest...), release, e.bodyFault(err)
}

func (e *endpoint) bodyFault(err error) error {
	var over *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &over):
		return e.overLimit()
	}
	return bridge.Fault(bridge.CodeInvalidRequest, err, "The body cannot be read to its end.")
}

// forMCP is the request as mcp-go gets it: the envelope for a body, and no
// session id or credentials, neither of which it has any business with.
func forMCP(r *http.Request, actor bridge.Actor, m message) *http.Request {
	r = r.Clone(withCall(withActor(r.Context(), actor), m.call))
	r.Header.Del(mcp.HeaderSessionID)
	r.Header.Del("Authorization")
	r.Body = io.NopCloser(bytes.NewReader(m.envelope))
	r.ContentLength = int64(len(m.envelope))
	return r
}

// refuse answers a request that never became an MCP message.
func (e *endpoint) refuse(w http.ResponseWriter, r *http.Request, err error) {
	fault := bridge.AsError(err)
	receiptFrom(r.Context()).Refuse(err)
	if fault.Code == bridge.CodeMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	if challenge := e.door.challenge(r, fault.Code); challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	writeProblem(w, fault)
}

// recover turns a panic into a 500 that shows nothing of it.
func (e *endpoint) recover(w http.ResponseWriter, r *http.Request) {
	switch trouble := recover(); trouble {
	case nil:
	case http.ErrAbortHandler:
		panic(trouble) // net/http's own way to cut a connection
	default:
		e.door.Log.ErrorContext(r.Context(), "request panicked", "panic", trouble, "stack", string(debug.Stack()))
		receiptFrom(r.Context()).Refuse(bridge.AsError(nil))
		writeProblem(w, bridge.AsError(nil))
	}
}

// writeProblem answers a refusal outside MCP with the error body of every
// route.
func writeProblem(w http.ResponseWriter, fault *bridge.Error) {
	if wait := fault.RetryAdvice(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wholeSeconds(wait)))
	}
	problem := fault.Problem("", "")
	writeJSON(w, problem.Status, "application/problem+json", problem)
}

func writeJSON(w http.ResponseWriter, status int, mediaType string, body any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
