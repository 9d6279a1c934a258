package rest

import (
	"net/http"
	"strconv"

	"github.com/prestashop-bridge/bridge/auth"
)

// publicRoute is a route that takes no token.
type publicRoute struct {
	method, path string
	operation    apiOperation
}

// publicRoutes describe everything beside the operations. The authorization
// endpoint is no part of this API: it is a page for people.
func publicRoutes() []publicRoute {
	return []publicRoute{
		{http.MethodPost, tokenPath, tokenOperation()},
		{http.MethodPost, revokePath, revokeOperation()},
		{http.MethodGet, "/.well-known/jwks.json", publicGet("get_keys", tagAuthorization, "The public keys",
			"The keys that verify tokens, two during a rotation.", cached(apiResponse{
				Description: "The keys.", Content: map[string]apiMedia{"application/jwk-set+json": {Schema: refer(toSchema, "KeySet")}},
			}))},
		{http.MethodGet, "/.well-known/oauth-authorization-server", publicGet("get_server_metadata", tagAuthorization, "The authorization server",
			"Metadata by RFC 8414. Clients without redirect URIs use client_credentials; the others send people to the authorization endpoint.",
			cached(answered("The metadata.", refer(toSchema, "ServerMetadata"))))},
		{http.MethodGet, "/healthz", publicGet("get_health", tagService, "Is the process alive?",
			"Asks nothing behind the door.", answered("It is.", refer(toSchema, "Health"), "X-Request-ID?", "Cache-Control"))},
		{http.MethodGet, "/readyz", readinessOperation()},
		{http.MethodGet, openAPIPath, ownOperation()},
	}
}

// publicGet is a GET route that can only fail by our own fault.
func publicGet(id, tag, summary, description string, success apiResponse) apiOperation {
	return apiOperation{
		OperationID: id, Tags: []string{tag}, Summary: summary, Description: description, Security: []map[string][]string{},
		Responses: map[string]any{
			"200": success, "431": refer(toResponse, headersTooLarge), "500": refer(toResponse, "PublicError"),
		},
	}
}

func cached(response apiResponse) apiResponse {
	response.Headers = headersOf("X-Request-ID?", "Cache-Control")
	return response
}

// readinessOperation answers the same body whether requests may come or not.
func readinessOperation() apiOperation {
	operation := publicGet("get_readiness", tagService, "May requests be sent here?",
		"Asks the parts behind the door, each of which is ok or away.",
		answered("They may; degraded when a part is away that can be done without.", refer(toSchema, "Readiness"), "X-Request-ID?", "Cache-Control"))
	operation.Responses["503"] = answered("Not now.", refer(toSchema, "Readiness"), "X-Request-ID?", "Cache-Control", "Retry-After")
	return operation
}

func ownOperation() apiOperation {
	success := cached(answered("This document.", schema{"type": "object"}))
	success.Headers["ETag"] = refer(toHeader, "ETag")
	operation := publicGet("get_openapi", tagService, "This document", "Made by the running program from its own tables and structs.", success)
	operation.Parameters = []any{apiParameter{
		Name: "If-None-Match", In: "header", Schema: schema{"type": "string"}, Description: "The ETag of the document you have.", Example: `"0123456789abcdef0123456789abcdef"`,
	}}
	unchanged := cached(apiResponse{Description: "You have it."})
	unchanged.Headers["ETag"] = refer(toHeader, "ETag")
	operation.Responses["304"] = unchanged
	return operation
}

// tokenOperation is the token endpoint, whose errors are RFC 6749's own.
func tokenOperation() apiOperation {
	operation := apiOperation{
		OperationID: "create_token", Tags: []string{tagAuthorization}, Summary: "Get an access token",
		Description: "Client credentials in the Authorization header (HTTP Basic) or in the form, or a client assertion (RFC 7523), never two of them; public clients send client_id alone. " +
			"A token serves any number of requests until it expires; asking for one each time ends in a 429.",
		Security: []map[string][]string{{schemeClient: {}}, {}},
		RequestBody: &apiBody{
			Required: true, Description: "At most 8192 bytes; each parameter once, resource as often as needed.",
			Content: map[string]apiMedia{"application/x-www-form-urlencoded": {
				Schema: grantSchema(),
				Examples: map[string]apiExample{"all": {
					Summary: "All scopes the client holds", Description: "With HTTP Basic; in the form, client_id and client_secret stand beside it.",
					Value: schema{"grant_type": "client_credentials"},
				}},
			}},
		},
		Responses: map[string]any{
			"200": answered("A bearer token.", refer(toSchema, "Token"), "X-Request-ID?", "Cache-Control", "Pragma"),
			"431": refer(toResponse, headersTooLarge), "500": refer(toResponse, "PublicError"),
		},
	}
	addTokenErrors(&operation, tokenErrors)
	return operation
}

