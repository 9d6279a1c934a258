package rest_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
)

// violation spoils a good write in one way. Two of the same part cannot stand
// in one request.
type violation struct {
	name   string
	what   string // as docs/rest.md says it
	part   string
	spoil  func(*rig, *shot)
	status int
	code   bridge.Code
	detail string // a word of the detail where the code alone is not enough
}

// violations are in the order in which the contract lets them be found.
var violations = []violation{
	{name: "size", what: "A body announced above the limit (of unknown length: as soon as it has been read that far)", spoil: func(_ *rig, s *shot) {
		after(s, func(r *http.Request) { r.ContentLength = 10<<20 + 1 })
	}, status: 413, code: bridge.CodePayloadTooLarge},
	{name: "source", what: "The source address is in none of `ALLOWED_SOURCE_IPS`", spoil: func(_ *rig, s *shot) {
		after(s, func(r *http.Request) { r.RemoteAddr = "198.51.100.9:1234" })
	}, status: 403, code: bridge.CodeSourceRefused},
	{name: "token", what: "No token, two, or one that is not valid here", part: "token", spoil: func(_ *rig, s *shot) {
		after(s, func(r *http.Request) { r.Header.Set("Authorization", "Bearer a.b.c") })
	}, status: 401, code: bridge.CodeUnauthorized},
	{name: "client source", what: "The source address is in none of the client's own networks", spoil: func(r *rig, _ *shot) {
		r.confine("10.0.0.0/8")
	}, status: 403, code: bridge.CodeSourceRefused, detail: "client"},
	{name: "scope", what: "The token lacks the scope", part: "token", spoil: func(r *rig, s *shot) {
		weak := r.token(auth.ScopeRead)
		after(s, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+weak) })
	}, status: 403, code: bridge.CodeInsufficientScope},
	{name: "timestamp", what: "`X-Timestamp` is missing, no plain number, or more than 30 s away", spoil: func(_ *rig, s *shot) { s.skew = -31e9 }, status: 403, code: bridge.CodeTimestampWindow},
	{name: "request id", what: "`X-Request-ID` is missing or no UUID v4", spoil: func(_ *rig, s *shot) { s.requestID = "not-a-uuid" }, status: 400, code: bridge.CodeInvalidRequest, detail: "X-Request-ID"},
	{name: "signature", what: "`X-Signature` is not that of the bytes as they arrived", spoil: func(_ *rig, s *shot) { s.secret = "someone else's" }, status: 403, code: bridge.CodeBadSignature},
	{name: "rate", what: "The client has no requests left in this minute", spoil: func(r *rig, _ *shot) { r.back.window.Allowed = false }, status: 429, code: bridge.CodeRateLimited},
	{name: "content type", what: "A write whose `Content-Type` is not `application/json`", spoil: func(_ *rig, s *shot) {
		after(s, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
	}, status: 415, code: bridge.CodeUnsupportedMediaType, detail: "Content-Type"},
	{name: "accept", what: "`Accept` is missing or does not include `application/json`", spoil: func(_ *rig, s *shot) {
		after(s, func(r *http.Request) { r.Header.Set("Accept", "text/html") })
	}, status: 406, code: bridge.CodeNotAcceptable},
	{name: "encoding", what: "A `Content-Encoding` other than gzip, or none above the limit", part: "encoding", spoil: func(_ *rig, s *shot) { s.encoding = "br" }, status: 415, code: bridge.CodeUnsupportedMediaType, detail: "gzip"},
	{name: "gzip", what: "The body is not one complete gzip member", part: "encoding", spoil: func(_ *rig, s *shot) { s.encoding = "gzip" }, status: 400, code: bridge.CodeInvalidRequest, detail: "gzip"},
	{name: "query", what: "Query parameters, or a body on a read", spoil: func(_ *rig, s *shot) { s.uri += "?notify=1" }, status: 400, code: bridge.CodeInvalidRequest, detail: "query"},
	{name: "json", what: "The body is not one clean JSON object", part: "json", spoil: func(_ *rig, s *shot) { s.payload = "{" + s.payload }, status: 400, code: bridge.CodeSchemaViolation},
	{name: "policy", what: "A rule refuses the payload", part: "json", spoil: func(_ *rig, s *shot) {
		s.payload = strings.Replace(s.payload, `{"product_id"`, `{"price_ttc":1,"product_id"`, 1)
	}, status: 422, code: bridge.CodePolicyRefused},
	{name: "schema", what: "The payload does not match its schema", part: "json", spoil: func(_ *rig, s *shot) {
		s.payload = strings.Replace(s.payload, `{"product_id"`, `{"colour":1,"product_id"`, 1)
	}, status: 400, code: bridge.CodeSchemaViolation},
	{name: "idempotency", what: "The request id stands for another intention (or, as `known_failed_replay`, its job ended without success)", part: "json", spoil: func(r *rig, s *shot) {
		first := write(`{"product_id":7,"updates":{"stock_delta":1}}`)
		r.send(first)
	}, status: 409, code: bridge.CodeIdempotencyConflict},
	{name: "transition", what: "A new intention that the shop can never carry out (also `unprocessable`; 404 where there is no such product or order)", spoil: func(r *rig, _ *shot) {
		r.back.shopErr = bridge.Fault(bridge.CodeImpossibleTransition, nil, "delivered orders stay delivered")
	}, status: 422, code: bridge.CodeImpossibleTransition},
}

func after(s *shot, change func(*http.Request)) {
	before := s.after
	s.after = func(r *http.Request) {
		if before != nil {
			before(r)
		}
		change(r)
	}
}

// Every pair of violations in one request: the one the contract names first is
// the one that is answered.
func TestOrderOfChecks(t *testing.T) {
	inside := func(d *rest.Door) { d.AllowedSources = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }
	for i, first := range violations {
		for _, second := range violations[i:] {
			if first.part != "" && first.part == second.part && first.name != second.name {
				continue
			}
			t.Run(first.name+" before "+second.name, func(t *testing.T) {
				r, s := newRig(t, inside), write(updateBody)
				if second.name == "idempotency" || first.name == "idempotency" {
					s.requestID = requestID
				}
				// The idempotency violation sends a good request first, so it
				// goes before the others spoil the rig.
				for _, v := range []violation{first, second} {
					if v.name == "idempotency" {
						v.spoil(r, &s)
					}
				}
				for _, v := range []violation{second, first} {
					if v.name != "idempotency" {
						v.spoil(r, &s)
					}
				}
				p := r.refused(s, first.status, first.code)
				if !strings.Contains(p.Detail, first.detail) {
					t.Errorf("detail %q does not name %q", p.Detail, first.detail)
				}
			})
		}
	}
}
