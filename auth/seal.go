package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// sealKeyBytes is the size of an AES-256 key.
const sealKeyBytes = 32

// Sealer encrypts secrets that must be readable again, such as signing
// secrets, before they go into a database (AES-256-GCM, NIST SP 800-38D).
type Sealer struct{ aead cipher.AEAD }

// OpenSealer reads the sealing key, 64 hexadecimal digits in a file of mode
// 600, and makes the file at the first start. All nodes on one database need
// the same file.
func OpenSealer(path string) (*Sealer, error) {
	content, err := readKeyFile(path, 0o077)
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, sealKeyBytes)
		_, _ = rand.Read(key) // never fails (crypto/rand)
		if err := publish(path, []byte(hex.EncodeToString(key)+"\n")); err != nil {
			return nil, err
		}
		content, err = readKeyFile(path, 0o077)
	}
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(content)))
	if err != nil || len(key) != sealKeyBytes {
		return nil, fmt.Errorf("sealing key file %s must hold %d hexadecimal digits", path, 2*sealKeyBytes)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &Sealer{aead}, err
}

// Seal encrypts text for one place, such as a client's id: it opens nowhere
// else, so sealed texts cannot be swapped between rows.
func (s *Sealer) Seal(text, place string) string {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(s.aead.Seal(nonce, nonce, []byte(text), []byte(place)))
}

// ErrSeal is a sealed text that this key does not open in this place.
var ErrSeal = errors.New("the sealed text does not open: it was changed, moved, or sealed with another key")

// Open decrypts what Seal made for the same place.
func (s *Sealer) Open(sealed, place string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < s.aead.NonceSize() {
		return "", ErrSeal
	}
	nonce, body := raw[:s.aead.NonceSize()], raw[s.aead.NonceSize():]
	text, err := s.aead.Open(nil, nonce, body, []byte(place))
	if err != nil {
		return "", ErrSeal
	}
	return string(text), nil
}
