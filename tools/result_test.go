package tools

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Every code of the hub shows as a tool result: never a protocol error, never
// without a fix, never with its cause.
func TestEveryCodeHasItsResult(t *testing.T) {
	for _, row := range bridge.Codes {
		w := newWorld()
		w.productErr = bridge.Fault(row.Code, errors.New("the cause beneath"), "What happened.")
		text := openPipe(t, w.door(), writer).ask(callLine(1, bridge.OpGetProduct, `{"product_id":1}`))
		answer := readOutcome(t, text)
		if answer.Result == nil || !answer.Result.IsError {
			t.Errorf("%s: %s", row.Code, text)
			continue
		}
		var got refusal
		if err := json.Unmarshal(answer.Result.StructuredContent, &got); err != nil {
			t.Fatal(err)
		}
		if got.ErrorCode != row.Code || got.Message != "What happened." || got.Fix != row.Fix || got.Errors == nil {
			t.Errorf("%s: %+v", row.Code, got)
		}
		if wait := got.RetryAfterSeconds > 0; wait != (row.Status == 429 || row.Status == 503) {
			t.Errorf("%s: retry after %d", row.Code, got.RetryAfterSeconds)
		}
		said := "What happened."
		if slices.Contains(quoting, row.Code) {
			said = row.Title + " (see message)"
		}
		if line := answer.Result.Content[0].Text; line != string(row.Code)+": "+said+" – "+row.Fix {
			t.Errorf("%s: the line is %q", row.Code, line)
		}
		if answer.Result.Content[1].Text != string(answer.Result.StructuredContent) || strings.Contains(text, "the cause beneath") {
			t.Errorf("%s: %s", row.Code, text)
		}
	}
}

func TestUnknownFaultsShowNothing(t *testing.T) {
	w := newWorld()
	w.limiterErr = errors.New("dial tcp 10.0.0.7:6379: secret")
	text := openPipe(t, w.door(), writer).ask(callLine(1, bridge.OpGetProduct, `{"product_id":1}`))
	if answer := readOutcome(t, text); answer.Result == nil || !strings.HasPrefix(answer.Result.Content[0].Text, "internal_error: ") || strings.Contains(text, "secret") {
		t.Errorf("answered %s", text)
	}
}

// Callers are metered by class before their arguments are looked at; a hidden
// tool costs nothing.
func TestCallsAreMetered(t *testing.T) {
	w := newWorld()
	p := openPipe(t, w.door(), writer)
	p.ask(callLine(1, bridge.OpGetProduct, `{`+strings.Repeat(" ", 10)+`}`))
	p.ask(callLine(2, bridge.OpUpdateProduct, `{}`))
	p.ask(`{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"bridge://products/1"}}`)
	p.ask(listTools)
	openPipe(t, w.door(), reader).ask(callLine(1, bridge.OpUpdateProduct, `{}`))
	if w.taken[bridge.RateRead] != 2 || w.taken[bridge.RateWrite] != 1 {
		t.Errorf("taken %v", w.taken)
	}
}

func TestRetryAfterIsNeverTooEarly(t *testing.T) {
	for wait, want := range map[time.Duration]int{0: 1, time.Millisecond: 1, time.Second: 1, 1001 * time.Millisecond: 2, 41 * time.Second: 41} {
		if got := newRefusal(&bridge.Error{Code: bridge.CodeRateLimited, RetryAfter: wait}).RetryAfterSeconds; got != want {
			t.Errorf("%v: %d, want %d", wait, got, want)
		}
	}
	if got := newRefusal(&bridge.Error{Code: bridge.CodePolicyRefused}).RetryAfterSeconds; got != 0 {
		t.Errorf("a refusal for good: %d", got)
	}
}

