package rest

import (
	"strings"

	invopop "github.com/invopop/jsonschema"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

const (
	// optional ends the name of a header component that may be absent.
	optional = "-Maybe"
	// headersTooLarge is net/http's own answer, before any route.
	headersTooLarge = "HeadersTooLarge"
)

// apiSchemas are the bodies: what the writes take, what is answered, and the
// error body, each generated from its struct.
func apiSchemas() map[string]any {
	all := map[string]any{
		"Problem":        problemSchema(),
		"Token":          reflected(tokenAnswer{}),
		"OAuthError":     reflected(oauthError{}),
		"Readiness":      reflected(readiness{}),
		"ServerMetadata": reflected(serverMetadata{}),
		"KeySet": schema{
			"type": "object", "description": "A JWK Set (RFC 7517 §5), the signing key first.", "required": []string{"keys"},
			"properties": schema{"keys": schema{"type": "array", "items": schema{
				"type": "object", "required": []string{"kty", "use", "alg", "kid", "n", "e"},
				"properties": schema{
					"kty": schema{"const": "RSA"}, "use": schema{"const": "sig"}, "alg": schema{"const": "RS256"},
					"kid": schema{"type": "string"}, "n": schema{"type": "string"}, "e": schema{"type": "string"},
				},
			}}},
		},
		"Health": schema{
			"type": "object", "required": []string{"status"}, "additionalProperties": false,
			"properties": schema{"status": schema{"const": "ok"}},
		},
	}
	addResourceSchemas(all)
	for _, op := range bridge.Operations {
		if op.Write {
			all[componentName(op.Name)] = schemas.Input(op.Name).JSON()
		}
	}
	for _, name := range schemas.OutputNames() {
		all[componentName(name)] = schemas.Output(name).JSON()
	}
	return all
}

// reflected is the closed schema of a struct, in one piece.
func reflected(of any) *invopop.Schema {
	reflector := invopop.Reflector{Anonymous: true, DoNotReference: true, ExpandedStruct: true}
	tree := reflector.Reflect(of)
	tree.Version = "" // 2020-12 is what OpenAPI 3.1 means anyway
	return tree
}

// problemSchema is the error body with its one raw member told: a failed
// replay brings the job.
func problemSchema() *invopop.Schema {
	tree := reflected(schemas.Problem{})
	tree.Description = "The one error body (RFC 9457 members). Read error_code to decide, fix to know what to do next; errors is keyed by field name or JSON pointer."
	tree.Properties.Set("job", &invopop.Schema{Ref: "#/components/schemas/Job"})
	return tree
}

// apiResponses are the refusals, as components that all operations share.
func apiResponses() map[string]apiResponse {
	all := map[string]apiResponse{
		headersTooLarge: {
			Description: "The headers are larger than the server reads. Answered by the HTTP server before any route, in plain text.",
			Content:     map[string]apiMedia{"text/plain": {Schema: schema{"type": "string"}}},
		},
		"PublicError": {
			Description: "Something went wrong inside the bridge.",
			Headers:     headersOf("X-Request-ID?", "Cache-Control?"),
			Content:     problemContent(500, []bridge.Code{bridge.CodeInternal}),
		},
	}
	for _, r := range refusals {
		all[r.name] = apiResponse{
			Description: titles(r.codes), Content: problemContent(r.status, r.codes),
			Headers: headersOf(append([]string{"X-Request-ID?", "Cache-Control"}, r.headers...)...),
		}
		if r.where&onVendor != 0 {
			all[vendorRefusal(r)] = apiResponse{Description: titles(r.codes), Content: problemContent(r.status, r.codes), Headers: headersOf(r.atVendor()...)}
		}
	}
	return all
}

func titles(codes []bridge.Code) string {
	var all []string
	for _, code := range codes {
		all = append(all, "`"+string(code)+"`: "+code.Row().Title+".")
	}
	return strings.Join(all, " ")
}

// problemContent is the error body with what this status can say, under both
// of its media types (problemMedia picks one by Accept).
func problemContent(status int, codes []bridge.Code) map[string]apiMedia {
	media := apiMedia{
		Schema: schema{"allOf": []any{refer(toSchema, "Problem"), schema{
			"type": "object",
			"properties": schema{
				"status": schema{"const": status}, "code": schema{"const": status}, "error_code": schema{"type": "string", "enum": codes},
			},
		}}},
		Examples: map[string]apiExample{},
	}
	for _, code := range codes {
		row := code.Row()
		media.Examples[string(code)] = apiExample{Summary: row.Title, Value: bridge.Fault(code, nil, "%s.", row.Title).Problem("", auth.Published().Examples[0].RequestID)}
	}
	return map[string]apiMedia{jsonType: media, problemType: {Schema: media.Schema}}
}

// securitySchemes describe the three proofs. The signature is a scheme, so
// that tools see it is demanded, and a parameter, because its value is another
// one in each request.
func securitySchemes(d *Door) map[string]any {
	scopes := map[string]string{
		auth.ScopeRead:  "Read products, orders and jobs.",
		auth.ScopeWrite: "Ask for changes.",
		auth.ScopePII:   "See the customer's name and e-mail address in an order.",
	}
	return map[string]any{
		schemeToken: schema{
			"type": "oauth2", "description": "A bearer token (RS256 JWT) by client credentials, good for an hour as a rule.",
			"flows": schema{"clientCredentials": schema{"tokenUrl": strings.TrimRight(d.BaseURL, "/") + "/oauth/token", "scopes": scopes}},
		},
		schemeSignature: schema{
			"type": "apiKey", "in": "header", "name": "X-Signature",
			"description": "Not a fixed key: the HMAC-SHA256 of this very request, computed anew for each (see the introduction).",
		},
		schemeAccessToken: schema{
			"type": "apiKey", "in": "header", "name": accessTokenHeader,
			"description": "For clients of Youhaosuda's open API: a token that the operator issued (bridge clients token). It never expires; issuing another ends it.",
		},
		schemeClient: schema{"type": "http", "scheme": "basic", "description": "Client id and secret, each form-urlencoded first (RFC 6749 §2.3.1)."},
	}
}
