package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
)

// granted writes a grant of ada's to a client, with a code.
func (r rig) granted(change func(*bridge.Grant)) (bridge.Grant, bridge.AuthorizationCode) {
	r.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	g := bridge.Grant{
		ID: uuid.NewString(), ClientID: "https://app.example/client.json", Operator: "ada", Scopes: []string{"bridge:read"},
		Resources: []string{"https://bridge.example/mcp"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour), OperatorScopes: []string{"bridge:read", "bridge:write"},
	}
	if change != nil {
		change(&g)
	}
	c := bridge.AuthorizationCode{Hash: uuid.NewString(), RedirectURI: "https://app.example/cb?x=1", Challenge: "c", ExpiresAt: now.Add(time.Minute)}
	if err := r.OpenGrant(r.Context(), g, c, decided(bridge.ActionGrantApprove, g.Holder())); err != nil {
		r.Fatal(err)
	}
	return g, c
}

func decided(action, subject string) bridge.Decision {
	return bridge.Decision{Operator: "ada", Action: action, Subject: subject, Reason: "test", At: time.Now()}
}

func (r rig) account(name string) {
	r.Helper()
	err := r.AmendAccount(r.Context(), decided(bridge.ActionAccountAdd, name), false, func(known *bridge.Account) (bridge.Account, error) {
		return bridge.Account{Name: name, PasswordHash: "h", Scopes: []string{"bridge:read", "bridge:write"}, CreatedAt: time.Now().UTC()}, nil
	})
	if err != nil {
		r.Fatal(err)
	}
}

func next() bridge.RefreshToken {
	return bridge.RefreshToken{Hash: uuid.NewString(), ExpiresAt: time.Now().UTC().Add(time.Hour).Truncate(time.Microsecond)}
}

func passCode(bridge.Grant, bridge.AuthorizationCode) error { return nil }
func passToken(bridge.Grant, bridge.RefreshToken) error     { return nil }

func TestGrantsAreKept(t *testing.T) {
	onEach(t, func(r rig) {
		r.account("ada")
		g, c := r.granted(nil)
		first := next()
		refusal := errors.New("not so")
		if _, err := r.RedeemCode(r.Context(), c.Hash, first, decided("", ""), func(bridge.Grant, bridge.AuthorizationCode) error { return refusal }); !errors.Is(err, refusal) {
			r.Fatalf("%v", err)
		}
		got, err := r.RedeemCode(r.Context(), c.Hash, first, decided("", ""), func(known bridge.Grant, code bridge.AuthorizationCode) error {
			if known.ClientID != g.ClientID || code != c || !known.CreatedAt.Equal(g.CreatedAt) || !known.ExpiresAt.Equal(g.ExpiresAt) {
				r.Errorf("judged %+v, %+v", known, code)
			}
			return nil
		})
		if err != nil || got.ID != g.ID || !slices.Equal(got.Scopes, g.Scopes) || !slices.Equal(got.Resources, g.Resources) || !slices.Equal(got.OperatorScopes, g.OperatorScopes) {
			r.Errorf("%+v, %v", got, err)
		}
		second := next()
		if _, err := r.RotateRefresh(r.Context(), first.Hash, second, decided("", ""), func(_ bridge.Grant, token bridge.RefreshToken) error {
			if token != first {
				r.Errorf("judged %+v", token)
			}
			return nil
		}); err != nil {
			r.Fatal(err)
		}
		for _, hash := range []string{first.Hash, second.Hash} {
			if found, err := r.GrantOfRefresh(r.Context(), hash); err != nil || found == nil || found.ID != g.ID {
				r.Errorf("%+v, %v", found, err)
			}
		}
		if _, err := r.RotateRefresh(r.Context(), "unknown", next(), decided("", ""), passToken); !errors.Is(err, bridge.ErrUnknownToken) {
			r.Errorf("%v", err)
		}
		if err := r.RevokeGrant(r.Context(), g.ID, decided(bridge.ActionGrantRevoke, "x")); err != nil {
			r.Fatal(err)
		}
		if ended, err := r.Grant(r.Context(), g.ID); err != nil || ended.RevokedAt == nil || ended.Live(time.Now()) {
			r.Errorf("%+v, %v", ended, err)
		}
		// Ended twice, it is told once.
		if err := r.RevokeGrant(r.Context(), g.ID, decided(bridge.ActionGrantRevoke, "x")); err != nil || r.count("SELECT COUNT(*) FROM audit WHERE action = ?", bridge.ActionGrantRevoke) != 1 {
			r.Errorf("%v", err)
		}
		if absent, err := r.Grant(r.Context(), "absent"); absent != nil || err != nil {
			r.Errorf("%+v, %v", absent, err)
		}
	})
}