// revokeOperation is the revocation endpoint (RFC 7009).
func revokeOperation() apiOperation {
	text := schema{"type": "string"}
	operation := apiOperation{
		OperationID: "revoke_token", Tags: []string{tagAuthorization}, Summary: "End what an operator granted",
		Description: "Takes a refresh token or an access token that came with one, and ends the grant behind it; both stop working with the next request. " +
			"The answer is the same for tokens that are not known. Credentials as at the token endpoint.",
		Security: []map[string][]string{{schemeClient: {}}, {}},
		RequestBody: &apiBody{Required: true, Description: "At most 8192 bytes.", Content: map[string]apiMedia{"application/x-www-form-urlencoded": {
			Schema: schema{
				"type": "object", "required": []string{"token"},
				"properties": schema{
					"token": text, "token_type_hint": text, "client_id": text, "client_secret": text,
					"client_assertion_type": schema{"type": "string", "const": assertionType}, "client_assertion": text,
				},
			},
			Examples: map[string]apiExample{"refresh": {Summary: "A refresh token", Description: "With HTTP Basic.", Value: schema{"token": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}},
		}}},
		Responses: map[string]any{
			"200": apiResponse{Description: "The token does not work any more.", Headers: headersOf("X-Request-ID?", "Cache-Control", "Pragma")},
			"431": refer(toResponse, headersTooLarge), "500": refer(toResponse, "PublicError"),
		},
	}
	addTokenErrors(&operation, revokeErrors)
	return operation
}

func addTokenErrors(operation *apiOperation, errors []refusedGrant) {
	for _, e := range errors {
		headers := append([]string{"X-Request-ID?", "Cache-Control", "Pragma"}, e.headers...)
		operation.Responses[strconv.Itoa(e.status)] = answered(e.description, schema{"allOf": []any{
			refer(toSchema, "OAuthError"), schema{"type": "object", "properties": schema{"error": schema{"type": "string", "enum": e.names}}},
		}}, headers...)
	}
}

func grantSchema() schema {
	text := schema{"type": "string"}
	return schema{
		"type": "object", "required": []string{"grant_type"},
		"properties": schema{
			"grant_type":            schema{"type": "string", "enum": grantTypeNames()},
			"scope":                 schema{"type": "string", "description": "Some of " + auth.ScopeRead + ", " + auth.ScopeWrite + ", " + auth.ScopePII + ", with spaces between; left out, all that the client holds."},
			"client_id":             text,
			"client_secret":         text,
			"client_assertion_type": schema{"type": "string", "const": assertionType},
			"client_assertion":      schema{"type": "string", "description": "A JWT by RFC 7523: iss and sub the client, aud the issuer or this endpoint, exp at most five minutes away, a new jti each time; signed by RS256, PS256 or ES256."},
			"code":                  text,
			"redirect_uri":          schema{"type": "string", "format": "uri", "description": "authorization_code: the one the code was sent to."},
			"code_verifier":         schema{"type": "string", "minLength": 43, "maxLength": 128, "description": "authorization_code: PKCE (RFC 7636)."},
			"refresh_token":         schema{"type": "string", "description": "refresh_token: it works once; the answer brings the next."},
			"resource":              schema{"type": "array", "items": schema{"type": "string", "format": "uri"}, "description": "The token is to be good for these resources alone (RFC 8707): this server's URL, or its /mcp; left out, for all."},
		},
	}
}

// refusedGrant is one error answer of the token or revocation endpoint.
type refusedGrant struct {
	status      int
	names       []string
	description string
	headers     []string
}

var tokenErrors = append([]refusedGrant{
	{http.StatusBadRequest, []string{"invalid_request", "unsupported_grant_type", "unauthorized_client", "invalid_grant", "invalid_scope", "invalid_target"}, "The request must be changed (RFC 6749 §5.2, RFC 8707 §2).", nil},
}, credentialErrors...)

var revokeErrors = append([]refusedGrant{
	{http.StatusBadRequest, []string{"invalid_request", "unsupported_token_type"}, "The request must be changed (RFC 7009 §2.2.1).", nil},
}, credentialErrors...)

// credentialErrors are those of both.
var credentialErrors = []refusedGrant{
	{http.StatusUnauthorized, []string{"invalid_client"}, "The client is unknown or its secret is wrong.", []string{"WWW-Authenticate"}},
	{http.StatusForbidden, []string{"access_denied"}, "The client may not call from this address.", nil},
	{http.StatusTooManyRequests, []string{"slow_down"}, "Too many token requests; a token can be used until it expires.", []string{"Retry-After"}},
	{http.StatusServiceUnavailable, []string{"temporarily_unavailable"}, "Tokens cannot be issued at this moment.", []string{"Retry-After"}},
}
