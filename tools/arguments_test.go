package tools

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
)

// The verdict on a payload is the hub's on the text as sent, the same one the
// REST door gets: nothing on the way may read a number as a float, settle a
// repeated key, or complain in its own words.
func TestVerdictsAreTheHubsOnTheTextAsSent(t *testing.T) {
	for name, payload := range map[string]string{
		"a decimal no float carries":  `{"product_id":1,"updates":{"price_ht":0.1234567890123456789}}`,
		"an integer no float carries": `{"product_id":9007199254740993,"updates":{"stock_delta":9007199254740993}}`,
		"a number no float reaches":   `{"product_id":1e400,"updates":{"stock_delta":1}}`,
		"digits without end":          `{"product_id":1,"updates":{"price_ht":1` + strings.Repeat("0", 500) + `}}`,
		"a repeated key":              `{"product_id":1,"product_id":2,"updates":{"stock_delta":1}}`,
		"a repeated key, deep":        `{"product_id":1,"updates":{"stock_delta":1,"stock_delta":-1}}`,
		"a name in other letters":     `{"Product_ID":1,"updates":{"stock_delta":1}}`,
		"a lone surrogate":            `{"product_id":1,"updates":{"seo":{"en":{"meta_title":"\ud800"}}}}`,
		"deep nesting":                `{"product_id":1,"updates":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
		"an array":                    `[1,2]`,
		"null":                        `null`,
		"a price with tax":            `{"product_id":1,"updates":{"price_ttc":10}}`,
		"a wish to wait":              `{"product_id":1,"updates":{"stock_delta":1},"wait":true}`,
		"an unknown member":           `{"product_id":1,"updates":{"stock_delta":1},"colour":"red"}`,
		"nothing":                     `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			_, err := w.desk().Do(t.Context(), writer, bridge.Request{Operation: bridge.OpUpdateProduct, RequestID: requestOne, Arguments: []byte(payload)})
			if err == nil {
				t.Fatal("the hub takes this payload")
			}
			want, _ := json.Marshal(newRefusal(bridge.AsError(err)))
			answer := readOutcome(t, openPipe(t, w.door(), writer).ask(callLine(1, bridge.OpUpdateProduct, withRequestID(payload))))
			if answer.Result == nil || !answer.Result.IsError {
				t.Fatalf("answered %+v, want a result with isError", answer)
			}
			if diff := cmp.Diff(string(indented(t, want)), string(indented(t, answer.Result.StructuredContent))); diff != "" {
				t.Errorf("verdict (-hub +door):\n%s", diff)
			}
		})
	}
}

// withRequestID puts the idempotency key of this door into a payload.
func withRequestID(payload string) string {
	if payload == "{}" {
		return fmt.Sprintf(`{"request_id":%q}`, requestOne)
	}
	return strings.Replace(payload, "{", fmt.Sprintf(`{"request_id":%q,`, requestOne), 1)
}

func TestRequestIDIsDemandedAndIsNoPartOfTheIntention(t *testing.T) {
	w := newWorld()
	p := openPipe(t, w.door(), writer)
	for i, arguments := range []string{
		`{"product_id":1,"updates":{"stock_delta":1}}`,
		`{"product_id":1,"updates":{"stock_delta":1},"request_id":7}`,
		`{"product_id":1,"updates":{"stock_delta":1},"request_id":"018f0000-0000-7000-8000-0000000000aa"}`,
	} {
		answer := readOutcome(t, p.ask(callLine(i, bridge.OpUpdateProduct, arguments)))
		var refusal refusal
		if err := json.Unmarshal(answer.Result.StructuredContent, &refusal); err != nil {
			t.Fatal(err)
		}
		if refusal.ErrorCode != bridge.CodeSchemaViolation || len(refusal.Errors) != 1 || refusal.Errors[0].Pointer != "/request_id" {
			t.Errorf("%s: %+v, want one fault at /request_id", arguments, refusal)
		}
	}
	p.ask(callLine(10, bridge.OpUpdateProduct, `{"request_id":"`+strings.ToUpper(requestOne)+`","product_id":1,"updates":{"price_ht":25.50}}`))
	again := readOutcome(t, p.ask(callLine(11, bridge.OpUpdateProduct, `{"updates":{"price_ht":25.5},"product_id":1.0,"request_id":"`+requestOne+`"}`)))
	if again.Result.IsError || w.made != 1 {
		t.Errorf("the same intention, spelt otherwise, made %d jobs and answered %s", w.made, again.Result.StructuredContent)
	}
	other := readOutcome(t, p.ask(callLine(12, bridge.OpUpdateProduct, `{"updates":{"price_ht":26},"product_id":1,"request_id":"`+requestOne+`"}`)))
	if !other.Result.IsError || !strings.HasPrefix(other.Result.Content[0].Text, "idempotency_conflict: ") {
		t.Errorf("another intention under the same id: %s", other.Result.StructuredContent)
	}
	for _, job := range w.jobs {
		if job.RequestID == requestOne && string(job.Payload) != `{"product_id":1,"updates":{"price_ht":25.5}}` {
			t.Errorf("the job's payload is %s", job.Payload)
		}
	}
}

func TestArgumentsOverTheLimitAreRefusedByTheHub(t *testing.T) {
	w := newWorld()
	door := w.door()
	door.MaxPayloadBytes = 2000
	door.Desk.(*bridge.Desk).Rules.MaxPayloadBytes = 2000
	payload := `{"request_id":"` + requestOne + `","product_id":1,"updates":{"stock_delta":1}` + strings.Repeat(" ", 2000) + `}`
	answer := readOutcome(t, openPipe(t, door, writer).ask(callLine(1, bridge.OpUpdateProduct, payload)))
	if answer.Result == nil || !strings.HasPrefix(answer.Result.Content[0].Text, "payload_too_large: ") {
		t.Errorf("answered %+v, want payload_too_large: white space counts as it does over REST", answer)
	}
}
