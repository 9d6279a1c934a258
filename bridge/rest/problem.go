package rest

import (
	"encoding/json"
	"net/http"

	"github.com/prestashop-bridge/bridge/bridge"
)

// writeProblem is the only place where an error becomes an answer; its cause
// is not touched.
func writeProblem(c *call, fault *bridge.Error) {
	problem := fault.Problem(c.r.Header.Get("Accept-Language"), c.requestID)
	raw, _ := json.Marshal(problem) // strings, and a job that is valid JSON
	if wait := fault.RetryAdvice(); wait > 0 {
		c.w.Header().Set("Retry-After", wholeSeconds(wait, 1))
	}
	c.write(problem.Status, problemMedia(c.r.Header), raw)
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
