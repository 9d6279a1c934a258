package tools

import (
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"
)

// serveExtended answers a message of the tasks extension over HTTP. All of them
// are answered at once, as JSON.
func (e *endpoint) serveExtended(w http.ResponseWriter, r *http.Request, m message) {
	if fault := m.checkHeaders(r.Header); fault != nil {
		e.refuseHeaders(w, r, fault)
		return
	}
	answer := e.door.handle(r.Context(), e.server, m)
	writeJSON(w, statusOf(answer), jsonType, answer)
}

// statusOf is the HTTP status of an answer of revision 2026-07-28 (Streamable
// HTTP), where errors of the message itself are no 200.
func statusOf(answer mcp.JSONRPCMessage) int {
	failed, ok := answer.(mcp.JSONRPCError)
	if !ok {
		return http.StatusOK
	}
	switch failed.Error.Code {
	case mcp.METHOD_NOT_FOUND:
		return http.StatusNotFound
	case mcp.INTERNAL_ERROR:
		return http.StatusOK
	}
	return http.StatusBadRequest
}
