package auth

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// KeySource gives the keys to use now.
type KeySource interface{ Current() *KeySet }

// Current makes a KeySet its own source: keys that never change.
func (k *KeySet) Current() *KeySet { return k }

// ringLook is how long a ring trusts what it read; a rotation is noticed
// within that time.
const ringLook = time.Second

// KeyRing is the keys of two files, read again when the files change, so that
// a rotation needs no restart of any node.
type KeyRing struct {
	private, public string
	log             *slog.Logger

	mu     sync.Mutex
	set    *KeySet
	stamp  string
	looked time.Time
}

// OpenKeyRing opens the files as OpenKeys does and keeps an eye on them. A
// change that cannot be read is logged, and the keys before stay in use.
func OpenKeyRing(private, public string, log *slog.Logger) (*KeyRing, error) {
	set, err := OpenKeys(private, public)
	if err != nil {
		return nil, err
	}
	r := &KeyRing{private: private, public: public, log: log, set: set, looked: time.Now()}
	r.stamp = r.fileStamp()
	return r, nil
}

// Current gives the keys as the files hold them, at most a second late.
func (r *KeyRing) Current() *KeySet {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.looked) < ringLook {
		return r.set
	}
	r.looked = time.Now()
	stamp := r.fileStamp()
	if stamp == r.stamp {
		return r.set
	}
	set, err := OpenKeys(r.private, r.public)
	if err != nil {
		r.log.Error("changed keys cannot be read; the keys before stay in use", "error", err)
		return r.set
	}
	r.set, r.stamp = set, stamp
	r.log.Info("keys read again", "signing_kid", set.SigningID(), "keys", len(set.ids))
	return r.set
}

// fileStamp changes whenever one of the files does.
func (r *KeyRing) fileStamp() string {
	stamp := ""
	for _, path := range []string{r.private, r.public} {
		if info, err := os.Stat(path); err == nil {
			stamp += fmt.Sprintf("%d %d;", info.ModTime().UnixNano(), info.Size())
		}
	}
	return stamp
}

// RotateKeys makes a new signing key. The key before stays among the verifying
// ones, so that its tokens live until they expire; older ones go. The public
// file is replaced first: at every moment each private key has its public half
// in place, for whoever reads in between.
func RotateKeys(private, public string) (*KeySet, error) {
	if public == "" {
		return nil, errors.New("a rotation needs a public key file: tokens of the key before must go on verifying")
	}
	old, err := OpenKeys(private, public)
	if err != nil {
		return nil, err
	}
	fresh, err := NewSigningKey()
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(fresh)
	if err != nil {
		return nil, fmt.Errorf("encode the signing key: %w", err)
	}
	halves, err := publicBlocks(&fresh.PublicKey, &old.signing.PublicKey)
	if err != nil {
		return nil, err
	}
	if err := replace(public, halves); err != nil {
		return nil, err
	}
	if err := replace(private, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return nil, err
	}
	return OpenKeys(private, public)
}

func publicBlocks(keys ...*rsa.PublicKey) ([]byte, error) {
	var content []byte
	for _, key := range keys {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return nil, fmt.Errorf("encode the public key: %w", err)
		}
		content = append(content, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	return content, nil
}

// replace puts content at path in one step, mode 0600.
func replace(path string, content []byte) error {
	return putInPlace(path, content, func(temp string) error { return os.Rename(temp, path) })
}
