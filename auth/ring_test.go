package auth

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// lookAgain lets a ring believe that its second is over.
func lookAgain(r *KeyRing) *KeySet {
	r.mu.Lock()
	r.looked = time.Time{}
	r.mu.Unlock()
	return r.Current()
}

func TestRotationWithoutRestart(t *testing.T) {
	private, public := filepath.Join(t.TempDir(), "private.pem"), filepath.Join(t.TempDir(), "public.pem")
	node, err := OpenKeyRing(private, public, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	issuer := &Issuer{Keys: node, URL: "https://bridge.example", Audience: []string{"https://bridge.example"}, TTL: time.Hour}
	token := func() string {
		t.Helper()
		text, _, err := issuer.Issue("client", []string{ScopeRead})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	before, first := token(), node.Current().SigningID()
	if _, err := RotateKeys(private, public); err != nil {
		t.Fatal(err)
	}
	if lookAgain(node).SigningID() == first {
		t.Fatal("the node goes on signing with the old key")
	}
	between := token()
	for name, text := range map[string]string{"of the key before": before, "of the new key": between} {
		if _, err := issuer.Verify(text); err != nil {
			t.Errorf("a token %s: %v", name, err)
		}
	}
	if _, err := RotateKeys(private, public); err != nil {
		t.Fatal(err)
	}
	lookAgain(node)
	if _, err := issuer.Verify(before); err == nil {
		t.Error("a token of a key two rotations old still verifies")
	}
	if _, err := issuer.Verify(between); err != nil {
		t.Errorf("a token of the key before the second rotation: %v", err)
	}
	if info, err := os.Stat(private); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("private key file: %v, %v", info.Mode(), err)
	}
}

func TestARingKeepsItsKeysWhenTheFilesBreak(t *testing.T) {
	private, public := filepath.Join(t.TempDir(), "private.pem"), filepath.Join(t.TempDir(), "public.pem")
	node, err := OpenKeyRing(private, public, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	kid := node.Current().SigningID()
	if err := os.WriteFile(private, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if lookAgain(node).SigningID() != kid {
		t.Error("the keys changed")
	}
}
