package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
)

const (
	// MaxWebKeysBytes bounds a JWK Set of another party.
	MaxWebKeysBytes = 32 << 10
	maxWebKeys      = 16
	maxKeyID        = 256
)

// AssertionAlgorithms sign client assertions here. HMAC is not among them,
// whatever key a client names: a public key must never be taken for a shared
// secret (RFC 8725 §3.1).
var AssertionAlgorithms = []string{"RS256", "PS256", "ES256"}

// WebKeys are the public signature keys of another party, out of its JWK Set.
type WebKeys struct{ keys []clientKey }

// clientKey is one key with the algorithms it may verify.
type clientKey struct {
	id         string
	algorithms []string
	public     crypto.PublicKey
}

// foreignKey is a JWK as others write it (RFC 7517 §4, RFC 7518 §6). The last
// three give a private or symmetric key away.
type foreignKey struct {
	Kty    string   `json:"kty"`
	Use    string   `json:"use"`
	KeyOps []string `json:"key_ops"`
	Alg    string   `json:"alg"`
	Kid    string   `json:"kid"`
	N      string   `json:"n"`
	E      string   `json:"e"`
	Crv    string   `json:"crv"`
	X      string   `json:"x"`
	Y      string   `json:"y"`

	D json.RawMessage `json:"d"`
	P json.RawMessage `json:"p"`
	K json.RawMessage `json:"k"`
}

// ParseWebKeys reads a JWK Set (RFC 7517 §5). Keys for other uses or of kinds
// not known here are passed over, as §5 asks; a private or symmetric key, two
// keys of one kid, or no usable key at all is an error.
func ParseWebKeys(document []byte) (WebKeys, error) {
	if len(document) > MaxWebKeysBytes {
		return WebKeys{}, fmt.Errorf("the key set is longer than %d bytes", MaxWebKeysBytes)
	}
	var set struct {
		Keys []foreignKey `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil {
		return WebKeys{}, errors.New("the key set is not a JWK Set (RFC 7517)")
	}
	if len(set.Keys) > maxWebKeys {
		return WebKeys{}, fmt.Errorf("the key set has more than %d keys", maxWebKeys)
	}
	var keys WebKeys
	for _, k := range set.Keys {
		if k.D != nil || k.P != nil || k.K != nil {
			return WebKeys{}, errors.New("the key set holds a private or symmetric key: publish public keys only, and make new ones")
		}
		public, algorithms, err := k.public()
		if err != nil {
			return WebKeys{}, err
		}
		if algorithms == nil {
			continue
		}
		if len(k.Kid) > maxKeyID || slices.ContainsFunc(keys.keys, func(known clientKey) bool { return known.id == k.Kid }) {
			return WebKeys{}, errors.New("the key set names two keys alike, or one beyond 256 characters")
		}
		keys.keys = append(keys.keys, clientKey{id: k.Kid, algorithms: algorithms, public: public})
	}
	if len(keys.keys) == 0 {
		return WebKeys{}, errors.New("the key set has no key for RS256, PS256 or ES256 signatures")
	}
	return keys, nil
}

// public gives the key and what it may verify; no algorithms for a key that is
// not for us.
func (k foreignKey) public() (crypto.PublicKey, []string, error) {
	if k.Use != "" && k.Use != "sig" || len(k.KeyOps) > 0 && !slices.Contains(k.KeyOps, "verify") {
		return nil, nil, nil
	}
	var algorithms []string
	var public crypto.PublicKey
	var err error
	switch {
	case k.Kty == "RSA":
		algorithms = []string{"RS256", "PS256"}
		public, err = k.rsaKey()
	case k.Kty == "EC" && k.Crv == "P-256":
		algorithms = []string{"ES256"}
		public, err = k.ecKey()
	}
	if k.Alg != "" {
		algorithms = slices.DeleteFunc(algorithms, func(name string) bool { return name != k.Alg })
	}
	if err != nil || len(algorithms) == 0 {
		return nil, nil, err
	}
	return public, algorithms, nil
}

func (k foreignKey) rsaKey() (*rsa.PublicKey, error) {
	n, errN := base64.RawURLEncoding.DecodeString(k.N)
	e, errE := base64.RawURLEncoding.DecodeString(k.E)
	if errN != nil || errE != nil || len(e) == 0 || len(e) > 4 {
		return nil, errors.New("an RSA key of the key set cannot be read")
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
	if key.E < 3 || key.E%2 == 0 {
		return nil, errors.New("an RSA key of the key set has an impossible exponent")
	}
	return key, checkSize(key)
}

func (k foreignKey) ecKey() (*ecdsa.PublicKey, error) {
	const coordinate = 32
	x, errX := base64.RawURLEncoding.DecodeString(k.X)
	y, errY := base64.RawURLEncoding.DecodeString(k.Y)
	if errX != nil || errY != nil || len(x) != coordinate || len(y) != coordinate {
		return nil, errors.New("an EC key of the key set cannot be read")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, errors.New("an EC key of the key set is no point of its curve")
	}
	return key, nil
}

// find picks the key for an algorithm by kid; a signature without a kid is
// taken only where one key alone could have made it.
func (s WebKeys) find(kid, algorithm string) (crypto.PublicKey, bool) {
	var found []crypto.PublicKey
	for _, k := range s.keys {
		if slices.Contains(k.algorithms, algorithm) && (kid == "" || k.id == kid) {
			found = append(found, k.public)
		}
	}
	if len(found) != 1 {
		return nil, false
	}
	return found[0], true
}
