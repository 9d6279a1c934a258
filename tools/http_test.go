package tools

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// post sends a message the way a legacy client does.
func post(t *testing.T, handler http.Handler, body string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	return send(t, handler, http.MethodPost, strings.NewReader(body), header)
}

func send(t *testing.T, handler http.Handler, method string, body io.Reader, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://bridge.example.com"+Path, body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func bearer(t *testing.T, door *Door, actor bridge.Actor) map[string]string {
	t.Helper()
	return map[string]string{"Authorization": "Bearer " + token(t, door, actor)}
}

func problemOf(t *testing.T, w *httptest.ResponseRecorder) schemas.Problem {
	t.Helper()
	var p schemas.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if p.Status != w.Code || p.Code != w.Code || p.Fix == "" || p.Type != "urn:bridge:error:"+p.ErrorCode {
		t.Errorf("status %d with the problem %+v", w.Code, p)
	}
	return p
}

const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`

// ATTACK: a page in the merchant's browser calls the bridge, directly or after
// pointing its own name at the bridge's address.
func TestForeignOriginsAreRefused(t *testing.T) {
	for _, tc := range []struct {
		baseURL, origin string
		want            int
	}{
		{"https://bridge.example.com", "", 200},
		{"https://bridge.example.com", "https://bridge.example.com", 200},
		{"https://bridge.example.com", "https://BRIDGE.example.com:443", 200},
		{"https://bridge.example.com/", "https://bridge.example.com", 200},
		{"https://bridge.example.com", "https://app.example.com", 200}, // in AllowedOrigins
		{"https://bridge.example.com", "http://bridge.example.com", 403},
		{"https://bridge.example.com", "https://bridge.example.com:8443", 403},
		{"https://bridge.example.com", "https://bridge.example.com.evil.test", 403},
		{"https://bridge.example.com", "https://evil.test", 403},
		{"https://bridge.example.com", "null", 403},
		{"https://bridge.example.com", "file://", 403},
		{"https://bridge.example.com", "http://localhost:3000", 403},
		{"http://127.0.0.1:8080", "http://localhost:3000", 200},
		{"http://127.0.0.1:8080", "http://[::1]:3000", 200},
		{"http://127.0.0.1:8080", "http://app.localhost", 200},
		{"http://127.0.0.1:8080", "http://localhost.evil.test", 403},
		{"http://127.0.0.1:8080", "http://127.0.0.1.evil.test", 403},
		{"http://localhost:8080", "null", 403},
	} {
		door := newWorld().door()
		door.BaseURL, door.AllowedOrigins = tc.baseURL, []string{"https://app.example.com"}
		header := bearer(t, withGate(t, door), reader)
		if tc.origin != "" {
			header["Origin"] = tc.origin
		}
		w := post(t, door.Handler(), ping, header)
		if w.Code != tc.want {
			t.Errorf("bridge %s, Origin %q: %d, want %d", tc.baseURL, tc.origin, w.Code, tc.want)
		}
		if w.Code == 403 {
			problemOf(t, w)
		}
	}
}

func TestWithoutTokenTheClientIsShownTheWay(t *testing.T) {
	door := withGate(t, newWorld().door())
	metadata := `resource_metadata="https://bridge.example.com/.well-known/oauth-protected-resource/mcp", scope="bridge:read bridge:write"`
	weak := bearer(t, door, bridge.Actor{ClientID: reader.ClientID, Scopes: []string{auth.ScopePII}})
	strange := bearer(t, door, bridge.Actor{ClientID: "nobody", Scopes: reader.Scopes})
	for name, tc := range map[string]struct {
		header    map[string]string
		status    int
		challenge string
		code      bridge.Code
	}{
		"no token":      {nil, 401, "Bearer " + metadata, bridge.CodeUnauthorized},
		"garbage":       {map[string]string{"Authorization": "Bearer x.y.z"}, 401, "Bearer " + metadata + `, error="invalid_token"`, bridge.CodeUnauthorized},
		"basic":         {map[string]string{"Authorization": "Basic YTpi"}, 401, "Bearer " + metadata + `, error="invalid_token"`, bridge.CodeUnauthorized},
		"gone client":   {strange, 401, "Bearer " + metadata + `, error="invalid_token"`, bridge.CodeUnauthorized},
		"no tool scope": {weak, 403, "Bearer " + metadata + `, error="insufficient_scope"`, bridge.CodeInsufficientScope},
	} {
		t.Run(name, func(t *testing.T) {
			w := post(t, door.Handler(), ping, tc.header)
			if w.Code != tc.status || w.Header().Get("WWW-Authenticate") != tc.challenge {
				t.Errorf("%d %s\nwant %d %s", w.Code, w.Header().Get("WWW-Authenticate"), tc.status, tc.challenge)
			}
			if p := problemOf(t, w); p.ErrorCode != string(tc.code) {
				t.Errorf("problem %+v", p)
			}
		})
	}
}

type closedClients struct{}

func (closedClients) Client(context.Context, string) (bridge.Client, error) {
	return bridge.Client{}, bridge.Fault(bridge.CodeStoreUnavailable, nil, "The database does not answer.")
}

func TestAnUnreachableDirectoryIsNoMatterOfTokens(t *testing.T) {
	door := withGate(t, newWorld().door())
	header := bearer(t, door, reader)
	door.Gate.Clients = closedClients{}
	w := post(t, door.Handler(), ping, header)
	if w.Code != 503 || w.Header().Get("WWW-Authenticate") != "" || w.Header().Get("Retry-After") != "5" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestMetadataOfTheResource(t *testing.T) {
	door := withGate(t, newWorld().door())
	host := serve(t, door)
	tripper := &http.Transport{}
	t.Cleanup(tripper.CloseIdleConnections)
	for _, path := range []string{MetadataPath, RootMetadataPath} {
		response, err := (&http.Client{Transport: tripper}).Get(host.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		golden(t, "protected_resource.json", indented(t, raw))
	}
	if w := send(t, door.metadata(), http.MethodPost, nil, nil); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", w.Code, w.Header())
	}
	w := httptest.NewRecorder()
	door.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, Path+"/more", nil))
	if p := problemOf(t, w); w.Code != 404 || p.ErrorCode != string(bridge.CodeNotFound) {
		t.Errorf("another path: %d %+v", w.Code, p)
	}
}

func TestOnlyPOSTIsServed(t *testing.T) {
	door := withGate(t, newWorld().door())
	for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodHead, http.MethodPut, http.MethodOptions} {
		if w := send(t, door.Handler(), method, nil, bearer(t, door, reader)); w.Code != 405 || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
}

func TestMessagesThatAreNone(t *testing.T) {
	door := withGate(t, newWorld().door())
	header := bearer(t, door, writer)
	for body, code := range map[string]int{"": -32700, "{": -32700, "[" + ping + "]": -32600, "\xff": -32700, `{"jsonrpc":"2.0","id":null,"method":"ping"}`: -32600} {
		w := post(t, door.Handler(), body, header)
		if answer := readOutcome(t, w.Body.String()); w.Code != 400 || answer.Error == nil || answer.Error.Code != code {
			t.Errorf("%q: %d %s, want %d", body, w.Code, w.Body, code)
		}
	}
	header["Content-Encoding"] = "gzip"
	if w := post(t, door.Handler(), ping, header); w.Code != 415 {
		t.Errorf("compressed: %d", w.Code)
	}
}

// ATTACK: over stateless HTTP every client's request ids look alike. A foreign
// notifications/cancelled must not reach a call of somebody else.
func TestNobodyCancelsTheCallsOfOthers(t *testing.T) {
	started, goOn := make(chan struct{}), make(chan struct{})
	begin := sync.OnceFunc(func() { close(started) })
	w := newWorld()
	w.onProduct = func(ctx context.Context) {
		begin()
		select {
		case <-goOn:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			t.Error("the call was cancelled")
		}
	}
	door := withGate(t, w.door())
	handler := door.Handler()
	var call sync.WaitGroup
	call.Go(func() {
		answer := post(t, handler, callLine(1, bridge.OpGetProduct, `{"product_id":1}`), bearer(t, door, writer))
		begin() // a call that was refused never reached the shop
		if o := readOutcome(t, answer.Body.String()); o.Result == nil || o.Result.IsError {
			t.Errorf("answered %s", answer.Body)
		}
	})
	<-started
	for _, id := range []string{"1", `"1"`, "1.0", "1e0"} {
		answer := post(t, handler, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":`+id+`}}`, bearer(t, door, reader))
		if answer.Code != http.StatusAccepted || answer.Body.Len() != 0 {
			t.Errorf("%s: %d %s", id, answer.Code, answer.Body)
		}
	}
	close(goOn)
	call.Wait()
}

