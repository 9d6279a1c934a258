package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The names of the security schemes.
const (
	schemeToken     = "token"
	schemeSignature = "signature"
	schemeClient    = "client"
)

// operationOf describes one of the hub's operations.
func operationOf(d *Door, op bridge.Operation) apiOperation {
	operation := apiOperation{
		OperationID: op.Name, Tags: []string{tagRead}, Summary: op.Title, Description: op.Summary,
		Security: []map[string][]string{{schemeToken: {op.Scope}, schemeSignature: {}}},
		Responses: map[string]any{
			"200": answered("What was asked for.", refer(toSchema, componentName(op.Output)), "X-Request-ID", "Cache-Control", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
		},
	}
	if !op.Write {
		operation.Parameters = append(operation.Parameters, pathParameter(op))
	}
	for _, name := range []string{"X-Request-ID", "X-Timestamp", "X-Signature", "Accept-Language"} {
		operation.Parameters = append(operation.Parameters, refer(toParameter, name))
	}
	if op.Write {
		describeWrite(&operation, d, op)
	}
	operation.refuse(map[bool]int{false: onRead, true: onWrite}[op.Write])
	return operation
}

// describeWrite adds what only writes have: a body, its encoding, and two
// answers that can never be mistaken for each other.
func describeWrite(operation *apiOperation, d *Door, op bridge.Operation) {
	operation.Tags = []string{tagWrite}
	operation.Parameters = append(operation.Parameters, refer(toParameter, "Content-Encoding"), refer(toParameter, "Prefer"))
	operation.RequestBody = &apiBody{
		Required:    true,
		Description: fmt.Sprintf("At most %d bytes, compressed and decoded; an unknown member at any level is refused.", d.MaxPayloadBytes),
		Content:     map[string]apiMedia{jsonType: {Schema: refer(toSchema, componentName(op.Name)), Examples: publishedBody(op)}},
	}
	window := []string{"X-Request-ID", "Cache-Control", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Warning?"}
	operation.Responses["200"] = answered(
		"This request was carried out before: the job it became, with its result. Nothing was sent to the shop again.",
		narrowed("job", schema{"status": schema{"const": schemas.Succeeded}, "terminal": schema{"const": true}, "business_success": schema{"const": true}}),
		append(window, "Idempotent-Replayed")...,
	)
	operation.Responses["202"] = answered(
		"Accepted and durable, not done. Poll tracking_url until the job is terminal.",
		narrowed("acceptance", schema{"business_success": schema{"type": "null"}}),
		append(window, "Location", "Retry-After")...,
	)
}

// pathParameter takes the schema of the one argument that a read's path holds.
func pathParameter(op bridge.Operation) apiParameter {
	var input struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	// A schema of ours; what is no JSON shows as a parameter without a schema,
	// which the test of the document refuses.
	_ = json.Unmarshal(schemas.Input(op.Name).JSON(), &input)
	parameter := apiParameter{
		Name: op.PathKey, In: "path", Required: true,
		Description: "The id, in digits or as a UUID, as the schema says.", Schema: input.Properties[op.PathKey],
	}
	value, _ := match(op.Path, published(op).URI)
	parameter.Example = value
	if plainNumber.MatchString(value) {
		parameter.Example = json.Number(value)
	}
	return parameter
}

// published is the contract's signature example of an operation.
func published(op bridge.Operation) auth.Example {
	for _, example := range auth.Published().Examples {
		if _, matches := match(op.Path, example.URI); matches && example.Method == op.Method {
			return example
		}
	}
	return auth.Example{}
}

// publishedBody shows the example's body. Viewers lay it out anew; the bytes
// that were signed stand in examples/examples.http.
func publishedBody(op bridge.Operation) map[string]apiExample {
	example := published(op)
	return map[string]apiExample{"published": {
		Summary: "The published example",
		Description: fmt.Sprintf("Without white space, with X-Timestamp %d and X-Request-ID %s, the published test secret gives X-Signature %s.",
			example.Timestamp, example.RequestID, example.Signature),
		Value: json.RawMessage(example.Body),
	}}
}

// answered is a JSON answer with the named headers; a name that ends in ? is
// not always there.
func answered(description string, body any, headers ...string) apiResponse {
	return apiResponse{Description: description, Headers: headersOf(headers...), Content: map[string]apiMedia{jsonType: {Schema: body}}}
}

// headersOf refers to header components. A header that must be there is a
// component of its own, since a reference cannot say required.
func headersOf(names ...string) map[string]any {
	headers := map[string]any{"X-Content-Type-Options": refer(toHeader, "X-Content-Type-Options")}
	for _, name := range names {
		plain := strings.TrimSuffix(name, "?")
		component := plain
		if plain != name {
			component += optional
		}
		headers[plain] = refer(toHeader, component)
	}
	return headers
}

// narrowed is an output's schema with some members pinned.
func narrowed(output string, members schema) schema {
	return schema{"allOf": []any{refer(toSchema, componentName(output)), schema{"type": "object", "properties": members}}}
}

// componentName writes update_product as UpdateProduct.
func componentName(name string) string {
	var out strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		out.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return out.String()
}

// Where a refusal can happen: at reads and writes of the shop, at the bridge's
// own resources, at those of them that take a body, at the compatibility door.
const (
	onRead = 1 << iota
	onWrite
	onResource
	onTaking
	onVendor

	onShop   = onRead | onWrite
	onSigned = onShop | onResource
	onAll    = onSigned | onVendor
)

// refusal is one error status of the operations, with the codes it can carry.
type refusal struct {
	name    string // of the component
	status  int
	where   int
	codes   []bridge.Code
	headers []string // beside those of every refusal
}

// rated and late are headers that an answer has or has not by how far the
// request came: past the rate window, past the decoding of its body.
var (
	rated = []string{"RateLimit-Limit?", "RateLimit-Remaining?", "RateLimit-Reset?"}
	late  = append([]string{"Warning?"}, rated...)
)

// refusals are the error answers in the order of their statuses. A test holds
// them to bridge.Codes.
var refusals = []refusal{
	{"BadRequest", http.StatusBadRequest, onAll, []bridge.Code{bridge.CodeSchemaViolation, bridge.CodeInvalidRequest}, late},
	{"Unauthorized", http.StatusUnauthorized, onAll, []bridge.Code{bridge.CodeUnauthorized}, []string{"WWW-Authenticate"}},
	{"Forbidden", http.StatusForbidden, onAll, []bridge.Code{bridge.CodeSourceRefused, bridge.CodeInsufficientScope, bridge.CodeTimestampWindow, bridge.CodeBadSignature}, append([]string{"WWW-Authenticate?"}, late...)},
	{"NotFound", http.StatusNotFound, onShop, []bridge.Code{bridge.CodeNotFound}, late},
	{"NotAcceptable", http.StatusNotAcceptable, onSigned, []bridge.Code{bridge.CodeNotAcceptable}, rated},
	{"Conflict", http.StatusConflict, onWrite | onTaking, []bridge.Code{bridge.CodeIdempotencyConflict, bridge.CodeKnownFailedReplay}, late},
	{"PayloadTooLarge", http.StatusRequestEntityTooLarge, onAll, []bridge.Code{bridge.CodePayloadTooLarge}, rated},
	{"UnsupportedMediaType", http.StatusUnsupportedMediaType, onWrite | onTaking, []bridge.Code{bridge.CodeUnsupportedMediaType}, append([]string{"Accept-Encoding?"}, rated...)},
	{"Unprocessable", http.StatusUnprocessableEntity, onShop, []bridge.Code{bridge.CodePolicyRefused, bridge.CodeImpossibleTransition, bridge.CodeUnprocessable}, late},
	{"InvalidFields", http.StatusUnprocessableEntity, onResource | onVendor, []bridge.Code{bridge.CodeInvalidFields}, late},
	{"TooManyRequests", http.StatusTooManyRequests, onAll, []bridge.Code{bridge.CodeRateLimited}, []string{"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After"}},
	{"InternalError", http.StatusInternalServerError, onAll, []bridge.Code{bridge.CodeInternal}, late},
	{"Unavailable", http.StatusServiceUnavailable, onAll, []bridge.Code{bridge.CodeShopUnavailable, bridge.CodeShopRefused, bridge.CodeShopUnknown, bridge.CodeQueueUnavailable, bridge.CodeStoreUnavailable, bridge.CodeOverloaded}, append([]string{"Retry-After"}, late...)},
}

// vendorRefusal names a refusal's component at the compatibility door, which
// has other headers.
func vendorRefusal(r refusal) string { return "Youhaosuda" + r.name }

// atVendor are the headers of a refusal at the compatibility door.
func (r refusal) atVendor() []string {
	headers := []string{"X-Request-ID?", "Cache-Control", callLimitHeader + "?"}
	for _, name := range []string{"Retry-After", "WWW-Authenticate"} {
		if slices.Contains(r.headers, name) {
			headers = append(headers, name)
		}
	}
	return headers
}

// refuse adds the refusals that can happen in a place.
func (o *apiOperation) refuse(where int) {
	for _, r := range refusals {
		name := r.name
		if where == onVendor {
			name = vendorRefusal(r)
		}
		if r.where&where != 0 {
			o.Responses[strconv.Itoa(r.status)] = refer(toResponse, name)
		}
	}
	o.Responses["431"] = refer(toResponse, headersTooLarge)
}
