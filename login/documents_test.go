package login_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/login"
)

// publishes serves a body as a client's metadata document.
func publishes(body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}
}

// documentOf is a sound document with changes (nil takes a member out).
func documentOf(id string, changes map[string]any) string {
	doc := map[string]any{"client_id": id, "client_name": "Far App", "redirect_uris": []string{strings.Replace(id, "/client.json", "/callback", 1), "http://127.0.0.1/done"}, "token_endpoint_auth_method": "none"}
	for name, value := range changes {
		if doc[name] = value; value == nil {
			delete(doc, name)
		}
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func TestAnAppIsConnectedByItsURL(t *testing.T) {
	r := newRig(t)
	id := r.publisher.URL + "/client.json"
	r.publish = publishes(documentOf(id, nil))
	query := r.asks("client_id", id, "redirect_uri", r.publisher.URL+"/callback")
	b := r.browser()
	if b.get(query); r.asked.Load() != 0 {
		t.Error("a stranger makes the bridge fetch an address of their choice")
	}
	page := b.logIn(query)
	for _, shown := range []string{"Far App", "Unverified", strings.TrimPrefix(r.publisher.URL, "https://")} {
		if !strings.Contains(page.body, shown) {
			t.Errorf("the consent page does not show %q", shown)
		}
	}
	back := b.post(query, url.Values{"token": {page.token(t)}, "action": {"approve"}, "scope": {"bridge:read"}})
	got := r.token("/oauth/token", redemption(back.where.Query().Get("code"), "client_id", id, "redirect_uri", r.publisher.URL+"/callback"))
	if got.status != 200 {
		t.Fatalf("%+v", got)
	}
	actor, err := r.actor(got.Access)
	if err != nil || !strings.HasPrefix(actor.ClientID, "127.0.0.1~") || !strings.HasSuffix(actor.ClientID, "/ada") {
		t.Errorf("%+v, %v", actor, err)
	}
	if asked := r.asked.Load(); asked != 1 {
		t.Errorf("the document was fetched %d times", asked)
	}
	r.advance(6 * time.Minute)
	if got := r.refresh(got.Refresh, "client_id", id); got.status != 200 || r.asked.Load() != 2 {
		t.Errorf("%+v after %d fetches", got, r.asked.Load())
	}
	if own := r.token("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}}); own.Error != "unauthorized_client" {
		t.Errorf("it acts on its own: %+v", own)
	}
	// A document that is away keeps nobody from what is granted already, only
	// from new tokens, and says so.
	r.advance(6 * time.Minute)
	r.publish = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	if _, err := r.actor(got.Access); err != nil {
		t.Error(err)
	}
	if got := r.refresh(got.Refresh, "client_id", id); got.status != http.StatusServiceUnavailable {
		t.Errorf("%+v", got)
	}
}

// ATTACK: documents that lie, point elsewhere or have no end.
func TestAttackHostileDocuments(t *testing.T) {
	for name, c := range map[string]struct {
		publish func(id string) func(http.ResponseWriter, *http.Request)
		path    string
	}{
		"another client_id": {func(id string) func(http.ResponseWriter, *http.Request) {
			return publishes(documentOf(id, map[string]any{"client_id": id + "2"}))
		}, ""},
		"no client_id": {func(id string) func(http.ResponseWriter, *http.Request) {
			return publishes(documentOf(id, map[string]any{"client_id": nil}))
		}, ""},
		"a secret": {func(id string) func(http.ResponseWriter, *http.Request) {
			return publishes(documentOf(id, map[string]any{"client_secret": "x"}))
		}, ""},
		"a method with a secret": {func(id string) func(http.ResponseWriter, *http.Request) {
			return publishes(documentOf(id, map[string]any{"token_endpoint_auth_method": "client_secret_post"}))
		}, ""},
		"keys it does not use": {func(id string) func(http.ResponseWriter, *http.Request) {
			return publishes(documentOf(id, map[string]any{"jwks_uri": "https://keys.example/jwks"}))
		}, ""},
		"redirects to others only": {func(id string) func(http.ResponseWriter, *http.Request) {
			return publishes(documentOf(id, map[string]any{"redirect_uris": []string{"https://evil.example/callback", "evil:/callback", "javascript:alert(1)"}}))
		}, ""},
		"a name that turns the text": {func(id string) func(http.ResponseWriter, *http.Request) {
			return publishes(documentOf(id, map[string]any{"client_name": "App \u202e gro.elgoog"}))
		}, ""},
		"a name without end": {func(id string) func(http.ResponseWriter, *http.Request) {
			return publishes(documentOf(id, map[string]any{"client_name": strings.Repeat("x", 81)}))
		}, ""},
		"too long": {func(id string) func(http.ResponseWriter, *http.Request) {
			return publishes(documentOf(id, map[string]any{"padding": strings.Repeat("x", 5<<10)}))
		}, ""},
		"no JSON": {func(string) func(http.ResponseWriter, *http.Request) { return publishes("<html>") }, ""},
		"HTML that reads as JSON": {func(id string) func(http.ResponseWriter, *http.Request) {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte(documentOf(id, nil)))
			}
		}, ""},
		"a redirect": {func(string) func(http.ResponseWriter, *http.Request) {
			return func(w http.ResponseWriter, q *http.Request) {
				http.Redirect(w, q, "https://evil.example/client.json", http.StatusFound)
			}
		}, ""},
		"not found": {func(string) func(http.ResponseWriter, *http.Request) { return http.NotFound }, ""},
		"a path that climbs": {func(id string) func(http.ResponseWriter, *http.Request) {
			return publishes(documentOf(id, nil))
		}, "/x/../client.json"},
		"a query": {func(id string) func(http.ResponseWriter, *http.Request) { return publishes(documentOf(id, nil)) }, "/client.json?x=1"},
		"no path": {func(id string) func(http.ResponseWriter, *http.Request) { return publishes(documentOf(id, nil)) }, "/"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			id := r.publisher.URL + "/client.json"
			if c.path != "" {
				id = r.publisher.URL + c.path
			}
			r.publish = c.publish(id)
			b := r.browser()
			b.logIn(r.asks())
			got := b.get(r.asks("client_id", id, "redirect_uri", r.publisher.URL+"/callback"))
			if got.status != http.StatusBadRequest || got.where != nil || strings.Contains(got.body, `value="approve"`) {
				t.Errorf("status %d to %v\n%s", got.status, got.where, got.body)
			}
		})
	}
}

