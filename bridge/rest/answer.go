package rest

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/prestashop-bridge/bridge/bridge"
)

// writeAnswer sends what the hub answered: 200 with what was read, 200 with
// the job of a request that has been carried out before, or 202.
func writeAnswer(c *call, op bridge.Operation, answer bridge.Answer) error {
	switch {
	case !op.Write:
		return c.writeJSON(http.StatusOK, answer.Body)
	case answer.Replay != nil:
		c.w.Header().Set("Idempotent-Replayed", "true")
		return c.writeJSON(http.StatusOK, answer.Replay)
	case answer.Acceptance == nil || answer.Acceptance.Status.Terminal():
		// The rule accepted-is-not-success, at the place where answers leave:
		// a 202 that tells the end of a job must not exist.
		return bridge.Fault(bridge.CodeInternal, errors.New("a write was answered with neither a replay nor an open acceptance"), "The write cannot be answered.")
	}
	known := answer.Acceptance
	c.w.Header().Set("Location", known.TrackingURL)
	c.w.Header().Set("Retry-After", strconv.Itoa(max(known.PollAfterSeconds, 1)))
	return c.writeJSON(http.StatusAccepted, known)
}
