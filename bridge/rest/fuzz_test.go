package rest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
)

// What Accept says is never read as more than it says: without the type, its
// family or the range of all types there is no acceptance.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"application/json", "*/*", "text/html, application/*;q=0.3", "application/json;q=0,*/*", ";;,q=;=", "a/b;q=1e309"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		yes := accepts(http.Header{"Accept": {accept}}, jsonType)
		lower := strings.ToLower(accept)
		if yes && !strings.Contains(lower, "application/") && !strings.Contains(lower, "*/*") {
			t.Errorf("%q was read as accepting JSON", accept)
		}
		if again := accepts(http.Header{"Accept": {accept, "text/x"}}, jsonType); again != yes {
			t.Errorf("%q: another type beside it turned %v into %v", accept, yes, again)
		}
	})
}

// The string to sign and the route come from the same text, whatever the form
// of the request line.
func FuzzRequestTarget(f *testing.F) {
	for _, seed := range []string{"/v1/products/1", "http://h/v1/x?y=1", "http://h", "http://h?x", "*", "h:443", "//x", "/a?http://b/c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		origin := originForm(target)
		if strings.HasPrefix(target, "/") && origin != target {
			t.Errorf("%q was changed to %q", target, origin)
		}
		if !strings.HasSuffix(target, strings.TrimPrefix(origin, "/")) {
			t.Errorf("%q is no end of %q", origin, target)
		}
		c := newCall(httptest.NewRecorder(), &http.Request{Method: http.MethodGet, RequestURI: target, Header: http.Header{}})
		if joined := strings.TrimSuffix(c.path+"?"+c.query, "?"); joined != strings.TrimSuffix(c.uri, "?") {
			t.Errorf("%q fell apart into %q and %q", c.uri, c.path, c.query)
		}
	})
}

// Whatever the bytes, decoding gives either the one text a strict reader of
// the format finds, or a fault; never more than the limit.
func FuzzGzipBody(f *testing.F) {
	pack := func(text string) []byte {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return packed.Bytes()
	}
	f.Add(pack(`{"a":1}`))
	f.Add(pack(strings.Repeat("x", 2000)))
	f.Add(append(pack("a"), pack("b")...))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, raw []byte) {
		const limit = 1000
		b := newBodies(&Door{MaxPayloadBytes: limit, GzipRecommendedAbove: 10, GzipRequiredAbove: 20})
		r := httptest.NewRequest(http.MethodPost, "/x", nil)
		r.Header.Set("Content-Encoding", "gzip")
		v := &visit{call: newCall(httptest.NewRecorder(), r), takes: true, body: raw}
		defer v.leave()
		if err := b.decode(v); err != nil {
			return
		}
		if len(v.arguments) > limit {
			t.Fatalf("%d bytes came out", len(v.arguments))
		}
		reader, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if want, err := io.ReadAll(reader); err != nil || !bytes.Equal(want, v.arguments) {
			t.Errorf("decoded %q, the library says %q, %v", v.arguments, want, err)
		}
	})
}

// A path value is always one JSON object that says the same text.
func FuzzPathValue(f *testing.F) {
	for _, seed := range []string{"1", "007", `"`, "null", "1e9", "\x00", "é", "{}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		v := &visit{call: newCall(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/x", nil)), op: bridge.Operation{PathKey: "id"}}
		v.value = value
		if err := arguments(v); err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(v.arguments))
		decoder.UseNumber()
		var got map[string]any
		if err := decoder.Decode(&got); err != nil || len(got) != 1 {
			t.Fatalf("%q became %s: %v", value, v.arguments, err)
		}
		text, isText := got["id"].(string)
		number, _ := got["id"].(json.Number)
		if want := strings.ToValidUTF8(value, "\uFFFD"); text != want && number.String() != value && isText && !strings.Contains(text, "\uFFFD") {
			t.Errorf("%q became %s", value, v.arguments)
		}
	})
}
