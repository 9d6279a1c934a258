package tools

import (
	"bytes"
	"net/http"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/prestashop-bridge/bridge/bridge"
)

// listens reports whether a request opens a stream of change notifications
// (2026-07-28, subscriptions/listen).
func (m message) listens() bool {
	return m.kind == request && m.tasking.version != "" && m.method == string(mcp.MethodSubscriptionsListen)
}

// serveListen answers subscriptions/listen over HTTP. mcp-go's transport loses
// the acknowledgement in four of ten such requests (mcp-go#969); here whatever
// is pending goes out before the result, as over stdio. Nothing of this server
// can be subscribed to, so mcp-go ends the stream at once.
func (e *endpoint) serveListen(w http.ResponseWriter, r *http.Request, m message) {
	if fault := m.checkHeaders(r.Header); fault != nil {
		e.refuseHeaders(w, r, fault)
		return
	}
	stream := newSession(events{w})
	ctx := e.server.WithContext(r.Context(), stream)
	answer := e.door.handle(ctx, e.server, m)
	if _, failed := answer.(mcp.JSONRPCError); failed {
		writeJSON(w, statusOf(answer), jsonType, answer)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	_ = stream.write(answer) // the client may be gone
}

// refuseHeaders answers a request whose headers and body differ.
func (e *endpoint) refuseHeaders(w http.ResponseWriter, r *http.Request, f *fault) {
	receiptFrom(r.Context()).Refuse(bridge.Fault(f.meaning(), nil, "%s", f.text))
	writeJSON(w, http.StatusBadRequest, jsonType, f.response())
}

// events writes each line as an event of a stream (HTML, Server-sent events).
type events struct{ http.ResponseWriter }

func (w events) Write(line []byte) (int, error) {
	event := append([]byte("event: message\ndata: "), bytes.TrimRight(line, "\n")...)
	if _, err := w.ResponseWriter.Write(append(event, "\n\n"...)); err != nil {
		return 0, err
	}
	return len(line), http.NewResponseController(w.ResponseWriter).Flush()
}
