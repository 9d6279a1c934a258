package auth

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

var tokenTime = time.Date(2026, 3, 21, 10, 0, 0, 700_000_000, time.UTC)

func issuer(t testing.TB) *Issuer {
	t.Helper()
	keys, err := NewKeySet(makeKey())
	if err != nil {
		t.Fatal(err)
	}
	return &Issuer{
		Keys:     keys,
		URL:      "https://bridge.example.com",
		Audience: []string{"https://bridge.example.com", "https://bridge.example.com/mcp"},
		TTL:      time.Hour,
		Now:      func() time.Time { return tokenTime },
	}
}

func TestIssueAndVerify(t *testing.T) {
	i := issuer(t)
	token, expiresIn, err := i.Issue("agent-1", []string{ScopeRead, ScopeWrite})
	if err != nil {
		t.Fatal(err)
	}
	if expiresIn != time.Hour {
		t.Errorf("expires in %v", expiresIn)
	}
	claims, err := i.Verify(token)
	if err != nil {
		t.Fatal(err)
	}
	issued := tokenTime.Truncate(time.Second)
	want := Claims{ClientID: "agent-1", Scopes: []string{ScopeRead, ScopeWrite}, ID: claims.ID, IssuedAt: issued, ExpiresAt: issued.Add(time.Hour)}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Error(diff)
	}
	header, payload := parts(t, token)
	if header["typ"] != "at+jwt" || header["alg"] != "RS256" || header["kid"] != i.Keys.Current().SigningID() {
		t.Errorf("header %v", header)
	}
	for _, name := range []string{"iss", "sub", "client_id", "aud", "iat", "nbf", "exp", "jti", "scope"} {
		if _, present := payload[name]; !present {
			t.Errorf("claim %s is missing", name)
		}
	}
	again, _, err := i.Issue("agent-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := i.Verify(again); err != nil || other.ID == claims.ID || len(other.Scopes) != 0 {
		t.Errorf("second token: %+v, %v", other, err)
	}
}

func parts(t *testing.T, token string) (header, payload map[string]any) {
	t.Helper()
	for n, into := range []*map[string]any{&header, &payload} {
		raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[n])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
	return header, payload
}

// A token for one resource opens that resource and the issuer that stands for
// all of them, and no other.
func TestTokensForOneResource(t *testing.T) {
	i := issuer(t)
	rest, mcp := i.Audience[0], i.Audience[1]
	token, _, err := i.For(mcp).Issue("agent-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, payload := parts(t, token); !cmp.Equal(payload["aud"], []any{mcp}) {
		t.Errorf("aud %v", payload["aud"])
	}
	for _, c := range []struct {
		by   *Issuer
		want error
	}{{i, nil}, {i.For(), nil}, {i.For(mcp), nil}, {i.For(rest), ErrTokenAudience}} {
		if _, err := c.by.Verify(token); !errors.Is(err, c.want) {
			t.Errorf("%v: got %v, want %v", c.by.Audience, err, c.want)
		}
	}
	if len(i.Audience) != 2 {
		t.Errorf("the issuer itself was narrowed to %v", i.Audience)
	}
}

func TestIssueRefusesAHalfSetIssuer(t *testing.T) {
	for name, spoil := range map[string]func(*Issuer){
		"no lifetime": func(i *Issuer) { i.TTL = time.Millisecond },
		"no URL":      func(i *Issuer) { i.URL = "" },
		"no audience": func(i *Issuer) { i.Audience = nil },
	} {
		i := issuer(t)
		token, _, err := i.Issue("a", nil)
		if err != nil {
			t.Fatal(err)
		}
		spoil(i)
		if _, _, err := i.Issue("a", nil); err == nil {
			t.Errorf("%s: a token was issued", name)
		}
		if _, err := i.Verify(token); err == nil && name != "no lifetime" {
			t.Errorf("%s: everything verifies", name)
		}
	}
	if _, _, err := issuer(t).Issue("", nil); err == nil {
		t.Error("a token for nobody was issued")
	}
}

// genuine gives the claims of an ordinary token, to be spoilt one by one.
func genuine(i *Issuer) jwt.MapClaims {
	now := tokenTime.Unix()
	return jwt.MapClaims{
		"iss": i.URL, "sub": "a", "client_id": "a", "aud": i.Audience[0], "jti": "j", "scope": "bridge:read",
		"iat": now, "nbf": now, "exp": now + 3600,
	}
}

