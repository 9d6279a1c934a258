package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
)

// quietShop answers every preflight with what it is told.
type quietShop struct {
	bridge.Shop
	preflight error
}

func (s quietShop) Preflight(context.Context, string, json.RawMessage) error { return s.preflight }

var writer = bridge.Actor{ClientID: "agent", Scopes: []string{auth.ScopeRead, auth.ScopeWrite}}

// newDesk is a hub on a fresh SQLite store and an in-process queue.
func newDesk(t *testing.T, shop bridge.Shop) (*bridge.Desk, *store.Store) {
	t.Helper()
	db := openDatabase(t, store.Options{})
	return deskOn(t, db, bridge.OneShop(shop)), db
}

// deskOn is a hub on a store and an in-process queue.
func deskOn(t *testing.T, db *store.Store, shops bridge.Shops) *bridge.Desk {
	t.Helper()
	q, err := queue.Open(t.Context(), "", queue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return &bridge.Desk{
		Intake: db, Jobs: db, Docket: db, Shops: shops, Transport: q, Replays: q, Limiter: q,
		Rules: policies.Book{MaxPayloadBytes: 10485760}, MaxAttempts: 5,
		Now: time.Now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Log: slog.New(slog.DiscardHandler),
	}
}

const (
	firstID  = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
	secondID = "9a6ea3f2-672b-4f44-a143-006f09dd4abc"
)

func priceOf(requestID, payload string) bridge.Request {
	return bridge.Request{Operation: bridge.OpUpdateProduct, Method: "POST", RequestID: requestID, Arguments: []byte(payload)}
}

func batch(requestID, batchID string, price string) bridge.Request {
	payload := fmt.Sprintf(`{"batch_id":%q,"items":[{"reference":"A-1","name":{"en":"Tray"},"price_ht":%s,"stock_quantity":4}]}`, batchID, price)
	return bridge.Request{Operation: bridge.OpImportProducts, Method: "POST", RequestID: requestID, Arguments: []byte(payload)}
}

// end brings a job to a terminal status the way a worker does.
func end(t *testing.T, db *store.Store, jobID string, status schemas.JobStatus) {
	t.Helper()
	claim, err := db.Claim(t.Context(), jobID, "test", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	ending := bridge.Ending{Status: status, Result: json.RawMessage(`{"price_ht":{"after":25.5}}`)}
	if status != schemas.Succeeded {
		ending.Error = &schemas.JobError{Code: "shop_refused", Message: "no", Fix: "ask"}
	}
	if err := db.Finish(t.Context(), claim, ending); err != nil {
		t.Fatal(err)
	}
}

func mustAccept(t *testing.T, d *bridge.Desk, req bridge.Request) *schemas.Acceptance {
	t.Helper()
	answer, err := d.Do(t.Context(), writer, req)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Acceptance == nil || answer.Replay != nil {
		t.Fatalf("answer %+v, want an acceptance", answer)
	}
	return answer.Acceptance
}

func codeOf(err error) bridge.Code {
	if err == nil {
		return ""
	}
	return bridge.AsError(err).Code
}

func TestIdempotencyTable(t *testing.T) {
	const payload = `{"product_id":123,"updates":{"price_ht":25.5}}`
	d, db := newDesk(t, quietShop{})
	first := mustAccept(t, d, priceOf(firstID, payload))

	t.Run("same intention, not terminal: the same job", func(t *testing.T) {
		for _, spelling := range []string{payload, `{"updates":{"price_ht":25.50},"product_id":123}`, ` { "product_id" : 123.0, "updates":{"price_ht":2.55e1} } `} {
			if again := mustAccept(t, d, priceOf(strings.ToUpper(firstID), spelling)); again.JobID != first.JobID {
				t.Errorf("%s made another job", spelling)
			}
		}
	})
	t.Run("other intention: conflict, nothing executed", func(t *testing.T) {
		_, err := d.Do(t.Context(), writer, priceOf(firstID, `{"product_id":123,"updates":{"price_ht":26}}`))
		if codeOf(err) != bridge.CodeIdempotencyConflict || bridge.AsError(err).Rule != policies.RequestIDSingleIntention {
			t.Errorf("got %v", err)
		}
	})
	t.Run("another client's id is another id", func(t *testing.T) {
		answer, err := d.Do(t.Context(), bridge.Actor{ClientID: "other", Scopes: writer.Scopes}, priceOf(firstID, payload))
		if err != nil || answer.Acceptance.JobID == first.JobID {
			t.Errorf("got %+v, %v", answer, err)
		}
	})
	t.Run("same intention, succeeded: the job with its result, from the database and from the cache", func(t *testing.T) {
		end(t, db, first.JobID, schemas.Succeeded)
		for range 2 {
			answer, err := d.Do(t.Context(), writer, priceOf(firstID, payload))
			if err != nil || !strings.Contains(string(answer.Replay), `"business_success":true`) || !strings.Contains(string(answer.Replay), first.JobID) {
				t.Fatalf("got %+v, %v", answer, err)
			}
		}
		if _, err := d.Do(t.Context(), writer, priceOf(firstID, `{"product_id":124,"updates":{"price_ht":25.5}}`)); codeOf(err) != bridge.CodeIdempotencyConflict {
			t.Errorf("other intention after the end: %v", err)
		}
	})
}

func TestReplayOfAnEndWithoutSuccess(t *testing.T) {
	for _, status := range []schemas.JobStatus{schemas.Failed, schemas.NeedsReview} {
		d, db := newDesk(t, quietShop{})
		req := priceOf(firstID, `{"product_id":123,"updates":{"stock_delta":1}}`)
		end(t, db, mustAccept(t, d, req).JobID, status)
		for range 2 {
			_, err := d.Do(t.Context(), writer, req)
			fault := bridge.AsError(err)
			if fault.Code != bridge.CodeKnownFailedReplay || !strings.Contains(string(fault.Job), `"business_success":false`) {
				t.Errorf("%s: got %v, job %s", status, err, fault.Job)
			}
		}
	}
}

func TestBatchIsASecondKey(t *testing.T) {
	d, db := newDesk(t, quietShop{})
	first := mustAccept(t, d, batch(firstID, "b-1", "10"))
	if again := mustAccept(t, d, batch(secondID, "b-1", "10.0")); again.JobID != first.JobID {
		t.Error("the same batch under another request id made another job")
	}
	if _, err := d.Do(t.Context(), writer, batch(uuid.NewString(), "b-1", "11")); codeOf(err) != bridge.CodeIdempotencyConflict {
		t.Errorf("another batch under the same batch_id: %v", err)
	}
	end(t, db, first.JobID, schemas.Succeeded)
	answer, err := d.Do(t.Context(), writer, batch(uuid.NewString(), "b-1", "10"))
	if err != nil || answer.Replay == nil {
		t.Errorf("the batch after its end: %+v, %v", answer, err)
	}
	if _, err := d.Do(t.Context(), writer, priceOf(secondID, `{"product_id":1,"updates":{"stock_delta":1}}`)); codeOf(err) != bridge.CodeIdempotencyConflict {
		t.Errorf("the second request id was not bound to the batch's job: %v", err)
	}
}

func TestSimultaneousFirstRequestsMakeOneJob(t *testing.T) {
	d, _ := newDesk(t, quietShop{})
	const callers = 64
	jobs := make([]string, callers)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range callers {
		all.Go(func() {
			<-start
			answer, err := d.Do(t.Context(), writer, batch([]string{firstID, secondID, uuid.NewString()}[i%3], "b-1", "10"))
			if err != nil {
				t.Error(err)
				return
			}
			jobs[i] = answer.Acceptance.JobID
		})
	}
	close(start)
	all.Wait()
	for _, id := range jobs {
		if id != jobs[0] {
			t.Fatalf("two jobs: %s and %s", jobs[0], id)
		}
	}
}

func TestQueueAwayRefusesAWriteAndLeavesNothing(t *testing.T) {
	d, db := newDesk(t, quietShop{})
	away := bridge.Fault(bridge.CodeQueueUnavailable, nil, "away")
	healthy := d.Replays
	d.Replays = brokenCache{away}
	req := priceOf(firstID, `{"product_id":1,"updates":{"price_ht":1}}`)
	if _, err := d.Do(t.Context(), writer, req); codeOf(err) != bridge.CodeQueueUnavailable {
		t.Fatalf("got %v", err)
	}
	if left, err := db.Recall(t.Context(), writer.ClientID, firstID, ""); err != nil || left != nil {
		t.Fatalf("left behind: %+v, %v", left, err)
	}
	d.Replays = healthy
	mustAccept(t, d, priceOf(firstID, `{"product_id":2,"updates":{"price_ht":2}}`))
}

type brokenCache struct{ err error }

func (c brokenCache) Recall(context.Context, string, string) (*bridge.Replay, error) {
	return nil, c.err
}
func (c brokenCache) Remember(context.Context, string, string, bridge.Replay) error { return c.err }

func TestPreflight(t *testing.T) {
	req := priceOf(firstID, `{"product_id":99999,"updates":{"price_ht":1}}`)
	t.Run("a clear no refuses and leaves nothing", func(t *testing.T) {
		d, db := newDesk(t, quietShop{preflight: &bridge.ShopError{Fault: bridge.NotFound, Code: bridge.CodeNotFound, Message: "product 99999 does not exist in the shop"}})
		if _, err := d.Do(t.Context(), writer, req); codeOf(err) != bridge.CodeNotFound {
			t.Errorf("got %v", err)
		}
		if left, err := db.Recall(t.Context(), writer.ClientID, firstID, ""); err != nil || left != nil {
			t.Errorf("left behind: %+v, %v", left, err)
		}
	})
	t.Run("a shop that is away does not stop acceptance", func(t *testing.T) {
		d, _ := newDesk(t, quietShop{preflight: &bridge.ShopError{Fault: bridge.Unreached, Code: bridge.CodeShopUnavailable, Message: "away"}})
		mustAccept(t, d, req)
	})
	t.Run("a retry finds its job although its change has become impossible", func(t *testing.T) {
		d, _ := newDesk(t, quietShop{})
		first := mustAccept(t, d, req)
		d.Shops = bridge.OneShop(quietShop{preflight: bridge.Fault(bridge.CodeImpossibleTransition, nil, "delivered already")})
		if again := mustAccept(t, d, req); again.JobID != first.JobID {
			t.Error("another job")
		}
	})
}

func TestOrderOfChecksInTheHub(t *testing.T) {
	d, _ := newDesk(t, quietShop{})
	d.Rules.MaxPayloadBytes = 200
	for _, c := range []struct {
		name  string
		actor bridge.Actor
		req   bridge.Request
		want  bridge.Code
		rule  string
	}{
		{"scope before policy", bridge.Actor{ClientID: "reader", Scopes: []string{auth.ScopeRead}}, priceOf(firstID, `{"price_ttc":1}`), bridge.CodeInsufficientScope, ""},
		{"size before policy", writer, priceOf(firstID, `{"price_ttc":1,"x":"`+strings.Repeat("x", 200)+`"}`), bridge.CodePayloadTooLarge, "max-payload"},
		{"policy before schema", writer, priceOf(firstID, `{"product_id":"x","updates":{"price_ttc":1}}`), bridge.CodePolicyRefused, "ht-only"},
		{"schema before request id", writer, priceOf("not-a-uuid", `{"product_id":0,"updates":{"price_ht":1}}`), bridge.CodeSchemaViolation, ""},
		{"bad request id", writer, priceOf("not-a-uuid", `{"product_id":1,"updates":{"price_ht":1}}`), bridge.CodeSchemaViolation, ""},
		{"unknown operation", writer, bridge.Request{Operation: "delete_product", Arguments: []byte(`{}`)}, bridge.CodeNotFound, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := d.Do(t.Context(), c.actor, c.req)
			var fault *bridge.Error
			if !errors.As(err, &fault) || fault.Code != c.want || fault.Rule != c.rule {
				t.Errorf("got %v (rule %q), want %s %q", err, bridge.AsError(err).Rule, c.want, c.rule)
			}
		})
	}
}

func TestJobsOfOthersDoNotExist(t *testing.T) {
	d, _ := newDesk(t, quietShop{})
	job := mustAccept(t, d, priceOf(firstID, `{"product_id":1,"updates":{"price_ht":1}}`)).JobID
	ask := bridge.Request{Operation: bridge.OpGetJobStatus, Arguments: fmt.Appendf(nil, `{"job_id":%q}`, job)}
	if _, err := d.Do(t.Context(), bridge.Actor{ClientID: "other", Scopes: writer.Scopes}, ask); codeOf(err) != bridge.CodeNotFound {
		t.Errorf("another client sees the job: %v", err)
	}
	if _, err := d.Do(t.Context(), writer, ask); err != nil {
		t.Error(err)
	}
}

// brokenIntake is a database that is away.
type brokenIntake struct{ bridge.Intake }

func (brokenIntake) Recall(context.Context, string, string, string) (*bridge.Recorded, error) {
	return nil, bridge.Fault(bridge.CodeStoreUnavailable, nil, "away")
}

func TestReplayFromTheCacheTouchesNoDatabase(t *testing.T) {
	d, db := newDesk(t, quietShop{})
	req := priceOf(firstID, `{"product_id":123,"updates":{"price_ht":25.5}}`)
	end(t, db, mustAccept(t, d, req).JobID, schemas.Succeeded)
	fromDatabase, err := d.Do(t.Context(), writer, req)
	if err != nil {
		t.Fatal(err)
	}
	d.Intake = brokenIntake{}
	fromCache, err := d.Do(t.Context(), writer, req)
	if err != nil || string(fromCache.Replay) != string(fromDatabase.Replay) {
		t.Errorf("from the cache: %s, %v\nfrom the database: %s", fromCache.Replay, err, fromDatabase.Replay)
	}
	if _, err := d.Do(t.Context(), writer, priceOf(secondID, `{"product_id":1,"updates":{"price_ht":1}}`)); codeOf(err) != bridge.CodeStoreUnavailable {
		t.Errorf("a new request without a database: %v", err)
	}
}
