package rest

import (
	"errors"
	"net/http"
	"strings"
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
	return &oauthError{Status: http.StatusBadRequest, Name: "unsupported_grant_type", Description: "Offered are " + strings.Join(grantTypeNames(), ", ") + ".", code: bridge.CodeInvalidRequest}
}

// unauthorizedClient is RFC 6749 §5.2 for a client of the other kind.
func unauthorizedClient() *oauthError {
	return &oauthError{
		Status: http.StatusBadRequest, Name: bridge.UnauthorizedClient, code: bridge.CodeInvalidRequest,
		Description: "Clients with redirect URIs use authorization_code and refresh_token, clients without use client_credentials.",
	}
}

// oauthFault puts an error of the hub into OAuth's words.
func oauthFault(err error) *oauthError {
	var refusal *bridge.Refusal
	if !errors.As(err, &refusal) {
		return unavailable(err)
	}
	switch refusal.Name {
	case bridge.InvalidClient:
		return invalidClient(refusal.Description)
	case bridge.TemporarilyUnavailable:
		return unavailable(err)
	case bridge.InvalidScope:
		return &oauthError{Status: http.StatusBadRequest, Name: refusal.Name, Description: refusal.Description, code: bridge.CodeInsufficientScope}
	}
	return &oauthError{Status: http.StatusBadRequest, Name: refusal.Name, Description: refusal.Description, code: bridge.CodeInvalidRequest}
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
