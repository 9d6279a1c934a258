package tools

import (
	"context"
	"net/http"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// receiptKey is how the handlers fill in the receipt of the message they
// serve. mcp-go calls them on the goroutine of the message, so that nothing
// else touches it meanwhile.
type receiptKey struct{}

func withReceipt(ctx context.Context, r *bridge.Receipt) context.Context {
	return context.WithValue(ctx, receiptKey{}, r)
}

// receiptFrom gives the receipt of a message; one that nobody reads when there
// is none.
func receiptFrom(ctx context.Context) *bridge.Receipt {
	if r, ok := ctx.Value(receiptKey{}).(*bridge.Receipt); ok {
		return r
	}
	return new(bridge.Receipt)
}

// recorded serves HTTP requests and hands in a receipt of each.
func (d *Door) recorded(serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w := &recorder{ResponseWriter: out}
		receipt := d.Desk.NewReceipt(bridge.DoorMCPHTTP)
		receipt.Method, receipt.Route = r.Method, "(none)"
		r = r.WithContext(withReceipt(r.Context(), &receipt))
		defer func() {
			noteStatus(&receipt, w.status)
			d.Desk.Record(r.Context(), receipt)
		}()
		serve(w, r)
	})
}

// note fills in what a handler learnt about its call. A request id counts only
// when it is one: any other text is the client's own.
func note(ctx context.Context, op bridge.Operation, requestID string) {
	r := receiptFrom(ctx)
	r.Operation = op.Name
	if id, err := schemas.ParseRequestID(requestID); err == nil {
		r.RequestID = id
	}
}

// noteError fills in why mcp-go itself answered with an error, such as a tool
// that is not there for this client. What a handler refused stays.
func noteError(ctx context.Context, _ any, _ mcp.MCPMethod, _ any, err error) {
	if r := receiptFrom(ctx); r.Err == nil {
		r.Refuse(bridge.Fault(bridge.CodeInvalidRequest, err, "The message cannot be served."))
	}
}

// noteStatus completes the receipt of an HTTP exchange that ended before any
// handler ran.
func noteStatus(r *bridge.Receipt, status int) {
	if r.Err == nil && status >= http.StatusBadRequest {
		code := bridge.CodeInvalidRequest
		if status >= http.StatusInternalServerError {
			code = bridge.CodeInternal
		}
		r.Refuse(bridge.Fault(code, nil, "The transport refused the message."))
	}
	if r.Status == 0 {
		r.Status = status
	}
}

// methods are those mcp-go knows. Any other word is the client's own and does
// not belong in a log.
var methods = []mcp.MCPMethod{
	mcp.MethodInitialize, mcp.MethodPing, mcp.MethodServerDiscover, mcp.MethodSubscriptionsListen, mcp.MethodSetLogLevel,
	mcp.MethodToolsList, mcp.MethodToolsCall, mcp.MethodCompletionComplete,
	mcp.MethodResourcesList, mcp.MethodResourcesTemplatesList, mcp.MethodResourcesRead, mcp.MethodResourcesSubscribe, mcp.MethodResourcesUnsubscribe,
	mcp.MethodPromptsList, mcp.MethodPromptsGet,
	mcp.MethodTasksGet, mcp.MethodTasksList, mcp.MethodTasksResult, mcp.MethodTasksCancel,
	mcp.MethodNotificationInitialized, mcp.MethodNotificationCancelled,
}

// noteMessage fills in what a message asks for. An unknown method is refused
// here, as mcp-go tells no hook of it.
func noteMessage(r *bridge.Receipt, m message) {
	switch {
	case m.method == "":
	case slices.Contains(methods, mcp.MCPMethod(m.method)), m.extended():
		r.Route = m.method
	default:
		r.Route = "(other)"
		if m.kind == request {
			r.Refuse(bridge.Fault(bridge.CodeInvalidRequest, nil, "There is no such method."))
		}
	}
}

// recorder remembers the status of an answer. It must not stand between
// mcp-go and the connection: progress is flushed as it comes.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(raw []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(raw)
}

// Flush implements http.Flusher, which mcp-go asks for.
func (w *recorder) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController set deadlines.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
