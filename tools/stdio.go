package tools

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

const (
	// maxInFlight bounds the requests served at the same time; a model's host
	// sends a handful.
	maxInFlight = 32
	// drainTimeout is how long running calls may go on after end of input. A
	// script that pipes its calls in still gets the answers; a server SHOULD
	// exit promptly all the same (2025-11-25, Lifecycle: Shutdown).
	drainTimeout = 5 * time.Second
	// stopTimeout is how long a stopped call may take to notice.
	stopTimeout = 2 * time.Second
)

// Why a request's context ended.
var (
	errCancelled = errors.New("the client cancelled the request")
	errInputOver = errors.New("end of input")
)

// conversation is one client on a pair of pipes.
type conversation struct {
	door    *Door
	server  *server.MCPServer
	session *session
	stop    context.CancelCauseFunc // ends every request, and the conversation
	// revision is what the client asked for in its handshake, "" before it. The
	// one that was agreed on is never older than what matters here.
	revision string

	mu      sync.Mutex
	running map[string]context.CancelCauseFunc // by idKey
	closed  bool                               // no further request is started
	calls   sync.WaitGroup
}

// ServeStdio serves one client over a pair of pipes, until end of input (nil),
// a broken pipe, or the end of ctx. The actor comes from the settings: over
// stdio there is no token (2025-11-25, Authorization). Only JSON-RPC is written
// to out. After ctx has ended, one Read of in may still be waiting.
func (d *Door) ServeStdio(ctx context.Context, in io.Reader, out io.Writer, actor bridge.Actor) error {
	ctx, stop := context.WithCancelCause(withActor(ctx, actor))
	defer stop(nil)
	c := &conversation{
		door: d, server: d.newServer(), session: newSession(out), stop: stop,
		running: map[string]context.CancelCauseFunc{},
	}
	over := make(chan error, 1)
	go func() { over <- c.listen(c.server.WithContext(ctx, c.session), newLineReader(in, d.maxMessage())) }()
	select {
	case err := <-over:
		return cmp.Or(c.drain(ctx), err)
	case <-ctx.Done():
		c.ended(stopTimeout)
		return context.Cause(ctx)
	}
}

// listen takes lines until there are no more.
func (c *conversation) listen(ctx context.Context, reader *lineReader) error {
	for ctx.Err() == nil {
		l, err := reader.next()
		c.take(ctx, l)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
	}
	return nil
}

// take deals with one line; it never waits for a request.
func (c *conversation) take(ctx context.Context, l line) {
	if l.long {
		c.reject(ctx, c.receipt(ctx, l), c.door.tooLarge(l.id()))
		return
	}
	if len(bytes.TrimSpace(l.text)) == 0 {
		return
	}
	receipt := c.receipt(ctx, l)
	m, fault := readMessage(l.text)
	noteMessage(receipt, m)
	switch {
	case fault != nil:
		c.reject(ctx, receipt, fault)
		return
	case m.kind == request:
		c.start(ctx, m, receipt)
		return
	case m.cancels != nil:
		c.cancel(m.cancels)
	}
	c.door.Desk.Record(ctx, *receipt)
}

// receipt begins the receipt of a line.
func (c *conversation) receipt(ctx context.Context, l line) *bridge.Receipt {
	actor := actorFrom(ctx)
	r := c.door.Desk.NewReceipt(bridge.DoorMCPStdio)
	r.Route, r.Client, r.Shop, r.BytesIn, r.Status = "(none)", actor.ClientID, actor.Shop, int64(len(l.text)), http.StatusOK
	return &r
}

// reject answers a message that is not served.
func (c *conversation) reject(ctx context.Context, receipt *bridge.Receipt, f *fault) {
	receipt.Refuse(bridge.Fault(f.meaning(), nil, "%s", f.text))
	c.door.Desk.Record(ctx, *receipt)
	c.write(f.response())
}

