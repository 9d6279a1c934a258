package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/tools"
)

// rig is a whole bridge on a built-in shop, for one door.
type rig struct {
	builtIn *builtIn
	parts   *parts
	base    string
	token   string
}

// testSecrets sign and authenticate in the tests of this package.
var testSecrets = map[string]string{
	"APP_ENV": "test", "OAUTH_CLIENT_ID": "agent", "OAUTH_CLIENT_SECRET": "a-client-secret-for-tests",
	"HMAC_SECRET_CURRENT": "a-signing-secret-of-thirty-two-characters", "RATE_LIMIT_READ": "10000", "RATE_LIMIT_WRITE": "10000",
	"SHOP_SETTLE_SECONDS": "0",
}

// newRig starts every part; all of it is gone when the test ends. extra
// settings win.
func newRig(t *testing.T, extra map[string]string) *rig {
	t.Helper()
	return newRigWith(t, extra, slog.New(slog.DiscardHandler), func(*config) {})
}

// newRigWith is newRig with a log of its own and what no setting says.
func newRigWith(t *testing.T, extra map[string]string, log *slog.Logger, change func(*config)) *rig {
	t.Helper()
	shop, err := openBuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + listener.Addr().String()
	src := source(func(string) string { return "" }).with(shop.settings()).with(testSecrets).with(map[string]string{"BRIDGE_BASE_URL": base}).with(extra)
	c, err := loadConfig(src, forServing, forShop)
	if err != nil {
		t.Fatal(err)
	}
	change(&c)
	ctx, cancel := context.WithCancel(context.Background())
	p, err := assemble(ctx, c, log)
	if err != nil {
		t.Fatal(err)
	}
	gate, err := p.gate()
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := gate.Tokens.Issue(c.clientID, c.clientScopes)
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- p.serveOn(ctx, listener, []string{"rest", "mcp", "worker"}) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		p.close()
		shop.close()
	})
	return &rig{builtIn: shop, parts: p, base: base, token: token}
}

// verdict is what a door answered, without the door's own clothing.
type verdict struct {
	Code string // error_code, "" when it was not refused
	Rule string
	Keys string // the pointers of field errors
	Body any    // answers of reads
	Job  string
}

// door calls an operation with the argument text exactly as given.
type door interface {
	call(t *testing.T, operation, requestID, arguments string) verdict
}

// problem is the part of an error that every door shows.
type problem struct {
	ErrorCode string          `json:"error_code"`
	Rule      string          `json:"rule"`
	Errors    json.RawMessage `json:"errors"`
	JobID     string          `json:"job_id"`
}

// pointers lists the keys of a REST errors object or of an MCP errors list.
func pointers(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	if len(raw) == 0 {
		return ""
	}
	var object map[string]json.RawMessage
	var list []struct{ Pointer string }
	var keys []string
	if json.Unmarshal(raw, &object) == nil {
		for key := range object {
			keys = append(keys, key)
		}
	} else if err := json.Unmarshal(raw, &list); err == nil {
		for _, e := range list {
			keys = append(keys, e.Pointer)
		}
	} else {
		t.Fatalf("errors are neither an object nor a list: %s", raw)
	}
	return strings.Join(sortedUnique(keys), " ")
}

type restDoor struct{ *rig }

