package tools

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// FuzzReadMessage: whatever comes in, there is a message or a fault, and what
// mcp-go is given means what was sent.
func FuzzReadMessage(f *testing.F) {
	for _, seed := range []string{
		ping, listTools, callLine(1, "get_product", `{"product_id":1,"a":[{},"}\"",1e5,null]}`),
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}`,
		`{"jsonrpc":"2.0","id":1,"result":{}}`, `[]`, `{`, "\xff", ` { "id" : -1 , "jsonrpc" : "2.0" , "method" : "x" , "params" : { } } `,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":1},"name":7}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, fault := readMessage(raw)
		if fault != nil {
			if text, err := json.Marshal(fault.response()); err != nil || fault.code == 0 {
				t.Errorf("fault %s, %v", text, err)
			}
			return
		}
		var sent struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params struct {
				Arguments json.RawMessage `json:"arguments"`
			} `json:"params"`
		}
		if m.kind == response {
			return
		}
		if err := json.Unmarshal(m.envelope, &sent); err != nil {
			t.Fatalf("%v in the envelope %s", err, m.envelope)
		}
		if sent.Method != m.method || m.method == "tools/call" && sent.Params.Arguments != nil || string(sent.ID) != string(m.id) {
			t.Errorf("envelope %s of %s", m.envelope, raw)
		}
		if m.call.arguments != nil && (!json.Valid(m.call.arguments) || !strings.Contains(string(raw), string(m.call.arguments))) {
			t.Errorf("arguments %s of %s", m.call.arguments, raw)
		}
	})
}

// FuzzMembers: on valid JSON the members are the decoder's, on anything else
// there is no panic.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"a":"}"},"c":[1,[2]],"d":"\"","e":true , "\u0066" : -1.5e3}`))
	f.Add([]byte(`{"a`))
	f.Add([]byte(`{"a":"\`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		members, err := membersOf(raw)
		var want map[string]json.RawMessage
		if err != nil || json.Unmarshal(raw, &want) != nil || want == nil {
			return
		}
		if len(members) != len(want) {
			t.Fatalf("%d members of %s, want %d", len(members), raw, len(want))
		}
		for name, value := range want {
			if string(members[name]) != string(value) {
				t.Errorf("%q = %s, want %s", name, members[name], value)
			}
		}
	})
}

func TestTooManyMembersAreRefused(t *testing.T) {
	var object strings.Builder
	object.WriteString(`{"jsonrpc":"2.0"`)
	for i := range maxMembers {
		fmt.Fprintf(&object, `,"m%d":1`, i)
	}
	object.WriteString(`}`)
	if _, fault := readMessage([]byte(object.String())); fault == nil || fault.code != -32600 {
		t.Errorf("fault = %+v", fault)
	}
}
