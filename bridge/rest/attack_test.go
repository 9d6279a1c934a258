package rest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

func attackWith(token string) shot {
	s := read(productPath)
	s.after = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	return s
}

// ATTACK: tokens that no key of ours signed, or that are for somebody else.
func TestAttackForgedTokens(t *testing.T) {
	r := newRig(t)
	kid := signingKeys().SigningID()
	public, _ := signingKeys().PublicKey(kid)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	nothing := func(string) []byte { return nil }
	byPublicKey := func(text string) []byte {
		mac := hmac.New(sha256.New, publicPEM)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	for name, token := range map[string]string{
		"alg none":                   forge(map[string]any{"alg": "none", "typ": "at+jwt", "kid": kid}, goodClaims(r), nothing),
		"alg None":                   forge(map[string]any{"alg": "None", "typ": "at+jwt", "kid": kid}, goodClaims(r), nothing),
		"HS256 with the public key":  forge(map[string]any{"alg": "HS256", "typ": "at+jwt", "kid": kid}, goodClaims(r), byPublicKey),
		"RS256 without a signature":  forge(map[string]any{"alg": "RS256", "typ": "at+jwt", "kid": kid}, goodClaims(r), nothing),
		"RS256 of another key":       otherIssuer(r, func(i *auth.Issuer) { i.Keys = strangerKeys(t) }),
		"another audience":           otherIssuer(r, func(i *auth.Issuer) { i.Audience = []string{"https://other.example"} }),
		"another issuer":             otherIssuer(r, func(i *auth.Issuer) { i.URL = "https://other.example" }),
		"expired":                    otherIssuer(r, func(i *auth.Issuer) { i.Now = func() time.Time { return start.Add(-2 * time.Hour) } }),
		"from the future":            otherIssuer(r, func(i *auth.Issuer) { i.Now = func() time.Time { return start.Add(time.Hour) } }),
		"empty":                      "",
		"one part":                   "abc",
		"a space and a second token": r.token(auth.ScopeRead) + " " + r.token(auth.ScopeRead),
	} {
		t.Run(name, func(t *testing.T) {
			w := r.send(attackWith(token))
			problem(t, w, http.StatusUnauthorized, bridge.CodeUnauthorized)
			if got := w.Header().Get("WWW-Authenticate"); got != `Bearer realm="bridge", error="invalid_token"` {
				t.Errorf("challenge %q", got)
			}
			if parts := strings.Split(token, "."); len(parts) > 1 && strings.Contains(w.Body.String()+r.log.String(), parts[1]) {
				t.Error("a part of the token came back or was logged")
			}
		})
	}
	// The same rig takes the real token, so what was refused was the forgery.
	expect(t, r.send(attackWith(r.token(auth.ScopeRead))), http.StatusOK)
}

func strangerKeys(t *testing.T) *auth.KeySet {
	t.Helper()
	key, err := auth.NewSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := auth.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// ATTACK: a token is good for an hour, its client was removed a second ago.
func TestAttackRevokedClient(t *testing.T) {
	r := newRig(t)
	s := attackWith(r.token(auth.ScopeRead))
	expect(t, r.send(s), http.StatusOK)
	r.door.Gate.Clients = bridge.FixedClients{}
	r.refused(s, http.StatusUnauthorized, bridge.CodeUnauthorized)
}

// ATTACK: a token with a scope the client has lost since.
func TestAttackScopeTakenAway(t *testing.T) {
	r := newRig(t)
	r.door.Gate.Clients = bridge.FixedClients{{ID: clientID, Scopes: []string{auth.ScopeRead}, HMACSecrets: []string{hmacSecret}}}
	r.refused(write(updateBody), http.StatusForbidden, bridge.CodeInsufficientScope)
}

// ATTACK: the token in other places than the Authorization header.
func TestAttackTokenElsewhere(t *testing.T) {
	r := newRig(t)
	for name, change := range map[string]func(*http.Request){
		"none":   func(*http.Request) {},
		"query":  func(req *http.Request) { req.RequestURI += "?access_token=" + r.token(auth.ScopeRead) },
		"cookie": func(req *http.Request) { req.Header.Set("Cookie", "access_token="+r.token(auth.ScopeRead)) },
		"basic":  func(req *http.Request) { req.SetBasicAuth(clientID, clientSecret) },
	} {
		t.Run(name, func(t *testing.T) {
			s := read(productPath)
			s.after = func(req *http.Request) {
				req.Header.Del("Authorization")
				change(req)
			}
			w := r.send(s)
			problem(t, w, http.StatusUnauthorized, bridge.CodeUnauthorized)
			if got := w.Header().Get("WWW-Authenticate"); got != `Bearer realm="bridge"` {
				t.Errorf("challenge %q", got)
			}
		})
	}
}

// ATTACK: a security header twice, so that a proxy and the door each believe
// another one.
func TestAttackDuplicateHeaders(t *testing.T) {
	for name, want := range map[string]struct {
		status int
		code   bridge.Code
	}{
		"Authorization": {401, bridge.CodeUnauthorized},
		"X-Timestamp":   {403, bridge.CodeTimestampWindow},
		"X-Request-ID":  {400, bridge.CodeInvalidRequest},
		"X-Signature":   {403, bridge.CodeBadSignature},
		"Content-Type":  {415, bridge.CodeUnsupportedMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			r, s := newRig(t), write(updateBody)
			s.after = func(req *http.Request) { req.Header.Add(name, req.Header.Get(name)) }
			r.refused(s, want.status, want.code)
		})
	}
}

// ATTACK: a captured request sent again after the window, and within it with
// another request id.
func TestAttackReplay(t *testing.T) {
	r, s := newRig(t), write(updateBody)
	captured := r.request(s).Header
	s.after = func(req *http.Request) { req.Header = captured.Clone() }
	expect(t, r.send(s), http.StatusAccepted)
	// Within the window the same bytes are the same intention: the same job.
	again := r.send(s)
	expect(t, again, http.StatusAccepted)
	if len(r.back.jobs) != 1 {
		t.Fatalf("%d jobs", len(r.back.jobs))
	}
	s.after = func(req *http.Request) {
		req.Header = captured.Clone()
		req.Header.Set("X-Request-ID", "f717d835-a6d6-4d7e-8c44-73f1ca7e63d8")
	}
	r.refused(s, http.StatusForbidden, bridge.CodeBadSignature)
	r.now = start.Add(31 * time.Second)
	s.after = func(req *http.Request) { req.Header = captured.Clone() }
	r.refused(s, http.StatusForbidden, bridge.CodeTimestampWindow)
}

// ATTACK: one client's token with another client's signature.
func TestAttackSignatureOfAnotherClient(t *testing.T) {
	r := newRig(t)
	r.door.Gate.Clients = bridge.FixedClients{
		{ID: clientID, Scopes: []string{auth.ScopeRead}, HMACSecrets: []string{hmacSecret}},
		{ID: "handler-2", Scopes: []string{auth.ScopeRead}, HMACSecrets: []string{"the other one's secret"}},
	}
	s := read(productPath)
	s.secret = "the other one's secret"
	r.refused(s, http.StatusForbidden, bridge.CodeBadSignature)
}

// ATTACK: reading another client's job.
func TestAttackForeignJob(t *testing.T) {
	r := newRig(t)
	const id = "018e5c3e-0000-7000-8000-000000000009"
	r.back.jobs[id] = bridge.Job{ID: id, ClientID: "handler-2", Status: schemas.Accepted}
	r.refused(read("/v1/jobs/"+id), http.StatusNotFound, bridge.CodeNotFound)
	r.back.jobs[id] = bridge.Job{ID: id, ClientID: clientID, Status: schemas.Accepted}
	expect(t, r.send(read("/v1/jobs/"+id)), http.StatusOK)
}

// ATTACK: a verb smuggled past the routes.
func TestAttackMethodOverride(t *testing.T) {
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		r, s := newRig(t), read(productPath)
		s.after = func(req *http.Request) { req.Header.Set(name, "DELETE") }
		expect(t, r.send(s), http.StatusOK) // read, nothing else
	}
}