func (d restDoor) call(t *testing.T, operation, requestID, arguments string) verdict {
	t.Helper()
	op, _ := bridge.FindOperation(operation)
	uri, body := op.Path, arguments
	if op.PathKey != "" {
		var in map[string]json.RawMessage
		if err := json.Unmarshal([]byte(arguments), &in); err != nil {
			t.Fatal(err)
		}
		uri, body = strings.Replace(op.Path, "{"+op.PathKey+"}", strings.Trim(string(in[op.PathKey]), `"`), 1), ""
	}
	request, err := http.NewRequest(op.Method, d.base+uri, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	text := auth.StringToSign(op.Method, uri, stamp, requestID, auth.BodyHash([]byte(body)))
	for name, value := range map[string]string{
		"Authorization": "Bearer " + d.token, "X-Request-ID": requestID, "X-Timestamp": stamp,
		"X-Signature": auth.Sign(testSecrets["HMAC_SECRET_CURRENT"], text), "Accept": "application/json",
	} {
		request.Header.Set(name, value)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return judged(t, op, raw)
}

// judged reads an answer's JSON, which both doors fill alike.
func judged(t *testing.T, op bridge.Operation, raw []byte) verdict {
	t.Helper()
	var p problem
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatalf("%v in %.200s", err, raw)
	}
	v := verdict{Code: p.ErrorCode, Rule: p.Rule, Keys: pointers(t, p.Errors), Job: p.JobID}
	if p.ErrorCode == "" && !op.Write && op.Name != bridge.OpGetJobStatus {
		var body map[string]any
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatal(err)
		}
		delete(body, "updated_at") // each rig has a shop of its own age
		v.Body = body
	}
	return v
}

// message spells a tools/call with the arguments' own text inside.
func message(operation, requestID, arguments string) string {
	if op, _ := bridge.FindOperation(operation); op.Write {
		arguments = strings.Replace(arguments, "{", fmt.Sprintf(`{"request_id":%q,`, requestID), 1)
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, operation, arguments)
}

// toolResult takes the structured content out of a JSON-RPC answer.
func toolResult(t *testing.T, raw []byte) []byte {
	t.Helper()
	var answer struct {
		Result struct {
			StructuredContent json.RawMessage `json:"structuredContent"`
		} `json:"result"`
		Error json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("%v in %.200s", err, raw)
	}
	if answer.Error != nil {
		t.Fatalf("a refusal must not be a protocol error: %s", answer.Error)
	}
	return answer.Result.StructuredContent
}

type httpDoor struct{ *rig }

