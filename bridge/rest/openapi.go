package rest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
)

const (
	openAPIPath = "/openapi.json"
	homepage    = "https://github.com/prestashop-bridge/bridge"
	// unversioned is the version of a program that was given none.
	unversioned = "0.0.0"
)

// introduction is what a reader must know before any single route.
const introduction = `Reads are answered at once. **Writes are accepted as durable jobs: a 202 means accepted, never done.** Only a job that ended with ` + "`business_success: true`" + ` has changed the shop.

Every route under ` + "`/v1`" + ` takes a bearer token from ` + "`POST /oauth/token`" + ` and a signature of the request. To sign, join with line feeds: the method in upper case, path and query exactly as sent, ` + "`X-Timestamp`, `X-Request-ID`" + ` in lower case, and the hex SHA-256 of the body bytes as sent (after compression; of nothing when there is no body). ` + "`X-Signature`" + ` is the hex HMAC-SHA256 of that text; the key is the secret as written, its ASCII bytes.

` + "`X-Request-ID`" + ` is also the key of a write's intention. The same id with the same content is the same job however often it is sent; with another content it is a 409.

A path that is not listed here answers 404, a method that is not listed 405, both with the body of ` + "`Problem`" + `. Bytes that are no HTTP request are answered by the server itself with a 400 in plain text.`

// The tags in the order a reader needs them.
const (
	tagAuthorization = "authorization"
	tagRead          = "read"
	tagWrite         = "write"
	tagWebhooks      = "webhooks"
	tagYouhaosuda    = "youhaosuda"
	tagService       = "service"
)

var apiTags = []apiTag{
	{tagAuthorization, "Tokens and what is needed to check them."},
	{tagRead, "Answered at once; change nothing."},
	{tagWrite, "Accepted as jobs and carried out later; follow them with get_job_status."},
	{tagWebhooks, "What is to be told to whom; read and changed at once. docs/webhooks.md tells what is delivered."},
	{tagYouhaosuda, "The same webhooks for clients written for Youhaosuda's open API: an access token instead of a signature."},
	{tagService, "For load balancers and tools."},
}

// describe writes the OpenAPI document of a door from the table of operations,
// the table of codes and the schemas, so that it cannot say anything else than
// the program does.
func describe(d *Door) apiDocument {
	document := apiDocument{
		OpenAPI: "3.1.1",
		Info: apiInfo{
			Title: "bridge", Version: cmp.Or(d.Version, unversioned), Description: introduction,
			Contact: map[string]string{"name": "bridge", "url": homepage},
			License: map[string]string{"name": "MIT", "identifier": "MIT"},
		},
		Servers: []apiServer{{strings.TrimRight(d.BaseURL, "/"), "This deployment."}},
		Tags:    apiTags,
		Paths:   map[string]map[string]apiOperation{},
		Components: apiComponents{
			Schemas: apiSchemas(), Parameters: apiParameters(d), Headers: apiHeaders(),
			Responses: apiResponses(), SecuritySchemes: securitySchemes(d),
		},
	}
	add := func(method, path string, operation apiOperation) {
		if document.Paths[path] == nil {
			document.Paths[path] = map[string]apiOperation{}
		}
		document.Paths[path][strings.ToLower(method)] = operation
	}
	for _, op := range bridge.Operations {
		add(op.Method, op.Path, operationOf(d, op))
	}
	for _, r := range bridge.Resources {
		add(r.Method, r.Path, resourceOperation(d, r))
		if path, shared := vendorPath(r); shared {
			add(r.Method, path, vendorOperation(r))
		}
	}
	add(shopOperation.Method, vendorShopPath, vendorShopOperation())
	for _, public := range publicRoutes() {
		add(public.method, public.path, public.operation)
	}
	return document
}

// manual is the document as it is served; it changes with the program only.
type manual struct {
	raw  []byte
	etag string
	err  error
}

func newManual(d *Door) manual {
	var raw bytes.Buffer
	writer := json.NewEncoder(&raw)
	writer.SetEscapeHTML(false) // it is read by people too
	err := writer.Encode(describe(d))
	sum := sha256.Sum256(raw.Bytes())
	return manual{raw: raw.Bytes(), etag: `"` + hex.EncodeToString(sum[:16]) + `"`, err: err}
}

// serve answers the document, or 304 to whoever has it (RFC 9110 §13.1.2).
func (m manual) serve(c *call) error {
	if m.err != nil {
		return bridge.Fault(bridge.CodeInternal, m.err, "The document cannot be written.")
	}
	c.w.Header().Set("Cache-Control", documentAge)
	c.w.Header().Set("ETag", m.etag)
	if holds(c.r.Header, m.etag) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	c.write(http.StatusOK, jsonType, m.raw)
	return nil
}

// holds reports whether If-None-Match names the tag, weak or not: the
// comparison is the weak one (RFC 9110 §13.1.2).
func holds(header http.Header, etag string) bool {
	for _, candidate := range strings.Split(strings.Join(header.Values("If-None-Match"), ","), ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == etag || candidate == "*" {
			return true
		}
	}
	return false
}
