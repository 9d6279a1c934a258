package rest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

const examplesFile = "../../examples/examples.http"

const examplesHead = `# The signed REST door, in the format of the REST Client extension and of the
# HTTP clients of the JetBrains programs.
# Made and verified by go test ./bridge/rest -run Docs (-update rewrites it).
#
# The signatures are test vectors: made with a published test secret for fixed
# request ids and times in March 2024. They expired half a minute later, so a
# real bridge answers 403 timestamp_out_of_window. Hold your own signing code
# against them, then sign each request anew (docs/rest.md).
#
# HMAC secret of these examples: %s

@base = https://bridge.example
@client_id = your-client-id
@client_secret = your-client-secret
@token = {{login.response.body.access_token}}

### A token for all requests of the next hour
# @name login
# Answers 200.
POST {{base}}/oauth/token
Content-Type: application/x-www-form-urlencoded
Accept: application/json

grant_type=client_credentials&client_id={{client_id}}&client_secret={{client_secret}}
`

// shown is an example with what stands above it in the file.
type shown struct {
	auth.Example
	title  string
	answer string // begins with the status
}

// examplesOf lists the published requests and, from the first write among
// them, what may follow it.
func examplesOf(published auth.Examples) []shown {
	var all []shown
	for _, v := range published.Examples {
		op := operationAt(v.Method, v.URI)
		answer := "200."
		if op.Write {
			answer = "202 and a job: accepted, not done."
		}
		all = append(all, shown{v, op.Name + ": " + op.Title, answer})
	}
	update := published.Examples[2]
	replay := shown{update, "Replay: the same request again", "200 with the job and Idempotent-Replayed, once it has succeeded; until then 202 with the same job."}
	conflict := shown{update, "Conflict: the same request id for another intention", "409 idempotency_conflict; nothing is executed."}
	conflict.Body = strings.Replace(update.Body, "25.5", "26.5", 1)
	refusal := shown{update, "Refusal: a tax-included price", "422 policy_refused by the rule ht-only."}
	refusal.RequestID = "3f0c6f0e-52c7-4d3b-8f7e-6d0b8c1a9e42"
	refusal.Body = `{"product_id":123,"updates":{"price_ttc":30.6}}`
	for _, e := range []shown{replay, conflict, refusal} {
		e.Signature = auth.Sign(published.Secret, e.StringToSign())
		all = append(all, e)
	}
	return all
}

func operationAt(method, uri string) bridge.Operation {
	for _, op := range bridge.Operations {
		prefix, _, _ := strings.Cut(op.Path, "{")
		if op.Method == method && strings.HasPrefix(uri, prefix) {
			return op
		}
	}
	panic("no operation at " + uri)
}

func TestDocsOfExamples(t *testing.T) {
	published := auth.Published()
	var b strings.Builder
	fmt.Fprintf(&b, examplesHead, published.Secret)
	for _, e := range examplesOf(published) {
		fmt.Fprintf(&b, "\n### %s\n# Answers %s\n%s {{base}}%s\nAuthorization: Bearer {{token}}\nX-Request-ID: %s\nX-Timestamp: %d\nX-Signature: %s\nAccept: application/json\n",
			e.title, e.answer, e.Method, e.URI, e.RequestID, e.Timestamp, e.Signature)
		if e.Body != "" {
			fmt.Fprintf(&b, "Content-Type: application/json\n\n%s\n", e.Body)
		}
	}
	heldFile(t, examplesFile, b.String())
}

// heldFile holds a generated document to its file.
func heldFile(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), want); diff != "" {
		t.Errorf("%s (-file +code); go test -run Docs -update rewrites it\n%s", path, diff)
	}
}

// fileRequest is a request as an editor would read it from the file.
type fileRequest struct {
	method, uri, body string
	header            http.Header
	status            int
}

var answers = regexp.MustCompile(`^# Answers (\d{3})`)

// readExamples reads the file as the editors do: requests between lines of
// ###, comments, a request line, headers, an empty line, the body without
// empty lines at its end.
func readExamples(t *testing.T, variables *strings.Replacer) []fileRequest {
	t.Helper()
	raw, err := os.ReadFile(examplesFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []fileRequest
	for _, block := range strings.Split(string(raw), "\n###")[1:] {
		r := fileRequest{header: http.Header{}}
		_, block, _ = strings.Cut(block, "\n")
		head, body, _ := strings.Cut(block, "\n\n")
		r.body = variables.Replace(strings.TrimRight(body, "\n"))
		for line := range strings.Lines(head) {
			line = variables.Replace(strings.TrimSpace(line))
			name, value, isHeader := strings.Cut(line, ": ")
			switch status := answers.FindStringSubmatch(line); {
			case status != nil:
				r.status, _ = strconv.Atoi(status[1])
			case line == "" || strings.HasPrefix(line, "#"):
			case r.method == "":
				r.method, r.uri, _ = strings.Cut(line, " ")
			case isHeader:
				r.header.Set(name, value)
			default:
				t.Errorf("line %q", line)
			}
		}
		all = append(all, r)
	}
	return all
}

// The file, read as an editor reads it and sent in its order at the times it
// carries: every signature verifies, every answer is the one that is promised.
func TestExamplesFile(t *testing.T) {
	r := newRig(t)
	const polled = "550e8400-e29b-41d4-a716-446655440000"
	r.back.jobs[polled] = bridge.Job{ID: polled, Kind: bridge.OpUpdateProduct, ClientID: clientID, Status: schemas.Processing}
	variables := strings.NewReplacer("{{base}}", "", "{{client_id}}", clientID, "{{client_secret}}", url.QueryEscape(clientSecret),
		"{{token}}", r.token(auth.ScopeRead, auth.ScopeWrite))
	requests := readExamples(t, variables)
	if len(requests) != 10 {
		t.Fatalf("%d requests", len(requests))
	}
	for _, e := range requests {
		if e.uri != "/oauth/token" {
			text := auth.StringToSign(e.method, e.uri, e.header.Get("X-Timestamp"), e.header.Get("X-Request-ID"), auth.BodyHash([]byte(e.body)))
			if !auth.VerifySignature([]string{hmacSecret}, text, e.header.Get("X-Signature")) {
				t.Errorf("%s %s: the signature does not verify", e.method, e.uri)
			}
			seconds, err := strconv.ParseInt(e.header.Get("X-Timestamp"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			r.now = time.Unix(seconds, 0)
		}
		request := httptest.NewRequest(e.method, e.uri, strings.NewReader(e.body))
		request.Header = e.header
		if w := r.serve(request); w.Code != e.status {
			t.Errorf("%s %s: got %d, the file promises %d\n%s", e.method, e.uri, w.Code, e.status, w.Body)
		}
		// Everything that was accepted is carried out before the next request.
		r.back.end(schemas.Succeeded, nil)
	}
}
