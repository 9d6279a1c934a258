package rest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
	"github.com/prestashop-bridge/bridge/bridge/rest/client"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/store"
)

// whole is the door on everything real but the shop's address: SQLite, the
// embedded queue, a worker and the stand-in shop.
func whole(t *testing.T, readsAMinute, writesAMinute int) (*client.Client, *sandbox.Shop) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const key = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	standIn, err := sandbox.New(sandbox.Options{Key: key})
	must(err)
	shopServer := httptest.NewServer(standIn)
	t.Cleanup(shopServer.Close)
	db, err := store.Open(t.Context(), "sqlite:"+filepath.ToSlash(filepath.Join(t.TempDir(), "bridge.db")), store.Options{})
	must(err)
	t.Cleanup(func() { _ = db.Close() })
	must(db.Migrate(t.Context()))
	log := slog.New(slog.DiscardHandler)
	transport, err := queue.Open(t.Context(), "", queue.Options{Node: "n", ReplayTTL: time.Hour, Logger: log, Limits: map[bridge.RateClass]int{bridge.RateRead: readsAMinute, bridge.RateWrite: writesAMinute}})
	must(err)
	t.Cleanup(func() { _ = transport.Close() })
	rules := policies.Book{MaxPayloadBytes: policies.DefaultMaxPayloadBytes}
	shop, err := prestashop.New(prestashop.Options{URL: shopServer.URL, Key: key, Timeout: 5 * time.Second, Book: rules, Logger: log})
	must(err)
	t.Cleanup(shop.Close)

	worker := &bridge.Worker{Ledger: db, Shops: bridge.OneShop(shop), Node: "n", Lease: 8 * time.Second, AttemptTimeout: time.Minute, Now: time.Now, Log: log}
	runner := queue.NewRunner(transport, queue.RunnerOptions{Work: worker.Run, Due: worker.Due, Workers: 2, SweepEvery: 100 * time.Millisecond})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })

	door := &rest.Door{
		Desk: &bridge.Desk{
			Intake: db, Jobs: db, Shops: bridge.OneShop(shop), Transport: transport, Replays: transport, Limiter: transport,
			Rules: rules, MaxAttempts: 5, Now: time.Now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Log: log,
		},
		Gate: &bridge.Gate{
			Clients: bridge.FixedClients{{ID: clientID, SecretHash: secretHash, Scopes: []string{auth.ScopeRead, auth.ScopeWrite}, HMACSecrets: []string{hmacSecret}}},
			Tokens:  &auth.Issuer{Keys: signingKeys(), URL: baseURL, Audience: []string{baseURL}, TTL: time.Hour},
		},
		BaseURL: baseURL, Log: log,
	}
	door.Grantor = &bridge.Grantor{Gate: door.Gate, Now: time.Now}
	server := httptest.NewUnstartedServer(nil)
	server.Config = door.Server("")
	server.Config.Handler = conforming(t, server.Config.Handler)
	server.Start()
	t.Cleanup(server.Close)
	return &client.Client{
		BaseURL: server.URL, ClientID: clientID, ClientSecret: clientSecret, HMACSecret: hmacSecret,
		HTTP: server.Client(), MaxPause: 5 * time.Second,
	}, standIn
}

// The idempotency table of the contract, on the real store and a real worker.
func TestIdempotencyThroughTheDoor(t *testing.T) {
	c, shop := whole(t, 1000, 1000)
	do := func(id, payload string) (client.Response, error) {
		return c.Do(t.Context(), bridge.OpUpdateProduct, id, []byte(payload))
	}
	const payload = `{"product_id":1,"updates":{"price_ht":25.5,"stock_delta":10}}`
	before, _ := shop.Stock(1, 0)

	// Twenty first requests at once make one job.
	var mu sync.Mutex
	var all sync.WaitGroup
	jobs := map[string]bool{}
	for range 20 {
		all.Go(func() {
			response, err := do(requestID, payload)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.Error(err)
			case response.Accepted != nil:
				jobs[response.Accepted.JobID] = true
			case response.Finished != nil: // the worker was faster
				jobs[response.Finished.Job.JobID] = true
			}
		})
	}
	all.Wait()
	if len(jobs) != 1 {
		t.Fatalf("%d jobs", len(jobs))
	}
	for id := range jobs {
		if finished, err := c.Wait(t.Context(), id); err != nil || !finished.Succeeded() {
			t.Fatalf("got %+v, %v", finished, err)
		}
	}
	again, err := do(requestID, `{"updates":{"stock_delta":1e1,"price_ht":25.50},"product_id":1}`)
	if err != nil || again.Finished == nil || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the same intention again: %+v, %v", again, err)
	}
	var refused *client.Refusal
	if _, err = do(requestID, `{"product_id":1,"updates":{"price_ht":26}}`); !errors.As(err, &refused) || refused.Problem.ErrorCode != string(bridge.CodeIdempotencyConflict) {
		t.Errorf("another intention: %v", err)
	}
	if after, _ := shop.Stock(1, 0); after != before+10 {
		t.Errorf("stock went from %d to %d", before, after)
	}
}

// The windows of reads and writes are apart, and what is refused says when to
// come back.
func TestRateWindowsThroughTheDoor(t *testing.T) {
	c, _ := whole(t, 3, 2)
	c.Attempts = 1
	count := func(operation, payload string) (passed int, last *client.Refusal) {
		for i := range 5 {
			_, err := c.Do(t.Context(), operation, fmt.Sprintf("00000000-0000-4000-8000-%012d", i), []byte(payload))
			if !errors.As(err, &last) {
				passed++
			}
		}
		return passed, last
	}
	for _, call := range []struct {
		operation, payload string
		passed             int
	}{{bridge.OpUpdateProduct, `{"product_id":1,"updates":{"stock_delta":1}}`, 2}, {bridge.OpGetProduct, `{"product_id":1}`, 3}} {
		// The window may turn over in the middle, once.
		passed, refused := count(call.operation, call.payload)
		if passed < call.passed || passed > 2*call.passed || refused == nil {
			t.Errorf("%s: %d passed", call.operation, passed)
			continue
		}
		if refused.Status == http.StatusTooManyRequests && (refused.RetryAfter < time.Second || refused.RetryAfter > time.Minute) {
			t.Errorf("%s: Retry-After %v", call.operation, refused.RetryAfter)
		}
	}
}
