package rest

import (
	"net/http"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// The endpoints of the authorization server. The authorization endpoint has
// pages and is a door of its own; here it is only named.
const (
	authorizePath = "/oauth/authorize"
	tokenPath     = "/oauth/token"
	revokePath    = "/oauth/revoke"
)

// documentAge is how long the public documents may be kept: short beside a
// token's life, so that a new key is known before the old one goes.
const documentAge = "public, max-age=300"

// documents are what clients read about the token endpoint.
type documents struct {
	baseURL         string
	tokens          *auth.Issuer
	clientDocuments bool
}

// keys is the JWK Set (RFC 7517 §5).
func (d documents) keys(c *call) error {
	c.w.Header().Set("Cache-Control", documentAge)
	c.write(http.StatusOK, "application/jwk-set+json", d.tokens.Keys.Current().JWKS())
	return nil
}

// serverMetadata is RFC 8414 §2, with the members of RFC 9207 §3 and of
// draft-ietf-oauth-client-id-metadata-document §5.
type serverMetadata struct {
	Issuer                   string   `json:"issuer"`
	AuthorizationEndpoint    string   `json:"authorization_endpoint"`
	TokenEndpoint            string   `json:"token_endpoint"`
	RevocationEndpoint       string   `json:"revocation_endpoint"`
	JWKSURI                  string   `json:"jwks_uri"`
	ScopesSupported          []string `json:"scopes_supported"`
	ResponseTypesSupported   []string `json:"response_types_supported"`
	ResponseModesSupported   []string `json:"response_modes_supported"`
	GrantTypesSupported      []string `json:"grant_types_supported"`
	TokenAuthMethods         []string `json:"token_endpoint_auth_methods_supported"`
	TokenSigningAlgorithms   []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevocationAuthMethods    []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationSigningAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	CodeChallengeMethods     []string `json:"code_challenge_methods_supported"`
	IssParameterSupported    bool     `json:"authorization_response_iss_parameter_supported"`
	ClientDocumentsSupported bool     `json:"client_id_metadata_document_supported"`
}

// metadata describes the authorization server.
func (d documents) metadata(c *call) error {
	base := strings.TrimRight(d.baseURL, "/")
	methods := []string{bridge.AuthSecret, "client_secret_post", bridge.AuthKey, bridge.AuthNothing}
	c.w.Header().Set("Cache-Control", documentAge)
	return c.writeJSON(http.StatusOK, serverMetadata{
		Issuer:                   d.tokens.URL,
		AuthorizationEndpoint:    base + authorizePath,
		TokenEndpoint:            base + tokenPath,
		RevocationEndpoint:       base + revokePath,
		JWKSURI:                  base + "/.well-known/jwks.json",
		ScopesSupported:          []string{auth.ScopeRead, auth.ScopeWrite, auth.ScopePII},
		ResponseTypesSupported:   []string{"code"},
		ResponseModesSupported:   []string{"query"},
		GrantTypesSupported:      grantTypeNames(),
		TokenAuthMethods:         methods,
		TokenSigningAlgorithms:   auth.AssertionAlgorithms,
		RevocationAuthMethods:    methods,
		RevocationSigningAlgs:    auth.AssertionAlgorithms,
		CodeChallengeMethods:     []string{"S256"},
		IssParameterSupported:    true,
		ClientDocumentsSupported: d.clientDocuments,
	})
}