// forge signs a token with the true key, changed as the attack wants it.
func forge(t *testing.T, i *Issuer, change func(header map[string]any, claims jwt.MapClaims)) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, genuine(i))
	token.Header["typ"], token.Header["kid"] = "at+jwt", i.Keys.Current().SigningID()
	change(token.Header, token.Claims.(jwt.MapClaims))
	signed, err := token.SignedString(makeKey())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestForgedTokensAreRefused(t *testing.T) {
	i := issuer(t)
	type claims = jwt.MapClaims
	type header = map[string]any
	now := tokenTime.Unix()
	good := forge(t, i, func(header, claims) {})
	if _, err := i.Verify(good); err != nil {
		t.Fatalf("the unspoilt token is refused: %v", err)
	}
	segments := strings.Split(good, ".")
	encode := func(v any) string {
		raw, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	with := func(change func(header, claims)) string { return forge(t, i, change) }
	signedBy := func(method jwt.SigningMethod, key any) string {
		token := jwt.NewWithClaims(method, genuine(i))
		token.Header["typ"], token.Header["kid"] = "at+jwt", i.Keys.Current().SigningID()
		signed, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	der, err := x509.MarshalPKIXPublicKey(&makeKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	tampered := maps.Clone(genuine(i))
	tampered["scope"] = "bridge:read bridge:write bridge:pii"

	for attack, c := range map[string]struct {
		token string
		want  error
	}{
		"alg none":                      {signedBy(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), ErrTokenSignature},
		"alg none with a signature":     {encode(header{"alg": "none", "typ": "at+jwt", "kid": i.Keys.Current().SigningID()}) + "." + segments[1] + "." + segments[2], ErrTokenSignature},
		"alg nOnE":                      {encode(header{"alg": "nOnE", "typ": "at+jwt"}) + "." + segments[1] + ".", ErrInvalidToken},
		"HS256 with the public PEM":     {signedBy(jwt.SigningMethodHS256, publicPEM), ErrTokenSignature},
		"HS256 with the public DER":     {signedBy(jwt.SigningMethodHS256, der), ErrTokenSignature},
		"RS512 with the true key":       {signedBy(jwt.SigningMethodRS512, makeKey()), ErrTokenSignature},
		"PS256 with the true key":       {signedBy(jwt.SigningMethodPS256, makeKey()), ErrTokenSignature},
		"another RSA key, our kid":      {signedBy(jwt.SigningMethodRS256, makeOtherKey()), ErrTokenSignature},
		"unknown kid":                   {with(func(h header, _ claims) { h["kid"] = "other" }), ErrTokenKey},
		"no kid":                        {with(func(h header, _ claims) { delete(h, "kid") }), ErrTokenKey},
		"kid of another type":           {with(func(h header, _ claims) { h["kid"] = []string{i.Keys.Current().SigningID()} }), ErrTokenKey},
		"kid as a path":                 {with(func(h header, _ claims) { h["kid"] = "../../dev/null" }), ErrTokenKey},
		"embedded jwk":                  {with(func(h header, _ claims) { h["jwk"] = header{"kty": "RSA"} }), ErrTokenHeader},
		"jku to a foreign key set":      {with(func(h header, _ claims) { h["jku"] = "https://evil.example/jwks.json" }), ErrTokenHeader},
		"x5c":                           {with(func(h header, _ claims) { h["x5c"] = []string{"MIIB"} }), ErrTokenHeader},
		"unknown critical extension":    {with(func(h header, _ claims) { h["crit"] = []string{"exp"} }), ErrTokenHeader},
		"no typ":                        {with(func(h header, _ claims) { delete(h, "typ") }), ErrTokenHeader},
		"typ JWT, an ID token":          {with(func(h header, _ claims) { h["typ"] = "JWT" }), ErrTokenHeader},
		"typ of a logout token":         {with(func(h header, _ claims) { h["typ"] = "logout+jwt" }), ErrTokenHeader},
		"wrong issuer":                  {with(func(_ header, c claims) { c["iss"] = "https://evil.example" }), ErrTokenIssuer},
		"issuer with a slash more":      {with(func(_ header, c claims) { c["iss"] = i.URL + "/" }), ErrTokenIssuer},
		"no issuer":                     {with(func(_ header, c claims) { delete(c, "iss") }), ErrInvalidToken},
		"wrong audience":                {with(func(_ header, c claims) { c["aud"] = "https://other.example" }), ErrTokenAudience},
		"audience as a prefix":          {with(func(_ header, c claims) { c["aud"] = i.URL + ".evil.example" }), ErrTokenAudience},
		"no audience":                   {with(func(_ header, c claims) { delete(c, "aud") }), ErrInvalidToken},
		"empty audience":                {with(func(_ header, c claims) { c["aud"] = []string{} }), ErrInvalidToken},
		"expired":                       {with(func(_ header, c claims) { c["exp"] = now - 6 }), ErrTokenExpired},
		"no exp":                        {with(func(_ header, c claims) { delete(c, "exp") }), ErrTokenIncomplete},
		"exp as a word":                 {with(func(_ header, c claims) { c["exp"] = "never" }), ErrTokenMalformed},
		"nbf in the future":             {with(func(_ header, c claims) { c["nbf"] = now + 60 }), ErrTokenNotYet},
		"no nbf":                        {with(func(_ header, c claims) { delete(c, "nbf") }), ErrTokenIncomplete},
		"iat in the future":             {with(func(_ header, c claims) { c["iat"] = now + 60 }), ErrTokenNotYet},
		"no iat":                        {with(func(_ header, c claims) { delete(c, "iat") }), ErrTokenIncomplete},
		"no client":                     {with(func(_ header, c claims) { delete(c, "client_id") }), ErrTokenIncomplete},
		"subject is not the client":     {with(func(_ header, c claims) { c["sub"] = "admin" }), ErrTokenIncomplete},
		"no jti":                        {with(func(_ header, c claims) { delete(c, "jti") }), ErrTokenIncomplete},
		"tampered payload":              {segments[0] + "." + encode(tampered) + "." + segments[2], ErrTokenSignature},
		"empty signature":               {segments[0] + "." + segments[1] + ".", ErrTokenSignature},
		"no signature part":             {segments[0] + "." + segments[1], ErrTokenMalformed},
		"two tokens glued":              {good + good, ErrTokenMalformed},
		"two tokens with a dot":         {good + "." + good, ErrTokenMalformed},
		"two tokens with a comma":       {good + "," + good, ErrTokenMalformed},
		"with the scheme":               {"Bearer " + good, ErrTokenMalformed},
		"a line break in the signature": {segments[0] + "." + segments[1] + "." + segments[2][:9] + "\n" + segments[2][9:], ErrTokenMalformed},
		"padding":                       {good + "==", ErrTokenMalformed},
		"loose bits in the last letter": {good[:len(good)-1] + loose(good[len(good)-1]), ErrInvalidToken},
		"payload is no object":          {segments[0] + "." + encode("x") + "." + segments[2], ErrTokenMalformed},
		"header is no JSON":             {"AAAA." + segments[1] + "." + segments[2], ErrTokenMalformed},
		"empty":                         {"", ErrTokenMalformed},
		"dots":                          {"..", ErrTokenMalformed},
		"over 8 KiB":                    {with(func(_ header, c claims) { c["pad"] = strings.Repeat("x", 8<<10) }), ErrTokenMalformed},
	} {
		t.Run(attack, func(t *testing.T) {
			claims, err := i.Verify(c.token)
			if !errors.Is(err, c.want) || !errors.Is(err, ErrInvalidToken) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if diff := cmp.Diff(Claims{}, claims); diff != "" {
				t.Errorf("a refused token still says something: %s", diff)
			}
			for _, part := range strings.Split(c.token, ".") {
				if len(part) > 8 && strings.Contains(err.Error(), part) {
					t.Error("the error quotes the token")
				}
			}
		})
	}
}

// loose gives the neighbour of a base64 letter: in the last place of a
// 256-byte signature four bits are unused, and must be zero.
func loose(letter byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, letter)^1])
}

