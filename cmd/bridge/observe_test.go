package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
)

// safeBuffer takes what several goroutines write.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// logged gives a log as the program writes it, and what is in it.
func logged() (*slog.Logger, *safeBuffer) {
	out := &safeBuffer{}
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: hideSecrets})), out
}

// get reads a URL of this process.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// script is a day in short: a read, a write carried out and asked for again,
// a refusal and an import.
func script(t *testing.T, d door, r *rig) {
	t.Helper()
	const change = `{"product_id":1,"updates":{"price_ht":25.5,"stock_delta":10}}`
	d.call(t, "get_product", id(0), `{"product_id":1}`)
	r.row(t, d.call(t, "update_product", id(1), change).Job, true)
	d.call(t, "update_product", id(1), change)
	d.call(t, "update_product", id(2), `{"product_id":1,"updates":{"price_ttc":10}}`)
	r.row(t, d.call(t, "import_products", id(3), items(2)).Job, true)
	r.idle()
}

// idle waits for the workers to have done with jobs whose end can be seen in
// the database already: counters and spans come right after it.
func (r *rig) idle() {
	for r.parts.runner.Running() > 0 {
		runtime.Gosched()
	}
}

// TestScrape reads what the script has counted from the address of the
// settings.
func TestScrape(t *testing.T) {
	log, out := logged()
	r := newRigWith(t, map[string]string{"METRICS_LISTEN": "127.0.0.1:0"}, log, func(*config) {})
	script(t, restDoor{r}, r)
	address := attribute(t, out.String(), "metrics", "listen")
	status, scraped := get(t, "http://"+address+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, scraped)
	}
	for _, want := range []string{
		`bridge_decisions_total{decision="read",door="rest",operation="get_product",rule=""} 1`,
		`bridge_decisions_total{decision="accepted",door="rest",operation="update_product",rule=""} 1`,
		`bridge_decisions_total{decision="replayed",door="rest",operation="update_product",rule=""} 1`,
		`bridge_decisions_total{decision="refused",door="rest",operation="update_product",rule="ht-only"} 1`,
		`bridge_request_duration_seconds_count{door="rest",operation="update_product",outcome="policy_refused"} 1`,
		`bridge_jobs_accepted_total{kind="update_product"} 1`,
		`bridge_jobs_accepted_total{kind="import_products"} 1`,
		`bridge_jobs_ended_total{kind="update_product",shop="default",status="succeeded"} 1`,
		`bridge_jobs_ended_total{kind="import_products",shop="default",status="succeeded"} 1`,
		`bridge_steps_total{kind="update_product",state="applied",step="price_seo"} 1`,
		`bridge_steps_total{kind="update_product",state="applied",step="stock"} 1`,
		`bridge_steps_total{kind="import_products",state="applied",step="product"} 2`,
		`bridge_jobs{status="accepted"} 0`,
		`bridge_queue_age_seconds 0`,
		`bridge_store_up 1`,
		`bridge_redis_up 1`,
		`bridge_shop_breaker{shop="default",state="closed"} 1`,
		`bridge_shop_call_duration_seconds_count{method="PATCH",outcome="ok",resource="products",shop="default"} 1`,
		`bridge_info{version="` + version + `"} 1`,
	} {
		if !strings.Contains(scraped, want+"\n") {
			t.Errorf("not scraped: %s", want)
		}
	}
	if t.Failed() {
		t.Log(scraped)
	}
	if status, _ := get(t, r.base+"/metrics"); status != http.StatusNotFound {
		t.Errorf("the public address answers /metrics with %d", status)
	}
}

// attribute finds what the first log line of a message says.
func attribute(t *testing.T, log, message, name string) string {
	t.Helper()
	for _, line := range entries(t, log) {
		if line["msg"] == message {
			return line[name].(string)
		}
	}
	t.Fatalf("%q was not logged:\n%s", message, log)
	return ""
}

func entries(t *testing.T, log string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		list = append(list, entry)
	}
	return list
}

// audited is what an audit line says, without what differs by time and door.
type audited struct {
	Operation, Client, RequestID, Outcome, Decision, Rule string
	Status                                                float64
}