func (d httpDoor) call(t *testing.T, operation, requestID, arguments string) verdict {
	t.Helper()
	request, err := http.NewRequest("POST", d.base+"/mcp", strings.NewReader(message(operation, requestID, arguments)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+d.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	op, _ := bridge.FindOperation(operation)
	return judged(t, op, toolResult(t, raw))
}

type stdioDoor struct {
	*rig
	in  io.WriteCloser
	out *bufio.Reader
}

func newStdioDoor(t *testing.T, r *rig) stdioDoor {
	t.Helper()
	door := &tools.Door{Desk: r.parts.desk, Name: "bridge", Version: version, Log: slog.New(slog.DiscardHandler)}
	return pipedDoor(t, r, func(in io.Reader, out io.Writer) error {
		return door.ServeStdio(context.Background(), in, out, r.parts.actor())
	})
}

// newRemoteDoor is bridge mcp --remote in front of the rig's REST door.
func newRemoteDoor(t *testing.T, r *rig) stdioDoor {
	t.Helper()
	return pipedDoor(t, r, func(in io.Reader, out io.Writer) error {
		var faults bytes.Buffer
		env := environment(testSecrets)
		if status := run(context.Background(), process{args: []string{"mcp", "--remote", r.base}, getenv: env, stdin: in, stdout: out, stderr: &faults}); status != 0 {
			return fmt.Errorf("exit %d: %s", status, faults.String())
		}
		return nil
	})
}

// pipedDoor holds a door by the other ends of its pipes.
func pipedDoor(t *testing.T, r *rig, serve func(io.Reader, io.Writer) error) stdioDoor {
	t.Helper()
	fromAgent, in := io.Pipe()
	out, toAgent := io.Pipe()
	served := make(chan error, 1)
	go func() {
		err := serve(fromAgent, toAgent)
		_ = toAgent.Close() // whoever waits for an answer learns that none comes
		served <- err
	}()
	t.Cleanup(func() {
		_ = in.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return stdioDoor{r, in, bufio.NewReaderSize(out, 1<<20)}
}

func (d stdioDoor) call(t *testing.T, operation, requestID, arguments string) verdict {
	t.Helper()
	line := strings.ReplaceAll(message(operation, requestID, arguments), "\n", " ")
	if _, err := io.WriteString(d.in, line+"\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := d.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	op, _ := bridge.FindOperation(operation)
	return judged(t, op, toolResult(t, answer))
}

// parityCase is one call; the cases run in order on each door's own rig.
type parityCase struct {
	name, operation, requestID, arguments string
	wait                                  bool   // follow the accepted job to its end
	code, rule                            string // expected
}

func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func items(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"reference":"P-%d","name":{"en":"Item","fr":"Article"},"price_ht":9.5,"stock_quantity":2}`, i))
	}
	return `{"batch_id":"parity-` + strconv.Itoa(n) + `","items":[` + strings.Join(list, ",") + `]}`
}

var parityCases = []parityCase{
	{name: "read a product", operation: "get_product", arguments: `{"product_id":1}`},
	{name: "read an order", operation: "get_order", arguments: `{"order_id":3}`},
	{name: "unknown product", operation: "get_product", arguments: `{"product_id":99999}`, code: "not_found"},
	{name: "unknown order", operation: "get_order", arguments: `{"order_id":99999}`, code: "not_found"},
	{name: "unknown job", operation: "get_job_status", arguments: `{"job_id":"018f0000-0000-7000-8000-000000000000"}`, code: "not_found"},
	{name: "id is text", operation: "get_product", arguments: `{"product_id":"abc"}`, code: "schema_violation"},
	{name: "id is zero", operation: "get_product", arguments: `{"product_id":0}`, code: "schema_violation"},

	{name: "change price and stock", operation: "update_product", requestID: id(1), arguments: `{"product_id":1,"updates":{"price_ht":25.5,"stock_delta":10}}`, wait: true},
	{name: "the same again, spelt otherwise", operation: "update_product", requestID: id(1), arguments: `{"updates":{"stock_delta":10.0,"price_ht":25.50},"product_id":1}`},
	{name: "the same id for another intention", operation: "update_product", requestID: id(1), arguments: `{"product_id":1,"updates":{"price_ht":26}}`, code: "idempotency_conflict", rule: "request-id-single-intention"},
	{name: "search texts", operation: "update_product", requestID: id(2), arguments: `{"product_id":2,"updates":{"seo":{"fr":{"meta_title":"Été & <3"}}}}`, code: "schema_violation"},
	{name: "search texts of one language", operation: "update_product", requestID: id(3), arguments: `{"product_id":2,"updates":{"seo":{"fr":{"meta_title":"Été & confort"}}},"options":{"skip_reindex":true}}`, wait: true},
	{name: "unknown language", operation: "update_product", requestID: id(4), arguments: `{"product_id":2,"updates":{"seo":{"de":{"meta_title":"Sommer"}}}}`, code: "unprocessable"},
	{name: "tax-included price", operation: "update_product", requestID: id(5), arguments: `{"product_id":1,"updates":{"price_ttc":10}}`, code: "policy_refused", rule: "ht-only"},
	{name: "tax-included price in camel case and deep", operation: "update_product", requestID: id(5), arguments: `{"product_id":1,"updates":{"x":[{"priceTaxIncluded":10}]}}`, code: "policy_refused", rule: "ht-only"},
	{name: "unknown property", operation: "update_product", requestID: id(6), arguments: `{"product_id":1,"updates":{"price_ht":1,"colour":"red"}}`, code: "schema_violation"},
	{name: "negative price", operation: "update_product", requestID: id(6), arguments: `{"product_id":1,"updates":{"price_ht":-1}}`, code: "schema_violation"},
	{name: "seven decimals", operation: "update_product", requestID: id(6), arguments: `{"product_id":1,"updates":{"price_ht":1.1234567}}`, code: "schema_violation"},
	{name: "more digits than a float holds", operation: "update_product", requestID: id(6), arguments: `{"product_id":1,"updates":{"price_ht":0.5000000000000000000001}}`, code: "schema_violation"},
	{name: "huge number", operation: "update_product", requestID: id(6), arguments: `{"product_id":1e999999999,"updates":{"price_ht":1}}`, code: "schema_violation"},
	{name: "an id no float holds", operation: "update_product", requestID: id(6), arguments: `{"product_id":9007199254740993,"updates":{"price_ht":1}}`, code: "schema_violation"},
	{name: "duplicate key", operation: "update_product", requestID: id(6), arguments: `{"product_id":1,"product_id":2,"updates":{"price_ht":1}}`, code: "schema_violation"},
	{name: "deep nesting", operation: "update_product", requestID: id(6), arguments: `{"product_id":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, code: "schema_violation"},
	{name: "unknown product to change", operation: "update_product", requestID: id(6), arguments: `{"product_id":99999,"updates":{"price_ht":1}}`, code: "not_found"},
	{name: "stock of a product with combinations", operation: "update_product", requestID: id(6), arguments: `{"product_id":` + strconv.Itoa(sandbox.DemoVariantProduct) + `,"updates":{"stock_delta":1}}`, code: "unprocessable"},
	{name: "a synchronous write", operation: "update_product", requestID: id(6), arguments: `{"product_id":1,"updates":{"price_ht":1},"sync":true}`, code: "policy_refused", rule: "no-heavy-sync-write"},
	{name: "a deletion in disguise", operation: "update_product", requestID: id(6), arguments: `{"product_id":1,"updates":{"price_ht":1},"_method":"DELETE"}`, code: "policy_refused", rule: "no-delete-with-orders"},

	{name: "import", operation: "import_products", requestID: id(7), arguments: items(3), wait: true},
	{name: "the same batch, another request", operation: "import_products", requestID: id(8), arguments: items(3)},
	{name: "51 items", operation: "import_products", requestID: id(9), arguments: items(51), code: "schema_violation"},
	{name: "an image from loopback", operation: "import_products", requestID: id(9), arguments: imported(`"images_to_download":["https://127.0.0.1/x.png"]`), code: "policy_refused", rule: "no-direct-access"},
	{name: "an image from a file", operation: "import_products", requestID: id(9), arguments: imported(`"images_to_download":["file:///etc/passwd"]`), code: "policy_refused", rule: "no-direct-access"},
	{name: "an image from a share", operation: "import_products", requestID: id(9), arguments: imported(`"images_to_download":["\\\\host\\share\\x.png"]`), code: "policy_refused", rule: "no-direct-access"},
	{name: "an image from the metadata service", operation: "import_products", requestID: id(9), arguments: imported(`"images_to_download":["http://169.254.169.254/latest/x.png"]`), code: "policy_refused", rule: "no-direct-access"},
	{name: "an image over plain http", operation: "import_products", requestID: id(9), arguments: imported(`"images_to_download":["http://assets.example.com/x.png"]`), code: "schema_violation"},
	{name: "a reference with brackets", operation: "import_products", requestID: id(9), arguments: strings.Replace(imported(`"active":true`), `"Q-1"`, `"Q[1]"`, 1), code: "schema_violation"},
	{name: "a reference twice", operation: "import_products", requestID: id(9), arguments: strings.Replace(items(2), `"P-1"`, `"p-0"`, 1), code: "schema_violation"},

	{name: "ship", operation: "update_order_status", requestID: id(10), arguments: `{"order_id":2,"new_status":"shipped","notify_customer":true,"tracking_number":"TRK123456"}`, wait: true},
	{name: "unknown status word", operation: "update_order_status", requestID: id(11), arguments: `{"order_id":3,"new_status":"teleported"}`, code: "unprocessable"},
	{name: "an impossible transition", operation: "update_order_status", requestID: id(11), arguments: `{"order_id":5,"new_status":"processing"}`, code: "impossible_transition"},
	{name: "unknown order to move", operation: "update_order_status", requestID: id(11), arguments: `{"order_id":99999,"new_status":"shipped"}`, code: "not_found"},
	{name: "the status it has", operation: "update_order_status", requestID: id(12), arguments: `{"order_id":4,"new_status":"shipped"}`, wait: true},
}

func imported(extra string) string {
	return `{"batch_id":"b","items":[{"reference":"Q-1","name":{"en":"x","fr":"y"},"price_ht":1,"stock_quantity":1,` + extra + `}]}`
}

// TestParity drives every capability and every refusal through each door and
// demands the same verdicts and the same job rows.
func TestParity(t *testing.T) {
	// The ids of new products are compared: one item after another.
	inOrder := map[string]string{"IMPORT_PARALLEL_ITEMS": "1"}
	doors := map[string]func(*testing.T) (door, *rig){
		"REST":       func(t *testing.T) (door, *rig) { r := newRig(t, inOrder); return restDoor{r}, r },
		"MCP HTTP":   func(t *testing.T) (door, *rig) { r := newRig(t, inOrder); return httpDoor{r}, r },
		"MCP stdio":  func(t *testing.T) (door, *rig) { r := newRig(t, inOrder); return newStdioDoor(t, r), r },
		"MCP remote": func(t *testing.T) (door, *rig) { r := newRig(t, inOrder); return newRemoteDoor(t, r), r },
	}
	verdicts, rows := map[string][]verdict{}, map[string][]jobRow{}
	for name, open := range doors {
		t.Run(name, func(t *testing.T) {
			d, r := open(t)
			for _, c := range parityCases {
				v := d.call(t, c.operation, orRead(c.requestID), c.arguments)
				if v.Code != c.code || v.Rule != c.rule {
					t.Errorf("%s: got %q %q (%s), want %q %q", c.name, v.Code, v.Rule, v.Keys, c.code, c.rule)
				}
				if v.Job != "" && v.Code == "" && c.operation != "get_job_status" {
					rows[name] = append(rows[name], r.row(t, v.Job, c.wait))
				}
				v.Job = ""
				verdicts[name] = append(verdicts[name], v)
			}
		})
	}
	for name := range doors {
		if diff := cmp.Diff(verdicts["REST"], verdicts[name]); diff != "" {
			t.Errorf("REST and %s answer differently:\n%s", name, diff)
		}
		if diff := cmp.Diff(rows["REST"], rows[name]); diff != "" {
			t.Errorf("REST and %s leave different jobs:\n%s", name, diff)
		}
	}
}

// orRead gives reads a request id of their own.
func orRead(requestID string) string {
	if requestID == "" {
		return id(0)
	}
	return requestID
}

// jobRow is a job as the database holds it, without what differs by time.
type jobRow struct {
	Kind, ClientID, RequestID, BatchID, Status, Payload string
	Targets                                             []string
	Steps                                               []string
	Result                                              string
}

// row loads a job, after its end when asked.
func (r *rig) row(t *testing.T, jobID string, wait bool) jobRow {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		job, err := r.parts.store.Job(t.Context(), jobID)
		if err != nil {
			t.Fatal(err)
		}
		if wait && !job.Status.Terminal() && time.Now().Before(deadline) {
			answer, err := r.parts.desk.Do(t.Context(), r.parts.actor(), bridge.Request{Operation: bridge.OpGetJobStatus, Arguments: fmt.Appendf(nil, `{"job_id":%q,"wait_seconds":5}`, jobID)})
			if err != nil {
				t.Fatalf("%v, %v", answer, err)
			}
			continue
		}
		row := jobRow{
			Kind: job.Kind, ClientID: job.ClientID, RequestID: job.RequestID, BatchID: job.BatchID, Status: string(job.Status),
			Payload: string(job.Payload), Targets: job.Targets, Result: strings.ReplaceAll(string(job.Result), filepath.Base(r.builtIn.dir), ""),
		}
		for _, s := range job.Steps {
			row.Steps = append(row.Steps, fmt.Sprintf("%s %s %s %s %s", s.Unit, s.Name, s.Target, s.State, bytes.TrimSpace(s.After)))
		}
		if wait && job.Status != "succeeded" {
			t.Errorf("job of %s ended %s: %+v", job.Kind, job.Status, job.Error)
		}
		return row
	}
}

func sortedUnique(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}