func TestSmallClockDifferencesAreForgiven(t *testing.T) {
	i := issuer(t)
	now := tokenTime.Unix()
	for name, change := range map[string]func(map[string]any, jwt.MapClaims){
		"expired 4 s ago":      func(_ map[string]any, c jwt.MapClaims) { c["exp"] = now - 4 },
		"valid in 5 s":         func(_ map[string]any, c jwt.MapClaims) { c["nbf"], c["iat"] = now+5, now+5 },
		"second audience":      func(_ map[string]any, c jwt.MapClaims) { c["aud"] = []string{"x", i.Audience[1]} },
		"long form of the typ": func(h map[string]any, _ jwt.MapClaims) { h["typ"] = "application/AT+JWT" },
	} {
		if _, err := i.Verify(forge(t, i, change)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokensOutliveARotation(t *testing.T) {
	before := issuer(t)
	token, _, err := before.Issue("a", nil)
	if err != nil {
		t.Fatal(err)
	}
	during, after := issuer(t), issuer(t)
	if during.Keys, err = NewKeySet(makeOtherKey(), &makeKey().PublicKey); err != nil {
		t.Fatal(err)
	}
	if after.Keys, err = NewKeySet(makeOtherKey()); err != nil {
		t.Fatal(err)
	}
	if _, err := during.Verify(token); err != nil {
		t.Errorf("during the rotation: %v", err)
	}
	if _, err := after.Verify(token); !errors.Is(err, ErrTokenKey) {
		t.Errorf("after the rotation: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	i := issuer(f)
	token, _, err := i.Issue("a", []string{ScopeRead})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("e30.e30.e30")
	f.Fuzz(func(t *testing.T, other string) {
		if _, err := i.Verify(other); err == nil && other != token {
			t.Errorf("accepted %q", other)
		} else if err != nil && !errors.Is(err, ErrInvalidToken) {
			t.Errorf("untyped error %v", err)
		}
	})
}
