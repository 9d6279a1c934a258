package rest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge/rest"
)

// documentVersion is info.version of the golden document. Whoever changes the
// document raises it, as a reader tells two documents apart by it alone.
const documentVersion = "0.1.0"

const openAPIFile = "../../docs/openapi.json"

// openAPI is the document as the door serves it, laid out to be read.
func openAPI(t *testing.T) []byte {
	t.Helper()
	r := newRig(t, func(d *rest.Door) { d.Version = documentVersion })
	w := r.serve(httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	expect(t, w, http.StatusOK)
	var laidOut bytes.Buffer
	if err := json.Indent(&laidOut, w.Body.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	return laidOut.Bytes()
}

func TestDocsOfOpenAPI(t *testing.T) {
	got := openAPI(t)
	if *update {
		if err := os.WriteFile(openAPIFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(openAPIFile)
	if err != nil {
		t.Fatal(err)
	}
	diff := cmp.Diff(string(want), string(got))
	if diff == "" {
		return
	}
	advice := "go test -run Docs -update rewrites it"
	if versionOf(t, want) == documentVersion {
		advice = "the document changed and info.version did not: unless " + documentVersion + " was never released, raise documentVersion here and the program's version with it; then " + advice
	}
	t.Errorf("%s (-want +got): %s\n%s", openAPIFile, advice, diff)
}

func versionOf(t *testing.T, document []byte) string {
	t.Helper()
	var head struct{ Info struct{ Version string } }
	if err := json.Unmarshal(document, &head); err != nil {
		t.Fatal(err)
	}
	return head.Info.Version
}

func TestOpenAPIIsCacheable(t *testing.T) {
	r := newRig(t)
	get := func(known string) *httptest.ResponseRecorder {
		request := httptest.NewRequest(http.MethodGet, "/openapi.json", nil)
		if known != "" {
			request.Header.Set("If-None-Match", known)
		}
		return r.serve(request)
	}
	first := get("")
	expect(t, first, http.StatusOK)
	tag := first.Header().Get("ETag")
	for known, status := range map[string]int{tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, tag[1:]: 200} {
		w := get(known)
		expect(t, w, status)
		if empty := w.Body.Len() == 0; empty != (status == 304) {
			t.Errorf("If-None-Match %s: %d bytes", known, w.Body.Len())
		}
	}
}

// What the document says of net/http's own refusal is what net/http does.
func TestHeadersTooLarge(t *testing.T) {
	r := newRig(t)
	server := httptest.NewUnstartedServer(nil)
	server.Config = r.door.Server("")
	server.Start()
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Padding", strings.Repeat("x", 32<<10))
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusRequestHeaderFieldsTooLarge || !strings.HasPrefix(got, "text/plain") {
		t.Errorf("got %s, %s", response.Status, got)
	}
}
