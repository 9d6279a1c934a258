package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/prestashop-bridge/bridge/bridge"
)

// kind tells what a client's JSON-RPC message is.
type kind int

const (
	request kind = iota
	notification
	response // to a request of ours; we never send any
)

// message is one JSON-RPC message, read once and strictly. Envelope is what
// mcp-go is given: rebuilt from the members we know, spelt exactly, because
// encoding/json matches names in any letter case and takes the last of two, so
// that a message could mean one thing to us and another to mcp-go.
type message struct {
	kind     kind
	id       json.RawMessage // of a request, as sent
	method   string
	envelope json.RawMessage
	params   json.RawMessage // as in the envelope; nil for none
	call     call            // of tools/call
	tasking  tasking         // of requests that the tasks extension may change
	cancels  json.RawMessage // of notifications/cancelled: the request's id
}

// call is what a tool handler needs of its message: the arguments and the
// progress token exactly as sent, nil where absent.
type call struct {
	arguments     json.RawMessage
	progressToken json.RawMessage
	revision      string // of the protocol, as the message names it; "" for not at all
	copied        bool   // the client wants the answer in text too
}

// fault is a message that cannot be served: always a JSON-RPC error, never a
// tool result.
type fault struct {
	id   json.RawMessage // nil when it cannot be told
	code int
	text string
	data any
}

// meaning is the fault in the program's own codes.
func (f *fault) meaning() bridge.Code {
	if over, told := f.data.(refusal); told {
		return over.ErrorCode
	}
	if f.code == mcp.INTERNAL_ERROR {
		return bridge.CodeInternal
	}
	return bridge.CodeInvalidRequest
}

func (f *fault) response() mcp.JSONRPCError {
	return mcp.JSONRPCError{
		JSONRPC: mcp.JSONRPC_VERSION,
		ID:      requestID(f.id),
		Error:   mcp.NewJSONRPCErrorDetails(f.code, f.text, f.data),
	}
}

// requestID keeps an absent id null: a nil json.RawMessage inside an interface
// would not be.
func requestID(raw json.RawMessage) mcp.RequestId {
	if raw == nil {
		return mcp.NewRequestId(nil)
	}
	return mcp.NewRequestId(raw)
}

func invalid(id json.RawMessage, format string, args ...any) *fault {
	return &fault{id: id, code: mcp.INVALID_REQUEST, text: "Invalid request: " + fmt.Sprintf(format, args...)}
}

// readMessage reads one message from its bytes, without line end.
func readMessage(raw []byte) (message, *fault) {
	raw = bytes.TrimSpace(raw)
	if !utf8.Valid(raw) {
		return message{}, &fault{code: mcp.PARSE_ERROR, text: "Parse error: the message is not valid UTF-8"}
	}
	if !json.Valid(raw) {
		err := json.Unmarshal(raw, new(json.RawMessage))
		return message{}, &fault{code: mcp.PARSE_ERROR, text: fmt.Sprintf("Parse error: %v", err)}
	}
	switch raw[0] {
	case '{':
		return readObject(raw)
	case '[':
		return message{}, invalid(nil, "batches left the protocol with revision 2025-06-18; send one message at a time")
	}
	return message{}, invalid(nil, "a message is a JSON object")
}

func readObject(raw []byte) (message, *fault) {
	members, err := membersOf(raw)
	if err != nil {
		return message{}, invalid(nil, "%v", err)
	}
	m := message{id: members["id"]}
	if m.id != nil && !validID(m.id) {
		return message{}, invalid(nil, "id is a string or an integer within 2^53")
	}
	if string(members["jsonrpc"]) != `"2.0"` {
		return message{}, invalid(m.id, `jsonrpc must be "2.0"`)
	}
	if members["method"] == nil && (members["result"] != nil || members["error"] != nil) {
		m.kind = response
		return m, nil
	}
	if err := json.Unmarshal(members["method"], &m.method); err != nil || m.method == "" {
		return message{}, invalid(m.id, "method is missing or not a string")
	}
	if m.id == nil {
		m.kind = notification
	}
	return m.withParams(members["params"])
}

