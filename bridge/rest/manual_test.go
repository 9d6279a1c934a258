package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
	"github.com/prestashop-bridge/bridge/schemas"
)

const manualFile = "../../docs/rest.md"

// made are the parts of the manual that the code writes, by name.
var made = map[string]func(*testing.T) string{
	"operations":  operationTable,
	"resources":   resourceTable,
	"signature":   workedSignature,
	"limits":      limitTable,
	"checks":      checkTable,
	"idempotency": idempotencyTable,
	"problem":     problemBody,
	"statuses":    statusTable,
	"chinese":     chineseErrors,
	"go":          goExample,
}

var madePart = regexp.MustCompile(`(?s)<!-- made from the code: (\w+) -->\n(.*?)<!-- end -->`)

func TestDocsOfREST(t *testing.T) {
	raw, err := os.ReadFile(manualFile)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	text := madePart.ReplaceAllStringFunc(string(raw), func(part string) string {
		name := madePart.FindStringSubmatch(part)[1]
		write, known := made[name]
		if !known || used[name] {
			t.Errorf("the part %s is unknown or stands there twice", name)
			return part
		}
		used[name] = true
		return "<!-- made from the code: " + name + " -->\n" + write(t) + "<!-- end -->"
	})
	if len(used) != len(made) {
		t.Errorf("only %v are in the manual", used)
	}
	heldFile(t, manualFile, text)
}

// table writes rows, the first of which is the head.
func table(rows ...[]string) string {
	var b strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|%s\n", strings.Repeat(" --- |", len(row)))
		}
	}
	return b.String()
}

func operationTable(*testing.T) string {
	rows := [][]string{{"operation", "request", "scope", "answers", ""}}
	for _, op := range bridge.Operations {
		answers := "200"
		if op.Write {
			answers = "202; 200 when it was carried out before"
		}
		rows = append(rows, []string{"`" + op.Name + "`", "`" + op.Method + " " + op.Path + "`", "`" + op.Scope + "`", answers, op.Summary})
	}
	return table(rows...)
}

func resourceTable(*testing.T) string {
	rows := [][]string{{"operation", "request", "scope", "query", ""}}
	for _, r := range bridge.Resources {
		rows = append(rows, []string{"`" + r.Name + "`", "`" + r.Method + " " + r.Path + "`", "`" + r.Scope + "`", strings.Join(r.Query, ", "), r.Summary})
	}
	return table(rows...)
}

func workedSignature(t *testing.T) string {
	published := auth.Published()
	i := slices.IndexFunc(published.Examples, func(e auth.Example) bool { return e.URI == updatePath })
	e := published.Examples[i]
	if auth.Sign(published.Secret, e.StringToSign()) != e.Signature {
		t.Error("the published example does not verify")
	}
	return fmt.Sprintf("```\nbody       %s\nits hash   %s\n\nto sign    %s\n\nsecret     %s  (published: a test fixture)\nsignature  %s\n```\n",
		e.Body, e.BodySHA256, strings.ReplaceAll(e.StringToSign(), "\n", "\n           "), published.Secret, e.Signature)
}

func limitTable(*testing.T) string {
	rows := [][]string{{"what", "limit (and its setting)"}}
	for _, limit := range rest.Limits() {
		rows = append(rows, limit[:])
	}
	return table(rows...)
}

// checkTable is the list that TestOrderOfChecks proves pair by pair.
func checkTable(*testing.T) string {
	rows := [][]string{{"", "refused", "status", "error_code"}}
	for i, v := range violations {
		rows = append(rows, []string{fmt.Sprint(i + 1), v.what, fmt.Sprint(v.status), "`" + string(v.code) + "`"})
	}
	return table(rows...)
}

// idempotencyTable sends what each row says and writes down the answer.
func idempotencyTable(t *testing.T) string {
	other := write(strings.Replace(updateBody, "25.5", "26.5", 1))
	respelt := write(`{ "updates": {"price_ht": 25.50}, "product_id": 123 }`)
	rows := [][]string{{"sent again", "while its job is", "answer"}}
	for _, c := range []struct {
		what, while string
		again       shot
		ends        schemas.JobStatus
	}{
		{"the same intention", "open", respelt, schemas.Processing},
		{"the same intention", "`succeeded`", respelt, schemas.Succeeded},
		{"the same intention", "`failed`", respelt, schemas.Failed},
		{"the same intention", "`needs_review`", respelt, schemas.NeedsReview},
		{"the same intention", "`cancelled`", respelt, schemas.Cancelled},
		{"another intention", "in any state", other, schemas.Succeeded},
	} {
		r := newRig(t)
		expect(t, r.send(write(updateBody)), http.StatusAccepted)
		r.back.end(c.ends, nil)
		rows = append(rows, []string{c.what, c.while, outcome(t, r.send(c.again))})
		if len(r.back.jobs) != 1 {
			t.Errorf("%s, %s: %d jobs", c.what, c.while, len(r.back.jobs))
		}
	}
	return table(rows...)
}

