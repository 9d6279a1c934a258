package rest

import (
	"net/http"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
)

const authorizePath = "/oauth/authorize"

// documentAge is how long the public documents may be kept: short beside a
// token's life, so that a new key is known before the old one goes.
const documentAge = "public, max-age=300"

// documents are what clients read about the token endpoint.
type documents struct {
	baseURL string
	tokens  *auth.Issuer
}

// keys is the JWK Set (RFC 7517 §5).
func (d documents) keys(c *call) error {
	c.w.Header().Set("Cache-Control", documentAge)
	c.write(http.StatusOK, "application/jwk-set+json", d.tokens.Keys.Current().JWKS())
	return nil
}

// serverMetadata is RFC 8414 §2.
type serverMetadata struct {
	Issuer                 string   `json:"issuer"`
	AuthorizationEndpoint  string   `json:"authorization_endpoint"`
	TokenEndpoint          string   `json:"token_endpoint"`
	JWKSURI                string   `json:"jwks_uri"`
	ScopesSupported        []string `json:"scopes_supported"`
	ResponseTypesSupported []string `json:"response_types_supported"`
	GrantTypesSupported    []string `json:"grant_types_supported"`
	TokenAuthMethods       []string `json:"token_endpoint_auth_methods_supported"`
	CodeChallengeMethods   []string `json:"code_challenge_methods_supported"`
}

// metadata describes the authorization server. grant_types_supported is the
// whole truth: client credentials only. The authorization endpoint, its
// response type and its challenge method stand there because the common MCP
// clients stop at metadata without them, also when they only want client
// credentials; the endpoint itself refuses every request.
func (d documents) metadata(c *call) error {
	base := strings.TrimRight(d.baseURL, "/")
	c.w.Header().Set("Cache-Control", documentAge)
	return c.writeJSON(http.StatusOK, serverMetadata{
		Issuer:                 d.tokens.URL,
		AuthorizationEndpoint:  base + authorizePath,
		TokenEndpoint:          base + "/oauth/token",
		JWKSURI:                base + "/.well-known/jwks.json",
		ScopesSupported:        []string{auth.ScopeRead, auth.ScopeWrite, auth.ScopePII},
		ResponseTypesSupported: []string{"code"},
		GrantTypesSupported:    []string{"client_credentials"},
		TokenAuthMethods:       []string{"client_secret_basic", "client_secret_post"},
		CodeChallengeMethods:   []string{"S256"},
	})
}

// refuseAuthorization answers the authorization endpoint. It never redirects:
// no redirect URI is registered, so there is none that could be trusted.
func refuseAuthorization(c *call) error {
	return writeOAuthError(c, &oauthError{
		Status: http.StatusBadRequest, Name: "unsupported_response_type",
		Description: "Only the client_credentials grant is offered; ask POST /oauth/token.",
	})
}
