package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// ErrInvalidAssertion is what every refused client assertion's error is. None
// carries a part of the assertion.
var ErrInvalidAssertion = errors.New("invalid client assertion")

const (
	// maxAssertionLife bounds how long an assertion may be good, and with it how
	// long its jti must be remembered.
	maxAssertionLife = 5 * time.Minute
	maxAssertionID   = 256
)

// Assertion is what a verified client assertion says.
type Assertion struct {
	ID        string // jti: the caller must see to it that it is used once
	ExpiresAt time.Time
}

// AssertionClient gives the client an assertion claims to be of, before
// anything of it is verified: it says whose keys to verify it with.
func AssertionClient(assertion string) (string, error) {
	var claims jwt.RegisteredClaims
	if !compact(assertion) {
		return "", refusedAssertion("it is not a JWT in compact form")
	}
	if _, _, err := jwt.NewParser().ParseUnverified(assertion, &claims); err != nil || claims.Subject == "" {
		return "", refusedAssertion("it names no client in sub")
	}
	return claims.Subject, nil
}

// VerifyAssertion checks a client assertion (RFC 7523 §3, RFC 8725): signed by
// one of the client's keys with an algorithm of AssertionAlgorithms, iss and
// sub the client, nobody but us in aud, exp at most five minutes away, a jti.
func VerifyAssertion(assertion, clientID string, keys WebKeys, audience []string, now time.Time) (Assertion, error) {
	if !compact(assertion) || clientID == "" {
		return Assertion{}, refusedAssertion("it is not a JWT in compact form")
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods(AssertionAlgorithms),
		jwt.WithIssuer(clientID),
		jwt.WithSubject(clientID),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(tokenLeeway),
		jwt.WithTimeFunc(func() time.Time { return now }),
		jwt.WithStrictDecoding(),
	)
	var claims jwt.RegisteredClaims
	if _, err := parser.ParseWithClaims(assertion, &claims, keys.verifier); err != nil {
		if errors.Is(err, errAssertionKey) {
			return Assertion{}, fmt.Errorf("%w: %w", ErrInvalidAssertion, errAssertionKey)
		}
		return Assertion{}, refusedAssertion(assertionFault(err))
	}
	foreign := func(aud string) bool { return !slices.Contains(audience, aud) }
	switch {
	case len(claims.Audience) == 0 || slices.ContainsFunc(claims.Audience, foreign):
		// One meant for somebody else too could be replayed from there.
		return Assertion{}, refusedAssertion("its aud must be the issuer or the token endpoint, and nothing else")
	case claims.ExpiresAt.Sub(now) > maxAssertionLife+tokenLeeway:
		return Assertion{}, refusedAssertion("its exp is more than five minutes away")
	case claims.ID == "" || len(claims.ID) > maxAssertionID:
		return Assertion{}, refusedAssertion("its jti is missing or longer than 256 characters")
	}
	return Assertion{ID: claims.ID, ExpiresAt: claims.ExpiresAt.UTC()}, nil
}

// assertionTypes are the values of typ that a client assertion may have; RFC
// 8725 §3.11 keeps JWTs made for other ends out.
var assertionTypes = []string{"", "jwt", "client-authentication+jwt"}

// verifier picks the client's key once the header is found harmless.
func (s WebKeys) verifier(token *jwt.Token) (any, error) {
	for _, name := range foreignKeyHeaders {
		if _, present := token.Header[name]; present {
			return nil, errAssertionHeader
		}
	}
	typ, isText := token.Header["typ"].(string)
	if _, present := token.Header["typ"]; present && !isText || !slices.Contains(assertionTypes, strings.TrimPrefix(strings.ToLower(typ), "application/")) {
		return nil, errAssertionHeader
	}
	kid, isText := token.Header["kid"].(string)
	if _, present := token.Header["kid"]; present && (!isText || kid == "") {
		return nil, errAssertionKey
	}
	key, known := s.find(kid, token.Method.Alg())
	if !known {
		return nil, errAssertionKey
	}
	return key, nil
}

var (
	errAssertionHeader = errors.New("its header has another typ, or brings a key or an extension")
	errAssertionKey    = errors.New("it is signed by no key registered for the client and its algorithm")
)

// assertionFault says why in words of ours; the library's may quote the token.
func assertionFault(err error) string {
	for _, known := range []struct {
		err  error
		says string
	}{
		{errAssertionHeader, errAssertionHeader.Error()},
		{jwt.ErrTokenSignatureInvalid, "its signature does not verify with an allowed algorithm"},
		{jwt.ErrTokenRequiredClaimMissing, "a required claim is missing"},
		{jwt.ErrTokenInvalidIssuer, "its iss is not the client"},
		{jwt.ErrTokenInvalidSubject, "its sub is not the client"},
		{jwt.ErrTokenExpired, "it has expired"},
		{jwt.ErrTokenNotValidYet, "it is not valid yet"},
		{jwt.ErrTokenUsedBeforeIssued, "it is not valid yet"},
	} {
		if errors.Is(err, known.err) {
			return known.says
		}
	}
	return "it cannot be read"
}

// UnknownKey reports whether a refusal may be cured by newer keys of the client.
func UnknownKey(err error) bool { return errors.Is(err, errAssertionKey) }

func refusedAssertion(why string) error { return fmt.Errorf("%w: %s", ErrInvalidAssertion, why) }