func outcome(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct {
		ErrorCode string          `json:"error_code"`
		Job       json.RawMessage `json:"job"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	switch {
	case w.Code == http.StatusAccepted:
		return "202, the same job"
	case w.Header().Get("Idempotent-Replayed") == "true":
		return fmt.Sprintf("%d, the job with its result, `Idempotent-Replayed: true`", w.Code)
	case body.Job != nil:
		return fmt.Sprintf("%d `%s`, the job in `job`", w.Code, body.ErrorCode)
	}
	return fmt.Sprintf("%d `%s`, nothing executed", w.Code, body.ErrorCode)
}

func problemBody(t *testing.T) string {
	w := newRig(t).send(write(`{"product_id":0,"updates":{"price_ht":25.5}}`))
	return "```json\n" + indented(t, w.Body.Bytes()) + "\n```\n"
}

func chineseErrors(t *testing.T) string {
	s := write(`{"updates":{"price_ht":-1}}`)
	s.after = func(r *http.Request) { r.Header.Set("Accept-Language", "zh-CN") }
	p := newRig(t).refused(s, http.StatusBadRequest, bridge.CodeSchemaViolation)
	raw, err := json.Marshal(p.Errors)
	if err != nil {
		t.Fatal(err)
	}
	return "```json\n" + indented(t, raw) + "\n```\n"
}

func indented(t *testing.T, raw []byte) string {
	t.Helper()
	out, err := json.MarshalIndent(json.RawMessage(raw), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// statusTable groups the codes by status, without those of a job's error and of
// a door whose bridge is elsewhere.
func statusTable(*testing.T) string {
	names := map[int][]string{}
	var order []int
	for _, row := range bridge.Codes {
		if row.Code == bridge.CodeOutcomeUnknown || row.Code == bridge.CodeAttemptsExhausted || row.Code == bridge.CodeBridgeUnavailable {
			continue
		}
		if names[row.Status] == nil {
			order = append(order, row.Status)
		}
		names[row.Status] = append(names[row.Status], "`"+string(row.Code)+"`")
	}
	slices.Sort(order)
	rows := [][]string{{"status", "error_code"}}
	for _, status := range order {
		rows = append(rows, []string{fmt.Sprint(status), strings.Join(names[status], ", ")})
	}
	return table(rows...)
}

// goExample is the body of the client's own example, which the compiler reads.
func goExample(t *testing.T) string {
	raw, err := os.ReadFile("client/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(raw), "func Example() {\n")
	body, _, found := strings.Cut(body, "\n}\n")
	if !found {
		t.Fatal("the client has no example")
	}
	return "```go\n" + strings.ReplaceAll(strings.TrimPrefix(body, "\t"), "\n\t", "\n") + "\n```\n"
}

// The shell commands of the manual, as they stand there, against the door.
func TestManualShellCommands(t *testing.T) {
	for _, program := range []string{"sh", "curl", "openssl", "sed"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("no " + program + " here")
		}
	}
	raw, err := os.ReadFile(manualFile)
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(raw), "## With curl\n")
	_, script, _ = strings.Cut(script, "```sh\n")
	script, _, found := strings.Cut(script, "```\n")
	if !found {
		t.Fatal("no commands in the manual")
	}
	r := newRig(t)
	r.now = time.Now()
	server := httptest.NewServer(r.handler)
	defer server.Close()
	command := exec.CommandContext(t.Context(), "sh", "-eu", "-c", script)
	command.Env = append(os.Environ(), "no_proxy=*", "BRIDGE_URL="+server.URL, "OAUTH_CLIENT_ID="+clientID,
		"OAUTH_CLIENT_SECRET=a+long+client+secret%3A+%2B%25%26+%2F", "HMAC_SECRET_CURRENT="+hmacSecret)
	out, err := command.Output()
	if status, _, _ := strings.Cut(string(out), "\r\n"); err != nil || !strings.Contains(status, " 202 ") {
		t.Errorf("%v: %s", err, out)
	}
}
