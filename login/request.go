package login

import (
	"net/url"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

const maxState = 2048 // bytes, beyond what any client sends

// request is an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC
// 8707 §2.1).
type request struct {
	parameters  url.Values
	client      bridge.Client
	redirectURI string
	state       string
	scopes      []string
	resources   []string
	challenge   string
	// trusted: the redirect URI is the client's, so the browser may be sent
	// there, with errors too (RFC 6749 §4.1.2.1).
	trusted bool
}

// readRequest reads the query. Whatever is wrong here is told to the person,
// as there is nobody yet to whom the browser could be sent.
func readRequest(query string) (request, error) {
	wrong := func(what string) error {
		return bridge.Fault(bridge.CodeInvalidRequest, nil, "The app's request cannot be used: %s.", what)
	}
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return request{}, wrong("it is not form-urlencoded")
	}
	asked := request{parameters: parameters, redirectURI: parameters.Get("redirect_uri"), state: parameters.Get("state"), resources: parameters["resource"], challenge: parameters.Get("code_challenge")}
	for _, name := range []string{"client_id", "redirect_uri"} {
		if len(parameters[name]) != 1 || parameters.Get(name) == "" {
			return request{}, wrong("it needs one " + name)
		}
	}
	if err := bridge.CheckRedirectURI(asked.redirectURI); err != nil {
		return request{}, err
	}
	asked.scopes = auth.ParseScopes(parameters.Get("scope"))
	return asked, nil
}

// identify finds the client and makes sure that the redirect URI is its own. A
// client with a document is only looked up with mayFetch; until then nothing
// of it is trusted.
func (v *visit) identify(asked *request, mayFetch bool) error {
	id := asked.parameters.Get("client_id")
	find := v.Grantor.Client
	if !mayFetch {
		find = v.Grantor.Clients.Client
	}
	client, err := find(v.r.Context(), id)
	if err != nil {
		return err
	}
	asked.client = client
	if bridge.IsDocumentURL(client.ID) && !mayFetch {
		return nil
	}
	if !slices.ContainsFunc(client.Metadata.RedirectURIs, func(registered string) bool { return bridge.RedirectMatches(registered, asked.redirectURI) }) {
		return bridge.Fault(bridge.CodeInvalidRequest, nil, "The app asks to be answered at an address that is not registered for it.")
	}
	// What a document's client gets wrong is told on a page: after a login,
	// a browser follows no redirect that the form's policy does not name.
	asked.trusted = !bridge.IsDocumentURL(client.ID)
	return nil
}

// check looks at the rest of the request; a *bridge.Refusal.
func (r request) check(g *bridge.Grantor) error {
	refused := func(name, description string) error {
		return &bridge.Refusal{Name: name, Description: description}
	}
	for name, values := range r.parameters {
		// RFC 8707 §2 lets resource repeat.
		if len(values) > 1 && name != "resource" {
			return refused(bridge.InvalidRequest, "A parameter was sent more than once.")
		}
	}
	switch {
	case len(r.state) > maxState:
		return refused(bridge.InvalidRequest, "state is longer than 2048 bytes.")
	case r.parameters.Has("request"):
		return refused("request_not_supported", "Request objects are not supported.")
	case r.parameters.Has("request_uri"):
		return refused("request_uri_not_supported", "Request objects are not supported.")
	case r.parameters.Get("response_type") == "":
		return refused(bridge.InvalidRequest, "response_type is required.")
	case r.parameters.Get("response_type") != "code":
		return refused("unsupported_response_type", "Only response_type=code is offered.")
	case r.parameters.Has("response_mode") && r.parameters.Get("response_mode") != "query":
		return refused(bridge.InvalidRequest, "Only response_mode=query is offered.")
	case r.challenge == "":
		return refused(bridge.InvalidRequest, "code_challenge is required (PKCE, RFC 7636).")
	case r.parameters.Get("code_challenge_method") != "S256":
		return refused(bridge.InvalidRequest, "code_challenge_method must be S256.")
	case !auth.ValidChallenge(r.challenge):
		return refused(bridge.InvalidRequest, "code_challenge is no S256 challenge.")
	case !auth.Subset(r.scopes, []string{auth.ScopeRead, auth.ScopeWrite, auth.ScopePII}), !auth.Subset(r.scopes, r.client.Scopes):
		return refused(bridge.InvalidScope, "The client does not hold every scope it asked for.")
	case !g.Offers(r.resources):
		return refused(bridge.InvalidTarget, "There is no such resource here.")
	case strings.ContainsFunc(r.state, func(c rune) bool { return c < ' ' || c > '~' }):
		return refused(bridge.InvalidRequest, "state has characters beyond printable ASCII.")
	}
	return nil
}
