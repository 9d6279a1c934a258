package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// partner is another party's keys: one RSA, one on P-256.
var partner = sync.OnceValue(func() (p struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}) {
	var err error
	if p.rsa, err = rsa.GenerateKey(rand.Reader, keyBits); err != nil {
		panic(err)
	}
	if p.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		panic(err)
	}
	return p
})

func rsaMembers() string {
	n, e := keyNumbers(&partner().rsa.PublicKey)
	return fmt.Sprintf(`"kty":"RSA","n":%q,"e":%q`, n, e)
}

func ecMembers() string {
	point, err := partner().ec.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`"kty":"EC","crv":"P-256","x":%q,"y":%q`, encode(point[1:33]), encode(point[33:]))
}

func keySet(keys ...string) []byte { return []byte(`{"keys":[{` + strings.Join(keys, "},{") + `}]}`) }

func TestWebKeysAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		document []byte
		want     string // a part of the error, "" for none
	}{
		"both kinds":              {keySet(rsaMembers()+`,"kid":"a"`, ecMembers()+`,"kid":"b"`), ""},
		"others passed over":      {keySet(`"kty":"OKP","crv":"Ed25519","x":"AA","kid":"o"`, ecMembers()), ""},
		"encryption passed over":  {keySet(rsaMembers()+`,"use":"enc"`, ecMembers()+`,"kid":"b"`), ""},
		"only for encryption":     {keySet(rsaMembers() + `,"use":"enc"`), "no key"},
		"for another algorithm":   {keySet(rsaMembers() + `,"alg":"RS512"`), "no key"},
		"algorithm and kind":      {keySet(ecMembers() + `,"alg":"RS256"`), "no key"},
		"no keys":                 {[]byte(`{"keys":[]}`), "no key"},
		"no set":                  {[]byte(`[]`), "JWK Set"},
		"no JSON":                 {[]byte(`-----BEGIN`), "JWK Set"},
		"a private key":           {keySet(ecMembers() + `,"d":"AA"`), "private"},
		"a shared secret":         {keySet(`"kty":"oct","k":"AA"`), "private"},
		"two keys of one kid":     {keySet(rsaMembers()+`,"kid":"a"`, ecMembers()+`,"kid":"a"`), "alike"},
		"two keys of no kid":      {keySet(rsaMembers(), ecMembers()), "alike"},
		"a small RSA key":         {keySet(`"kty":"RSA","n":"` + base64.RawURLEncoding.EncodeToString(new(big.Int).Lsh(big.NewInt(1), 1023).Bytes()) + `","e":"AQAB"`), "refused"},
		"exponent one":            {keySet(strings.Replace(rsaMembers(), `"AQAB"`, `"AQ"`, 1)), "exponent"},
		"a point off the curve":   {keySet(`"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 42) + `E","y":"` + strings.Repeat("A", 42) + `E"`), "curve"},
		"more than sixteen":       {keySet(strings.Split(strings.Repeat(`"kty":"x"|`, 17), "|")[:17]...), "more than"},
		"longer than 32 KiB":      {append(keySet(ecMembers()), make([]byte, MaxWebKeysBytes)...), "longer"},
		"a curve that is too new": {keySet(strings.Replace(ecMembers(), "P-256", "P-521", 1)), "no key"},
	} {
		_, err := ParseWebKeys(c.document)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// assertion signs claims of the client "c" for us, changed as wanted.
func assertion(t testing.TB, method jwt.SigningMethod, key crypto.PrivateKey, header map[string]any, change map[string]any) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": "c", "sub": "c", "aud": "us", "exp": 1060, "iat": 1000, "jti": "j"}
	for name, value := range change {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	unsigned := jwt.NewWithClaims(method, claims)
	for name, value := range header {
		if unsigned.Header[name] = value; value == nil {
			delete(unsigned.Header, name)
		}
	}
	text, err := unsigned.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// ATTACK: assertions that are forged, borrowed, old or confused (RFC 8725 §2).
func TestAttackAssertions(t *testing.T) {
	keys, err := ParseWebKeys(keySet(rsaMembers()+`,"kid":"r"`, ecMembers()+`,"kid":"e"`))
	if err != nil {
		t.Fatal(err)
	}
	single, err := ParseWebKeys(keySet(rsaMembers() + `,"alg":"PS256"`))
	if err != nil {
		t.Fatal(err)
	}
	r, e := partner().rsa, partner().ec
	type h = map[string]any
	n, _ := keyNumbers(&r.PublicKey)
	for name, c := range map[string]struct {
		text string
		keys WebKeys
		want string // a part of the error, "" for none
	}{
		"RS256":                     {assertion(t, jwt.SigningMethodRS256, r, h{"kid": "r"}, nil), keys, ""},
		"PS256":                     {assertion(t, jwt.SigningMethodPS256, r, h{"kid": "r"}, nil), keys, ""},
		"ES256":                     {assertion(t, jwt.SigningMethodES256, e, h{"kid": "e"}, nil), keys, ""},
		"no kid, one key fits":      {assertion(t, jwt.SigningMethodES256, e, nil, nil), keys, ""},
		"its own typ":               {assertion(t, jwt.SigningMethodES256, e, h{"typ": "client-authentication+jwt"}, nil), keys, ""},
		"no typ":                    {assertion(t, jwt.SigningMethodES256, e, h{"typ": nil}, nil), keys, ""},
		"five minutes":              {assertion(t, jwt.SigningMethodES256, e, nil, h{"exp": 1300}), keys, ""},
		"audience in a list":        {assertion(t, jwt.SigningMethodES256, e, nil, h{"aud": []string{"us", "us too"}}), keys, ""},
		"none":                      {assertion(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, nil), keys, "signature"},
		"HS256 with the public key": {assertion(t, jwt.SigningMethodHS256, []byte(n), h{"kid": "r"}, nil), keys, "signature"},
		"RS512":                     {assertion(t, jwt.SigningMethodRS512, r, h{"kid": "r"}, nil), keys, "signature"},
		"RS256, key is for PS256":   {assertion(t, jwt.SigningMethodRS256, r, nil, nil), single, "no key"},
		"RSA under the EC kid":      {assertion(t, jwt.SigningMethodRS256, r, h{"kid": "e"}, nil), keys, "no key"},
		"an unknown kid":            {assertion(t, jwt.SigningMethodRS256, r, h{"kid": "../r"}, nil), keys, "no key"},
		"an empty kid":              {assertion(t, jwt.SigningMethodRS256, r, h{"kid": ""}, nil), keys, "no key"},
		"a kid that is a list":      {assertion(t, jwt.SigningMethodRS256, r, h{"kid": []string{"r"}}, nil), keys, "no key"},
		"a key of its own":          {assertion(t, jwt.SigningMethodRS256, r, h{"jwk": h{"kty": "RSA"}}, nil), keys, "header"},
		"a key from elsewhere":      {assertion(t, jwt.SigningMethodRS256, r, h{"jku": "https://evil.example"}, nil), keys, "header"},
		"crit":                      {assertion(t, jwt.SigningMethodRS256, r, h{"crit": []string{"b64"}}, nil), keys, "header"},
		"an access token":           {assertion(t, jwt.SigningMethodES256, e, h{"typ": "at+jwt"}, nil), keys, "typ"},
		"another iss":               {assertion(t, jwt.SigningMethodES256, e, nil, h{"iss": "d"}), keys, "iss"},
		"another sub":               {assertion(t, jwt.SigningMethodES256, e, nil, h{"sub": "d"}), keys, "sub"},
		"no aud":                    {assertion(t, jwt.SigningMethodES256, e, nil, h{"aud": nil}), keys, "aud"},
		"an empty aud":              {assertion(t, jwt.SigningMethodES256, e, nil, h{"aud": []string{}}), keys, "aud"},
		"another aud":               {assertion(t, jwt.SigningMethodES256, e, nil, h{"aud": "them"}), keys, "aud"},
		"another aud besides":       {assertion(t, jwt.SigningMethodES256, e, nil, h{"aud": []string{"us", "them"}}), keys, "aud"},
		"no exp":                    {assertion(t, jwt.SigningMethodES256, e, nil, h{"exp": nil}), keys, "claim"},
		"expired":                   {assertion(t, jwt.SigningMethodES256, e, nil, h{"exp": 990}), keys, "expired"},
		"far away":                  {assertion(t, jwt.SigningMethodES256, e, nil, h{"exp": 1306}), keys, "five minutes"},
		"not yet":                   {assertion(t, jwt.SigningMethodES256, e, nil, h{"nbf": 1030}), keys, "not valid yet"},
		"from the future":           {assertion(t, jwt.SigningMethodES256, e, nil, h{"iat": 1030}), keys, "not valid yet"},
		"no jti":                    {assertion(t, jwt.SigningMethodES256, e, nil, h{"jti": nil}), keys, "jti"},
		"a jti without end":         {assertion(t, jwt.SigningMethodES256, e, nil, h{"jti": strings.Repeat("j", 257)}), keys, "jti"},
		"a line break":              {assertion(t, jwt.SigningMethodES256, e, nil, nil) + "\n", keys, "compact"},
		"nothing":                   {"", keys, "compact"},
	} {
		got, err := VerifyAssertion(c.text, "c", c.keys, []string{"us", "us too"}, time.Unix(1000, 0))
		switch {
		case c.want == "" && (err != nil || got.ID != "j"):
			t.Errorf("%s: %+v, %v", name, got, err)
		case c.want != "" && (!errors.Is(err, ErrInvalidAssertion) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChallenges(t *testing.T) {
	// RFC 7636 appendix B.
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	for _, c := range []struct {
		challenge, verifier string
		met                 bool
	}{
		{challenge, verifier, true}, {challenge, verifier + "x", false}, {challenge, "", false}, {"", "", false},
		{verifier, verifier, false}, {challenge + "=", verifier, false}, {challenge, strings.Repeat("x", 129), false}, {challenge, verifier[:42], false},
		{challenge, verifier[:42] + " ", false},
	} {
		if got := ChallengeMet(c.challenge, c.verifier); got != c.met {
			t.Errorf("%q by %q: %t", c.challenge, c.verifier, got)
		}
	}
}

func FuzzWebKeys(f *testing.F) {
	f.Add(keySet(rsaMembers(), ecMembers()))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"","y":""}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		keys, err := ParseWebKeys(document)
		if err == nil && len(keys.keys) == 0 {
			t.Error("a set of no keys passed")
		}
	})
}

func FuzzAssertion(f *testing.F) {
	keys, err := ParseWebKeys(keySet(ecMembers()))
	if err != nil {
		f.Fatal(err)
	}
	good := assertion(f, jwt.SigningMethodES256, partner().ec, nil, nil)
	f.Add(good)
	f.Add("e30.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = AssertionClient(text)
		if _, err := VerifyAssertion(text, "c", keys, []string{"us"}, time.Unix(1000, 0)); err == nil {
			var header map[string]any
			raw, _ := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[0])
			if json.Unmarshal(raw, &header) != nil || header["alg"] != "ES256" {
				t.Errorf("%q passed", text)
			}
		}
	})
}
