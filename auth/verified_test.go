package auth

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// remembering is an issuer with a clock to turn, whose keys can be exchanged.
func remembering(t *testing.T) (i *Issuer, now *time.Time) {
	t.Helper()
	i = issuer(t)
	moment := tokenTime
	i.Now = func() time.Time { return moment }
	i.Verified = new(Verified)
	return i, &moment
}

// known makes a token that was verified once.
func known(t *testing.T, i *Issuer) string {
	t.Helper()
	token, _, err := i.Issue("agent-1", []string{ScopeRead})
	if err != nil {
		t.Fatal(err)
	}
	first, err := i.Verify(token)
	if err != nil {
		t.Fatal(err)
	}
	if _, found := i.Verified.find(token, i.Keys.Current()); !found {
		t.Fatal("the token was not remembered")
	}
	again, err := i.Verify(token)
	if err != nil || again.ID != first.ID || len(again.Scopes) != 1 || !again.ExpiresAt.Equal(first.ExpiresAt) {
		t.Fatalf("the second look gave %+v, %v; the first %+v", again, err, first)
	}
	return token
}

func otherKeys(t *testing.T) *KeySet {
	t.Helper()
	key, err := NewSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// A known token is held against everything but its signature at each use.
func TestKnownTokensAreStillChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(i *Issuer, now *time.Time)
		want   error
	}{
		"expired meanwhile":           {func(_ *Issuer, now *time.Time) { *now = now.Add(time.Hour + tokenLeeway + time.Second) }, ErrTokenExpired},
		"the clock was set back":      {func(_ *Issuer, now *time.Time) { *now = now.Add(-time.Hour) }, ErrTokenNotYet},
		"another deployment's issuer": {func(i *Issuer, _ *time.Time) { i.URL = "https://other.example.com" }, ErrTokenIssuer},
		"another resource":            {func(i *Issuer, _ *time.Time) { i.Audience = []string{"https://other.example.com"} }, ErrTokenAudience},
		"its key was rotated out":     {func(i *Issuer, _ *time.Time) { i.Keys = otherKeys(t) }, ErrTokenKey},
	} {
		t.Run(name, func(t *testing.T) {
			i, now := remembering(t)
			token := known(t, i)
			c.change(i, now)
			if _, err := i.Verify(token); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// A token for one resource alone, once seen by its door, opens no other.
func TestKnownTokenOfAnotherDoor(t *testing.T) {
	i, _ := remembering(t)
	narrow := i.For("https://bridge.example.com/mcp")
	token, _, err := narrow.Issue("agent-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := narrow.Verify(token); err != nil {
		t.Fatal(err)
	}
	if _, err := i.For("https://bridge.example.com").Verify(token); !errors.Is(err, ErrTokenAudience) {
		t.Errorf("got %v", err)
	}
}

// ATTACK: the claims of a known token under another signature, or others'
// claims under its signature.
func TestForgeriesOfKnownTokens(t *testing.T) {
	i, _ := remembering(t)
	token := known(t, i)
	parts := strings.Split(token, ".")
	other, _, err := i.Issue("agent-2", []string{ScopeRead, ScopeWrite})
	if err != nil {
		t.Fatal(err)
	}
	claims := strings.Split(other, ".")[1]
	for _, forged := range []string{
		parts[0] + "." + claims + "." + parts[2],
		parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		token[:len(token)-1],
		token + "A",
	} {
		if claims, err := i.Verify(forged); !errors.Is(err, ErrInvalidToken) {
			t.Errorf("%.60s… passed as %+v, %v", forged, claims, err)
		}
		if _, found := i.Verified.find(forged, i.Keys.Current()); found {
			t.Error("a forgery was remembered")
		}
	}
}

func TestVerifiedIsBounded(t *testing.T) {
	i, now := remembering(t)
	token := known(t, i)
	claims, _ := i.Verified.find(token, i.Keys.Current())
	key, _ := i.Keys.Current().PublicKey(i.Keys.Current().SigningID())
	kid := i.Keys.Current().SigningID()
	for n := range 2 * mostVerified {
		i.Verified.remember(strings.Repeat("x", n), claims, kid, key, *now)
		if len(i.Verified.tokens) > mostVerified {
			t.Fatalf("%d tokens are remembered; at most %d may be", len(i.Verified.tokens), mostVerified)
		}
	}
	i.Verified.remember("late", claims, kid, key, now.Add(2*time.Hour))
	if len(i.Verified.tokens) != 1 {
		t.Errorf("%d tokens are left after all but one had expired", len(i.Verified.tokens))
	}
}

func TestVerifiedTogether(t *testing.T) {
	i, _ := remembering(t)
	token, _, err := i.Issue("agent-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := i.Verify(token); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