// ATTACK: a few kilobytes that stand for more than is allowed.
func TestAttackGzipBomb(t *testing.T) {
	s := write(strings.Repeat(" ", 12<<20))
	s.encoding, s.encode = "gzip", gzipped
	newRig(t).refused(s, http.StatusRequestEntityTooLarge, bridge.CodePayloadTooLarge)
}

// ATTACK: an address of the inside, written into X-Forwarded-For.
func TestAttackForwardedAddress(t *testing.T) {
	for _, c := range []struct {
		name      string
		remote    string
		forwarded []string
		allowed   bool
	}{
		{"inside, directly", "10.1.2.3:9", nil, true},
		{"outside, directly", "203.0.113.5:9", nil, false},
		{"outside, claiming inside", "203.0.113.5:9", []string{"10.1.2.3"}, false},
		{"by the proxy for the inside", "192.0.2.10:9", []string{"10.1.2.3"}, true},
		{"by the proxy for the outside", "192.0.2.10:9", []string{"203.0.113.5"}, false},
		{"outside, claiming inside, by the proxy", "192.0.2.10:9", []string{"10.1.2.3, 203.0.113.5"}, false},
		{"outside, claiming inside in a line of its own", "192.0.2.10:9", []string{"10.1.2.3", "203.0.113.5"}, false},
		{"outside, claiming to be the proxy", "203.0.113.5:9", []string{"10.1.2.3, 192.0.2.10"}, false},
		{"two proxies", "192.0.2.10:9", []string{"10.1.2.3, 192.0.2.11"}, true},
		{"outside by two proxies, claiming inside", "192.0.2.10:9", []string{"10.1.2.3, 203.0.113.5, 192.0.2.11"}, false},
		{"proxies all the way", "192.0.2.10:9", []string{"192.0.2.11"}, false},
		{"garbage by the proxy", "192.0.2.10:9", []string{"10.1.2.3, unknown"}, false},
		{"nothing by the proxy", "192.0.2.10:9", nil, false},
		{"empty by the proxy", "192.0.2.10:9", []string{""}, false},
		{"with a port", "192.0.2.10:9", []string{"10.1.2.3:4711"}, true},
		{"IPv4 in IPv6", "[::ffff:10.1.2.3]:9", nil, true},
		{"IPv6 in brackets", "192.0.2.10:9", []string{"[2001:db8::7]"}, true},
		{"IPv6 with a port", "192.0.2.10:9", []string{"[2001:db8::7]:4711"}, true},
		{"IPv6 with a zone", "[2001:db8::7%eth0]:9", nil, true},
		{"IPv6 outside", "[2001:db9::7]:9", nil, false},
		{"an address that is none", "@", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(d *rest.Door) {
				d.AllowedSources = networks(t, "10.0.0.0/8", "2001:db8::/32")
				d.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
			})
			s := read(productPath)
			s.after = func(req *http.Request) {
				req.RemoteAddr = c.remote
				for _, line := range c.forwarded {
					req.Header.Add("X-Forwarded-For", line)
				}
			}
			if !c.allowed {
				r.refused(s, http.StatusForbidden, bridge.CodeSourceRefused)
				return
			}
			expect(t, r.send(s), http.StatusOK)
		})
	}
}