// ATTACK: reaching into the private network by a client_id or a jwks_uri.
func TestAttackDocumentsInside(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.logIn(r.asks())
	_, port, _ := strings.Cut(strings.TrimPrefix(r.publisher.URL, "https://"), ":")
	for _, host := range []string{"10.0.0.1", "169.254.169.254", "localhost:" + port, "[::1]:" + port, "127.0.0.1", "127.1:" + port, "2130706433", "metadata.google.internal", "user@127.0.0.1:" + port} {
		id := "https://" + host + "/client.json"
		got := b.get(r.asks("client_id", id, "redirect_uri", "https://"+host+"/callback"))
		if got.status < 400 || got.where != nil || r.asked.Load() != 0 {
			t.Errorf("%s: status %d to %v after %d fetches", host, got.status, got.where, r.asked.Load())
		}
	}
	r.register("inside", bridge.ClientMetadata{AuthMethod: bridge.AuthKey, KeysURI: "https://localhost:" + port + "/jwks"})
	key := newKey(t)
	if got := r.token("/oauth/token", asserted(t, key, "", "inside", r.base, nil)); got.Error != "invalid_client" || r.asked.Load() != 0 {
		t.Errorf("%+v after %d fetches", got, r.asked.Load())
	}
}

func TestWhoseDocumentsCount(t *testing.T) {
	const claude = "https://claude.ai/oauth/client.json"
	for _, c := range []struct {
		hosts  []string
		id     string
		admits bool
	}{
		{[]string{"any"}, claude, true}, {[]string{"off"}, claude, false},
		{[]string{"claude.ai"}, claude, true}, {[]string{"claude.ai"}, "https://evil.example/claude.ai", false},
		{[]string{"claude.ai"}, "https://claude.ai.evil.example/x", false}, {[]string{"claude.ai"}, "https://claude.ai:8443/x", false},
		{[]string{"any"}, "http://claude.ai/x", false}, {[]string{"any"}, "https://claude.ai", false}, {[]string{"any"}, "https://Claude.ai/x", false},
		{[]string{"any"}, "https://claude.ai/x#y", false}, {[]string{"any"}, "https://a@claude.ai/x", false}, {[]string{"any"}, "https://claude.ai/./x", false},
		{[]string{"any"}, "https://claude.ai/" + strings.Repeat("x", 512), false},
	} {
		if got := login.NewDocuments(nil, c.hosts, time.Now).Admits(c.id); got != c.admits {
			t.Errorf("%s with %v: %t", c.id, c.hosts, got)
		}
	}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	return must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

func webKeys(t *testing.T, kid string, key *ecdsa.PrivateKey) string {
	t.Helper()
	point := must[[]byte](t)(key.PublicKey.Bytes())
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","kid":%q,"use":"sig","alg":"ES256","x":%q,"y":%q}]}`, kid, encode(point[1:33]), encode(point[33:]))
}

// asserted is a client_credentials request by a client assertion.
func asserted(t *testing.T, key *ecdsa.PrivateKey, kid, client, audience string, change jwt.MapClaims) url.Values {
	t.Helper()
	claims := jwt.MapClaims{"iss": client, "sub": client, "aud": audience, "exp": time.Now().Add(time.Minute).Unix(), "jti": uuid.NewString()}
	for name, value := range change {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	unsigned := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	if kid != "" {
		unsigned.Header["kid"] = kid
	}
	return url.Values{
		"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion": {must[string](t)(unsigned.SignedString(key))},
	}
}

func TestClientsWithKeysOfTheirOwn(t *testing.T) {
	r := newRig(t)
	key, other := newKey(t), newKey(t)
	fresh := r.register("keyed", bridge.ClientMetadata{AuthMethod: bridge.AuthKey, Keys: json.RawMessage(webKeys(t, "k1", key))})
	if fresh.ClientSecret != "" {
		t.Error("a client with keys was given a secret")
	}
	if fresh, err := r.registrar.RotateSecret(t.Context(), "root", "test", "keyed"); bridge.AsError(err).Code != bridge.CodeUnprocessable {
		t.Errorf("rotation gave it one: %+v, %v", fresh, err)
	}
	if _, err := r.registrar.RotateHMAC(t.Context(), "root", "test", "app"); bridge.AsError(err).Code != bridge.CodeUnprocessable {
		t.Errorf("a public client was given a signing secret: %v", err)
	}
	for _, audience := range []string{r.base, r.base + "/oauth/token"} {
		if got := r.token("/oauth/token", asserted(t, key, "k1", "keyed", audience, nil)); got.status != 200 || got.Refresh != "" || got.Scope != "bridge:read bridge:write" {
			t.Errorf("for %s: %+v", audience, got)
		}
	}
	once := asserted(t, key, "k1", "keyed", r.base, nil)
	if got := r.token("/oauth/token", once); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	with := func(form url.Values, more ...string) url.Values {
		for i := 0; i+1 < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"a jti twice":            {once, "invalid_client"},
		"another key":            {asserted(t, other, "k1", "keyed", r.base, nil), "invalid_client"},
		"an unknown kid":         {asserted(t, key, "k2", "keyed", r.base, nil), "invalid_client"},
		"another client's":       {asserted(t, key, "k1", "app", r.base, nil), "invalid_client"},
		"an unknown client's":    {asserted(t, key, "k1", "nobody", r.base, nil), "invalid_client"},
		"another iss":            {asserted(t, key, "k1", "keyed", r.base, jwt.MapClaims{"iss": "app"}), "invalid_client"},
		"for another server":     {asserted(t, key, "k1", "keyed", "https://other.example", nil), "invalid_client"},
		"for two servers":        {asserted(t, key, "k1", "keyed", "", jwt.MapClaims{"aud": []string{r.base, "https://other.example"}}), "invalid_client"},
		"no jti":                 {asserted(t, key, "k1", "keyed", r.base, jwt.MapClaims{"jti": nil}), "invalid_client"},
		"no exp":                 {asserted(t, key, "k1", "keyed", r.base, jwt.MapClaims{"exp": nil}), "invalid_client"},
		"good for an hour":       {asserted(t, key, "k1", "keyed", r.base, jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix()}), "invalid_client"},
		"expired":                {asserted(t, key, "k1", "keyed", r.base, jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()}), "invalid_client"},
		"another client_id":      {with(asserted(t, key, "k1", "keyed", r.base, nil), "client_id", "app"), "invalid_request"},
		"a secret beside it":     {with(asserted(t, key, "k1", "keyed", r.base, nil), "client_secret", "x"), "invalid_request"},
		"another assertion type": {with(asserted(t, key, "k1", "keyed", r.base, nil), "client_assertion_type", "saml"), "invalid_request"},
		"no assertion":           {with(asserted(t, key, "k1", "keyed", r.base, nil), "client_assertion", ""), "invalid_client"},
		"no proof at all":        {url.Values{"grant_type": {"client_credentials"}, "client_id": {"keyed"}}, "invalid_client"},
		"an empty secret":        {url.Values{"grant_type": {"client_credentials"}, "client_id": {"keyed"}, "client_secret": {""}}, "invalid_client"},
		"a secret instead":       {url.Values{"grant_type": {"client_credentials"}, "client_id": {"keyed"}, "client_secret": {"x"}}, "invalid_client"},
	} {
		if got := r.token("/oauth/token", c.form); got.Error != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A client may rotate the keys at its jwks_uri without telling anybody.
func TestKeysAreFetchedAgainForANewKid(t *testing.T) {
	r := newRig(t)
	before, after := newKey(t), newKey(t)
	r.publish = publishes(webKeys(t, "before", before))
	r.register("keyed", bridge.ClientMetadata{AuthMethod: bridge.AuthKey, KeysURI: r.publisher.URL + "/jwks"})
	if got := r.token("/oauth/token", asserted(t, before, "before", "keyed", r.base, nil)); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	r.publish = publishes(webKeys(t, "after", after))
	// Made-up key ids fetch nothing for a minute.
	for range 3 {
		if got := r.token("/oauth/token", asserted(t, after, "made-up", "keyed", r.base, nil)); got.Error != "invalid_client" {
			t.Errorf("%+v", got)
		}
	}
	if r.asked.Load() != 1 {
		t.Errorf("%d fetches", r.asked.Load())
	}
	r.advance(time.Minute)
	expires := jwt.MapClaims{"exp": r.now().Add(time.Minute).Unix()}
	if got := r.token("/oauth/token", asserted(t, after, "after", "keyed", r.base, expires)); got.status != 200 || r.asked.Load() != 2 {
		t.Errorf("%+v after %d fetches", got, r.asked.Load())
	}
}
