package rest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

const requestIDHeader = "X-Request-ID"

// call is one HTTP exchange on its way through the door. Whoever learns
// something about it fills it in; the audit line is written from it.
type call struct {
	w *recorder
	r *http.Request

	uri   string // path and query exactly as sent: what the client signed
	path  string
	query string

	pattern   string // of the route, "" while none matched
	value     string // of the pattern's {name} segment
	operation string // "" for what is no operation of the hub
	client    string // once authenticated
	shop      string // the client's
	requestID string // X-Request-ID in lower case, if it is a valid one
	answered  bridge.Disposition
	refusal   error // why there is no answer; its cause is for the log only
}

func newCall(w http.ResponseWriter, r *http.Request) *call {
	c := &call{w: &recorder{ResponseWriter: w}, r: r, uri: originForm(r.RequestURI)}
	c.path, c.query, _ = strings.Cut(c.uri, "?")
	c.w.Header().Set("X-Content-Type-Options", "nosniff")
	if len(r.TransferEncoding) > 0 {
		// RFC 9112 §6.1 wants the connection closed when Content-Length came
		// too. net/http has taken that header away by now, so every chunked
		// request closes: nothing can be smuggled behind one.
		c.w.Header().Set("Connection", "close")
	}
	// Known from here on, so that every refusal can be found by it; whether it
	// had to be there is a check of the entrance.
	if sent, fault := single(r.Header, requestIDHeader, bridge.CodeInvalidRequest); fault == nil {
		if id, err := schemas.ParseRequestID(sent); err == nil {
			c.requestID = id
			c.w.Header().Set(requestIDHeader, id)
		}
	}
	return c
}

// originForm strips the origin of an absolute-form request target (RFC 9112
// §3.2.2), which proxies and some clients send; the client signed path and
// query.
func originForm(target string) string {
	if strings.HasPrefix(target, "/") {
		return target
	}
	_, rest, absolute := strings.Cut(target, "://")
	if !absolute {
		return target
	}
	slash := strings.IndexAny(rest, "/?")
	switch {
	case slash < 0:
		return "/"
	case rest[slash] == '?':
		return "/" + rest[slash:]
	}
	return rest[slash:]
}

// writeJSON sends a body of our own making. A value that does not marshal is
// an internal error, found before the first byte is sent.
func (c *call) writeJSON(status int, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return bridge.Fault(bridge.CodeInternal, err, "The answer cannot be written.")
	}
	c.write(status, "application/json", raw)
	return nil
}

func (c *call) write(status int, mediaType string, raw []byte) {
	c.w.Header().Set("Content-Type", mediaType)
	c.w.WriteHeader(status)
	// The only error left is a client that went away.
	_, _ = c.w.Write(raw)
}

// recorder remembers what was answered.
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
