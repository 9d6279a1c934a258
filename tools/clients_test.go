package tools

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// modernMeta is what every request of revision 2026-07-28 carries.
const modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`

// links are the ways a client can reach the door.
var links = []struct{ transport, revision string }{
	{"stdio", "2025-06-18"}, {"stdio", "2025-11-25"}, {"stdio", "2026-07-28"},
	{"http", "2025-06-18"}, {"http", "2025-11-25"}, {"http", "2026-07-28"},
}

var signingKeys = sync.OnceValues(func() (*auth.KeySet, error) {
	key, err := auth.NewSigningKey()
	if err != nil {
		return nil, err
	}
	return auth.NewKeySet(key)
})

// withGate opens the door's HTTP side for the two actors.
func withGate(t *testing.T, door *Door) *Door {
	t.Helper()
	keys, err := signingKeys()
	if err != nil {
		t.Fatal(err)
	}
	all := []string{auth.ScopeRead, auth.ScopeWrite, auth.ScopePII}
	door.Gate = &bridge.Gate{
		Clients: bridge.FixedClients{{ID: reader.ClientID, Scopes: all}, {ID: writer.ClientID, Scopes: all}},
		Tokens:  &auth.Issuer{Keys: keys, URL: door.BaseURL, Audience: []string{door.baseURL() + Path}, TTL: time.Hour},
	}
	return door
}

func token(t *testing.T, door *Door, actor bridge.Actor) string {
	t.Helper()
	text, _, err := door.Gate.Tokens.Issue(actor.ClientID, actor.Scopes)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// serve runs the HTTP side on a real port.
func serve(t *testing.T, door *Door) *httptest.Server {
	t.Helper()
	host := httptest.NewServer(door.Handler())
	t.Cleanup(host.Close)
	return host
}

// connect opens a real mcp-go client over a link.
func connect(t *testing.T, door *Door, actor bridge.Actor, kind, revision string, heard func(mcp.JSONRPCNotification)) *client.Client {
	t.Helper()
	var wire transport.Interface
	if kind == "http" {
		host := serve(t, withGate(t, door))
		tripper := &http.Transport{}
		t.Cleanup(tripper.CloseIdleConnections)
		over, err := transport.NewStreamableHTTP(host.URL+Path,
			transport.WithHTTPBasicClient(&http.Client{Transport: tripper}),
			transport.WithHTTPHeaders(map[string]string{"Authorization": "Bearer " + token(t, door, actor)}))
		if err != nil {
			t.Fatal(err)
		}
		wire = over
	} else {
		p := openPipe(t, door, actor)
		wire = transport.NewIO(p.out, p.in, io.NopCloser(strings.NewReader("")))
	}
	c := client.NewClient(wire, client.WithProtocolVersion(revision))
	if heard != nil {
		c.OnNotification(heard)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	var hello mcp.InitializeRequest
	hello.Params.ProtocolVersion = revision
	hello.Params.ClientInfo = mcp.Implementation{Name: "test", Version: "1"}
	welcome, err := c.Initialize(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	if c.ProtocolVersion() != revision && welcome.ProtocolVersion != revision {
		t.Fatalf("speaking %q, want %q", welcome.ProtocolVersion, revision)
	}
	if welcome.Instructions != instructions {
		t.Errorf("instructions = %q", welcome.Instructions)
	}
	return c
}

func callTool(ctx context.Context, c *client.Client, name, arguments string) (*mcp.CallToolResult, error) {
	var req mcp.CallToolRequest
	req.Params.Name = name
	req.Params.RawArguments = json.RawMessage(arguments)
	return c.CallTool(ctx, req)
}

// TestEveryLinkSaysTheSame drives one conversation through both transports and
// three revisions; all must come to the golden one.
func TestEveryLinkSaysTheSame(t *testing.T) {
	for _, link := range links {
		t.Run(link.transport+" "+link.revision, func(t *testing.T) {
			c := connect(t, newWorld().door(), writer, link.transport, link.revision, nil)
			golden(t, "conversation.txt", []byte(converse(t, c)))
		})
	}
}

func converse(t *testing.T, c *client.Client) string {
	t.Helper()
	var told strings.Builder
	tell := func(what string, result any, err error) {
		told.WriteString("== " + what + "\n")
		var failed *mcp.CallToolResult
		switch result := result.(type) {
		case *mcp.CallToolResult:
			failed = result
		case string:
			told.WriteString(result + "\n")
		}
		if err != nil {
			told.WriteString("error: " + err.Error() + "\n")
			return
		}
		if failed != nil {
			raw, _ := json.Marshal(failed.StructuredContent)
			told.WriteString(map[bool]string{true: "isError: ", false: ""}[failed.IsError] + failed.Content[0].(mcp.TextContent).Text + "\n")
			told.Write(indented(t, raw))
		}
	}
	write := `{"request_id":"` + requestOne + `","product_id":1,"updates":{"price_ht":12.50}}`
	for _, step := range []struct{ tool, arguments string }{
		{bridge.OpGetProduct, `{"product_id":1}`},
		{bridge.OpGetOrder, `{"order_id":5}`},
		{bridge.OpGetJobStatus, `{"job_id":"` + runningJob + `"}`},
		{bridge.OpGetJobStatus, `{"job_id":"` + succeededJob + `","wait_seconds":30}`},
		{bridge.OpUpdateProduct, write},
		{bridge.OpUpdateProduct, write},
		{bridge.OpUpdateProduct, strings.Replace(write, "12.50", "13", 1)},
		{bridge.OpUpdateProduct, strings.Replace(write, "price_ht", "price_ttc", 1)},
		{bridge.OpUpdateOrderStatus, `{}`},
		{bridge.OpGetJobStatus, `{"job_id":"018f0000-0000-7000-8000-0000000000ff"}`},
		{"drop_database", `{}`},
	} {
		result, err := callTool(t.Context(), c, step.tool, step.arguments)
		tell("call "+step.tool+" "+step.arguments, result, err)
	}
	for _, uri := range []string{"bridge://products/1", "bridge://jobs/" + succeededJob, "bridge://jobs/none", "bridge://schemas/get_product"} {
		var req mcp.ReadResourceRequest
		req.Params.URI = uri
		result, err := c.ReadResource(t.Context(), req)
		text := ""
		if err == nil {
			text = result.Contents[0].(mcp.TextResourceContents).Text
		}
		tell("read "+uri, text, err)
	}
	var req mcp.GetPromptRequest
	req.Params.Name = "safe_price_change"
	req.Params.Arguments = map[string]string{"product_id": "7", "price_ht": "12.50"}
	prompt, err := c.GetPrompt(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	tell("prompt safe_price_change", prompt.Messages[0].Content.(mcp.TextContent).Text, nil)
	return told.String()
}

// A waiting get_job_status tells its client what it waits for. mcp-go's HTTP
// transport may lose a notification, so there one is enough.
func TestWaitingReportsProgress(t *testing.T) {
	for _, link := range links {
		t.Run(link.transport+" "+link.revision, func(t *testing.T) {
			w := newWorld()
			w.onJob = advance
			var mu sync.Mutex
			var heard []float64
			c := connect(t, w.door(), writer, link.transport, link.revision, func(n mcp.JSONRPCNotification) {
				mu.Lock()
				defer mu.Unlock()
				if n.Params.AdditionalFields["progressToken"] == "token-7" {
					heard = append(heard, n.Params.AdditionalFields["progress"].(float64))
				}
			})
			var req mcp.CallToolRequest
			req.Params.Name = bridge.OpGetJobStatus
			req.Params.RawArguments = json.RawMessage(`{"job_id":"` + runningJob + `","wait_seconds":30}`)
			req.Params.Meta = &mcp.Meta{ProgressToken: "token-7"}
			result, err := c.CallTool(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if text := result.Content[0].(mcp.TextContent).Text; text != "job "+runningJob+": succeeded" {
				t.Errorf("after the wait: %s", text)
			}
			mu.Lock()
			defer mu.Unlock()
			want := []float64{2, 3}
			if link.transport == "stdio" && !cmp.Equal(heard, want) || len(heard) == 0 {
				t.Errorf("progress %v, want %v", heard, want)
			}
		})
	}
}

// advance makes a job one unit further each time it is read.
func advance(job *bridge.Job) {
	if job.Progress.Done == job.Progress.Total {
		job.Status = "succeeded"
		return
	}
	job.Progress.Done++
}

func TestConcurrentCallsFindTheirOwnAnswers(t *testing.T) {
	for _, link := range links {
		t.Run(link.transport+" "+link.revision, func(t *testing.T) {
			// Nobody is answered before all have come in.
			const calls = 8
			var all sync.WaitGroup
			all.Add(calls)
			w := newWorld()
			w.onProduct = func(context.Context) { all.Done(); all.Wait() }
			c := connect(t, w.door(), writer, link.transport, link.revision, nil)
			var group sync.WaitGroup
			for id := 1; id <= calls; id++ {
				group.Go(func() {
					raw, _ := json.Marshal(map[string]int{"product_id": id})
					result, err := callTool(t.Context(), c, bridge.OpGetProduct, string(raw))
					if err != nil {
						t.Error(err)
						return
					}
					if got := result.StructuredContent.(map[string]any)["id"]; got != float64(id) {
						t.Errorf("asked for product %d, got %v", id, got)
					}
				})
			}
			group.Wait()
		})
	}
}

// Giving up a call reaches the work behind it: over stdio by
// notifications/cancelled, over HTTP by the closed connection.
func TestGivingUpStopsTheWork(t *testing.T) {
	for _, link := range links {
		t.Run(link.transport+" "+link.revision, func(t *testing.T) {
			started, stopped := make(chan struct{}), make(chan struct{})
			w := newWorld()
			w.onProduct = func(ctx context.Context) {
				close(started)
				<-ctx.Done()
				close(stopped)
			}
			c := connect(t, w.door(), writer, link.transport, link.revision, nil)
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-started; cancel() }()
			if _, err := callTool(ctx, c, bridge.OpGetProduct, `{"product_id":1}`); !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v", err)
			}
			<-stopped
		})
	}
}
