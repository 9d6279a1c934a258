package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
)

const formType = "application/x-www-form-urlencoded"

// ask posts a token request with HTTP Basic credentials.
func ask(form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", formType)
	r.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape(clientSecret))
	return r
}

func grant(more ...string) url.Values {
	form := url.Values{"grant_type": {"client_credentials"}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Add(more[i], more[i+1])
	}
	return form
}

type issued struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	Scope       string `json:"scope"`
}

func TestTokenIsIssued(t *testing.T) {
	inForm := func() *http.Request {
		r := ask(grant("client_id", clientID, "client_secret", clientSecret))
		r.Header.Del("Authorization")
		return r
	}
	both := "bridge:read bridge:write"
	for name, c := range map[string]struct {
		request *http.Request
		scope   string
	}{
		"basic":                    {ask(grant()), both},
		"form":                     {inForm(), both},
		"same client id in both":   {ask(grant("client_id", clientID)), both},
		"one scope":                {ask(grant("scope", "bridge:read")), "bridge:read"},
		"scopes in another order":  {ask(grant("scope", "bridge:write bridge:read")), "bridge:write bridge:read"},
		"empty scope":              {ask(grant("scope", "")), both},
		"known resource":           {ask(grant("resource", baseURL)), both},
		"two known resources":      {ask(grant("resource", baseURL, "resource", baseURL+"/mcp")), both},
		"charset beside form type": {withType(ask(grant()), formType+"; charset=utf-8"), both},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			w := r.serve(c.request)
			expect(t, w, http.StatusOK)
			var got issued
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.TokenType != "Bearer" || got.ExpiresIn != 3600 || got.Scope != c.scope {
				t.Errorf("got %+v", got)
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Error("a cache may keep the token")
			}
			claims, err := r.door.Gate.Tokens.Verify(got.AccessToken)
			if err != nil || claims.ClientID != clientID || strings.Join(claims.Scopes, " ") != c.scope {
				t.Errorf("claims %+v, %v", claims, err)
			}
		})
	}
}

func withType(r *http.Request, mediaType string) *http.Request {
	r.Header.Set("Content-Type", mediaType)
	return r
}

