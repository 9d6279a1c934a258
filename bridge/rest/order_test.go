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
	part   string
	spoil  func(*rig, *shot)
	status int
	code   bridge.Code
	detail string // a word of the detail where the code alone is not enough
}

// violations are in the order in which the contract lets them be found.
var violations = []violation{
	{name: "size", spoil: func(_ *rig, s *shot) {
		after(s, func(r *http.Request) { r.ContentLength = 10<<20 + 1 })
	}, status: 413, code: bridge.CodePayloadTooLarge},
	{name: "source", spoil: func(_ *rig, s *shot) {
		after(s, func(r *http.Request) { r.RemoteAddr = "198.51.100.9:1234" })
	}, status: 403, code: bridge.CodeSourceRefused},
	{name: "token", part: "token", spoil: func(_ *rig, s *shot) {
		after(s, func(r *http.Request) { r.Header.Set("Authorization", "Bearer a.b.c") })
	}, status: 401, code: bridge.CodeUnauthorized},
	{name: "scope", part: "token", spoil: func(r *rig, s *shot) {
		weak := r.token(auth.ScopeRead)
		after(s, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+weak) })
	}, status: 403, code: bridge.CodeInsufficientScope},
	{name: "timestamp", spoil: func(_ *rig, s *shot) { s.skew = -31e9 }, status: 403, code: bridge.CodeTimestampWindow},
	{name: "request id", spoil: func(_ *rig, s *shot) { s.requestID = "not-a-uuid" }, status: 400, code: bridge.CodeInvalidRequest, detail: "X-Request-ID"},
	{name: "signature", spoil: func(_ *rig, s *shot) { s.secret = "someone else's" }, status: 403, code: bridge.CodeBadSignature},
	{name: "rate", spoil: func(r *rig, _ *shot) { r.back.window.Allowed = false }, status: 429, code: bridge.CodeRateLimited},
	{name: "content type", spoil: func(_ *rig, s *shot) {
		after(s, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
	}, status: 415, code: bridge.CodeUnsupportedMediaType, detail: "Content-Type"},
	{name: "accept", spoil: func(_ *rig, s *shot) {
		after(s, func(r *http.Request) { r.Header.Set("Accept", "text/html") })
	}, status: 406, code: bridge.CodeNotAcceptable},
	{name: "encoding", part: "encoding", spoil: func(_ *rig, s *shot) { s.encoding = "br" }, status: 415, code: bridge.CodeUnsupportedMediaType, detail: "gzip"},
	{name: "gzip", part: "encoding", spoil: func(_ *rig, s *shot) { s.encoding = "gzip" }, status: 400, code: bridge.CodeInvalidRequest, detail: "gzip"},
	{name: "query", spoil: func(_ *rig, s *shot) { s.uri += "?notify=1" }, status: 400, code: bridge.CodeInvalidRequest, detail: "query"},
	{name: "json", part: "json", spoil: func(_ *rig, s *shot) { s.payload = "{" + s.payload }, status: 400, code: bridge.CodeSchemaViolation},
	{name: "policy", part: "json", spoil: func(_ *rig, s *shot) {
		s.payload = strings.Replace(s.payload, `{"product_id"`, `{"price_ttc":1,"product_id"`, 1)
	}, status: 422, code: bridge.CodePolicyRefused},
	{name: "schema", part: "json", spoil: func(_ *rig, s *shot) {
		s.payload = strings.Replace(s.payload, `{"product_id"`, `{"colour":1,"product_id"`, 1)
	}, status: 400, code: bridge.CodeSchemaViolation},
	{name: "idempotency", part: "json", spoil: func(r *rig, s *shot) {
		first := write(`{"product_id":7,"updates":{"stock_delta":1}}`)
		r.send(first)
	}, status: 409, code: bridge.CodeIdempotencyConflict},
	{name: "transition", spoil: func(r *rig, _ *shot) {
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
