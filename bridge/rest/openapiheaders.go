package rest

import (
	"fmt"
	"strconv"

	"github.com/prestashop-bridge/bridge/auth"
)

// apiParameters are the request headers. Accept and Content-Type are told by
// the media types (OpenAPI §4.8.12.2.1 ignores parameters of these names).
func apiParameters(d *Door) map[string]apiParameter {
	signed := auth.Published().Examples[0]
	return map[string]apiParameter{
		"X-Request-ID": {
			Name: "X-Request-ID", In: "header", Required: true, Schema: schema{"type": "string", "format": "uuid"}, Example: signed.RequestID,
			Description: "UUID version 4. For a write, the key of the intention: keep it when you send the same request again, make a new one for a new intention.",
		},
		"X-Timestamp": {
			Name: "X-Timestamp", In: "header", Required: true, Schema: schema{"type": "string", "pattern": "^(0|[1-9][0-9]{0,11})$"}, Example: strconv.FormatInt(signed.Timestamp, 10),
			Description: fmt.Sprintf("Unix time in whole seconds, at most %d seconds away from the bridge's clock.", int(d.SignatureWindow.Seconds())),
		},
		"X-Signature": {
			Name: "X-Signature", In: "header", Required: true, Schema: schema{"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}, Example: signed.Signature,
			Description: "Hex HMAC-SHA256 of the string to sign, by the client's current or previous signing secret.",
		},
		"Accept-Language": {
			Name: "Accept-Language", In: "header", Schema: schema{"type": "string"}, Example: "zh-CN",
			Description: "zh, or zh with a region, gives the texts in errors in Chinese; anything else gives English.",
		},
		"Content-Encoding": {
			Name: "Content-Encoding", In: "header", Schema: schema{"type": "string", "enum": []string{"gzip", "x-gzip", "identity"}}, Example: "gzip",
			Description: fmt.Sprintf("gzip is recommended above %d and required above %d bytes. The signature is over the compressed bytes.", d.GzipRecommendedAbove, d.GzipRequiredAbove),
		},
		"Prefer": {
			Name: "Prefer", In: "header", Schema: schema{"type": "string"}, Example: "respond-async",
			Description: "A wish to wait for the result (RFC 7240 wait) is refused with 422: no write is carried out while the caller waits.",
		},
	}
}

// Where a header occurs: in answers that always have it, in others that have
// it sometimes.
const (
	always = 1 << iota
	sometimes
)

// answerHeaders are the headers of all answers.
var answerHeaders = []struct {
	name        string
	occurs      int
	description string
	schema      schema
}{
	{"X-Content-Type-Options", always, "The media type is what it says.", schema{"const": "nosniff"}},
	{"X-Request-ID", always | sometimes, "The request's own, in lower case, whenever it was a valid one.", schema{"type": "string", "format": "uuid"}},
	{"Cache-Control", always | sometimes, "How long the answer may be kept.", schema{"type": "string", "enum": []string{"no-store", documentAge}}},
	{"Pragma", always, "For old caches (RFC 6749 §5.1).", schema{"const": "no-cache"}},
	{"ETag", always, "Names this very document.", schema{"type": "string"}},
	{"Location", always, "Where the job is polled: tracking_url.", schema{"type": "string", "pattern": "^/v1/jobs/"}},
	{"Retry-After", always, "Whole seconds to wait before asking again.", schema{"type": "integer", "minimum": 1}},
	{callLimitHeader, always | sometimes, "Calls in the token's bucket, and its size; 2 leak out a second.", schema{"type": "string", "pattern": "^[0-9]+/[0-9]+$"}},
	{"Idempotent-Replayed", always | sometimes, "This answer tells of an earlier request.", schema{"const": "true"}},
	{"RateLimit-Limit", always | sometimes, "Requests of this class a minute.", schema{"type": "integer", "minimum": 1}},
	{"RateLimit-Remaining", always | sometimes, "Requests left in this minute.", schema{"type": "integer", "minimum": 0}},
	{"RateLimit-Reset", always | sometimes, "Seconds until the next minute begins.", schema{"type": "integer", "minimum": 0}},
	{"WWW-Authenticate", always | sometimes, "The scheme that is wanted (RFC 6750 §3, RFC 7617).", schema{"type": "string", "pattern": "^(Bearer|Basic|AccessToken) realm="}},
	{"Accept-Encoding", sometimes, "The one content coding that is taken.", schema{"const": "gzip"}},
	{"Warning", sometimes, "The body could have been compressed.", schema{"type": "string"}},
}

// apiHeaders are the answers' headers as components. One that must be there in
// some answers and may be absent in others is two components, because a
// reference cannot say whether a header is required.
func apiHeaders() map[string]apiHeader {
	all := map[string]apiHeader{}
	for _, h := range answerHeaders {
		if h.occurs&always != 0 {
			all[h.name] = apiHeader{Description: h.description, Required: true, Schema: h.schema}
		}
		if h.occurs&sometimes != 0 {
			all[h.name+optional] = apiHeader{Description: h.description, Schema: h.schema}
		}
	}
	return all
}
