package costs

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
	"github.com/prestashop-bridge/bridge/store/storetest"
	"github.com/prestashop-bridge/bridge/tools"
)

const (
	baseURL    = "http://bridge.test"
	clientID   = "client"
	hmacSecret = "0123456789abcdef0123456789abcdef"
)

// rig is the bridge around a real database: no queue, and a shop by choice.
type rig struct {
	store *store.Store
	desk  *bridge.Desk
	gate  *bridge.Gate
	log   *slog.Logger
	token string
}

func newRig(t *testing.T, shop bridge.Shop) *rig {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bridge.db")
	empty, err := storetest.Empty()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	r := &rig{log: slog.New(slog.DiscardHandler)}
	if r.store, err = store.Open(t.Context(), "sqlite:"+file, store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.store.Close(); err != nil {
			t.Error(err)
		}
	})
	key, err := auth.NewSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := auth.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	scopes := []string{auth.ScopeRead, auth.ScopeWrite}
	r.gate = &bridge.Gate{
		Clients: bridge.Directory{Fixed: bridge.FixedClients{{ID: clientID, Scopes: scopes, HMACSecrets: []string{hmacSecret, ""}}}},
		Tokens:  &auth.Issuer{Keys: keys, URL: baseURL, Audience: []string{baseURL, baseURL + "/mcp"}, TTL: time.Hour, Verified: new(auth.Verified)},
	}
	if r.token, _, err = r.gate.Tokens.Issue(clientID, scopes); err != nil {
		t.Fatal(err)
	}
	r.desk = &bridge.Desk{
		Intake: r.store, Jobs: r.store, Shops: bridge.OneShop(shop), Transport: noQueue{}, Replays: noQueue{}, Limiter: noQueue{},
		Rules: policies.Book{}, MaxAttempts: 5, Now: time.Now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Log: r.log,
	}
	return r
}

func (r *rig) rest() http.Handler {
	return (&rest.Door{Desk: r.desk, Gate: r.gate, BaseURL: baseURL, Log: r.log}).Handler()
}

func (r *rig) mcp() http.Handler {
	return (&tools.Door{Desk: r.desk, Gate: r.gate, Name: "bridge", Version: "test", BaseURL: baseURL, Log: r.log}).Handler()
}

func (r *rig) worker(shop bridge.Shop) *bridge.Worker {
	return &bridge.Worker{
		Ledger: r.store, Shops: bridge.OneShop(shop), Node: "node", Lease: 8 * time.Second, AttemptTimeout: time.Minute, Now: time.Now, Log: r.log,
	}
}

// accept writes through the hub and gives the job's id.
func (r *rig) accept(t *testing.T, operation, payload string) string {
	t.Helper()
	actor := bridge.Actor{ClientID: clientID, Scopes: []string{auth.ScopeRead, auth.ScopeWrite}}
	answer, err := r.desk.Do(t.Context(), actor, bridge.Request{Operation: operation, RequestID: uuid.NewString(), Arguments: []byte(payload)})
	if err != nil {
		t.Fatalf("%s %s: %v", operation, payload, err)
	}
	return answer.Acceptance.JobID
}

// noQueue is a queue that costs nothing.
type noQueue struct{}

func (noQueue) Announce(context.Context, string) error { return nil }

func (noQueue) Recall(context.Context, string, string) (*bridge.Replay, error) { return nil, nil }

func (noQueue) Remember(context.Context, string, string, bridge.Replay) error { return nil }

func (noQueue) Take(context.Context, bridge.Actor, bridge.RateClass) (bridge.RateWindow, error) {
	return bridge.RateWindow{Allowed: true, Limit: 1000, Remaining: 999, Reset: time.Minute}, nil
}

// noShop has nothing to say, and its jobs are one step applied at once.
type noShop struct{}

var errNothing = errors.New("this shop has nothing to read")

func (noShop) Product(context.Context, int64) (schemas.Product, error) {
	return schemas.Product{}, errNothing
}

func (noShop) Order(context.Context, int64, bool) (schemas.Order, error) {
	return schemas.Order{}, errNothing
}

func (noShop) Preflight(context.Context, string, json.RawMessage) error { return nil }

func (noShop) Plan(context.Context, bridge.Job) (bridge.Plan, error) {
	step := bridge.Step{
		Name: "price",
		Baseline: func(context.Context, bridge.Journal) (bridge.Baseline, error) {
			return bridge.Baseline{Target: "product:7"}, nil
		},
		Send: func(context.Context, bridge.Baseline) (bridge.Effect, error) { return bridge.Effect{}, nil },
	}
	return bridge.Plan{Units: []bridge.Unit{{Steps: []bridge.Step{step}}}, Result: func(bridge.Outcome) any { return struct{}{} }}, nil
}
