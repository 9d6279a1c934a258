package rest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

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

// forge writes a token by hand, with any header and any claims.
func forge(header, claims map[string]any, sign func(string) []byte) string {
	encode := func(v any) string {
		raw, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	text := encode(header) + "." + encode(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

func goodClaims(r *rig) map[string]any {
	return map[string]any{
		"iss": baseURL, "sub": clientID, "client_id": clientID, "aud": []string{baseURL}, "scope": "bridge:read bridge:write", "jti": "1",
		"iat": r.now.Unix(), "nbf": r.now.Unix(), "exp": r.now.Add(time.Hour).Unix(),
	}
}

func otherIssuer(r *rig, change func(*auth.Issuer)) string {
	other := *r.door.Gate.Tokens
	change(&other)
	token, _, err := other.Issue(clientID, []string{auth.ScopeRead, auth.ScopeWrite})
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}
