package bridge_test

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// registrarOf is an operator of clients and the directory that the doors look
// into, on a fresh store.
func registrarOf(t *testing.T) (*bridge.Registrar, bridge.Directory) {
	t.Helper()
	_, db := newDesk(t, quietShop{})
	sealer, err := auth.OpenSealer(filepath.Join(t.TempDir(), "secrets.key"))
	if err != nil {
		t.Fatal(err)
	}
	fixed := bridge.FixedClients{{ID: "configured"}}
	return &bridge.Registrar{Registry: db, Sealer: sealer, Fixed: fixed, Now: time.Now}, bridge.Directory{Fixed: fixed, Registry: db, Sealer: sealer}
}

var both = []string{auth.ScopeRead, auth.ScopeWrite}

func TestSecretsRotateWithoutDowntime(t *testing.T) {
	r, directory := registrarOf(t)
	first, err := r.Add(t.Context(), "ada", "the new handler", bridge.RegisteredClient{
		ID: "handler-2", Scopes: both, Limits: map[bridge.RateClass]int{bridge.RateWrite: 5}, Sources: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	secrets, signing := []string{first.ClientSecret}, []string{first.HMACSecret}
	look := func(live int) {
		t.Helper()
		c, err := directory.Client(t.Context(), "handler-2")
		if err != nil {
			t.Fatal(err)
		}
		for i, secret := range secrets {
			if want := i >= len(secrets)-live; c.SecretMatches(secret) != want {
				t.Errorf("OAuth secret %d of %d works: %t", i+1, len(secrets), !want)
			}
			if want := i >= len(signing)-live; slices.Contains(c.HMACSecrets, signing[i]) != want {
				t.Errorf("signing secret %d of %d works: %t", i+1, len(signing), !want)
			}
		}
		if c.Limits[bridge.RateWrite] != 5 || !c.MayCallFrom(netip.MustParseAddr("10.1.2.3")) || c.MayCallFrom(netip.MustParseAddr("192.0.2.1")) {
			t.Errorf("limits %v, sources %v", c.Limits, c.Sources)
		}
	}
	look(1)
	for range 2 {
		fresh, err := r.RotateSecret(t.Context(), "ada", "yearly", "handler-2")
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, fresh.ClientSecret)
		if fresh, err = r.RotateHMAC(t.Context(), "ada", "yearly", "handler-2"); err != nil {
			t.Fatal(err)
		}
		signing = append(signing, fresh.HMACSecret)
		look(2)
	}
	stored, err := directory.Registry.RegisteredClient(t.Context(), "handler-2")
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range append(secrets, signing...) {
		if strings.Contains(stored.SecretHash+stored.OldHash+stored.SealedHMAC+stored.SealedOld, secret) {
			t.Error("a secret is stored in the clear")
		}
	}
}

func TestRevokedClientIsUnknownAtOnce(t *testing.T) {
	r, directory := registrarOf(t)
	if _, err := r.Add(t.Context(), "ada", "trial", bridge.RegisteredClient{ID: "trial", Scopes: both}); err != nil {
		t.Fatal(err)
	}
	if err := r.Revoke(t.Context(), "ada", "the trial is over", "trial"); err != nil {
		t.Fatal(err)
	}
	if _, err := directory.Client(t.Context(), "trial"); codeOf(err) != bridge.CodeUnauthorized {
		t.Errorf("got %v", err)
	}
	if _, err := r.RotateSecret(t.Context(), "ada", "again", "trial"); codeOf(err) != bridge.CodeUnprocessable {
		t.Errorf("a revoked client was changed: %v", err)
	}
}

func TestClientsThatCannotBe(t *testing.T) {
	r, _ := registrarOf(t)
	if _, err := r.Add(t.Context(), "ada", "first", bridge.RegisteredClient{ID: "one", Scopes: both}); err != nil {
		t.Fatal(err)
	}
	for name, add := range map[string]struct {
		reason string
		client bridge.RegisteredClient
	}{
		"an id twice":             {"why", bridge.RegisteredClient{ID: "one", Scopes: both}},
		"the id of the settings":  {"why", bridge.RegisteredClient{ID: "configured", Scopes: both}},
		"an id that breaks lines": {"why", bridge.RegisteredClient{ID: "a\nb", Scopes: both}},
		"an unknown scope":        {"why", bridge.RegisteredClient{ID: "two", Scopes: []string{"bridge:admin"}}},
		"no scope":                {"why", bridge.RegisteredClient{ID: "two"}},
		"nobody says why":         {"", bridge.RegisteredClient{ID: "two", Scopes: both}},
	} {
		if _, err := r.Add(t.Context(), "ada", add.reason, add.client); codeOf(err) != bridge.CodeInvalidRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.Revoke(t.Context(), "ada", "why", "nobody"); codeOf(err) != bridge.CodeNotFound {
		t.Errorf("an unknown client: %v", err)
	}
	list, err := r.Registry.RegisteredClients(t.Context())
	if err != nil || len(list) != 1 {
		t.Errorf("%d clients, %v", len(list), err)
	}
}
