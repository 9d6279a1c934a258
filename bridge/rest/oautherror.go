package rest

import (
	"net/http"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// oauthError is the error body of the OAuth endpoints (RFC 6749 §5.2), the one
// body besides schemas.Problem: clients of a token endpoint read nothing else.
type oauthError struct {
	Status      int    `json:"-"`
	Name        string `json:"error"`
	Description string `json:"error_description"`

	code  bridge.Code   // for the audit line
	wait  time.Duration // for Retry-After
	cause error         // for the log; nil unless it is our fault
}

func invalidRequest(description string) *oauthError {
	return &oauthError{Status: http.StatusBadRequest, Name: "invalid_request", Description: description, code: bridge.CodeInvalidRequest}
}

func invalidClient(description string) *oauthError {
	return &oauthError{Status: http.StatusUnauthorized, Name: "invalid_client", Description: description, code: bridge.CodeUnauthorized}
}

func unsupportedGrant() *oauthError {
	return &oauthError{Status: http.StatusBadRequest, Name: "unsupported_grant_type", Description: "Only client_credentials is offered.", code: bridge.CodeInvalidRequest}
}

func invalidScope() *oauthError {
	return &oauthError{Status: http.StatusBadRequest, Name: "invalid_scope", Description: "The client does not hold every scope it asked for.", code: bridge.CodeInsufficientScope}
}

// invalidTarget is RFC 8707 §2.
func invalidTarget() *oauthError {
	return &oauthError{Status: http.StatusBadRequest, Name: "invalid_target", Description: "There is no such resource here.", code: bridge.CodeInvalidRequest}
}

// sourceRefused has no name of its own at a token endpoint; access_denied is
// the registered word for a refusal that no other credentials would change.
func sourceRefused() *oauthError {
	return &oauthError{Status: http.StatusForbidden, Name: "access_denied", Description: "Requests from this address are not allowed.", code: bridge.CodeSourceRefused}
}

// tooManyAttempts uses the registered word for "the same, but later" (RFC 8628
// §3.5).
func tooManyAttempts(wait time.Duration) *oauthError {
	return &oauthError{Status: http.StatusTooManyRequests, Name: "slow_down", Description: "Too many token requests; a token can be used until it expires.", code: bridge.CodeRateLimited, wait: max(wait, bridge.CodeRateLimited.RetryAdvice())}
}

// unavailable is a directory of clients or a key that does not answer.
func unavailable(cause error) *oauthError {
	return &oauthError{Status: http.StatusServiceUnavailable, Name: "temporarily_unavailable", Description: "Tokens cannot be issued at this moment.", code: bridge.CodeStoreUnavailable, wait: bridge.CodeStoreUnavailable.RetryAdvice(), cause: cause}
}

// writeOAuthError sends the error. RFC 6749 §5.2 wants the Basic challenge with
// a 401, and no cache may keep any of it.
func writeOAuthError(c *call, fault *oauthError) error {
	c.refusal = bridge.Fault(fault.code, fault.cause, "%s", fault.Description)
	noStore(c.w.Header())
	if fault.Status == http.StatusUnauthorized {
		c.w.Header().Set("WWW-Authenticate", `Basic realm="bridge", charset="UTF-8"`)
	}
	if fault.wait > 0 {
		c.w.Header().Set("Retry-After", wholeSeconds(fault.wait, 1))
	}
	return c.writeJSON(fault.Status, fault)
}
