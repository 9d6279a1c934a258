package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// stdioAnswer is one line of standard output.
type stdioAnswer struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Result  json.RawMessage `json:"result"`
	Error   *struct{ Code int }
}

// speak runs `bridge mcp` on input that ends after these lines, and gives the
// answers by id. Whatever else is on standard output fails the test.
func (s shell) speak(lines ...string) map[string]stdioAnswer {
	s.Helper()
	var out, log bytes.Buffer
	script := strings.NewReader(strings.Join(lines, "\n") + "\n")
	status := run(s.Context(), process{args: []string{"mcp"}, getenv: environment(s.env), stdin: script, stdout: &out, stderr: &log})
	if status != 0 {
		s.Fatalf("exit %d:\n%s", status, &log)
	}
	if !strings.Contains(log.String(), "ready") {
		s.Errorf("the log is not on standard error: %s", &log)
	}
	answers := map[string]stdioAnswer{}
	for line := range strings.Lines(out.String()) {
		var a stdioAnswer
		decoder := json.NewDecoder(strings.NewReader(line))
		if err := decoder.Decode(&a); err != nil || a.JSONRPC != "2.0" || decoder.InputOffset() != int64(len(line)-1) || (a.Method == "") == (a.Result == nil && a.Error == nil) {
			s.Errorf("no JSON-RPC message: %.200q (%v)", line, err)
		}
		if a.Method == "" {
			answers[string(a.ID)] = a
		}
	}
	return answers
}

const initializeLine = `{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`

// The whole command as a host starts it: a probe before initialize, broken and
// oversized lines, a write; then the input ends, and so does the program,
// though the shop is away. The job is in the database, and the next start
// shows it.
func TestStdioIsCleanAndLeavesJobsDurable(t *testing.T) {
	s := newShell(t)
	s.env["PRESTASHOP_URL"], s.env["PRESTASHOP_WS_KEY"] = "http://127.0.0.1:9", sandboxKey
	s.env["MAX_PAYLOAD_BYTES"] = "65536"
	call := func(id, tool, arguments string) string {
		return `{"jsonrpc":"2.0","id":"` + id + `","method":"tools/call","params":{"name":"` + tool + `","arguments":` + arguments + `}}`
	}
	began := time.Now()
	answers := s.speak(
		`{"jsonrpc":"2.0","id":"probe","method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`,
		initializeLine,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`this is no JSON`,
		`{"jsonrpc":"2.0","id":"cut off","method":`,
		"\x00\xff\xfe",
		"",
		call("too long", bridge.OpImportProducts, `{"x":"`+strings.Repeat("y", 200_000)+`"}`),
		call("write", bridge.OpUpdateProduct, `{"request_id":"3f2504e0-4f89-41d3-9a0c-0305e82c3301","product_id":1,"updates":{"stock_delta":1}}`),
		`{"jsonrpc":"2.0","id":"list","method":"tools/list"}`,
	)
	// The preflight may wait 3 s for the shop, nothing may wait for the job.
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the program took %v to end after its input", took)
	}
	for id, want := range map[string]int{`"probe"`: 0, `"hello"`: 0, `"write"`: 0, `"list"`: 0, `null`: -32700, `"too long"`: -32600} {
		a, answered := answers[id]
		if !answered || want == 0 && a.Result == nil || want != 0 && (a.Error == nil || a.Error.Code != want) {
			t.Errorf("%s: answered %v: %.200s %+v", id, answered, a.Result, a.Error)
		}
	}
	var accepted struct{ StructuredContent schemas.Acceptance }
	if err := json.Unmarshal(answers[`"write"`].Result, &accepted); err != nil || accepted.StructuredContent.Status != schemas.Accepted {
		t.Fatalf("%v in %s", err, answers[`"write"`].Result)
	}
	job := accepted.StructuredContent.JobID
	if shown := s.must("jobs", "show", job); !strings.Contains(shown, job) {
		t.Errorf("the job is not in the database: %s", shown)
	}
	again := s.speak(initializeLine, call("status", bridge.OpGetJobStatus, `{"job_id":"`+job+`"}`))
	if text := string(again[`"status"`].Result); !strings.Contains(text, `"terminal":false`) {
		t.Errorf("the next start shows %s", text)
	}
}

// Without any input the program ends at once.
func TestStdioEndsWithItsInput(t *testing.T) {
	s := newShell(t)
	s.env["PRESTASHOP_URL"], s.env["PRESTASHOP_WS_KEY"] = "http://127.0.0.1:9", sandboxKey
	began := time.Now()
	var out bytes.Buffer
	if status := run(t.Context(), process{args: []string{"mcp"}, getenv: environment(s.env), stdin: strings.NewReader(""), stdout: &out, stderr: io.Discard}); status != 0 || out.Len() > 0 {
		t.Errorf("exit %d, stdout %q", status, &out)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}