// ATTACK: deleting a product, by whatever path names one.
func TestAttackDeleteProduct(t *testing.T) {
	r := newRig(t)
	for path, allow := range map[string]string{
		productPath: "GET", updatePath: "POST", "/v1/jobs/products/import": "POST", "/v1/products": "", "/v1/Products/1/images": "",
	} {
		w := r.send(shot{method: http.MethodDelete, uri: path})
		p := problem(t, w, http.StatusMethodNotAllowed, bridge.CodeMethodNotAllowed)
		if p.Rule != policies.NoDeleteWithOrders || w.Header().Get("Allow") != allow {
			t.Errorf("%s: rule %q, Allow %q", path, p.Rule, w.Header().Get("Allow"))
		}
	}
	// An order is not a product: no such route, no such rule.
	if p := r.refused(shot{method: http.MethodDelete, uri: "/v1/orders/1"}, 405, bridge.CodeMethodNotAllowed); p.Rule != "" {
		t.Errorf("rule %q", p.Rule)
	}
	r.refused(shot{method: http.MethodDelete, uri: "/v1/orders"}, 404, bridge.CodeNotFound)
}

// ATTACK: a synchronous write, asked for in every way a header can.
func TestAttackSynchronousWrite(t *testing.T) {
	for _, values := range [][]string{{"wait"}, {"wait=10"}, {"respond-async, wait=100"}, {"respond-async", "wait"}} {
		s := write(updateBody)
		s.after = func(req *http.Request) { req.Header["Prefer"] = values }
		if p := newRig(t).refused(s, http.StatusUnprocessableEntity, bridge.CodePolicyRefused); p.Rule != policies.NoHeavySyncWrite {
			t.Errorf("%v: rule %q", values, p.Rule)
		}
	}
}

// ATTACK: a header that ends the line and starts another one.
func TestAttackHeaderInjection(t *testing.T) {
	r, s := newRig(t), read(productPath)
	s.requestID = requestID + "\r\nX-Evil: 1"
	w := r.send(s)
	problem(t, w, http.StatusBadRequest, bridge.CodeInvalidRequest)
	if got := w.Header().Get("X-Request-ID"); got != "" {
		t.Errorf("an invalid id was echoed: %q", got)
	}
}

// ATTACK: secrets drawn out through the log or an answer.
func TestNothingSecretIsLoggedOrAnswered(t *testing.T) {
	r := newRig(t)
	var answers strings.Builder
	for _, s := range []shot{
		read(productPath), read(productPath + "?secret=hunter2"), read("/v1/hunter2"), write(updateBody),
		write(`{"product_id":"hunter2"`), {method: "HUNTER2", uri: productPath},
	} {
		answers.WriteString(r.send(s).Body.String())
	}
	wrong := ask(grant("scope", "hunter2"))
	wrong.SetBasicAuth(clientID, "hunter2")
	r.serve(wrong)
	for _, secret := range []string{"hunter2", "HUNTER2", "Bearer", hmacSecret, clientSecret, "eyJ", "price_ht"} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
	if strings.Contains(answers.String(), "hunter2") {
		t.Errorf("a value came back:\n%s", answers.String())
	}
	for line := range strings.Lines(r.log.String()) {
		var entry struct{ Method, Route string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Method == "" || entry.Route == "" {
			t.Errorf("log line %s", line)
		}
	}
}

// ATTACK: a client that goes away while its request is in work.
func TestClientThatGoesAway(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request := r.request(read(productPath)).WithContext(ctx)
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	if !strings.Contains(r.log.String(), `"route":"/v1/products/{product_id}"`) {
		t.Errorf("not logged: %s", r.log)
	}
}
