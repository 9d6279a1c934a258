package auth

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// ErrInvalidToken is what every refused token's error is; the errors below
// say why. None of them ever carries a part of the token.
var ErrInvalidToken = errors.New("invalid access token")

// Why a token was refused; each of them also is ErrInvalidToken.
var (
	ErrTokenMalformed  = fmt.Errorf("%w: malformed", ErrInvalidToken)
	ErrTokenHeader     = fmt.Errorf("%w: only an RS256 at+jwt header without embedded keys is accepted", ErrInvalidToken)
	ErrTokenKey        = fmt.Errorf("%w: signed by an unknown key", ErrInvalidToken)
	ErrTokenSignature  = fmt.Errorf("%w: bad signature", ErrInvalidToken)
	ErrTokenIssuer     = fmt.Errorf("%w: other issuer", ErrInvalidToken)
	ErrTokenAudience   = fmt.Errorf("%w: other audience", ErrInvalidToken)
	ErrTokenExpired    = fmt.Errorf("%w: expired", ErrInvalidToken)
	ErrTokenNotYet     = fmt.Errorf("%w: not valid yet", ErrInvalidToken)
	ErrTokenIncomplete = fmt.Errorf("%w: a required claim is missing", ErrInvalidToken)
)

const (
	// maxTokenBytes bounds the work an unauthenticated caller can ask for.
	maxTokenBytes = 8 << 10
	// tokenLeeway forgives the clock difference between two of our nodes.
	tokenLeeway = 5 * time.Second
	// tokenType is the media type of RFC 9068 §2.1; it keeps any other kind of
	// JWT signed with the same key from passing as an access token (RFC 8725 §3.11).
	tokenType = "at+jwt"
)

// Issuer makes and checks the access tokens of one deployment.
type Issuer struct {
	Keys KeySource
	// URL is the iss claim: the deployment's own base URL.
	URL string
	// Audience lists the resources tokens are for (the REST base URL and the
	// /mcp URL). New tokens carry all of them, or those that For names; a token
	// needs one of them.
	Audience []string
	TTL      time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Verified spares a known token the check of its signature; nil checks each
	// time.
	Verified *Verified
}

// Claims is what a verified token says.
type Claims struct {
	ClientID string
	// GrantID names the person's grant behind the token; "" for a client that
	// acts on its own.
	GrantID   string
	Scopes    []string
	ID        string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// accessClaims are the claims of RFC 9068 §2.2 on the wire.
type accessClaims struct {
	jwt.RegisteredClaims
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	// GrantID is a private claim (RFC 7519 §4.3).
	GrantID string `json:"grant_id,omitempty"`
}

// Time is the issuer's clock.
func (i *Issuer) Time() time.Time {
	if i.Now == nil {
		return time.Now()
	}
	return i.Now()
}

// For is the issuer as seen by some of its resources (RFC 8707): it makes
// tokens for these alone and accepts only tokens that name one of them. The
// caller has checked that they are in Audience; none means all.
func (i *Issuer) For(resources ...string) *Issuer {
	if len(resources) == 0 {
		return i
	}
	narrowed := *i
	narrowed.Audience = resources
	return &narrowed
}

// Issue signs an access token for a client that acts on its own. expiresIn is
// the OAuth expires_in, whole seconds.
func (i *Issuer) Issue(clientID string, scopes []string) (token string, expiresIn time.Duration, err error) {
	return i.sign(accessClaims{ClientID: clientID, Scope: strings.Join(scopes, " ")}, clientID)
}

// IssueGranted signs an access token for a client that acts by a person's
// grant. holder is the sub claim: it must be no client's id (RFC 9068 §5).
func (i *Issuer) IssueGranted(clientID, holder, grantID string, scopes []string) (token string, expiresIn time.Duration, err error) {
	if grantID == "" || holder == clientID {
		return "", 0, errors.New("a granted token needs a grant, and a holder who is not the client")
	}
	return i.sign(accessClaims{ClientID: clientID, Scope: strings.Join(scopes, " "), GrantID: grantID}, holder)
}

func (i *Issuer) sign(claims accessClaims, subject string) (token string, expiresIn time.Duration, err error) {
	if claims.ClientID == "" || subject == "" {
		return "", 0, errors.New("a token needs a client id and a subject")
	}
	expiresIn = i.TTL.Truncate(time.Second)
	if expiresIn <= 0 || i.URL == "" || len(i.Audience) == 0 {
		return "", 0, errors.New("an issuer needs a lifetime of a second or more, a URL and an audience")
	}
	now := i.Time().Truncate(time.Second)
	claims.RegisteredClaims = jwt.RegisteredClaims{
		Issuer:    i.URL,
		Subject:   subject,
		Audience:  i.Audience,
		IssuedAt:  jwt.NewNumericDate(now),
		NotBefore: jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(expiresIn)),
		ID:        uuid.NewString(),
	}
	unsigned := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	unsigned.Header["typ"] = tokenType
	keys := i.Keys.Current()
	unsigned.Header["kid"] = keys.signingID
	token, err = unsigned.SignedString(keys.signing)
	if err != nil {
		return "", 0, fmt.Errorf("sign a token: %w", err)
	}
	return token, expiresIn, nil
}