// RFC 6749 §5.2, RFC 8707 §2.
func TestTokenIsRefused(t *testing.T) {
	basic := func(user, password string) *http.Request {
		r := ask(grant())
		r.SetBasicAuth(user, password)
		return r
	}
	header := func(name, value string) *http.Request {
		r := ask(grant())
		r.Header.Add(name, value)
		return r
	}
	bare := func(form url.Values) *http.Request {
		r := ask(form)
		r.Header.Del("Authorization")
		return r
	}
	inURI := ask(grant())
	inURI.RequestURI += "?client_secret=x"
	raw := httptest.NewRequest(http.MethodPost, "/oauth/token", strings.NewReader("grant_type=%zz"))
	raw.Header.Set("Content-Type", formType)
	for name, c := range map[string]struct {
		request *http.Request
		status  int
		code    string
	}{
		"no grant type":               {ask(url.Values{}), 400, "invalid_request"},
		"another grant type":          {ask(url.Values{"grant_type": {"password"}}), 400, "unsupported_grant_type"},
		"grant type twice":            {ask(grant("grant_type", "client_credentials")), 400, "invalid_request"},
		"scope twice":                 {ask(grant("scope", "bridge:read", "scope", "bridge:read")), 400, "invalid_request"},
		"a scope the client lacks":    {ask(grant("scope", "bridge:read bridge:pii")), 400, "invalid_scope"},
		"an invented scope":           {ask(grant("scope", "admin")), 400, "invalid_scope"},
		"unknown resource":            {ask(grant("resource", "https://other.example")), 400, "invalid_target"},
		"known and unknown resource":  {ask(grant("resource", baseURL, "resource", "https://other.example")), 400, "invalid_target"},
		"JSON body":                   {withType(ask(grant()), "application/json"), 400, "invalid_request"},
		"no content type":             {withType(ask(grant()), ""), 400, "invalid_request"},
		"parameters in the URI":       {inURI, 400, "invalid_request"},
		"broken escapes":              {raw, 400, "invalid_request"},
		"body over 8 KiB":             {ask(grant("x", strings.Repeat("x", 8192))), 400, "invalid_request"},
		"basic and form":              {ask(grant("client_secret", clientSecret)), 400, "invalid_request"},
		"another client id in form":   {ask(grant("client_id", "handler-2")), 400, "invalid_request"},
		"two authorization headers":   {header("Authorization", "Basic x"), 400, "invalid_request"},
		"no credentials":              {bare(grant()), 401, "invalid_client"},
		"no secret":                   {bare(grant("client_id", clientID)), 401, "invalid_client"},
		"bearer instead of basic":     {with("Authorization", "Bearer x"), 401, "invalid_client"},
		"basic that is not base64":    {with("Authorization", "Basic §§"), 401, "invalid_client"},
		"wrong secret":                {basic(clientID, "wrong"), 401, "invalid_client"},
		"secret not form-urlencoded":  {basic(clientID, clientSecret), 401, "invalid_client"},
		"empty secret":                {basic(clientID, ""), 401, "invalid_client"},
		"unknown client":              {basic("nobody", url.QueryEscape(clientSecret)), 401, "invalid_client"},
		"client id with a wrong case": {basic(strings.ToUpper(clientID), url.QueryEscape(clientSecret)), 401, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRig(t).serve(c.request)
			expect(t, w, c.status)
			var got struct {
				Error       string `json:"error"`
				Description string `json:"error_description"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Error != c.code || got.Description == "" {
				t.Errorf("got %s, want %s", w.Body, c.code)
			}
			if challenged := strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic "); challenged != (c.status == 401) {
				t.Errorf("WWW-Authenticate %q", w.Header().Get("WWW-Authenticate"))
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Error("a cache may keep the answer")
			}
		})
	}
}

func with(name, value string) *http.Request {
	r := ask(grant())
	r.Header.Set(name, value)
	return r
}

// The client directory is away: no 401, which would tell clients to give up.
func TestTokenWhileTheStoreIsAway(t *testing.T) {
	r := newRig(t, func(d *rest.Door) { d.Gate.Clients = absentDirectory{} })
	w := r.serve(ask(grant()))
	expect(t, w, http.StatusServiceUnavailable)
	if w.Header().Get("Retry-After") != "5" || strings.Contains(w.Body.String(), "dial tcp") {
		t.Errorf("Retry-After %q, body %s", w.Header().Get("Retry-After"), w.Body)
	}
	if !strings.Contains(r.log.String(), "dial tcp") {
		t.Error("the cause is not in the log")
	}
}

type absentDirectory struct{}

func (absentDirectory) Client(context.Context, string) (bridge.Client, error) {
	return bridge.Client{}, bridge.Fault(bridge.CodeStoreUnavailable, errors.New("dial tcp 10.0.0.3:3306"), "The database does not answer.")
}

// Twenty requests a minute for a client from an address; a hundred for an
// address whatever it calls itself; and a minute later all is forgotten.
func TestTokenLimit(t *testing.T) {
	r := newRig(t, func(d *rest.Door) { d.Gate.Clients = unhashed{} })
	from := func(address, client string) int {
		request := ask(grant())
		request.RemoteAddr = address
		request.SetBasicAuth(client, "x")
		w := r.serve(request)
		if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "60" {
			t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
		}
		return w.Code
	}
	for i := range 20 {
		if got := from("192.0.2.1:1", "a"); got != http.StatusServiceUnavailable {
			t.Fatalf("request %d: got %d", i, got)
		}
	}
	steps := []struct {
		address, client string
		status          int
	}{
		{"192.0.2.1:2", "a", 429}, {"192.0.2.1:1", "b", 503}, {"192.0.2.2:1", "a", 503},
		{"[2001:db8::1]:1", "c", 503},
	}
	for _, s := range steps {
		if got := from(s.address, s.client); got != s.status {
			t.Errorf("%s as %s: got %d, want %d", s.address, s.client, got, s.status)
		}
	}
	refusedAt := 0
	for i := 1; i <= 120 && refusedAt == 0; i++ {
		// Another client id and another address of the same /64 each time.
		if from("[2001:db8::"+strconv.FormatInt(int64(i+1), 16)+"]:1", "guess-"+strconv.Itoa(i)) == 429 {
			refusedAt = i
		}
	}
	if refusedAt != 100 {
		t.Errorf("an address that guesses ids was stopped at request %d", refusedAt)
	}
	r.now = r.now.Add(time.Minute)
	if got := from("192.0.2.1:1", "a"); got != http.StatusServiceUnavailable {
		t.Errorf("a minute later: got %d", got)
	}
}

// unhashed answers every client id with a fault before any secret is compared,
// which would take fifty milliseconds each.
type unhashed struct{}

func (unhashed) Client(context.Context, string) (bridge.Client, error) {
	return bridge.Client{}, bridge.Fault(bridge.CodeStoreUnavailable, nil, "away")
}

func TestTokenFromOutside(t *testing.T) {
	r := newRig(t, func(d *rest.Door) { d.AllowedSources = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	w := r.serve(ask(grant()))
	expect(t, w, http.StatusForbidden)
	if !strings.Contains(w.Body.String(), `"error":"access_denied"`) {
		t.Errorf("body %s", w.Body)
	}
}

// From the token to a signed answer, over a real connection.
func TestTokenOpensTheDoor(t *testing.T) {
	r := newRig(t)
	w := r.serve(ask(grant("scope", "bridge:read")))
	var got issued
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	s := read(productPath)
	s.after = func(req *http.Request) { req.Header.Set("Authorization", "bearer "+got.AccessToken) }
	expect(t, r.send(s), http.StatusOK)
	s = write(updateBody)
	s.after = func(req *http.Request) { req.Header.Set("Authorization", "Bearer "+got.AccessToken) }
	w = r.send(s)
	problem(t, w, http.StatusForbidden, bridge.CodeInsufficientScope)
	want := `Bearer realm="bridge", error="insufficient_scope", scope="bridge:write"`
	if challenge := w.Header().Get("WWW-Authenticate"); challenge != want {
		t.Errorf("challenge %q", challenge)
	}
}

func TestPublicDocuments(t *testing.T) {
	r := newRig(t)
	w := r.serve(httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
	expect(t, w, http.StatusOK)
	if diff := cmp.Diff(string(signingKeys().JWKS()), w.Body.String()); diff != "" {
		t.Error(diff)
	}
	w = r.serve(httptest.NewRequest(http.MethodGet, "/.well-known/oauth-authorization-server", nil))
	expect(t, w, http.StatusOK)
	golden(t, "metadata", w)
}
