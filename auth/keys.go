package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// keyBits is the size of keys made here. 2048 is what RFC 7518 §3.3 asks for
// at least, and verifying gets five to ten times slower above it.
const keyBits = 2048

// maxKeyBits stops a configured giant key from making every request slow.
const maxKeyBits = 4096

// KeySet is one key that signs and any number of keys that verify; the
// signing key's public half is always among the latter. During a rotation the
// set holds two: tokens of the retiring key stay valid until they expire. A
// KeySet never changes after NewKeySet and may be shared.
type KeySet struct {
	signing   *rsa.PrivateKey
	signingID string
	verifying map[string]*rsa.PublicKey
	ids       []string
}

// NewKeySet builds a set that signs with signing and verifies with it and
// with each of the others.
func NewKeySet(signing *rsa.PrivateKey, others ...*rsa.PublicKey) (*KeySet, error) {
	if signing == nil {
		return nil, errors.New("a key set needs a signing key")
	}
	if err := signing.Validate(); err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	set := &KeySet{signing: signing, signingID: Thumbprint(&signing.PublicKey), verifying: map[string]*rsa.PublicKey{}}
	for _, key := range append([]*rsa.PublicKey{&signing.PublicKey}, others...) {
		if err := checkSize(key); err != nil {
			return nil, err
		}
		kid := Thumbprint(key)
		if _, known := set.verifying[kid]; known {
			continue
		}
		set.verifying[kid] = key
		set.ids = append(set.ids, kid)
	}
	return set, nil
}

func checkSize(key *rsa.PublicKey) error {
	if bits := key.N.BitLen(); bits < keyBits || bits > maxKeyBits {
		return fmt.Errorf("an RSA key of %d bits is refused: use %d to %d", bits, keyBits, maxKeyBits)
	}
	return nil
}

// SigningID is the kid of the key that signs new tokens.
func (k *KeySet) SigningID() string { return k.signingID }

// PublicKey returns the verification key of that kid, if the set holds it.
func (k *KeySet) PublicKey(kid string) (*rsa.PublicKey, bool) {
	key, known := k.verifying[kid]
	return key, known
}

// webKey is one RSA signature key as RFC 7517 §4 and RFC 7518 §6.3 write it.
type webKey struct {
	Kty string `json:"kty"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	Kid string `json:"kid"`
	N   string `json:"n"`
	E   string `json:"e"`
}

// JWKS is the set's public side as a JWK Set document (RFC 7517 §5), the
// signing key first.
func (k *KeySet) JWKS() []byte {
	document := struct {
		Keys []webKey `json:"keys"`
	}{Keys: []webKey{}}
	for _, kid := range k.ids {
		n, e := keyNumbers(k.verifying[kid])
		document.Keys = append(document.Keys, webKey{Kty: "RSA", Use: "sig", Alg: "RS256", Kid: kid, N: n, E: e})
	}
	raw, err := json.Marshal(document)
	if err != nil {
		panic("auth: a struct of strings did not marshal: " + err.Error())
	}
	return raw
}

// Thumbprint is the RFC 7638 SHA-256 thumbprint of an RSA key, our kid: it
// names the key itself, so two nodes with the same file agree without talking.
func Thumbprint(key *rsa.PublicKey) string {
	n, e := keyNumbers(key)
	// RFC 7638 §3.2: the required members only, in this order, no white space.
	sum := sha256.Sum256([]byte(`{"e":"` + e + `","kty":"RSA","n":"` + n + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func keyNumbers(key *rsa.PublicKey) (n, e string) {
	encode := base64.RawURLEncoding.EncodeToString
	return encode(key.N.Bytes()), encode(big.NewInt(int64(key.E)).Bytes())
}

// NewSigningKey makes a fresh RSA-2048 key.
func NewSigningKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, keyBits) }
