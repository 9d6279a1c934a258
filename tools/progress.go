package tools

import (
	"context"
	"encoding/json"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/prestashop-bridge/bridge/schemas"
)

// flusher is a session whose notifications go out when told to.
type flusher interface{ flush() error }

// progressTo reports a followed job to a client that sent a progress token;
// nil when it sent none. Over HTTP mcp-go may lose what is sent just before the
// result (mcp-go#969), so a result never depends on it.
func progressTo(ctx context.Context, token json.RawMessage) func(schemas.Progress) {
	if token == nil {
		return nil
	}
	last := -1
	return func(p schemas.Progress) {
		// The value MUST increase with each notification (2025-11-25, Progress).
		if p.Done <= last {
			return
		}
		last = p.Done
		params := map[string]any{"progressToken": token, "progress": p.Done, "total": p.Total}
		notify(ctx, string(mcp.MethodNotificationProgress), params)
	}
}

// notify sends a notification that belongs to the request of ctx. Nobody waits
// for it: a client that cannot take it is told nothing and loses nothing.
func notify(ctx context.Context, method string, params map[string]any) {
	if err := server.ServerFromContext(ctx).SendNotificationToClient(ctx, method, params); err != nil {
		return
	}
	if session, ok := server.ClientSessionFromContext(ctx).(flusher); ok {
		_ = session.flush() // a broken pipe shows again when the result is written
	}
}
