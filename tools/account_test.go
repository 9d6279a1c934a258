package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
)

// auditLog keeps what a door's desk writes.
type auditLog struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (a *auditLog) Write(line []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.out.Write(line)
}

// last is the newest line in short.
func (a *auditLog) last(t *testing.T) string {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(a.out.String()), "\n")
	var e struct {
		Route, Operation, Client, Outcome, Decision string
		Status                                      int
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &e); err != nil {
		t.Fatalf("%v in %q", err, lines)
	}
	return fmt.Sprintf("%s|%s|%s|%d|%s|%s", e.Route, e.Operation, e.Client, e.Status, e.Outcome, e.Decision)
}

func auditedDoor() (*Door, *auditLog) {
	door, log := newWorld().door(), &auditLog{}
	door.Desk.(*bridge.Desk).Log = slog.New(slog.NewJSONHandler(log, nil))
	return door, log
}

func callOf(tool, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, tool, arguments)
}

// What a reader may meet, and the one line each leaves at both transports.
var auditedMessages = []struct{ name, message, want string }{
	{"a call", callOf("get_product", `{"product_id":1}`), "tools/call|get_product|reader|200|ok|read"},
	{"a refused call", callOf("get_product", `{"product_id":"x"}`), "tools/call|get_product|reader|400|schema_violation|refused"},
	{"a tool the scopes hide", callOf("update_product", `{}`), "tools/call||reader|400|invalid_request|refused"},
	{"no such tool", callOf("hunter2", `{}`), "tools/call||reader|400|invalid_request|refused"},
	{"a resource", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"bridge://products/1"}}`, "resources/read|get_product|reader|200|ok|read"},
	{"a refused resource", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"bridge://jobs/hunter2"}}`, "resources/read|get_job_status|reader|400|schema_violation|refused"},
	{"the list", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "tools/list||reader|200|ok|read"},
	{"no such method", `{"jsonrpc":"2.0","id":1,"method":"hunter2"}`, "(other)||reader|400|invalid_request|refused"},
	{"no JSON", `hunter2`, "(none)||reader|400|invalid_request|refused"},
}

func TestEachMessageLeavesOneLine(t *testing.T) {
	for _, c := range auditedMessages {
		t.Run(c.name, func(t *testing.T) {
			door, log := auditedDoor()
			post(t, door.Handler(), c.message, bearer(t, withGate(t, door), reader))
			if got := log.last(t); got != c.want {
				t.Errorf("over HTTP: got %s, want %s", got, c.want)
			}
			door, piped := auditedDoor()
			openPipe(t, door, reader).ask(c.message)
			if got := piped.last(t); got != c.want {
				t.Errorf("over stdio: got %s, want %s", got, c.want)
			}
			for _, l := range []*auditLog{log, piped} {
				if text := l.out.String(); strings.Count(text, "\n") != 1 || strings.Contains(text, "hunter2") {
					t.Errorf("logged:\n%s", text)
				}
			}
		})
	}
}

func TestEachHTTPRequestLeavesOneLine(t *testing.T) {
	for _, c := range []struct{ name, method, path, authorization, want string }{
		{"no token", "POST", Path, "", "(none)|||401|unauthorized|refused"},
		{"a forged token", "POST", Path, "Bearer hunter2", "(none)|||401|unauthorized|refused"},
		{"a stream of its own", "GET", Path, "", "(none)|||405|method_not_allowed|refused"},
		{"the metadata", "GET", MetadataPath, "", MetadataPath + "|||200|ok|read"},
		{"another path", "GET", "/hunter2", "", "(none)|||404|not_found|refused"},
	} {
		door, log := auditedDoor()
		withGate(t, door)
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(`{"hunter2":1}`))
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		w := httptest.NewRecorder()
		door.Handler().ServeHTTP(w, r)
		if got := log.last(t); got != c.want || strings.Contains(log.out.String(), "hunter2") {
			t.Errorf("%s: got %s, want %s in\n%s", c.name, got, c.want, log.out.String())
		}
	}
}

// Progress must reach the connection as it comes, past the recorder.
func TestRecorderPassesFlushOn(t *testing.T) {
	inner := httptest.NewRecorder()
	w := &recorder{ResponseWriter: inner}
	_, _ = w.Write([]byte("x"))
	if http.NewResponseController(w).Flush() != nil || !inner.Flushed || w.status != http.StatusOK {
		t.Errorf("flushed %v, status %d", inner.Flushed, w.status)
	}
}
