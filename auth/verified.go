package auth

import (
	"crypto/rsa"
	"crypto/sha256"
	"sync"
	"time"
)

// mostVerified bounds the memory of a Verified: some hundred bytes a token.
const mostVerified = 4096

// Verified remembers which tokens carry a signature of ours, since checking it
// is the dearest part of a small request. It remembers nothing else: whether
// the token is for this issuer and audience and within its time is asked at
// each use, and so is whether its key is still one of ours. Only tokens that
// passed every check get in, so nobody without a key of ours can fill it. The
// zero value is ready; it is safe for concurrent use.
type Verified struct {
	mu     sync.Mutex
	tokens map[[sha256.Size]byte]verified
}

type verified struct {
	claims accessClaims
	kid    string
	key    *rsa.PublicKey
	until  time.Time
}

// find gives the claims of a token whose signature was checked with a key that
// is still in use.
func (v *Verified) find(token string, keys *KeySet) (accessClaims, bool) {
	if v == nil {
		return accessClaims{}, false
	}
	sum := sha256.Sum256([]byte(token)) // no bearer token is kept
	v.mu.Lock()
	known, found := v.tokens[sum]
	v.mu.Unlock()
	if !found {
		return accessClaims{}, false
	}
	if key, current := keys.PublicKey(known.kid); !current || !key.Equal(known.key) {
		return accessClaims{}, false
	}
	return known.claims, true
}

// remember takes in a token that passed every check.
func (v *Verified) remember(token string, claims accessClaims, kid string, key *rsa.PublicKey, now time.Time) {
	if v == nil {
		return
	}
	sum := sha256.Sum256([]byte(token))
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tokens == nil {
		v.tokens = map[[sha256.Size]byte]verified{}
	}
	if len(v.tokens) >= mostVerified {
		v.makeRoom(now)
	}
	v.tokens[sum] = verified{claims: claims, kid: kid, key: key, until: claims.ExpiresAt.Add(tokenLeeway)}
}

// makeRoom drops the tokens that have expired, or else any one: it is verified
// again when it comes back.
func (v *Verified) makeRoom(now time.Time) {
	for sum, known := range v.tokens {
		if now.After(known.until) {
			delete(v.tokens, sum)
		}
	}
	for sum := range v.tokens {
		if len(v.tokens) < mostVerified {
			return
		}
		delete(v.tokens, sum)
	}
}