func TestNoSessionsAreKeptOrTaken(t *testing.T) {
	door := withGate(t, newWorld().door())
	header := bearer(t, door, writer)
	header["Mcp-Session-Id"] = "mcp-session-of-somebody"
	hello := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`
	w := post(t, door.Handler(), hello, header)
	if w.Code != 200 || w.Header().Get("Mcp-Session-Id") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	want := map[string]string{"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Type": "application/json"}
	for name, value := range want {
		if got := w.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if w := post(t, door.Handler(), `{"jsonrpc":"2.0","id":1,"result":{}}`, header); w.Code != http.StatusAccepted {
		t.Errorf("a response: %d", w.Code)
	}
}

// Revision 2026-07-28 names method and tool in headers, for gateways; they
// must be true.
func TestModernHeadersMustMatchTheBody(t *testing.T) {
	door := withGate(t, newWorld().door())
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_product","arguments":{"product_id":1},` + modernMeta + `}}`
	for name, status := range map[string]int{"get_product": 200, "get_order": 400} {
		header := bearer(t, door, writer)
		header["Mcp-Protocol-Version"], header["Mcp-Method"], header["Mcp-Name"] = "2026-07-28", "tools/call", name
		if w := post(t, door.Handler(), body, header); w.Code != status {
			t.Errorf("Mcp-Name %s: %d %s, want %d", name, w.Code, w.Body, status)
		}
	}
}

