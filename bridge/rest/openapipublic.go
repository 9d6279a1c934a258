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
// endpoint is left out on purpose: it exists because common clients want to
// see one, and does nothing but refuse (see documents.metadata).
func publicRoutes() []publicRoute {
	return []publicRoute{
		{http.MethodPost, "/oauth/token", tokenOperation()},
		{http.MethodGet, "/.well-known/jwks.json", publicGet("get_keys", tagAuthorization, "The public keys",
			"The keys that verify tokens, two during a rotation.", cached(apiResponse{
				Description: "The keys.", Content: map[string]apiMedia{"application/jwk-set+json": {Schema: refer(toSchema, "KeySet")}},
			}))},
		{http.MethodGet, "/.well-known/oauth-authorization-server", publicGet("get_server_metadata", tagAuthorization, "The authorization server",
			"Metadata by RFC 8414. The one grant is client_credentials; the authorization endpoint it names refuses every request.",
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
		Description: "Client credentials in the Authorization header (HTTP Basic) or in the form, never in both. " +
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
	for _, e := range tokenErrors {
		headers := append([]string{"X-Request-ID?", "Cache-Control", "Pragma"}, e.headers...)
		operation.Responses[strconv.Itoa(e.status)] = answered(e.description, schema{"allOf": []any{
			refer(toSchema, "OAuthError"), schema{"type": "object", "properties": schema{"error": schema{"type": "string", "enum": e.names}}},
		}}, headers...)
	}
	return operation
}

func grantSchema() schema {
	text := schema{"type": "string"}
	return schema{
		"type": "object", "required": []string{"grant_type"},
		"properties": schema{
			"grant_type":    schema{"type": "string", "const": "client_credentials"},
			"scope":         schema{"type": "string", "description": "Some of " + auth.ScopeRead + ", " + auth.ScopeWrite + ", " + auth.ScopePII + ", with spaces between; left out, all that the client holds."},
			"client_id":     text,
			"client_secret": text,
			"resource":      schema{"type": "array", "items": schema{"type": "string", "format": "uri"}, "description": "The token is to be good for these resources alone (RFC 8707): this server's URL, or its /mcp; left out, for all."},
		},
	}
}

// tokenErrors are the error answers of the token endpoint.
var tokenErrors = []struct {
	status      int
	names       []string
	description string
	headers     []string
}{
	{http.StatusBadRequest, []string{"invalid_request", "unsupported_grant_type", "invalid_scope", "invalid_target"}, "The request must be changed (RFC 6749 §5.2, RFC 8707 §2).", nil},
	{http.StatusUnauthorized, []string{"invalid_client"}, "The client is unknown or its secret is wrong.", []string{"WWW-Authenticate"}},
	{http.StatusForbidden, []string{"access_denied"}, "The client may not call from this address.", nil},
	{http.StatusTooManyRequests, []string{"slow_down"}, "Too many token requests; a token can be used until it expires.", []string{"Retry-After"}},
	{http.StatusServiceUnavailable, []string{"temporarily_unavailable"}, "Tokens cannot be issued at this moment.", []string{"Retry-After"}},
}
