package rest_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// withToken issues a token for the rig's client, as bridge clients token does.
func withToken(t *testing.T, r *rig) string {
	t.Helper()
	token := auth.NewSecret()
	if err := r.door.Gate.AccessTokens.SetAccessToken(t.Context(), bridge.Decision{Operator: "me", Action: bridge.ActionClientToken, Subject: clientID, Reason: "test", At: r.now}, clientID, bridge.HashAccessToken(token)); err != nil {
		t.Fatal(err)
	}
	return token
}

// vendorShapes are what the vendor's SDKs put on the wire, in the order in
// which they make sense, each with the answer that is wanted of it. The paths
// are those below the base URL that the SDKs are given.
var vendorShapes = []string{
	"php_create", "php_update", "php_delete_unknown", "ruby_count", "node_list", "go_missing", "python_shop", "ruby_delete",
}

// Existing clients work unchanged: their requests byte for byte, the answers
// as far as they read them.
func TestVendorClients(t *testing.T) {
	r := newRig(t, withWebhooks(t))
	known := map[string]string{"token": withToken(t, r)}
	for _, name := range vendorShapes {
		raw, err := os.ReadFile(filepath.Join("testdata", "youhaosuda", name+".http"))
		if err != nil {
			t.Fatal(err)
		}
		sent, status, want := shape(t, string(raw), known)
		request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(sent)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		request.RemoteAddr = "192.0.2.1:1234"
		w := r.serve(request)
		if w.Code != status {
			t.Fatalf("%s: got %d, want %d\n%s", name, w.Code, status, w.Body)
		}
		if got := answerAs(t, w.Body.Bytes(), want, known); cmp.Diff(want, got) != "" {
			t.Errorf("%s (-want +got)\n%s", name, cmp.Diff(want, got))
		}
		if limit := w.Header().Get("X-YHSD-SHOP-API-CALL-LIMIT"); !regexp.MustCompile(`^\d+/40$`).MatchString(limit) {
			t.Errorf("%s: call limit %q", name, limit)
		}
	}
}

var places = regexp.MustCompile(`\{(\w+)\}`)

// shape splits a file into the request as sent and the answer that is wanted.
func shape(t *testing.T, raw string, known map[string]string) (request string, status int, want any) {
	t.Helper()
	parts := strings.Split(strings.TrimSuffix(raw, "\n"), "\n\n")
	head, body, answer := parts[0], "", parts[len(parts)-1]
	if len(parts) == 3 {
		body = parts[1]
	}
	fill := func(text string) string {
		return places.ReplaceAllStringFunc(text, func(place string) string {
			if value, found := known[place[1:len(place)-1]]; found {
				return value
			}
			return place
		})
	}
	head = strings.ReplaceAll(fill(head), "{length}", strconv.Itoa(len(body)))
	code, text, _ := strings.Cut(answer, "\n")
	status, err := strconv.Atoi(code)
	if err != nil {
		t.Fatal(err)
	}
	// {id} stands where a number is, {time} and {webhook_token} inside quotes.
	text = strings.ReplaceAll(fill(text), `:{id}`, `:"{id}"`)
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body, status, want
}

// answerAs is an answer as far as the wanted one goes; what stands at a place is
// learnt.
func answerAs(t *testing.T, raw []byte, want any, known map[string]string) any {
	t.Helper()
	var got any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	var narrow func(want, got any) any
	narrow = func(want, got any) any {
		switch want := want.(type) {
		case map[string]any:
			of, _ := got.(map[string]any)
			kept := map[string]any{}
			for name, value := range want {
				if _, there := of[name]; there {
					kept[name] = narrow(value, of[name])
				}
			}
			return kept
		case []any:
			of, _ := got.([]any)
			for i := range min(len(of), len(want)) {
				of[i] = narrow(want[i], of[i])
			}
			return of
		case string:
			switch want {
			case "{id}":
				known["id"] = fmt.Sprint(got)
				return want
			case "{time}":
				if webhookTime.MatchString(fmt.Sprint(got)) {
					return want
				}
			case "{webhook_token}":
				if regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(fmt.Sprint(got)) {
					return want
				}
			}
		}
		return got
	}
	return narrow(want, got)
}

func vendorCall(method, uri, token string) *http.Request {
	request := httptest.NewRequest(method, uri, nil)
	if token != "" {
		request.Header.Set("X-API-ACCESS-TOKEN", token)
	}
	return request
}

func TestVendorTokens(t *testing.T) {
	r := newRig(t, withWebhooks(t))
	token := withToken(t, r)
	expect(t, r.serve(vendorCall("GET", "/webhooks", token)), 200)
	for _, wrong := range []string{"", "x", token + "0", strings.ToUpper(token)} {
		problem(t, r.serve(vendorCall("GET", "/webhooks", wrong)), 401, bridge.CodeUnauthorized)
	}
	// A new token ends the one before.
	fresh := withToken(t, r)
	problem(t, r.serve(vendorCall("GET", "/webhooks", token)), 401, bridge.CodeUnauthorized)
	expect(t, r.serve(vendorCall("GET", "/webhooks", fresh)), 200)
	// It opens nothing else, and its client's scopes bound it.
	problem(t, r.serve(vendorCall("GET", "/v1/webhooks", fresh)), 401, bridge.CodeUnauthorized)
	r.door.Gate.Clients = bridge.FixedClients{{ID: clientID, Scopes: []string{auth.ScopeRead}}}
	problem(t, r.serve(vendorCall("DELETE", "/webhooks/1", fresh)), 403, bridge.CodeInsufficientScope)
	r.door.Gate.Clients = bridge.FixedClients{}
	problem(t, r.serve(vendorCall("GET", "/webhooks", fresh)), 401, bridge.CodeUnauthorized)
	if strings.Contains(r.log.String(), fresh) {
		t.Error("the token stands in the log")
	}
}

// The bucket: 40 calls at once, the 41st refused, two a second afterwards, and
// another token's bucket untouched.
func TestVendorBucket(t *testing.T) {
	r := newRig(t, withWebhooks(t))
	token := withToken(t, r)
	call := func() *httptest.ResponseRecorder { return r.serve(vendorCall("GET", "/webhooks/count", token)) }
	for i := range 40 {
		w := call()
		expect(t, w, 200)
		if got := w.Header().Get("X-YHSD-SHOP-API-CALL-LIMIT"); i == 0 && got != "1/40" {
			t.Errorf("after one call: %s", got)
		}
	}
	full := call()
	problem(t, full, 429, bridge.CodeRateLimited)
	if full.Header().Get("X-YHSD-SHOP-API-CALL-LIMIT") != "40/40" || full.Header().Get("Retry-After") != "1" {
		t.Errorf("full: %v", full.Header())
	}
}

// Overriding the method is for POST at this door and nowhere else.
func TestMethodOverride(t *testing.T) {
	r := newRig(t, withWebhooks(t))
	token := withToken(t, r)
	override := func(method, uri, as string) *httptest.ResponseRecorder {
		request := vendorCall(method, uri, token)
		request.Header.Set("X-HTTP-Method-Override", as)
		return r.serve(request)
	}
	expect(t, override("POST", "/webhooks", "get"), 200)
	problem(t, override("GET", "/webhooks/1", "DELETE"), 422, bridge.CodeInvalidFields) // still a GET
	problem(t, override("POST", "/webhooks/1", "PATCH"), 405, bridge.CodeMethodNotAllowed)
	problem(t, override("POST", "/v1/products/1", "GET"), 405, bridge.CodeMethodNotAllowed)
}
