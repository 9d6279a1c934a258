package auth

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSealOpensOnlyInItsPlaceWithItsKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "seal.key")
	s, err := OpenSealer(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed := s.Seal("signing secret", "client a")
	if strings.Contains(sealed, "signing") || sealed == s.Seal("signing secret", "client a") {
		t.Error("the sealed text shows something")
	}
	again, err := OpenSealer(path)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := again.Open(sealed, "client a"); err != nil || text != "signing secret" {
		t.Errorf("%q, %v", text, err)
	}
	other, err := OpenSealer(filepath.Join(t.TempDir(), "seal.key"))
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (string, error){
		"another client's row": func() (string, error) { return s.Open(sealed, "client b") },
		"another key":          func() (string, error) { return other.Open(sealed, "client a") },
		"a changed text":       func() (string, error) { return s.Open("A"+sealed[1:], "client a") },
		"a cut text":           func() (string, error) { return s.Open(sealed[:8], "client a") },
		"no base64":            func() (string, error) { return s.Open("###", "client a") },
	} {
		if text, err := open(); !errors.Is(err, ErrSeal) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

func TestSealKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.key")
	if _, err := OpenSealer(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSealer(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key others can read: %v", err)
	}
	short := filepath.Join(t.TempDir(), "short.key")
	if err := os.WriteFile(short, []byte("abcd"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSealer(short); err == nil {
		t.Error("a short key was taken")
	}
}
