package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// makeKey is shared by the tests: a key takes a tenth of a second to make.
var makeKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := NewSigningKey()
	if err != nil {
		panic(err)
	}
	return key
})

var makeOtherKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := NewSigningKey()
	if err != nil {
		panic(err)
	}
	return key
})

// RFC 7638 §3.1 prints this key and its thumbprint.
func TestThumbprintOfTheRFC(t *testing.T) {
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	raw, err := base64.RawURLEncoding.DecodeString(n)
	if err != nil {
		t.Fatal(err)
	}
	got := Thumbprint(&rsa.PublicKey{N: new(big.Int).SetBytes(raw), E: 65537})
	if want := "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestKeySetAndJWKS(t *testing.T) {
	set, err := NewKeySet(makeKey(), &makeOtherKey().PublicKey, &makeKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	var document struct{ Keys []map[string]string }
	if err := json.Unmarshal(set.JWKS(), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Keys) != 2 || document.Keys[0]["kid"] != set.SigningID() {
		t.Fatalf("got %v", document.Keys)
	}
	for _, key := range document.Keys {
		if len(key) != 6 || key["kty"] != "RSA" || key["use"] != "sig" || key["alg"] != "RS256" || key["e"] != "AQAB" || key["n"] == "" {
			t.Errorf("got %v", key)
		}
		if public, known := set.PublicKey(key["kid"]); !known || Thumbprint(public) != key["kid"] {
			t.Errorf("kid %s does not lead to its key", key["kid"])
		}
	}
	if strings.Contains(string(set.JWKS()), `"d"`) {
		t.Error("the document holds a private number")
	}
	if _, known := set.PublicKey(""); known {
		t.Error("an empty kid finds a key")
	}
}

func TestWeakAndMissingKeysAreRefused(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewKeySet(weak); err == nil {
		t.Error("a signing key of 1024 bits is accepted")
	}
	if _, err := NewKeySet(makeKey(), &weak.PublicKey); err == nil {
		t.Error("a verification key of 1024 bits is accepted")
	}
	if _, err := NewKeySet(nil); err == nil {
		t.Error("no key is accepted")
	}
}

func TestFirstStartMakesKeysAndTheNextFindsThem(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "var", "keys")
	private, public := filepath.Join(folder, "private.pem"), filepath.Join(folder, "public.pem")
	first, err := OpenKeys(private, public)
	if err != nil {
		t.Fatal(err)
	}
	second, err := OpenKeys(private, public)
	if err != nil {
		t.Fatal(err)
	}
	if first.SigningID() != second.SigningID() {
		t.Error("the second start has another key")
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]os.FileMode{folder: 0o700, private: 0o600, public: 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: mode %v, %v", path, info.Mode().Perm(), err)
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(folder, ".key-*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	// A public file that got lost is made again from the private key.
	if err := os.Remove(public); err != nil {
		t.Fatal(err)
	}
	if third, err := OpenKeys(private, public); err != nil || third.SigningID() != first.SigningID() {
		t.Errorf("without its public file: %v", err)
	}
}

func TestConcurrentFirstStartsAgreeOnOneKey(t *testing.T) {
	folder := t.TempDir()
	ids := make([]string, 6)
	var starts sync.WaitGroup
	for i := range ids {
		starts.Go(func() {
			set, err := OpenKeys(filepath.Join(folder, "private.pem"), filepath.Join(folder, "public.pem"))
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = set.SigningID()
		})
	}
	starts.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatalf("got %v", ids)
		}
	}
}

func pemOf(kind string, der []byte, err error) string {
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8Of(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return pemOf("PRIVATE KEY", der, err)
}

func pkixOf(key any) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	return pemOf("PUBLIC KEY", der, err)
}

func pkcs1Of(key *rsa.PrivateKey) string {
	return pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), nil)
}

func TestKeyFiles(t *testing.T) {
	own, other := makeKey(), makeOtherKey()
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const absent = ""
	for name, c := range map[string]struct {
		private, public string
		mode            os.FileMode
		fault           string // "" means accepted
	}{
		"PKCS#8":                         {pkcs8Of(own), pkixOf(&own.PublicKey), 0o600, ""},
		"PKCS#1":                         {pkcs1Of(own), pkixOf(&own.PublicKey), 0o600, ""},
		"read-only":                      {pkcs8Of(own), pkixOf(&own.PublicKey), 0o400, ""},
		"own and retiring key":           {pkcs8Of(own), pkixOf(&other.PublicKey) + pkixOf(&own.PublicKey), 0o600, ""},
		"no public file yet":             {pkcs8Of(own), absent, 0o600, ""},
		"readable by the group":          {pkcs8Of(own), absent, 0o640, "chmod 600"},
		"readable by others":             {pkcs8Of(own), absent, 0o604, "chmod 600"},
		"writable by others":             {pkcs8Of(own), absent, 0o602, "chmod 600"},
		"somebody else's public key":     {pkcs8Of(own), pkixOf(&other.PublicKey), 0o600, "does not belong"},
		"a public key without private":   {absent, pkixOf(&other.PublicKey), 0o600, "without its private key"},
		"an elliptic key":                {pkcs8Of(elliptic), absent, 0o600, "RSA only"},
		"an elliptic public key":         {pkcs8Of(own), pkixOf(&elliptic.PublicKey), 0o600, "RSA only"},
		"the private key as public file": {pkcs8Of(own), pkcs8Of(own), 0o600, "not PUBLIC KEY"},
		"the public key as private file": {pkixOf(&own.PublicKey), absent, 0o600, "not a plain RSA private key"},
		"two private keys":               {pkcs8Of(own) + pkcs8Of(other), absent, 0o600, "more than one"},
		"an encrypted key":               {pemOf("ENCRYPTED PRIVATE KEY", []byte{1}, nil), absent, 0o600, "not encrypted"},
		"a broken key":                   {pemOf("PRIVATE KEY", []byte{1, 2}, nil), absent, 0o600, "private key file"},
		"no PEM":                         {"hello", absent, 0o600, "no PEM block"},
		"no PEM as public key":           {pkcs8Of(own), "hello", 0o600, "no PEM block"},
		"a huge file":                    {strings.Repeat("x", maxKeyFileBytes+1), absent, 0o600, "no key file"},
	} {
		t.Run(name, func(t *testing.T) {
			private, public := filepath.Join(t.TempDir(), "private.pem"), filepath.Join(t.TempDir(), "public.pem")
			writeFile(t, private, c.private, c.mode)
			writeFile(t, public, c.public, 0o644)
			set, err := OpenKeys(private, public)
			switch {
			case c.fault == "" && err != nil:
				t.Fatal(err)
			case c.fault == "":
				if set.SigningID() != Thumbprint(&own.PublicKey) {
					t.Error("signs with another key")
				}
				if _, known := set.PublicKey(Thumbprint(&other.PublicKey)); known != strings.Contains(c.public, pkixOf(&other.PublicKey)) {
					t.Errorf("the retiring key verifies: %v", known)
				}
			case err == nil || !strings.Contains(err.Error(), c.fault):
				t.Errorf("got %v, want a fault naming %q", err, c.fault)
			}
		})
	}
	if _, err := OpenKeys(t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder as key file: %v", err)
	}
	private := filepath.Join(t.TempDir(), "private.pem")
	writeFile(t, private, pkcs8Of(own), 0o600)
	if set, err := OpenKeys(private, ""); err != nil || set.SigningID() != Thumbprint(&own.PublicKey) {
		t.Errorf("without a public path: %v", err)
	}
}

func writeFile(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if content == "" {
		return
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
