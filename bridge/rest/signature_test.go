package rest_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
)

// The published examples, byte for byte, over a real connection.
func TestPublishedSignatures(t *testing.T) {
	if auth.Published().Secret != hmacSecret {
		t.Fatal("the tests have another secret than the published examples")
	}
	for _, v := range auth.Published().Examples {
		t.Run(v.Method+" "+v.URI, func(t *testing.T) {
			r := newRig(t)
			r.now = time.Unix(v.Timestamp, 0)
			server := httptest.NewServer(r.handler)
			defer server.Close()
			request, err := http.NewRequest(v.Method, server.URL+v.URI, strings.NewReader(v.Body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+r.token(auth.ScopeRead, auth.ScopeWrite))
			request.Header.Set("X-Request-ID", v.RequestID)
			request.Header.Set("X-Timestamp", strconv.FormatInt(v.Timestamp, 10))
			request.Header.Set("X-Signature", v.Signature)
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Accept", "application/json")
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			want := http.StatusOK
			switch {
			case v.Method == http.MethodPost:
				want = http.StatusAccepted
			case strings.HasPrefix(v.URI, "/v1/jobs/"):
				want = http.StatusNotFound // signed well, but no such job
			}
			if response.StatusCode != want {
				t.Errorf("got %d, want %d", response.StatusCode, want)
			}
		})
	}
}

func TestTimestampWindow(t *testing.T) {
	for seconds, fresh := range map[int]bool{-31: false, -30: true, 0: true, 30: true, 31: false} {
		t.Run(strconv.Itoa(seconds), func(t *testing.T) {
			r, s := newRig(t), read(productPath)
			s.skew = time.Duration(seconds) * time.Second
			// Half a second on the server's side changes nothing: both count
			// whole seconds.
			r.now = start.Add(500 * time.Millisecond)
			if w := r.send(s); (w.Code == http.StatusOK) != fresh {
				t.Errorf("%d s: got %d", seconds, w.Code)
			}
		})
	}
}

func TestTimestampSpelling(t *testing.T) {
	for _, spelling := range []string{"", " ", "1710950400.0", "+1710950400", "01710950400", "1.71e9", "1710950400000", "-1", "0x65fb0f80", "now"} {
		t.Run(spelling, func(t *testing.T) {
			r, s := newRig(t), read(productPath)
			s.after = func(req *http.Request) { req.Header.Set("X-Timestamp", spelling) }
			r.refused(s, http.StatusForbidden, bridge.CodeTimestampWindow)
		})
	}
}

func TestEitherSecretSigns(t *testing.T) {
	for secret, good := range map[string]bool{hmacSecret: true, previousSecret: true, "another": false, strings.ToUpper(hmacSecret): false} {
		r, s := newRig(t), read(productPath)
		s.secret = secret
		if w := r.send(s); (w.Code == http.StatusOK) != good {
			t.Errorf("secret %q: got %d", secret, w.Code)
		}
	}
}

// What is signed and then changed on the way is refused, whatever it is.
func TestTampering(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"body": func(r *http.Request) { *r = *withBody(r, strings.Replace(updateBody, "25.5", "2.55", 1)) },
		"path": func(r *http.Request) { r.RequestURI = "/v1/jobs/orders/status" },
		"query": func(r *http.Request) {
			r.RequestURI += "?x=1"
		},
		"request id": func(r *http.Request) { r.Header.Set("X-Request-ID", "95c1fd6a-22a4-409d-bf5b-c4fbaaf2b1d0") },
		"timestamp": func(r *http.Request) {
			r.Header.Set("X-Timestamp", strconv.FormatInt(start.Unix()+1, 10))
		},
		"signature cut":     func(r *http.Request) { r.Header.Set("X-Signature", r.Header.Get("X-Signature")[:62]) },
		"signature missing": func(r *http.Request) { r.Header.Del("X-Signature") },
		"signature longer":  func(r *http.Request) { r.Header.Set("X-Signature", r.Header.Get("X-Signature")+"00") },
	} {
		t.Run(name, func(t *testing.T) {
			r, s := newRig(t), write(updateBody)
			s.after = change
			r.refused(s, http.StatusForbidden, bridge.CodeBadSignature)
		})
	}
}

func withBody(r *http.Request, body string) *http.Request {
	changed := httptest.NewRequest(r.Method, r.RequestURI, strings.NewReader(body))
	changed.Header = r.Header
	return changed
}

// A client without secrets in the directory can sign nothing, not even with an
// empty key.
func TestClientWithoutSecrets(t *testing.T) {
	r := newRig(t, func(d *rest.Door) {
		d.Gate.Clients = bridge.FixedClients{{ID: clientID, Scopes: []string{auth.ScopeRead}, HMACSecrets: []string{"", ""}}}
	})
	s := read(productPath)
	s.after = func(req *http.Request) {
		text := auth.StringToSign(req.Method, req.RequestURI, req.Header.Get("X-Timestamp"), requestID, auth.BodyHash(nil))
		req.Header.Set("X-Signature", auth.Sign("", text))
	}
	r.refused(s, http.StatusForbidden, bridge.CodeBadSignature)
}

// The path is signed as it was sent: nothing is decoded or cleaned first, and
// the decoded value is what the operation sees.
func TestPercentEncodedPathIsSignedUntouched(t *testing.T) {
	for uri, status := range map[string]int{
		"/v1/products/%31%32%33": http.StatusOK,
		"/v1/products/12%2F3":    http.StatusBadRequest, // text, not a number
		"/v1/products/%7e":       http.StatusBadRequest,
		"/v1/products/%7E":       http.StatusBadRequest,
		"/v1/products/123?":      http.StatusOK,
	} {
		r := newRig(t)
		if w := r.send(read(uri)); w.Code != status {
			t.Errorf("%s: got %d, want %d\n%s", uri, w.Code, status, w.Body)
		}
	}
	r, s := newRig(t), read("/v1/products/%31%32%33")
	s.after = func(req *http.Request) { req.RequestURI = productPath }
	r.refused(s, http.StatusForbidden, bridge.CodeBadSignature)
}

// A proxy may send the absolute form (RFC 9112 §3.2.2); what was signed is the
// path and query in it.
func TestAbsoluteFormRequestLine(t *testing.T) {
	r := newRig(t)
	server := httptest.NewServer(r.handler)
	defer server.Close()
	signed := r.request(read(productPath))
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "GET http://bridge.example%s HTTP/1.1\r\nHost: bridge.example\r\nConnection: close\r\n", productPath)
	_ = signed.Header.Write(connection)
	fmt.Fprint(connection, "\r\n")
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("got %d, want 200", response.StatusCode)
	}
}

// The request id may be written in either case; it is signed, stored and
// echoed in lower case.
func TestRequestIDLetterCase(t *testing.T) {
	r, s := newRig(t), read(productPath)
	s.requestID = strings.ToUpper(requestID)
	w := r.send(s)
	expect(t, w, http.StatusOK)
	if got := w.Header().Get("X-Request-ID"); got != requestID {
		t.Errorf("echoed %q", got)
	}
}
