package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest/client"
)

// repeat is what to do when nobody knows what became of a call.
const repeat = "Make the same call again after retry_after_seconds; for a write with the same request_id, which finds its job if there is one."

// unusable is an answer that is not the contract's. Its text stays out of the
// message: it is a stranger's.
func unusable(op bridge.Operation, cause error) *bridge.Error {
	return unanswered(op, cause, "The remote bridge gave an answer that cannot be used")
}

// unanswered is a call of which nobody knows what became.
func unanswered(op bridge.Operation, cause error, what string) *bridge.Error {
	if op.Write {
		what += "; whether it accepted the write is not known"
	}
	fault := bridge.Fault(bridge.CodeBridgeUnavailable, cause, "%s.", what)
	fault.Fix = repeat
	return fault
}

// verdict names why a call failed. A refusal of the other bridge stays what it
// is, except where its advice is for whoever holds the secrets: here that is
// the operator of this door and never the model.
func (d *Desk) verdict(op bridge.Operation, err error) *bridge.Error {
	var refused *client.Refusal
	switch {
	case errors.As(err, &refused):
		return d.refusal(op, refused)
	case errors.Is(err, context.Canceled):
		return bridge.Fault(bridge.CodeInvalidRequest, err, "The call was given up.")
	}
	return unanswered(op, err, "The remote bridge gave no usable answer")
}

// refusal sorts an error answer by who gave it: the token endpoint, the bridge,
// or something before it.
func (d *Desk) refusal(op bridge.Operation, refused *client.Refusal) *bridge.Error {
	if fault := tokenFault(refused); fault != nil {
		return fault
	}
	if refused.Problem.ErrorCode == "" {
		// The cause names the status only: the text is a proxy's, and may be a
		// page that repeats what it was sent.
		fault := unusable(op, fmt.Errorf("status %d without a problem of a bridge", refused.Status))
		fault.RetryAfter = refused.RetryAfter
		if refused.Status >= 300 && refused.Status < 400 {
			fault.Message = "The address of the remote bridge redirects; a signed request is not sent elsewhere."
			fault.Fix = "The operator of this door must set the address that the redirect leads to."
		}
		return fault
	}
	fault := bridge.FromProblem(refused.Problem, refused.RetryAfter)
	fault.Job = embeddedJob(fault.Job)
	if op.Write && refused.AfterLoss && beforeIdempotency(refused.Status) {
		fault.Message += " The same write was sent a moment before and not answered; whether it was accepted is not known."
		fault.Fix = repeat
		return fault
	}
	switch fault.Code {
	case bridge.CodeTimestampWindow:
		fault.Message = d.skew(refused.Header)
		fault.Fix = "The operator of this door must set this machine's clock by NTP; calling again before does not help."
	case bridge.CodeBadSignature:
		fault.Fix = "The operator of this door must check HMAC_SECRET_CURRENT against the remote bridge; calling again does not help."
	case bridge.CodeUnauthorized:
		fault.Message = "The remote bridge refuses this door's access token, also a fresh one."
		fault.Fix = "The operator of this door must ask whether the client was revoked; calling again does not help."
	}
	return fault
}

// beforeIdempotency reports whether a refusal comes before the request id is
// looked up, so that it says nothing about an earlier sending. Every other one
// is given only to what was never accepted.
func beforeIdempotency(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests || status >= 500
}

// skew tells how far the two clocks are apart, by the Date of the answer.
func (d *Desk) skew(header http.Header) string {
	const what = "The remote bridge refuses the time of the request: "
	theirs, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return what + "this machine's clock and the remote one's differ by more than 30 s."
	}
	apart, word := d.now().Sub(theirs).Round(time.Second), "ahead of"
	if apart < 0 {
		apart, word = -apart, "behind"
	}
	return fmt.Sprintf("%sthis machine's clock is about %s %s the remote one's.", what, apart, word)
}

// tokenFaults are the words of a token endpoint (RFC 6749 section 5.2, 8628
// section 3.5) in the program's own codes. Their descriptions are not shown.
var tokenFaults = map[string]struct {
	code         bridge.Code
	message, fix string
}{
	"invalid_client":          {bridge.CodeUnauthorized, "The remote bridge does not take this door's credentials.", "The operator of this door must check OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET; calling again does not help."},
	"invalid_scope":           {bridge.CodeInsufficientScope, "The client does not hold every scope this door asks for.", "The operator of this door must set OAUTH_CLIENT_SCOPES to the scopes its client holds at the remote bridge."},
	"access_denied":           {bridge.CodeSourceRefused, "The remote bridge takes no calls from this address.", "The operator of the remote bridge must allow this address."},
	"slow_down":               {bridge.CodeRateLimited, "Too many tokens were asked for.", "Wait for retry_after_seconds."},
	"temporarily_unavailable": {bridge.CodeBridgeUnavailable, "The remote bridge cannot issue tokens at this moment.", repeat},
	"invalid_request":         {bridge.CodeBridgeUnavailable, "The token endpoint does not understand this door.", "The operator of this door must check that its address is a bridge's."},
	"unsupported_grant_type":  {bridge.CodeBridgeUnavailable, "The token endpoint does not offer client credentials.", "The operator of this door must check that its address is a bridge's."},
	"invalid_target":          {bridge.CodeBridgeUnavailable, "The token endpoint has no such resource.", "The operator of this door must check that its address is a bridge's."},
}

// tokenFault is the verdict on a refused token; nil when it is no such refusal.
func tokenFault(refused *client.Refusal) *bridge.Error {
	row, known := tokenFaults[refused.Problem.ErrorCode]
	if !known || refused.Problem.Type != "" {
		return nil
	}
	fault := bridge.Fault(row.code, refused, "%s", row.message)
	fault.Fix, fault.RetryAfter = row.fix, refused.RetryAfter
	return fault
}