func TestPanicIsAPlain500(t *testing.T) {
	door := withGate(t, newWorld().door())
	e := door.newEndpoint()
	e.inner = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret in the panic") })
	w := post(t, e, ping, bearer(t, door, writer))
	if p := problemOf(t, w); w.Code != 500 || strings.Contains(w.Body.String(), "secret") || p.ErrorCode != string(bridge.CodeInternal) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	e.inner = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	defer func() {
		if trouble := recover(); trouble != http.ErrAbortHandler {
			t.Errorf("recovered %v", trouble)
		}
	}()
	post(t, e, ping, bearer(t, door, writer))
}

// mcp-go sees neither credentials nor arguments.
func TestWhatMCPGoIsGiven(t *testing.T) {
	door := withGate(t, newWorld().door())
	e := door.newEndpoint()
	var got []byte
	e.inner = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != "" || r.ContentLength != int64(len(got)) {
			t.Errorf("headers %v, length %d", r.Header, r.ContentLength)
		}
		want := call{arguments: json.RawMessage(`{"product_id" : 1e0}`), progressToken: json.RawMessage(`5`), copied: true}
		if diff := cmp.Diff(want, callFrom(r.Context()), cmp.AllowUnexported(call{})); diff != "" {
			t.Error(diff)
		}
	})
	post(t, e, `{"params":{"arguments":{"product_id" : 1e0},"name":"get_product","_meta":{"progressToken":5},"more":1},"id":3,"method":"tools/call","jsonrpc":"2.0"}`, bearer(t, door, writer))
	if want := `{"jsonrpc":"2.0","method":"tools/call","id":3,"params":{"_meta":{"progressToken":5},"name":"get_product"}}`; string(got) != want {
		t.Errorf("mcp-go is given\n%s\nwant\n%s", got, want)
	}
}
