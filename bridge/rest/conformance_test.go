package rest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
)

// conforming is the door with every answer held to its own OpenAPI document:
// status, headers, media type and body. All tests of this package send through
// it, so an answer that is not documented fails whichever test provokes it.
func conforming(t *testing.T, door http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &witness{ResponseWriter: w}
		door.ServeHTTP(seen, r)
		for _, fault := range served().faults(rest.Overridden(r), seen) {
			t.Errorf("%s %s answered %d, which openapi.json does not allow: %s", r.Method, r.RequestURI, seen.status, fault)
		}
	})
}

// witness keeps a copy of an answer.
type witness struct {
	http.ResponseWriter
	status int
	header http.Header
	body   bytes.Buffer
}

func (w *witness) WriteHeader(status int) {
	if w.status == 0 {
		w.status, w.header = status, w.Header().Clone()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *witness) Write(p []byte) (int, error) {
	w.body.Write(p)
	return w.ResponseWriter.Write(p)
}

// document is a parsed OpenAPI document with a compiler for the schemas in it.
type document struct {
	root     map[string]any
	mu       sync.Mutex
	compiler *santhosh.Compiler
}

// served is the document of a door, read once for all tests.
var served = sync.OnceValue(func() *document {
	log := slog.New(slog.DiscardHandler)
	door := rest.Door{
		Desk: &bridge.Desk{Now: time.Now, Log: log}, Gate: &bridge.Gate{Tokens: &auth.Issuer{Keys: signingKeys()}}, BaseURL: baseURL, Log: log,
	}
	w := httptest.NewRecorder()
	door.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	tree, err := santhosh.UnmarshalJSON(w.Body)
	if err != nil {
		panic(err)
	}
	d := &document{root: tree.(map[string]any), compiler: santhosh.NewCompiler()}
	d.compiler.DefaultDraft(santhosh.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(openAPILocation, tree); err != nil {
		panic(err)
	}
	return d
})

const openAPILocation = "bridge:///openapi.json"

// place is a node of the document and the JSON pointer to it.
type place struct {
	node    map[string]any
	pointer string
}

// at goes down by the keys, through references.
func (d *document) at(p place, keys ...string) (place, bool) {
	for _, key := range keys {
		node, found := p.node[key].(map[string]any)
		if !found {
			return place{}, false
		}
		p = place{node, p.pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)}
		if target, isReference := node["$ref"].(string); isReference {
			steps := strings.Split(strings.TrimPrefix(target, "#/"), "/")
			if p, found = d.at(place{node: d.root}, steps...); !found {
				return place{}, false
			}
		}
	}
	return p, true
}

// faults lists what the document does not allow in an answer.
func (d *document) faults(r *http.Request, answer *witness) []string {
	operation, found := d.operation(r)
	if !found {
		return d.unlisted(answer)
	}
	response, found := d.at(operation, "responses", strconv.Itoa(answer.status))
	if !found {
		return []string{"the status is not documented"}
	}
	return append(d.headerFaults(response, answer.header), d.bodyFault(response, answer)...)
}

// operation matches the path as the door does: segment by segment, as sent.
func (d *document) operation(r *http.Request) (place, bool) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if _, rest, absolute := strings.Cut(path, "://"); absolute {
		path = rest[strings.IndexByte(rest+"/", '/'):]
	}
	sent := strings.Split(path, "/")
	// Letters come before "{", so a fixed path stands before a pattern that
	// matches it too.
	for _, template := range slices.Sorted(maps.Keys(d.root["paths"].(map[string]any))) {
		wanted := strings.Split(template, "/")
		matches := slices.EqualFunc(wanted, sent, func(w, s string) bool { return w == s || strings.HasPrefix(w, "{") && s != "" })
		if !matches {
			continue
		}
		if p, found := d.at(place{node: d.root}, "paths", template, strings.ToLower(r.Method)); found && r.Method == strings.ToUpper(r.Method) {
			return p, true
		}
	}
	return place{}, false
}

// unlisted holds what is no operation to the introduction's words: 404 or 405
// with a Problem, Allow with the latter. The authorization endpoint refuses
// everything in OAuth's way.
func (d *document) unlisted(answer *witness) []string {
	name := map[int]string{http.StatusNotFound: "Problem", http.StatusMethodNotAllowed: "Problem", http.StatusBadRequest: "OAuthError"}[answer.status]
	if name == "" {
		return []string{"only 404 and 405 answer what is not listed"}
	}
	if _, present := answer.header["Allow"]; present != (answer.status == http.StatusMethodNotAllowed) {
		return []string{"Allow belongs to a 405 and to no other answer"}
	}
	return d.valid("/components/schemas/"+name, answer.body.Bytes())
}

