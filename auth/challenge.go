package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
)

// RFC 7636 §4.1 and §4.2: a verifier has 43 to 128 unreserved characters, an
// S256 challenge is 32 bytes in base64url.
const (
	leastVerifier   = 43
	mostVerifier    = 128
	challengeLength = 43
)

// ValidChallenge reports whether text can be an S256 code challenge.
func ValidChallenge(text string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == sha256.Size && len(text) == challengeLength
}

// ChallengeMet reports whether the verifier is the one the S256 challenge was
// made from (RFC 7636 §4.6). There is no other method here: plain protects
// from nobody who can read the authorization request.
func ChallengeMet(challenge, verifier string) bool {
	if len(verifier) < leastVerifier || len(verifier) > mostVerifier || !ValidChallenge(challenge) {
		return false
	}
	for _, c := range []byte(verifier) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '-' && c != '.' && c != '_' && c != '~' {
			return false
		}
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// TokenHash is how an opaque token or code of ours is kept: hex SHA-256. They
// are NewSecret's 256 random bits, which no search finds however fast the hash.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