// Verify checks a token as RFC 8725 and RFC 9068 §4 ask: one algorithm, a key
// of ours named by kid, the type, issuer, audience, times and all required
// claims. The error is one of the ErrToken values.
func (i *Issuer) Verify(token string) (Claims, error) {
	if !compact(token) {
		return Claims{}, ErrTokenMalformed
	}
	if i.URL == "" || len(i.Audience) == 0 {
		// The parser reads empty expectations as "check nothing".
		return Claims{}, ErrTokenIssuer
	}
	keys := i.Keys.Current()
	claims, known := i.Verified.find(token, keys)
	if known {
		if err := jwt.NewValidator(i.expectations()...).Validate(claims); err != nil {
			return Claims{}, reason(err)
		}
		return claims.public(), nil
	}
	var kid string
	var key *rsa.PublicKey
	parsed := func(t *jwt.Token) (any, error) {
		var err error
		if kid, key, err = verificationKey(t, keys); err != nil {
			return nil, err
		}
		return key, nil
	}
	if _, err := jwt.NewParser(i.expectations()...).ParseWithClaims(token, &claims, parsed); err != nil {
		return Claims{}, reason(err)
	}
	if claims.ClientID == "" || claims.Subject == "" || claims.ID == "" || claims.IssuedAt == nil {
		return Claims{}, ErrTokenIncomplete
	}
	// A client on its own is its own subject; by a grant it never is.
	if (claims.Subject == claims.ClientID) != (claims.GrantID == "") {
		return Claims{}, ErrTokenIncomplete
	}
	i.Verified.remember(token, claims, kid, key, i.Time())
	return claims.public(), nil
}

// expectations are what a token's claims and header are held against.
func (i *Issuer) expectations() []jwt.ParserOption {
	return []jwt.ParserOption{
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
		jwt.WithIssuer(i.URL),
		jwt.WithAudience(i.Audience...),
		jwt.WithExpirationRequired(),
		jwt.WithNotBeforeRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(tokenLeeway),
		jwt.WithTimeFunc(i.Time),
		jwt.WithStrictDecoding(),
	}
}

// public is what callers see of complete claims.
func (c accessClaims) public() Claims {
	return Claims{
		ClientID:  c.ClientID,
		GrantID:   c.GrantID,
		Scopes:    ParseScopes(c.Scope),
		ID:        c.ID,
		IssuedAt:  c.IssuedAt.UTC(),
		ExpiresAt: c.ExpiresAt.UTC(),
	}
}

// compact reports whether the token looks like one JWS in compact form:
// bounded, three parts, base64url letters only. The decoder below skips line
// breaks inside base64, so without this look one token would have many
// spellings.
func compact(token string) bool {
	if len(token) > maxTokenBytes || strings.Count(token, ".") != 2 {
		return false
	}
	for _, c := range []byte(token) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// foreignKeyHeaders are the header members by which a token brings or points
// to its own key (RFC 8725 §3.10), or asks for an extension we do not have.
var foreignKeyHeaders = []string{"jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "zip", "b64"}

// verificationKey picks the key strictly by kid from our own set, after the
// rest of the header has been found harmless.
func verificationKey(token *jwt.Token, keys *KeySet) (kid string, key *rsa.PublicKey, err error) {
	for _, name := range foreignKeyHeaders {
		if _, present := token.Header[name]; present {
			return "", nil, ErrTokenHeader
		}
	}
	// RFC 9068 §4 accepts both spellings, RFC 7515 §4.1.9 any letter case.
	typ, _ := token.Header["typ"].(string)
	if short := strings.TrimPrefix(strings.ToLower(typ), "application/"); short != tokenType {
		return "", nil, ErrTokenHeader
	}
	kid, _ = token.Header["kid"].(string)
	key, known := keys.PublicKey(kid)
	if !known {
		return "", nil, ErrTokenKey
	}
	return kid, key, nil
}

// reason translates the library's errors, whose texts may quote the token,
// into ours. Own errors from verificationKey come first: the library wraps
// them in its "unverifiable". A wrong method is the library's signature error
// with no cause of its own; it shows as a bad signature, which it is.
func reason(err error) error {
	for _, pair := range []struct{ theirs, ours error }{
		{ErrTokenHeader, ErrTokenHeader},
		{ErrTokenKey, ErrTokenKey},
		{jwt.ErrTokenMalformed, ErrTokenMalformed},
		{jwt.ErrTokenUnverifiable, ErrTokenHeader},
		{jwt.ErrTokenSignatureInvalid, ErrTokenSignature},
		{jwt.ErrTokenRequiredClaimMissing, ErrTokenIncomplete},
		{jwt.ErrTokenInvalidIssuer, ErrTokenIssuer},
		{jwt.ErrTokenInvalidAudience, ErrTokenAudience},
		{jwt.ErrTokenExpired, ErrTokenExpired},
		{jwt.ErrTokenNotValidYet, ErrTokenNotYet},
		{jwt.ErrTokenUsedBeforeIssued, ErrTokenNotYet},
	} {
		if errors.Is(err, pair.theirs) {
			return pair.ours
		}
	}
	return ErrTokenMalformed
}