// unmentioned are headers that OpenAPI leaves to HTTP.
var unmentioned = []string{"Content-Type", "Connection", "Content-Length", "Date"}

func (d *document) headerFaults(response place, header http.Header) []string {
	var faults []string
	declared, _ := response.node["headers"].(map[string]any)
	known := map[string]bool{}
	for name := range declared {
		known[http.CanonicalHeaderKey(name)] = true
		p, _ := d.at(response, "headers", name)
		values := header.Values(name)
		if len(values) == 0 {
			if p.node["required"] == true {
				faults = append(faults, name+" is missing")
			}
			continue
		}
		if len(values) > 1 {
			faults = append(faults, name+" stands there twice")
		}
		faults = append(faults, d.valid(p.pointer+"/schema", headerJSON(p, values[0]))...)
	}
	for name := range header {
		if !known[name] && !slices.Contains(unmentioned, name) {
			faults = append(faults, "the header "+name+" is not documented")
		}
	}
	return faults
}

// headerJSON is the value as the schema means it: a number where it says so.
func headerJSON(p place, value string) []byte {
	described, _ := p.node["schema"].(map[string]any)
	if described["type"] == "integer" && json.Valid([]byte(value)) {
		return []byte(value)
	}
	text, _ := json.Marshal(value)
	return text
}

func (d *document) bodyFault(response place, answer *witness) []string {
	content, hasBody := response.node["content"].(map[string]any)
	if !hasBody {
		if answer.body.Len() > 0 {
			return []string{"a body is not documented"}
		}
		return nil
	}
	mediaType, _, _ := mime.ParseMediaType(answer.header.Get("Content-Type"))
	if _, known := content[mediaType]; !known {
		return []string{fmt.Sprintf("the media type %q is not documented", mediaType)}
	}
	media, _ := d.at(response, "content", mediaType)
	return d.valid(media.pointer+"/schema", answer.body.Bytes())
}

// valid holds a JSON text to the schema at a pointer of the document.
func (d *document) valid(pointer string, text []byte) []string {
	value, err := santhosh.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return []string{"no JSON: " + err.Error()}
	}
	d.mu.Lock() // compiling is cached and not safe for two at once
	schema, err := d.compiler.Compile(openAPILocation + "#" + pointer)
	d.mu.Unlock()
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return []string{err.Error()}
	}
	return nil
}

// The check itself finds what is wrong; without this test it could pass
// everything.
func TestConformanceFindsFaults(t *testing.T) {
	good := func() (*http.Request, *witness) {
		seen := &witness{status: 202, header: http.Header{}}
		for name, value := range map[string]string{
			"Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "X-Request-ID": requestID, "Cache-Control": "no-store",
			"RateLimit-Limit": "20", "RateLimit-Remaining": "19", "RateLimit-Reset": "60", "Location": "/v1/jobs/x", "Retry-After": "1",
		} {
			seen.header.Set(name, value)
		}
		_, _ = io.WriteString(&seen.body, `{"job_id":"x","status":"accepted","business_success":null,"tracking_url":"/v1/jobs/x","poll_after_seconds":1,"message":"m"}`)
		return httptest.NewRequest(http.MethodPost, updatePath, nil), seen
	}
	if request, seen := good(); len(served().faults(request, seen)) > 0 {
		t.Fatalf("a good answer: %v", served().faults(request, seen))
	}
	for name, spoil := range map[string]func(*witness){
		"undocumented status": func(w *witness) { w.status = 418 },
		"undocumented header": func(w *witness) { w.header.Set("X-Powered-By", "y") },
		"missing header":      func(w *witness) { w.header.Del("Location") },
		"header twice":        func(w *witness) { w.header.Add("Location", "/v1/jobs/y") },
		"header out of shape": func(w *witness) { w.header.Set("Retry-After", "soon") },
		"media type":          func(w *witness) { w.header.Set("Content-Type", "text/html") },
		"claimed success": func(w *witness) {
			text := strings.Replace(w.body.String(), "null", "true", 1)
			w.body.Reset()
			w.body.WriteString(text)
		},
	} {
		request, seen := good()
		spoil(seen)
		if got := served().faults(request, seen); len(got) != 1 {
			t.Errorf("%s: %q", name, got)
		}
	}
}
