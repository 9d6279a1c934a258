package auth

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// maxKeyFileBytes is far above any key file and far below what would hurt.
const maxKeyFileBytes = 64 << 10

// OpenKeys reads the signing key of privatePath and the verification keys of
// publicPath, making both files at the first start. The public file may hold
// several PUBLIC KEY blocks: one must belong to the private key, the others
// are the retiring or coming keys of a rotation and only verify. An empty
// publicPath means the private key's own half and no other.
//
// Several processes may start at once on one folder: a file is written aside
// and linked into place, which exactly one of them can do; every process,
// also the winner, then uses what it reads back. The public file is read
// before the private one because it is published after it: whoever sees the
// public file can rely on seeing the private one too.
func OpenKeys(privatePath, publicPath string) (*KeySet, error) {
	public, err := readPublicKeys(publicPath)
	if err != nil {
		return nil, err
	}
	private, err := readPrivateKey(privatePath)
	if errors.Is(err, fs.ErrNotExist) {
		if public != nil {
			return nil, fmt.Errorf("public key file %s exists without its private key %s: restore the private key, or move the public one away to start with new keys", publicPath, privatePath)
		}
		private, err = createPrivateKey(privatePath)
	}
	if err != nil {
		return nil, err
	}
	if public == nil && publicPath != "" {
		if public, err = createPublicKey(publicPath, &private.PublicKey); err != nil {
			return nil, err
		}
	}
	if public != nil && !containsKey(public, &private.PublicKey) {
		return nil, fmt.Errorf("public key file %s does not belong to private key file %s: no key in it is the private key's own", publicPath, privatePath)
	}
	return NewKeySet(private, public...)
}

func containsKey(keys []*rsa.PublicKey, wanted *rsa.PublicKey) bool {
	for _, key := range keys {
		if key.Equal(wanted) {
			return true
		}
	}
	return false
}

func createPrivateKey(path string) (*rsa.PrivateKey, error) {
	key, err := NewSigningKey()
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the signing key: %w", err)
	}
	if err := publish(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return nil, err
	}
	return readPrivateKey(path)
}

func createPublicKey(path string, key *rsa.PublicKey) ([]*rsa.PublicKey, error) {
	content, err := publicBlocks(key)
	if err != nil {
		return nil, err
	}
	if err := publish(path, content); err != nil {
		return nil, err
	}
	return readPublicKeys(path)
}

// publish puts content at path for the first comer and leaves an existing
// file alone. A hard link, unlike a rename, fails when the name is taken, and
// unlike O_EXCL on the name itself it never shows a half-written file. The
// file is 0600 from its creation (os.CreateTemp), and so is never open to
// others even for a moment.
func publish(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the key folder: %w", err)
	}
	return putInPlace(path, content, func(temp string) error {
		if err := os.Link(temp, path); !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}

// putInPlace writes content aside, whole and on the disk, and lets place give
// it its name.
func putInPlace(path string, content []byte, place func(temp string) error) error {
	folder := filepath.Dir(path)
	temp, err := os.CreateTemp(folder, ".key-*")
	if err != nil {
		return fmt.Errorf("write a key file: %w", err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(content)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return fmt.Errorf("write a key file: %w", err)
	}
	if err := place(temp.Name()); err != nil {
		return fmt.Errorf("put the key file in place: %w", err)
	}
	return syncFolder(folder)
}

// syncFolder makes the new name itself survive a power cut; Windows has no
// such call and needs none.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	opened, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}

func readPrivateKey(path string) (*rsa.PrivateKey, error) {
	content, err := readKeyFile(path, 0o077)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	block, rest := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("private key file %s holds no PEM block", path)
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, fmt.Errorf("private key file %s holds more than one PEM block: keep only the signing key", path)
	}
	key, err := parsePrivateKey(block)
	if err != nil {
		return nil, fmt.Errorf("private key file %s: %w", path, err)
	}
	return key, nil
}

func parsePrivateKey(block *pem.Block) (*rsa.PrivateKey, error) {
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		if key, ok := parsed.(*rsa.PrivateKey); ok {
			return key, nil
		}
		return nil, fmt.Errorf("it is a %T, tokens are signed with RSA only", parsed)
	}
	return nil, fmt.Errorf("PEM type %q is not a plain RSA private key (PKCS#1 or PKCS#8, not encrypted)", block.Type)
}

// readPublicKeys returns nil and no error for a file that does not exist.
func readPublicKeys(path string) ([]*rsa.PublicKey, error) {
	if path == "" {
		return nil, nil
	}
	content, err := readKeyFile(path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	var keys []*rsa.PublicKey
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("public key file %s: PEM type %q is not PUBLIC KEY (PKIX)", path, block.Type)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("public key file %s: %w", path, err)
		}
		key, ok := parsed.(*rsa.PublicKey)
		if !ok {
			return nil, fmt.Errorf("public key file %s holds a %T, tokens are verified with RSA only", path, parsed)
		}
		keys = append(keys, key)
	}
	if keys == nil {
		return nil, fmt.Errorf("public key file %s holds no PEM block", path)
	}
	return keys, nil
}

// readKeyFile reads a regular file none of whose forbidden mode bits is set.
// The mode is taken from the opened file, so it is the mode of what is read.
// Windows reports made-up modes; its access lists are the operator's.
func readKeyFile(path string, forbidden fs.FileMode) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if open := info.Mode().Perm() & forbidden; open != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s has mode %04o, others than its owner can use it: run chmod 600 %s", path, info.Mode().Perm(), path)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxKeyFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxKeyFileBytes {
		return nil, fmt.Errorf("%s is over %d bytes, that is no key file", path, maxKeyFileBytes)
	}
	return content, nil
}