// Of many nodes that use one code or token at once, one is first, and the
// others end the grant.
func TestExchangesRace(t *testing.T) {
	onEach(t, func(r rig) {
		r.account("ada")
		nodes := []*Store{r.Store, r.node(), r.node(), r.node()}
		race := func(what string, grantID string, use func(*Store) error) {
			r.Helper()
			errs := make([]error, len(nodes))
			together(len(nodes), func(i int) { errs[i] = use(nodes[i]) })
			won := 0
			for _, err := range errs {
				switch {
				case err == nil:
					won++
				case !errors.Is(err, bridge.ErrUsedBefore):
					r.Errorf("%s: %v", what, err)
				}
			}
			if g, err := r.Grant(r.Context(), grantID); won != 1 || err != nil || g.RevokedAt == nil {
				r.Errorf("%s: %d won; %+v, %v", what, won, g, err)
			}
		}
		g, c := r.granted(nil)
		race("code", g.ID, func(s *Store) error {
			_, err := s.RedeemCode(context.Background(), c.Hash, next(), decided(bridge.ActionGrantReplay, ""), passCode)
			return err
		})
		g, c = r.granted(nil)
		token := next()
		if _, err := r.RedeemCode(r.Context(), c.Hash, token, decided("", ""), passCode); err != nil {
			r.Fatal(err)
		}
		race("refresh token", g.ID, func(s *Store) error {
			_, err := s.RotateRefresh(context.Background(), token.Hash, next(), decided(bridge.ActionGrantReplay, ""), passToken)
			return err
		})
		if told := r.count("SELECT COUNT(*) FROM audit WHERE action = ? AND subject = ?", bridge.ActionGrantReplay, g.Holder()); told != 2 {
			r.Errorf("the audit log tells of %d replays", told)
		}
	})
}

func TestAnAssertionCountsOnce(t *testing.T) {
	onEach(t, func(r rig) {
		nodes := []*Store{r.Store, r.node(), r.node()}
		fresh := make([]bool, len(nodes))
		together(len(nodes), func(i int) {
			var err error
			if fresh[i], err = nodes[i].UseAssertion(context.Background(), "client", "jti", time.Now().Add(time.Minute)); err != nil {
				r.Error(err)
			}
		})
		if n := len(slices.DeleteFunc(fresh, func(f bool) bool { return !f })); n != 1 {
			r.Errorf("one jti was fresh %d times", n)
		}
		for _, other := range [][2]string{{"client", "jti2"}, {"client2", "jti"}, {"clientj", "ti"}} {
			if ok, err := r.UseAssertion(r.Context(), other[0], other[1], time.Now()); !ok || err != nil {
				r.Errorf("%v: %t, %v", other, ok, err)
			}
		}
	})
}