// withParams completes a message with its params, an object in MCP. Clients
// whose language has no absent members send null.
func (m message) withParams(params json.RawMessage) (message, *fault) {
	if string(params) == "null" {
		params = nil
	}
	if params != nil && params[0] != '{' {
		return message{}, &fault{id: m.id, code: mcp.INVALID_PARAMS, text: "Invalid params: params must be an object"}
	}
	var err error
	switch {
	case params == nil:
	case m.method == string(mcp.MethodToolsCall):
		params, m.call, err = takeCall(params)
	case m.method == string(mcp.MethodNotificationCancelled):
		m.cancels, err = cancelledID(params)
	}
	if params != nil && err == nil {
		m.tasking, err = taskingOf(m.method, params)
	}
	if err != nil {
		return message{}, &fault{id: m.id, code: mcp.INVALID_PARAMS, text: "Invalid params: " + err.Error()}
	}
	m.params, m.envelope = params, envelope(m, params)
	return m, nil
}

// takeCall separates what mcp-go needs of a tools/call from what the tool needs.
func takeCall(params json.RawMessage) (rest json.RawMessage, c call, err error) {
	members, err := membersOf(params)
	if err != nil {
		return nil, call{}, err
	}
	c.arguments = members["arguments"]
	if c.progressToken, c.revision, err = readMeta(members["_meta"]); err != nil {
		return nil, call{}, err
	}
	kept := map[string]json.RawMessage{"name": members["name"]}
	if members["_meta"] != nil {
		kept["_meta"] = members["_meta"]
	}
	rest, err = json.Marshal(kept)
	return rest, c, err
}

// readMeta reads the progress token and the protocol revision of a call's
// _meta. What is wrong with the revision is mcp-go's to say.
func readMeta(meta json.RawMessage) (token json.RawMessage, revision string, err error) {
	if meta == nil || meta[0] != '{' {
		return nil, "", nil
	}
	members, err := membersOf(meta)
	if err != nil {
		return nil, "", fmt.Errorf("_meta: %w", err)
	}
	if token = members["progressToken"]; token != nil && !validID(token) {
		return nil, "", fmt.Errorf("_meta.progressToken is a string or an integer within 2^53")
	}
	_ = json.Unmarshal(members[mcp.MetaKeyProtocolVersion], &revision)
	return token, revision, nil
}

func cancelledID(params json.RawMessage) (json.RawMessage, error) {
	members, err := membersOf(params)
	if err != nil || members["requestId"] == nil || !validID(members["requestId"]) {
		return nil, err
	}
	return members["requestId"], nil
}

func envelope(m message, params json.RawMessage) json.RawMessage {
	method, _ := json.Marshal(m.method) // a string always marshals
	out := append([]byte(`{"jsonrpc":"2.0","method":`), method...)
	if m.id != nil {
		out = append(append(out, `,"id":`...), m.id...)
	}
	if params != nil {
		out = append(append(out, `,"params":`...), params...)
	}
	return append(out, '}')
}

// maxSafeID is the largest integer that mcp-go, and any JavaScript client,
// gives back as it was (RFC 8259 section 6).
const maxSafeID = 1<<53 - 1

// validID reports whether a JSON value may be a request id or progress token:
// a string or an integer, never null.
func validID(raw json.RawMessage) bool {
	if raw[0] == '"' {
		return true
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return err == nil && -maxSafeID <= n && n <= maxSafeID
}

// idKey is one spelling for an id: "a" and "\u0061" are the same string.
func idKey(id json.RawMessage) string {
	var text string
	if json.Unmarshal(id, &text) == nil {
		return `"` + text
	}
	return string(id)
}

// askedRevision is the protocol revision that an initialize asks for.
func askedRevision(params json.RawMessage) string {
	var asked struct {
		ProtocolVersion string `json:"protocolVersion"`
	}
	_ = json.Unmarshal(params, &asked) // what is wrong with it is mcp-go's to say
	return asked.ProtocolVersion
}
