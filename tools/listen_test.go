package tools

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/prestashop-bridge/bridge/bridge"
)

// The acknowledgement MUST be the first message of the stream (2026-07-28,
// subscriptions/listen). mcp-go's own transport fails this within a few dozen.
func TestTheAcknowledgementComesFirst(t *testing.T) {
	door := withGate(t, newWorld().door())
	handler, header := door.Handler(), bearer(t, door, reader)
	header[mcp.HeaderProtocolVersion], header[mcp.HeaderMethod] = "2026-07-28", "subscriptions/listen"
	// Everything is asked for and nothing established: serveListen relies on it.
	line := `{"jsonrpc":"2.0","id":"s","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["bridge://policies"],"taskIds":["` + runningJob + `"]},` + declaring + `}}`
	want := `event: message
data: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"s"},"notifications":{}}}

event: message
data: {"jsonrpc":"2.0","id":"s","result":{"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"prestashop-bridge","version":"1.0.0"},"io.modelcontextprotocol/subscriptionId":"s"},"resultType":"complete"}}

`
	for range 200 {
		w := post(t, handler, line, header)
		if w.Code != 200 || w.Header().Get("Content-Type") != "text/event-stream" || w.Body.String() != want {
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
	}
	header[mcp.HeaderMethod] = "tools/list"
	if w := post(t, handler, line, header); w.Code != 400 || readOutcome(t, w.Body.String()).Error.Code != mcp.HEADER_MISMATCH {
		t.Errorf("another Mcp-Method: %d %s", w.Code, w.Body)
	}
	header[mcp.HeaderMethod] = "subscriptions/listen"
	if w := post(t, handler, strings.Replace(line, `"io.modelcontextprotocol/clientCapabilities"`, `"x"`, 1), header); w.Code != 400 || readOutcome(t, w.Body.String()).Error.Code != mcp.INVALID_PARAMS {
		t.Errorf("no capabilities: %d %s", w.Code, w.Body)
	}
}

// ATTACK: a stolen or guessed session id. There is nothing to steal: no session
// is ever named, and what a request may see follows from its own token alone.
func TestASessionIDOpensNothing(t *testing.T) {
	door := withGate(t, newWorld().door())
	handler := door.Handler()
	hello := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	if w := post(t, handler, hello, bearer(t, door, writer)); w.Code != 200 || w.Header().Get(mcp.HeaderSessionID) != "" {
		t.Errorf("initialize: %d, session %q", w.Code, w.Header().Get(mcp.HeaderSessionID))
	}
	ask := fmt.Sprintf(`{"job_id":%q}`, runningJob)
	for _, id := range []string{"", "mcp-session-of-the-writer", "unregistered", strings.Repeat("x", 4096)} {
		for actor, sees := range map[string]bool{writer.ClientID: true, reader.ClientID: false} {
			header := bearer(t, door, bridge.Actor{ClientID: actor, Scopes: reader.Scopes})
			header[mcp.HeaderSessionID] = id
			w := post(t, handler, callOf(bridge.OpGetJobStatus, ask), header)
			answer := readOutcome(t, w.Body.String())
			if answer.Result == nil || answer.Result.IsError == sees {
				t.Errorf("%s with session %.20q: %s", actor, id, w.Body)
			}
			delete(header, "Authorization")
			if w := post(t, handler, callOf(bridge.OpGetJobStatus, ask), header); w.Code != http.StatusUnauthorized {
				t.Errorf("session %.20q without a token: %d", id, w.Code)
			}
		}
	}
	var listed struct {
		Result struct{ Tools []json.RawMessage }
	}
	header := bearer(t, door, reader)
	header[mcp.HeaderSessionID] = "mcp-session-of-the-writer"
	if err := json.Unmarshal(post(t, handler, listTools, header).Body.Bytes(), &listed); err != nil || len(listed.Result.Tools) != 3 {
		t.Errorf("a reader in the writer's session sees %d tools, %v", len(listed.Result.Tools), err)
	}
}
