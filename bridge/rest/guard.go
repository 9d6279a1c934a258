package rest

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// guard asks the hub who calls, what they may do and how often.
type guard struct {
	gate     *bridge.Gate
	desk     *bridge.Desk
	resource string // this door, as the audience of a token
	origins  sources
}

// token authenticates the caller (RFC 6750 §2.1). A token that was asked for
// another resource alone is none here (RFC 8707 §2).
func (g guard) token(v *visit) error {
	authorization, fault := single(v.r.Header, "Authorization", bridge.CodeUnauthorized)
	if fault != nil {
		challenge(v.w.Header(), `error="invalid_request"`)
		return fault
	}
	client, actor, err := g.gate.For(g.resource).Bearer(v.r.Context(), authorization)
	if err != nil {
		if bridge.AsError(err).Code == bridge.CodeUnauthorized {
			challenge(v.w.Header(), tokenError(authorization))
		}
		return err
	}
	v.client, v.actor, v.call.client, v.call.shop = client, actor, actor.ClientID, actor.Shop
	return nil
}

// tokenError is the error attribute of the challenge. RFC 6750 §3.1: a request
// that brought no token is told nothing but the scheme.
func tokenError(authorization string) string {
	scheme, _, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return `error="invalid_token"`
}

func challenge(header http.Header, attribute string) {
	value := `Bearer realm="bridge"`
	if attribute != "" {
		value += ", " + attribute
	}
	header.Set("WWW-Authenticate", value)
}

// source refuses a client that calls from outside the networks registered for
// it. It stands behind the token because only the token tells who calls, and
// before everything else a stolen token could be tried on.
func (g guard) source(v *visit) error {
	return v.client.AdmitFrom(g.origins.Address(v.r))
}

// scope asks the hub whether the token reaches as far as the operation.
func (g guard) scope(v *visit) error {
	err := g.desk.Authorize(v.actor, v.op)
	if err != nil {
		challenge(v.w.Header(), `error="insufficient_scope", scope="`+v.op.Scope+`"`)
	}
	return err
}

// rate takes the request out of the client's window and shows what is left.
func (g guard) rate(v *visit) error {
	window, err := g.desk.Meter(v.r.Context(), v.actor, v.op)
	if window.Limit > 0 {
		header := v.w.Header()
		header.Set("RateLimit-Limit", strconv.Itoa(window.Limit))
		header.Set("RateLimit-Remaining", strconv.Itoa(max(window.Remaining, 0)))
		header.Set("RateLimit-Reset", wholeSeconds(window.Reset, 0))
	}
	return err
}

// wholeSeconds rounds up, so that a caller who waits that long is not early.
func wholeSeconds(d time.Duration, least int) string {
	return strconv.Itoa(max(int(math.Ceil(d.Seconds())), least))
}
