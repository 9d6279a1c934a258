package rest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

func attackWith(token string) shot {
	s := read(productPath)
	s.after = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	return s
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
