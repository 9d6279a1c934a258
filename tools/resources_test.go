package tools

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

type readAnswer struct {
	Result *struct {
		Contents []struct{ URI, MimeType, Text string }
	}
	Error *struct {
		Code    int
		Message string
	}
}

func readURI(t *testing.T, p *pipe, uri, meta string) readAnswer {
	t.Helper()
	var answer readAnswer
	text := p.ask(`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"` + uri + `"` + meta + `}}`)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestPoliciesResourceListsEveryRule(t *testing.T) {
	answer := readURI(t, openPipe(t, newWorld().door(), reader), policiesURI, "")
	var rules []struct{ ID, Rule, Fix string }
	if err := json.Unmarshal([]byte(answer.Result.Contents[0].Text), &rules); err != nil {
		t.Fatal(err)
	}
	if len(rules) != len(policies.Rules) {
		t.Fatalf("%d rules, want %d", len(rules), len(policies.Rules))
	}
	for i, rule := range policies.Rules {
		if rules[i].ID != rule.ID || rules[i].Rule != rule.Sentence || rules[i].Fix != rule.Fix {
			t.Errorf("%+v, want %+v", rules[i], rule)
		}
	}
}

func TestEverySchemaCanBeRead(t *testing.T) {
	p := openPipe(t, newWorld().door(), reader)
	for _, name := range append(schemas.InputNames(), schemas.OutputNames()...) {
		answer := readURI(t, p, "bridge://schemas/"+name, "")
		if answer.Result == nil || !json.Valid([]byte(answer.Result.Contents[0].Text)) || answer.Result.Contents[0].MimeType != "application/schema+json" {
			t.Errorf("%s: %+v", name, answer)
		}
	}
}

func TestResourcesAreRefusedAsTheirToolsAre(t *testing.T) {
	modern := "," + modernMeta
	nobody := bridge.Actor{ClientID: "nobody"}
	stranger := bridge.Actor{ClientID: "stranger", Scopes: reader.Scopes}
	for _, tc := range []struct {
		actor     bridge.Actor
		uri, meta string
		code      int
		message   string
	}{
		{nobody, "bridge://products/1", "", -32603, "insufficient_scope: "},
		{reader, "bridge://products/one", "", -32603, "schema_violation: "},
		{reader, "bridge://products/1e400", "", -32603, "schema_violation: "},
		{stranger, "bridge://jobs/" + runningJob, "", -32603, "not_found: "},
		{nobody, "bridge://orders/5", "", -32603, "insufficient_scope: "},
		{reader, "bridge://orders/five", "", -32603, "schema_violation: "},
		{reader, "bridge://schemas/nothing", "", -32603, "not_found: "},
		{reader, "bridge://nothing", "", -32002, ""},
		{reader, "bridge://nothing", modern, -32602, ""},
		{reader, "file:///etc/passwd", modern, -32602, ""},
	} {
		answer := readURI(t, openPipe(t, newWorld().door(), tc.actor), tc.uri, tc.meta)
		if answer.Error == nil || answer.Error.Code != tc.code || !strings.HasPrefix(answer.Error.Message, tc.message) {
			t.Errorf("%s: %+v, want %d %s", tc.uri, answer.Error, tc.code, tc.message)
		}
	}
}

// The resource shows of an order what the tool shows: the customer only to
// clients with bridge:pii.
func TestOrdersAreReadWithTheirScopes(t *testing.T) {
	for _, c := range []struct {
		scopes   []string
		customer bool
	}{
		{[]string{auth.ScopeRead}, false},
		{[]string{auth.ScopeRead, auth.ScopePII}, true},
	} {
		answer := readURI(t, openPipe(t, newWorld().door(), bridge.Actor{ClientID: "x", Scopes: c.scopes}), "bridge://orders/5", "")
		if answer.Result == nil {
			t.Fatalf("%v: %+v", c.scopes, answer.Error)
		}
		var order schemas.Order
		if err := json.Unmarshal([]byte(answer.Result.Contents[0].Text), &order); err != nil || order.ID != 5 || (order.Customer != nil) != c.customer {
			t.Errorf("%v: %v, %+v", c.scopes, err, order)
		}
	}
}

func TestPromptsNameTheirToolsAndArguments(t *testing.T) {
	w := newWorld()
	p := openPipe(t, w.door(), writer)
	for _, prompt := range prompts {
		arguments := map[string]string{}
		for _, a := range prompt.arguments {
			arguments[a.name] = "<<" + a.name + ">> {batch_id}" // an argument is not a template
			if !strings.Contains(prompt.text, "{"+a.name+"}") {
				t.Errorf("%s does not use %s", prompt.name, a.name)
			}
		}
		raw, _ := json.Marshal(map[string]any{"name": prompt.name, "arguments": arguments})
		text := p.ask(`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":` + string(raw) + `}`)
		var answer struct {
			Result struct {
				Messages []struct{ Content struct{ Text string } }
			}
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer.Result.Messages) != 1 {
			t.Fatal(err, text)
		}
		said := answer.Result.Messages[0].Content.Text
		for _, value := range arguments {
			if !strings.Contains(said, value) {
				t.Errorf("%s: %q is missing in %s", prompt.name, value, said)
			}
		}
	}
	missing := `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"ship_order","arguments":{"order_id":"5"}}}`
	if text := p.ask(missing); !strings.Contains(text, "tracking_number is missing") {
		t.Errorf("a missing argument: %s", text)
	}
	if text := openPipe(t, w.door(), reader).ask(missing); !strings.Contains(text, "not found") {
		t.Errorf("a reader gets a prompt for writing: %s", text)
	}
}
