package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/prestashop-bridge/bridge/bridge"
)

// tasksExtension is the extension's identifier, in the capabilities of either
// side.
const tasksExtension = "io.modelcontextprotocol/tasks"

// The methods of the extension. mcp-go knows no tasks/update, and the other two
// only as those of its own tasks of 2025-11-25, which are not offered.
const (
	methodTasksGet    = string(mcp.MethodTasksGet)
	methodTasksUpdate = "tasks/update"
	methodTasksCancel = string(mcp.MethodTasksCancel)
)

func isTaskMethod(method string) bool {
	return method == methodTasksGet || method == methodTasksUpdate || method == methodTasksCancel
}

// tasking is what a request says that matters to the tasks extension. It is
// empty for revisions before 2026-07-28, where the extension cannot be declared
// request by request, and for revisions that mcp-go will refuse.
type tasking struct {
	version  string // of the request's _meta
	capable  bool   // the _meta has client capabilities, which are required
	declared bool   // the extension is among them
	write    bool   // tools/call of a tool that makes a job
	listens  bool   // subscriptions/listen for notifications about tasks
	id       string // taskId of the extension's methods
	wrong    error  // why the params of such a method are none
}

// taskingOf reads the params, a JSON object, of a request. An error means that
// they are ambiguous.
func taskingOf(method string, params json.RawMessage) (tasking, error) {
	if !isTaskMethod(method) && method != string(mcp.MethodToolsCall) && method != string(mcp.MethodSubscriptionsListen) {
		return tasking{}, nil
	}
	members, err := membersOf(params)
	if err != nil {
		return tasking{}, err
	}
	t, err := declarationIn(members)
	if err != nil || t.version == "" {
		return tasking{}, err
	}
	switch {
	case isTaskMethod(method):
		t.id, t.wrong = taskIDIn(method, members)
	case method == string(mcp.MethodToolsCall):
		t.write = namesWrite(members["name"])
	default:
		var filter map[string]json.RawMessage
		filter, err = objectIn(members, "notifications")
		t.listens = filter["taskIds"] != nil
	}
	return t, err
}

// declarationIn reads what the _meta declares.
func declarationIn(members map[string]json.RawMessage) (tasking, error) {
	meta, err := objectIn(members, "_meta")
	if err != nil {
		return tasking{}, err
	}
	var t tasking
	if json.Unmarshal(meta[mcp.MetaKeyProtocolVersion], &t.version) != nil || !mcp.IsModernProtocol(t.version) || !mcp.IsValidProtocolVersion(t.version) {
		return tasking{}, nil
	}
	capabilities, err := objectIn(meta, mcp.MetaKeyClientCapabilities)
	if err != nil {
		return tasking{}, err
	}
	extensions, err := objectIn(capabilities, "extensions")
	if err != nil {
		return tasking{}, err
	}
	settings, err := objectIn(extensions, tasksExtension)
	t.capable, t.declared = capabilities != nil, settings != nil
	return t, err
}

// objectIn reads a member that is an object; nil when it is absent or anything
// else.
func objectIn(members map[string]json.RawMessage, name string) (map[string]json.RawMessage, error) {
	raw := members[name]
	if raw == nil || raw[0] != '{' {
		return nil, nil
	}
	found, err := membersOf(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return found, nil
}

// namesWrite reports whether a tool's name is that of a write.
func namesWrite(raw json.RawMessage) bool {
	var name string
	if json.Unmarshal(raw, &name) != nil {
		return false
	}
	op, known := bridge.FindOperation(name)
	return known && op.Write
}

func taskIDIn(method string, members map[string]json.RawMessage) (id string, err error) {
	if raw := members["taskId"]; raw == nil || raw[0] != '"' || json.Unmarshal(raw, &id) != nil {
		return "", errors.New("taskId is missing or not a string")
	}
	if raw := members["inputResponses"]; method == methodTasksUpdate && (raw == nil || raw[0] != '{') {
		return id, errors.New("inputResponses is missing or not an object")
	}
	return id, nil
}

// extended reports whether a request is the extension's matter: its methods, a
// subscription to its notifications, and a tool call that it may answer. Any
// other call is mcp-go's, with the progress it may report.
func (m message) extended() bool {
	t := m.tasking
	return m.kind == request && t.version != "" && (isTaskMethod(m.method) || t.listens || t.declared && t.write)
}

// checkHeaders holds the headers of a request of revision 2026-07-28 to its
// body (Transports, Streamable HTTP: both MUST be checked by a server that
// reads the body). mcp-go does this for what it serves over HTTP itself.
func (m message) checkHeaders(header http.Header) *fault {
	mismatch := func(err error) *fault { return &fault{id: m.id, code: mcp.HEADER_MISMATCH, text: err.Error()} }
	if header.Get(mcp.HeaderProtocolVersion) != m.tasking.version {
		return mismatch(mcp.HeaderMismatchError{Header: mcp.HeaderProtocolVersion, Reason: "header value does not match " + mcp.MetaKeyProtocolVersion})
	}
	if err := mcp.ValidateStandardHeaders(header.Get, m.tasking.version, mcp.MCPMethod(m.method), m.params); err != nil {
		return mismatch(err)
	}
	if !isTaskMethod(m.method) || m.tasking.wrong != nil {
		return nil
	}
	// Tasks, Streamable HTTP: Routing Headers.
	if name, ok := mcp.DecodeHeaderValue(header.Get(mcp.HeaderName)); !ok || name != m.tasking.id {
		return mismatch(mcp.HeaderMismatchError{Header: mcp.HeaderName, Reason: "header value does not match taskId"})
	}
	return nil
}
