package tools

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

func completeLine(ref, argument, typed string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":` + ref + `,"argument":{"name":"` + argument + `","value":"` + typed + `"}}}`
}

func TestCompletion(t *testing.T) {
	const failedJob, strangersJob = "018f0000-0000-7000-8000-0000000000cc", "018f0000-0000-7000-8000-0000000000dd"
	explain, schema, job := `{"type":"ref/prompt","name":"explain_failed_job"}`, `{"type":"ref/resource","uri":"bridge://schemas/{name}"}`, `{"type":"ref/resource","uri":"bridge://jobs/{id}"}`
	nobody := bridge.Actor{ClientID: writer.ClientID, Scopes: []string{auth.ScopePII}}
	for _, c := range []struct {
		name, ref, argument, typed string
		actor                      bridge.Actor
		want                       []string // nil: refused
		reads                      int
	}{
		{"schema names", schema, "name", "get_", reader, []string{"get_product", "get_order", "get_job_status"}, 0},
		{"all schema names", schema, "name", "", reader, append(schemas.InputNames(), schemas.OutputNames()...), 0},
		{"own jobs, newest first", job, "id", "", writer, []string{failedJob, succeededJob, runningJob}, 1},
		{"own jobs as typed", job, "id", strings.ToUpper(succeededJob[:35]) + "b", writer, []string{succeededJob}, 1},
		{"another client has none of them", job, "id", "", reader, []string{}, 1},
		{"only jobs with something to explain", explain, "job_id", "", writer, []string{failedJob}, 1},
		{"without the scope", job, "id", "", nobody, nil, 0},
		{"a prompt without the scope", explain, "job_id", "", nobody, []string{}, 0},
		{"a number nobody can guess", `{"type":"ref/prompt","name":"ship_order"}`, "order_id", "", writer, []string{}, 0},
		{"no such prompt", `{"type":"ref/prompt","name":"nothing"}`, "job_id", "", writer, []string{}, 0},
		{"no such template", `{"type":"ref/resource","uri":"file:///etc/{name}"}`, "name", "", writer, []string{}, 0},
	} {
		w := newWorld()
		w.jobs[failedJob] = bridge.Job{ID: failedJob, ClientID: writer.ClientID, Status: schemas.Failed}
		w.jobs[strangersJob] = bridge.Job{ID: strangersJob, ClientID: "stranger", Status: schemas.Failed}
		text := openPipe(t, w.door(), c.actor).ask(completeLine(c.ref, c.argument, c.typed))
		var answer struct {
			Result *struct{ Completion struct{ Values []string } }
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
		switch {
		case c.want == nil:
			if answer.Error == nil || !strings.HasPrefix(answer.Error.Message, "insufficient_scope: ") {
				t.Errorf("%s: %s, want a refusal", c.name, text)
			}
		case answer.Result == nil || answer.Result.Completion.Values == nil || !slices.Equal(answer.Result.Completion.Values, c.want):
			t.Errorf("%s: %s, want %q", c.name, text, c.want)
		}
		if reads := w.taken[bridge.RateRead]; reads != c.reads {
			t.Errorf("%s: %d reads taken out of the window, want %d", c.name, reads, c.reads)
		}
	}
}

// A host asks for suggestions only of a server that says it has some.
func TestCompletionIsDeclared(t *testing.T) {
	for era, line := range map[string]string{
		"legacy":     `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`,
		"2026-07-28": `{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{` + modernMeta + `}}`,
	} {
		if text := openPipe(t, newWorld().door(), reader).ask(line); !strings.Contains(text, `"completions":{}`) {
			t.Errorf("%s: %s", era, text)
		}
	}
}