// TestAuditLines drives the script through each door: the same lines with the
// same attributes, and none of the secrets or values that went by.
func TestAuditLines(t *testing.T) {
	want := []audited{
		{Operation: "get_product", Client: "agent", Outcome: "ok", Decision: "read", Status: 200},
		{Operation: "update_product", Client: "agent", RequestID: id(1), Outcome: "ok", Decision: "accepted", Status: 202},
		{Operation: "update_product", Client: "agent", RequestID: id(1), Outcome: "ok", Decision: "replayed", Status: 200},
		{Operation: "update_product", Client: "agent", RequestID: id(2), Outcome: "policy_refused", Decision: "refused", Rule: "ht-only", Status: 422},
		{Operation: "import_products", Client: "agent", RequestID: id(3), Outcome: "ok", Decision: "accepted", Status: 202},
	}
	names := strings.Fields("bytes_in client decision door level method ms msg operation outcome request_id route rule status time")
	for name, open := range map[bridge.DoorName]func(*testing.T, *rig) door{
		bridge.DoorREST:     func(_ *testing.T, r *rig) door { return restDoor{r} },
		bridge.DoorMCPHTTP:  func(_ *testing.T, r *rig) door { return httpDoor{r} },
		bridge.DoorMCPStdio: func(t *testing.T, r *rig) door { return newStdioDoor(t, r) },
	} {
		t.Run(string(name), func(t *testing.T) {
			log, out := logged()
			r := newRigWith(t, nil, log, func(*config) {})
			script(t, open(t, r), r)
			var got []audited
			for _, line := range entries(t, out.String()) {
				if line["msg"] != "request" || line["operation"] == "" {
					continue
				}
				if keys := slices.Sorted(maps.Keys(line)); !slices.Equal(keys, names) {
					t.Errorf("attributes %v, want %v", keys, names)
				}
				if line["door"] != string(name) {
					t.Errorf("door %v", line["door"])
				}
				entry := audited{
					line["operation"].(string), line["client"].(string), line["request_id"].(string),
					line["outcome"].(string), line["decision"].(string), line["rule"].(string), line["status"].(float64),
				}
				if entry.Decision == "read" { // REST signs reads with an id too
					entry.RequestID = ""
				}
				got = append(got, entry)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Secrets and values planted in everything a client can send, also where it is
// refused, must not come out in any line of any level.
func TestNoDoorLogsSecretsOrValues(t *testing.T) {
	log, out := logged()
	r := newRigWith(t, nil, log, func(*config) {})
	const planted = "hunter2"
	doors := []door{restDoor{r}, httpDoor{r}, newStdioDoor(t, r)}
	for _, d := range doors {
		for _, arguments := range []string{
			`{"product_id":2,"updates":{"seo":{"fr":{"meta_title":"` + planted + `"}}}}`,
			`{"product_id":"` + planted + `"}`,
			`{"product_id":1,"updates":{"` + planted + `":1}}`,
			`{"product_id":1,"updates":{"price_ttc":"` + planted + `"}}`,
		} {
			if job := d.call(t, "update_product", id(int(sha256.Sum256([]byte(arguments))[0])+1), arguments).Job; job != "" {
				r.row(t, job, true)
			}
		}
	}
	for _, path := range []string{"/v1/products/" + planted, "/" + planted, "/v1/products/1?" + planted + "=1", "/healthz?token=" + planted} {
		get(t, r.base+path)
	}
	for _, body := range []string{
		planted, `{"` + planted + `":1}`, `{"jsonrpc":"2.0","id":1,"method":"` + planted + `"}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + planted + `","arguments":{"` + planted + `":1}}}`,
	} {
		r.post(t, "/mcp", body, "Bearer "+r.token)
		r.post(t, "/mcp", body, "Bearer "+planted)
		r.post(t, "/oauth/token", "grant_type=client_credentials&client_id="+planted+"&client_secret="+planted+"&scope="+body, "")
	}
	text := out.String()
	for _, secret := range []string{
		planted, r.token, sandboxKey, "Bearer", testSecrets["OAUTH_CLIENT_SECRET"], testSecrets["HMAC_SECRET_CURRENT"],
	} {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("%q is in the log: …%s…", secret, text[max(0, at-200):min(len(text), at+100)])
		}
	}
	for _, door := range []bridge.DoorName{bridge.DoorREST, bridge.DoorMCPHTTP, bridge.DoorMCPStdio} {
		if !strings.Contains(text, `"door":"`+string(door)+`"`) {
			t.Errorf("nothing came through %s", door)
		}
	}
}

// post sends a body to a path; what is answered does not matter.
func (r *rig) post(t *testing.T, path, body, authorization string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, r.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", authorization)
	request.Header.Set("Accept", "application/json, text/event-stream")
	request.Header.Set("Content-Type", "application/json")
	if path == "/oauth/token" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}

// TestTraces sends a write through the whole program to a collector.
func TestTraces(t *testing.T) {
	sent := &safeBuffer{}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(sent, r.Body)
	}))
	t.Cleanup(collector.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	log, _ := logged()
	r := newRigWith(t, nil, log, func(c *config) { c.traced = true })
	job := restDoor{r}.call(t, "update_product", id(1), `{"product_id":1,"updates":{"price_ht":25.5}}`).Job
	r.row(t, job, true)
	r.idle()
	r.parts.closeTraces()
	got := sent.String()
	for _, span := range []string{"update_product", "accepted update_product", "attempt update_product", "step price_seo", "PATCH products", job} {
		if !strings.Contains(got, span) {
			t.Errorf("the collector has not seen %q", span)
		}
	}
	trace := sha256.Sum256([]byte(job))
	// accepted, the link to it, attempt, step and the calls for the step
	if n := strings.Count(got, string(trace[:16])); n < 6 {
		t.Errorf("%d mentions of the job's trace", n)
	}
}