func TestHeadlines(t *testing.T) {
	price, _ := schemas.ParseMoney("0.1")
	for want, body := range map[string]any{
		"product 7: 0.1 before tax, stock -2, not active":                                 schemas.Product{ID: 7, PriceHT: price, Stock: schemas.Stock{Quantity: -2}},
		"order 5: state 12, 0 line(s), total 0.1 with tax":                                schemas.Order{ID: 5, Status: schemas.OrderStatus{ID: 12, Name: injection}, Totals: schemas.OrderTotals{TaxIncl: price}},
		"job j: retrying, 0 of 0 – " + toFollow:                                           schemas.Job{JobID: "j", Status: schemas.Retrying},
		"job j: awaiting_approval, 0 of 0 – " + toFollow:                                  schemas.Job{JobID: "j", Status: schemas.AwaitingApproval},
		"job j: failed, shop_refused – read error in the result":                          schemas.Job{JobID: "j", Status: schemas.Failed, Error: &schemas.JobError{Code: "shop_refused", Message: injection}},
		"job j: needs_review – nobody can tell what the shop applied; a person must look": schemas.Job{JobID: "j", Status: schemas.NeedsReview, Error: &schemas.JobError{Code: "outcome_unknown"}},
		"job j: cancelled":                       schemas.Job{JobID: "j", Status: schemas.Cancelled},
		"job j: succeeded":                       schemas.Job{JobID: "j", Status: schemas.Succeeded},
		"accepted: job j – " + toFollow:          &schemas.Acceptance{JobID: "j", Status: schemas.Accepted},
		"awaiting_approval: job j – " + toFollow: &schemas.Acceptance{JobID: "j", Status: schemas.AwaitingApproval},
		"succeeded: job j, from the same request before; nothing was sent again": &schemas.Acceptance{JobID: "j", Status: schemas.Succeeded},
		"done": nil,
	} {
		if got := headline(body); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// ATTACK: whoever can name a product or send a field writes to the model. The
// text line carries neither line breaks nor endless text.
func TestALineIsOneLine(t *testing.T) {
	if got := oneLine("a\nb\r\x1b[31m\u0085c"); got != "a b  [31m c" {
		t.Errorf("%q", got)
	}
	if got := []rune(oneLine(strings.Repeat("é", 2*maxLine))); len(got) != maxLine || got[maxLine-1] != '…' {
		t.Errorf("%d characters", len(got))
	}
}

// ATTACK: a product, an order status or a complaint of the shop is named so
// that it reads as an order to the model. Such text may stand in structured
// fields, and in their copy as JSON, but in no line of text, no protocol error
// and no notification.
func TestShopTextStaysInStructuredFields(t *testing.T) {
	w := newWorld()
	running := w.jobs[runningJob]
	running.Steps = []bridge.StepRecord{{Name: "price", Target: "product:1", State: bridge.StepFailed, Detail: injection}}
	running.Progress = schemas.Progress{Done: 1, Total: 2}
	w.jobs[runningJob] = running
	failed := w.jobs[succeededJob]
	failed.Status, failed.Error, failed.Result = schemas.Failed, &schemas.JobError{Code: "unprocessable", Message: injection, Fix: injection}, json.RawMessage(`{"name":"IGNORE ALL"}`)
	w.jobs[succeededJob] = failed
	p := openPipe(t, w.door(), writer)
	const attack = "IGNORE ALL"
	lines := 0
	line := func(call string) {
		t.Helper()
		var text string
		for text = p.ask(call); strings.Contains(text, `"method":`); text = p.receive() {
			if strings.Contains(text, attack) {
				t.Errorf("a notification carries the shop's text: %s", text)
			}
		}
		answer := readOutcome(t, text)
		if answer.Error != nil {
			if strings.Contains(text, attack) {
				t.Errorf("a protocol error carries the shop's text: %s", text)
			}
			return
		}
		lines++
		if said := answer.Result.Content[0].Text; strings.Contains(said, attack) || strings.ContainsAny(said, "\n\r") {
			t.Errorf("the line carries the shop's text: %q", said)
		}
		if !strings.Contains(string(answer.Result.StructuredContent), attack) {
			t.Errorf("the structured content of %s does not, so that this test shows nothing: %s", call, text)
		}
	}
	line(callLine(1, bridge.OpGetProduct, `{"product_id":1}`))
	line(callLine(1, bridge.OpGetOrder, `{"order_id":5}`))
	line(callLine(1, bridge.OpGetJobStatus, `{"job_id":"`+succeededJob+`"}`))
	line(strings.Replace(callLine(1, bridge.OpGetJobStatus, `{"job_id":"`+runningJob+`","wait_seconds":1}`), `"params":{`, `"params":{"_meta":{"progressToken":7},`, 1))
	write := `{"request_id":"` + requestOne + `","order_id":5,"new_status":"shipped"}`
	for _, code := range quoting {
		w.preflightErr = bridge.Fault(code, nil, "The shop refused the change: %s.", injection)
		line(callLine(1, bridge.OpUpdateOrderStatus, write))
		w.productErr = w.preflightErr
		line(`{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"bridge://products/1"}}`)
	}
	if want := 4 + len(quoting); lines != want {
		t.Errorf("%d results seen, want %d", lines, want)
	}
}

func TestReplayOfADoneJobSaysSo(t *testing.T) {
	w := newWorld()
	p := openPipe(t, w.door(), writer)
	write := callLine(1, bridge.OpUpdateProduct, `{"request_id":"`+requestOne+`","product_id":1,"updates":{"stock_delta":1}}`)
	p.ask(write)
	w.mu.Lock()
	for id, job := range w.jobs {
		if job.RequestID == requestOne {
			job.Status = schemas.Succeeded
			w.jobs[id] = job
		}
	}
	w.mu.Unlock()
	answer := readOutcome(t, p.ask(write))
	var known schemas.Acceptance
	if err := json.Unmarshal(answer.Result.StructuredContent, &struct {
		Job *json.RawMessage `json:"job"`
	}{&known.Job}); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(answer.Result.Content[0].Text, "succeeded: job ") || !strings.Contains(string(known.Job), `"business_success":true`) {
		t.Errorf("answered %s", answer.Result.StructuredContent)
	}
}

func TestABrokenJobDoesNotHideItsRefusal(t *testing.T) {
	result := refused(&bridge.Error{Code: bridge.CodeKnownFailedReplay, Message: "m", Job: json.RawMessage(`{broken`)})
	if raw := result.StructuredContent.(json.RawMessage); !json.Valid(raw) || !result.IsError {
		t.Errorf("%s", raw)
	}
	unwritable := answered(bridge.Answer{Body: func() {}})
	if text := unwritable.Content[0].(mcp.TextContent).Text; !strings.HasPrefix(text, "internal_error: ") {
		t.Error(text)
	}
}

// Clients that read structured content hear every answer once, and the shop's
// words in no text; older ones, and those whose operator says so, get a copy.
func TestWhoGetsTheAnswerInText(t *testing.T) {
	const read = `"name":"get_product","arguments":{"product_id":1}`
	line := func(meta string) string {
		return `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{` + read + meta + `}}`
	}
	for revision, texts := range map[string]int{"": 2, "2024-11-05": 2, "2025-03-26": 2, "2025-06-18": 1, "2025-11-25": 1, "2026-07-28": 1} {
		for _, always := range []bool{false, true} {
			want := texts
			if always {
				want = 2
			}
			door := withGate(t, newWorld().door())
			door.JSONText = always
			over := map[string]string{}
			p, header, meta := openPipe(t, door, writer), bearer(t, door, writer), ""
			switch revision {
			case "":
			case "2026-07-28":
				meta = "," + modernMeta
				header["Mcp-Method"], header["Mcp-Name"] = "tools/call", "get_product"
			default:
				p.ask(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"` + revision + `","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`)
			}
			if revision != "" {
				header["Mcp-Protocol-Version"] = revision
			}
			over["stdio"] = p.ask(line(meta))
			over["http"] = post(t, door.Handler(), line(meta), header).Body.String()
			for transport, raw := range over {
				answer := readOutcome(t, raw)
				if answer.Result == nil || len(answer.Result.Content) != want || len(answer.Result.StructuredContent) == 0 {
					t.Errorf("%s, revision %q, always %t: want %d texts: %s", transport, revision, always, want, raw)
				}
			}
		}
	}
}
