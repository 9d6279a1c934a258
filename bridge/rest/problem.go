package rest

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// problemURN begins the type of every problem (RFC 9457 §3.1.1). It names the
// code and is no address to open.
const problemURN = "urn:bridge:error:"

// wholeBody is the key in errors of a fault that belongs to no single field.
const wholeBody = "body"

// The waits advised when a fault brings none of its own.
const (
	shortWait = 1 * time.Second
	longWait  = 5 * time.Second
)

// writeProblem is the only place where an error becomes an answer. Title, fix
// and status come from the hub's table; the cause of the fault is not touched.
func writeProblem(c *call, fault *bridge.Error) {
	row := fault.Code.Row()
	problem := schemas.Problem{
		Type:      problemURN + string(row.Code),
		Title:     row.Title,
		Status:    row.Status,
		Detail:    fault.Message,
		Code:      row.Status,
		Errors:    texts(fault.Fields, c.r.Header.Get("Accept-Language")),
		ErrorCode: string(row.Code),
		Rule:      fault.Rule,
		Fix:       fault.PublicFix(),
		RequestID: c.requestID,
		Job:       fault.Job,
	}
	raw, err := json.Marshal(problem)
	if err != nil {
		// Only an embedded job can fail to marshal; the rest is strings.
		problem.Job = nil
		raw, _ = json.Marshal(problem)
	}
	if wait := retryAfter(fault, row.Status); wait > 0 {
		c.w.Header().Set("Retry-After", wholeSeconds(wait, 1))
	}
	c.write(row.Status, problemMedia(c.r.Header), raw)
}

// texts groups the sentences of field errors by field, in the caller's
// language where there is one.
func texts(fields []schemas.FieldError, language string) map[string][]string {
	grouped := map[string][]string{}
	for _, field := range fields {
		name := field.Pointer
		if name == "" {
			name = wholeBody
		}
		grouped[name] = append(grouped[name], field.Text(language))
	}
	return grouped
}

// retryAfter is when to come back: always told with 429 and 503, and with any
// other status when the fault knows it.
func retryAfter(fault *bridge.Error, status int) time.Duration {
	switch {
	case fault.RetryAfter > 0:
		return fault.RetryAfter
	case status == http.StatusTooManyRequests:
		return shortWait
	case status == http.StatusServiceUnavailable:
		return longWait
	}
	return 0
}

// problemMedia is application/problem+json for a client that accepts it or
// says nothing, and application/json for the clients of the contract, whose
// Accept names that type alone. The bytes are the same.
func problemMedia(header http.Header) string {
	if len(header.Values("Accept")) == 0 || accepts(header, problemType) {
		return problemType
	}
	return jsonType
}
