package tools

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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

	mu      sync.Mutex
	running map[string]context.CancelCauseFunc // by idKey
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
	ctx = c.server.WithContext(ctx, c.session)
	var readErr error
	lines := make(chan line)
	go func() {
		defer close(lines)
		readErr = forward(ctx, newLineReader(in, d.maxMessage()), lines)
	}()
	for {
		select {
		case l, open := <-lines:
			if !open && ctx.Err() == nil {
				c.drain(ctx)
				return readErr
			}
			if open {
				c.take(ctx, l)
			}
		case <-ctx.Done():
			c.ended(stopTimeout)
			return context.Cause(ctx)
		}
	}
}

// forward hands lines over until the input or the conversation ends.
func forward(ctx context.Context, reader *lineReader, lines chan<- line) error {
	for {
		l, err := reader.next()
		select {
		case lines <- l:
		case <-ctx.Done():
			return nil
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("standard input: %w", err)
		}
	}
}

// take deals with one line; it never waits for a request.
func (c *conversation) take(ctx context.Context, l line) {
	if l.long {
		c.write(c.door.tooLarge(l.id()).response())
		return
	}
	if len(bytes.TrimSpace(l.text)) == 0 {
		return
	}
	m, fault := readMessage(l.text)
	switch {
	case fault != nil:
		c.write(fault.response())
	case m.kind == request:
		c.start(ctx, m)
	case m.cancels != nil:
		c.cancel(m.cancels)
	}
}

// tooLarge is the answer to a message over the limit.
func (d *Door) tooLarge(id []byte) *fault {
	over := bridge.Fault(bridge.CodePayloadTooLarge, nil, "The message is over the limit of %d bytes of arguments.", d.maxPayload())
	over.Rule = policies.MaxPayload
	return &fault{id: id, code: mcp.INVALID_REQUEST, text: "Invalid request: " + over.Message, data: newRefusal(over)}
}

// start serves a request on its own goroutine. It is known as running before
// the next line is read, so that a cancellation right behind it finds it.
func (c *conversation) start(ctx context.Context, m message) {
	ctx, cancel := context.WithCancelCause(withCall(ctx, m.call))
	if refusal := c.register(m.id, cancel); refusal != nil {
		cancel(nil)
		c.write(refusal.response())
		return
	}
	c.calls.Go(func() {
		defer cancel(nil)
		answer := c.handle(ctx, m)
		c.forget(m.id)
		// A cancelled request SHOULD get no response (2025-11-25, Cancellation).
		if answer != nil && !errors.Is(context.Cause(ctx), errCancelled) {
			c.write(answer)
		}
	})
}

func (c *conversation) register(id []byte, cancel context.CancelCauseFunc) *fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := idKey(id)
	if c.running[key] != nil {
		return invalid(id, "a request with this id is still running")
	}
	if len(c.running) == maxInFlight {
		return &fault{id: id, code: mcp.INTERNAL_ERROR, text: fmt.Sprintf("%d requests are running; wait for an answer, then send this one again", maxInFlight)}
	}
	c.running[key] = cancel
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

// handle lets mcp-go serve a request; a panic in it ends that request only and
// shows nothing of itself.
func (c *conversation) handle(ctx context.Context, m message) (answer mcp.JSONRPCMessage) {
	defer func() {
		if trouble := recover(); trouble != nil {
			c.door.Log.ErrorContext(ctx, "request panicked", "method", m.method, "panic", trouble, "stack", string(debug.Stack()))
			answer = (&fault{id: m.id, code: mcp.INTERNAL_ERROR, text: "Internal error"}).response()
		}
	}()
	return c.server.HandleMessage(ctx, m.envelope)
}

// write sends a message; a client that cannot be written to is gone.
func (c *conversation) write(message any) {
	if err := c.session.write(message); err != nil {
		c.stop(fmt.Errorf("standard output: %w", err))
	}
}

// drain waits for the running calls after end of input, then stops them.
func (c *conversation) drain(ctx context.Context) {
	if !c.ended(drainTimeout) {
		c.door.Log.WarnContext(ctx, "end of input: stopping the calls that still run")
		c.stop(errInputOver)
		c.ended(stopTimeout)
	}
}

// ended waits for the running calls; false when they take longer than limit.
func (c *conversation) ended(limit time.Duration) bool {
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
