package tools

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// The paths of this door. The metadata stands at the place RFC 9728 section 3.1
// derives from /mcp, and at the root, where clients look next.
const (
	Path             = "/mcp"
	MetadataPath     = "/.well-known/oauth-protected-resource" + Path
	RootMetadataPath = "/.well-known/oauth-protected-resource"
)

// toolScopes are the scopes that open a tool each. bridge:pii only adds to
// what get_order shows and is granted by the operator, so nobody is told to
// ask for it.
var toolScopes = []string{auth.ScopeRead, auth.ScopeWrite}

// metadata serves the protected-resource metadata (RFC 9728 section 2) that
// tells a client without a token where to get one.
func (d *Door) metadata() http.Handler {
	document, err := json.Marshal(map[string]any{
		"resource":                 d.baseURL() + Path,
		"resource_name":            d.Name,
		"authorization_servers":    []string{d.baseURL()},
		"scopes_supported":         toolScopes,
		"bearer_methods_supported": []string{"header"},
	})
	if err != nil {
		panic("tools: a map of strings did not marshal: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			writeProblem(w, bridge.Fault(bridge.CodeMethodNotAllowed, nil, "The metadata can only be read."))
			return
		}
		w.Header().Set("Content-Type", jsonType)
		// Public, and browser clients fetch it before they have any token.
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(document) // the client may be gone
	})
}

// authenticate finds out who asks, by a token for this door and from a network
// of the client's. A token without any scope that opens a tool
// is refused here already.
func (d *Door) authenticate(r *http.Request) (bridge.Actor, error) {
	client, actor, err := d.Gate.For(d.baseURL()+Path).Bearer(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		return bridge.Actor{}, err
	}
	if err := client.AdmitFrom(d.Sources.Address(r)); err != nil {
		return bridge.Actor{}, err
	}
	for _, scope := range toolScopes {
		if actor.Holds(scope) {
			return actor, nil
		}
	}
	return bridge.Actor{}, bridge.Fault(bridge.CodeInsufficientScope, nil, "The token opens no tool: it has none of %s.", strings.Join(toolScopes, ", "))
}

// challenge is the WWW-Authenticate of a refusal (RFC 6750 section 3, RFC 9728
// section 5.1); "" for refusals that a better token would not cure. A request
// without credentials gets no error code.
func (d *Door) challenge(r *http.Request, code bridge.Code) string {
	parts := []string{fmt.Sprintf("resource_metadata=%q", d.baseURL()+MetadataPath), fmt.Sprintf("scope=%q", strings.Join(toolScopes, " "))}
	switch {
	case code == bridge.CodeInsufficientScope:
		parts = append(parts, `error="insufficient_scope"`)
	case code != bridge.CodeUnauthorized:
		return ""
	case r.Header.Get("Authorization") != "":
		parts = append(parts, `error="invalid_token"`)
	}
	return "Bearer " + strings.Join(parts, ", ")
}