// tooLarge is the answer to a message over the limit.
func (d *Door) tooLarge(id []byte) *fault {
	over := bridge.Fault(bridge.CodePayloadTooLarge, nil, "The message is over the limit of %d bytes of arguments.", d.maxPayload())
	over.Rule = policies.MaxPayload
	return &fault{id: id, code: mcp.INVALID_REQUEST, text: "Invalid request: " + over.Message, data: newRefusal(over)}
}

// start serves a request on its own goroutine. It is known as running before
// the next line is read, so that a cancellation right behind it finds it.
func (c *conversation) start(ctx context.Context, m message, receipt *bridge.Receipt) {
	if m.method == string(mcp.MethodInitialize) {
		c.revision = askedRevision(m.params)
	}
	m.call.copied = c.door.copies(cmp.Or(m.call.revision, c.revision))
	ctx, cancel := context.WithCancelCause(withReceipt(withCall(ctx, m.call), receipt))
	if refusal := c.register(m.id, cancel); refusal != nil {
		cancel(nil)
		c.reject(ctx, receipt, refusal)
		return
	}
	go func() {
		defer c.calls.Done()
		defer cancel(nil)
		answer := c.handle(ctx, m)
		c.forget(m.id)
		c.door.Desk.Record(ctx, *receipt)
		// A cancelled request SHOULD get no response (2025-11-25, Cancellation).
		if answer != nil && !errors.Is(context.Cause(ctx), errCancelled) {
			c.write(answer)
		}
	}()
}

// register counts a request in, or says why it is not served.
func (c *conversation) register(id []byte, cancel context.CancelCauseFunc) *fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := idKey(id)
	switch {
	case c.closed:
		return &fault{id: id, code: mcp.INTERNAL_ERROR, text: "The server is stopping"}
	case c.running[key] != nil:
		return invalid(id, "a request with this id is still running")
	case len(c.running) == maxInFlight:
		return &fault{id: id, code: mcp.INTERNAL_ERROR, text: fmt.Sprintf("%d requests are running; wait for an answer, then send this one again", maxInFlight)}
	}
	c.running[key] = cancel
	c.calls.Add(1)
	return nil
}

func (c *conversation) forget(id []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.running, idKey(id))
}

func (c *conversation) cancel(id []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel := c.running[idKey(id)]; cancel != nil {
		cancel(errCancelled)
	}
}

// handle serves a request; a panic in it ends that request only and shows
// nothing of itself.
func (c *conversation) handle(ctx context.Context, m message) (answer mcp.JSONRPCMessage) {
	defer func() {
		if trouble := recover(); trouble != nil {
			c.door.Log.ErrorContext(ctx, "request panicked", "method", m.method, "panic", trouble, "stack", string(debug.Stack()))
			receiptFrom(ctx).Refuse(bridge.AsError(nil))
			answer = (&fault{id: m.id, code: mcp.INTERNAL_ERROR, text: "Internal error"}).response()
		}
	}()
	return c.door.handle(ctx, c.server, m)
}

// write sends a message; a client that cannot be written to is gone.
func (c *conversation) write(message any) {
	if err := c.session.write(message); err != nil {
		c.stop(fmt.Errorf("standard output: %w", err))
	}
}

// drain waits for the running calls after end of input, then stops them. It
// gives the reason when something else stopped them meanwhile.
func (c *conversation) drain(ctx context.Context) error {
	if c.ended(drainTimeout) {
		return context.Cause(ctx)
	}
	c.door.Log.WarnContext(ctx, "end of input: stopping the calls that still run")
	c.stop(errInputOver)
	c.ended(stopTimeout)
	if cause := context.Cause(ctx); !errors.Is(cause, errInputOver) {
		return cause
	}
	return nil
}

// ended starts no further request and waits for the running ones; false when
// they take longer than limit.
func (c *conversation) ended(limit time.Duration) bool {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.calls.Wait()
		close(done)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