func TestAccountsAndWhatTheyGrantedEndTogether(t *testing.T) {
	onEach(t, func(r rig) {
		r.account("ada")
		r.account("bob")
		g, _ := r.granted(nil)
		bobs, _ := r.granted(func(g *bridge.Grant) { g.Operator = "bob" })
		at := time.Now().UTC().Truncate(time.Microsecond)
		if err := r.AmendAccount(r.Context(), decided(bridge.ActionAccountRemove, "ada"), true, func(known *bridge.Account) (bridge.Account, error) {
			known.RemovedAt = &at
			return *known, nil
		}); err != nil {
			r.Fatal(err)
		}
		if ended, err := r.Grant(r.Context(), g.ID); err != nil || ended.RevokedAt == nil || len(ended.OperatorScopes) != 0 {
			r.Errorf("%+v, %v", ended, err)
		}
		if other, err := r.Grant(r.Context(), bobs.ID); err != nil || !other.Live(time.Now()) {
			r.Errorf("%+v, %v", other, err)
		}
		list, err := r.Accounts(r.Context())
		if err != nil || len(list) != 2 || list[0].RemovedAt == nil || !list[0].RemovedAt.Equal(at) || list[1].RemovedAt != nil {
			r.Errorf("%+v, %v", list, err)
		}
		if nobody, err := r.Account(r.Context(), "nobody"); nobody != nil || err != nil {
			r.Errorf("%+v, %v", nobody, err)
		}
	})
}

func TestMetadataIsKept(t *testing.T) {
	onEach(t, func(r rig) {
		want := bridge.ClientMetadata{Name: "Größe 中文", RedirectURIs: []string{"https://app.example/cb"}, AuthMethod: bridge.AuthNothing}
		for range 2 { // written anew with every change
			if err := r.AmendClient(r.Context(), decided(bridge.ActionClientAdd, "app"), func(*bridge.RegisteredClient) (bridge.RegisteredClient, error) {
				return bridge.RegisteredClient{ID: "app", Scopes: []string{"bridge:read"}, CreatedAt: time.Now(), Metadata: want}, nil
			}); err != nil {
				r.Fatal(err)
			}
		}
		got, err := r.RegisteredClient(r.Context(), "app")
		if err != nil || got.Metadata.Name != want.Name || !slices.Equal(got.Metadata.RedirectURIs, want.RedirectURIs) || !got.Metadata.Public() {
			r.Errorf("%+v, %v", got, err)
		}
		if err := r.exec("DELETE FROM client_metadata WHERE client_id = ?", "app"); err != nil {
			r.Fatal(err)
		}
		if before, err := r.RegisteredClient(r.Context(), "app"); err != nil || before.Metadata.ForPeople() {
			r.Errorf("a client from before there was metadata: %+v, %v", before, err)
		}
	})
}

func TestGrantsAreForgottenADayAfterTheirEnd(t *testing.T) {
	onEach(t, func(r rig) {
		r.account("ada")
		long := time.Now().UTC().Add(-25 * time.Hour)
		live, code := r.granted(nil)
		if _, err := r.RedeemCode(r.Context(), code.Hash, next(), decided("", ""), passCode); err != nil {
			r.Fatal(err)
		}
		expired, _ := r.granted(func(g *bridge.Grant) { g.ExpiresAt = long })
		recent, _ := r.granted(func(g *bridge.Grant) { g.ExpiresAt = time.Now().Add(-time.Hour) })
		revoked, _ := r.granted(nil)
		d := decided(bridge.ActionGrantRevoke, "x")
		d.At = long
		if err := r.RevokeGrant(r.Context(), revoked.ID, d); err != nil {
			r.Fatal(err)
		}
		for id, until := range map[string]time.Time{"old": long, "new": time.Now()} {
			if _, err := r.UseAssertion(r.Context(), "c", id, until); err != nil {
				r.Fatal(err)
			}
		}
		if err := r.RetainGrants(r.Context()); err != nil {
			r.Fatal(err)
		}
		for g, kept := range map[string]int64{live.ID: 1, recent.ID: 1, expired.ID: 0, revoked.ID: 0} {
			if n, codes := r.count("SELECT COUNT(*) FROM grants WHERE id = ?", g), r.count("SELECT COUNT(*) FROM authorization_codes WHERE grant_id = ?", g); int64(n) != kept || int64(codes) != kept {
				r.Errorf("grant %s: %d, codes %d, want %d", g, n, codes, kept)
			}
		}
		if n := r.count("SELECT COUNT(*) FROM assertions"); n != 1 {
			r.Errorf("%d assertions kept", n)
		}
	})
}
