package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// hook registers a webhook of a client for a topic.
func (r rig) hook(clientID string, topic bridge.Topic) bridge.Webhook {
	r.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	w, added, err := r.AddWebhook(r.Context(), bridge.Webhook{
		ClientID: clientID, Topic: topic, Address: "https://receiver.example.org/" + clientID, ContentType: bridge.ContentJSON,
		SealedSecret: "sealed", CreatedAt: now, UpdatedAt: now,
	})
	if err != nil || !added {
		r.Fatalf("AddWebhook gave %t, %v", added, err)
	}
	return w
}

func (r rig) told(w bridge.Webhook) []bridge.Delivery {
	r.Helper()
	list, err := r.Deliveries(r.Context(), bridge.DeliveryQuery{WebhookID: w.ID, Limit: 1000})
	if err != nil {
		r.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// Each move of a job is told once, with the job as it then is, to its own
// client and to no other.
func TestJobsAreTold(t *testing.T) {
	onEach(t, func(r rig) {
		hooks := map[bridge.Topic]bridge.Webhook{}
		for _, topic := range []bridge.Topic{bridge.TopicJobAccepted, bridge.TopicJobSucceeded, bridge.TopicJobFailed, bridge.TopicJobNeedsReview, bridge.TopicJobCancelled, bridge.TopicImportProgress} {
			hooks[topic] = r.hook("client", topic)
		}
		stranger := r.hook("stranger", bridge.TopicJobAccepted)
		done, failed, cancelled := r.accepted("a"), r.accepted("b"), r.accepted("c")
		claim := r.claimed(done)
		for i, progress := range []int{0, 1, 1, 2} {
			if err := r.Journal(r.Context(), claim, bridge.Entry{Steps: []bridge.StepRecord{bridge.StepRecord{Name: fmt.Sprint(i), State: bridge.StepApplied}}, Progress: schemas.Progress{Done: progress, Total: 3}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Finish(r.Context(), claim, bridge.Ending{Status: schemas.Succeeded, Progress: schemas.Progress{Done: 3, Total: 3}}); err != nil {
			t.Fatal(err)
		}
		if err := r.Finish(r.Context(), r.claimed(failed), bridge.Ending{Status: schemas.Failed}); err != nil {
			t.Fatal(err)
		}
		cancel := func(job *bridge.Job) error { job.Status = schemas.Cancelled; return nil }
		if _, err := r.Amend(r.Context(), bridge.Decision{Operator: "me", Action: "cancel", Subject: cancelled.ID, Reason: "x", At: time.Now()}, cancel); err != nil {
			t.Fatal(err)
		}
		want := map[bridge.Topic][]string{
			bridge.TopicJobAccepted:  {done.ID, failed.ID, cancelled.ID},
			bridge.TopicJobSucceeded: {done.ID}, bridge.TopicJobFailed: {failed.ID}, bridge.TopicJobCancelled: {cancelled.ID},
			bridge.TopicImportProgress: {done.ID, done.ID, done.ID}, // at 1, 2 and 3
			bridge.TopicJobNeedsReview: nil,
		}
		for topic, hook := range hooks {
			var ids []string
			for _, d := range r.told(hook) {
				var body struct {
					JobID         string `json:"job_id"`
					Status        string `json:"status"`
					Steps         []any  `json:"steps"`
					BusinessValue *bool  `json:"business_success"`
				}
				if err := json.Unmarshal(d.Event.Body, &body); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, body.JobID)
				if d.Event.Object != bridge.JobTarget(body.JobID) || d.Event.Topic != topic || d.Event.ClientID != "client" {
					t.Errorf("%s: event %+v", topic, d.Event)
				}
				if topic == bridge.TopicJobSucceeded && (body.Status != "succeeded" || len(body.Steps) != 4 || body.BusinessValue == nil || !*body.BusinessValue) {
					t.Errorf("told of success as %s", d.Event.Body)
				}
			}
			if !slices.Equal(ids, want[topic]) {
				t.Errorf("%s: %v, want %v", topic, ids, want[topic])
			}
		}
		if n := len(r.told(stranger)); n != 0 {
			t.Errorf("another client was told %d times", n)
		}
	})
}

// What happens in one shop is told to the webhooks of that shop.
func TestShopsAreToldApart(t *testing.T) {
	onEach(t, func(r rig) {
		first := r.hook("client", "orders/paid")
		now := time.Now().UTC()
		second, _, err := r.AddWebhook(r.Context(), bridge.Webhook{ClientID: "client", Shop: "outlet", Topic: "orders/paid", Address: "https://a.example.org/", ContentType: bridge.ContentJSON, CreatedAt: now, UpdatedAt: now})
		if err != nil {
			t.Fatal(err)
		}
		n := r.news("order:1", "orders/paid")
		n.shop, n.clientID = "outlet", "" // for every client of the shop
		r.tell(n)
		if a, b := len(r.told(first)), len(r.told(second)); a != 0 || b != 1 {
			t.Errorf("%d told in the first shop, %d in the second", a, b)
		}
		j := job("outlet/product:1")
		j.Shop, j.Kind = "outlet", bridge.OpUpdateProduct
		hook, _, err := r.AddWebhook(r.Context(), bridge.Webhook{ClientID: "client", Shop: "outlet", Topic: bridge.TopicJobSucceeded, Address: "https://a.example.org/", ContentType: bridge.ContentJSON, CreatedAt: now, UpdatedAt: now})
		if err != nil {
			t.Fatal(err)
		}
		r.accept(j)
		r.finish(r.claimed(j))
		if told := r.told(hook); len(told) != 1 || told[0].Event.Shop != "outlet" {
			t.Errorf("told %+v", told)
		}
	})
}

// Nothing is written for nobody: no webhook, a disabled one, one of a revoked
// client.
func TestNobodyIsTold(t *testing.T) {
	onEach(t, func(r rig) {
		r.finish(r.claimed(r.accepted("a")))
		off := r.hook("client", bridge.TopicJobAccepted)
		if _, err := r.AmendWebhook(r.Context(), off.ID, nil, func(w *bridge.Webhook) error {
			at := time.Now()
			w.DisabledAt, w.DisabledFor = &at, "test"
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		r.hook("revoked", bridge.TopicJobAccepted)
		at := time.Now().UTC()
		if err := r.AmendClient(r.Context(), bridge.Decision{Operator: "me", Action: "x", Subject: "revoked", Reason: "x", At: at}, func(*bridge.RegisteredClient) (bridge.RegisteredClient, error) {
			return bridge.RegisteredClient{ID: "revoked", CreatedAt: at, RevokedAt: &at}, nil
		}); err != nil {
			t.Fatal(err)
		}
		j := job("b")
		j.ClientID = "revoked"
		r.accept(j)
		r.accepted("c")
		if events, deliveries := r.count("SELECT COUNT(*) FROM events"), r.count("SELECT COUNT(*) FROM deliveries"); events != 0 || deliveries != 0 {
			t.Errorf("%d events, %d deliveries", events, deliveries)
		}
		select {
		case <-r.EventsWritten():
			t.Error("somebody was woken for nothing")
		default:
		}
	})
}

// What does not commit is told to nobody.
func TestRolledBackIsNotTold(t *testing.T) {
	onEach(t, func(r rig) {
		w := r.hook("client", bridge.TopicJobAccepted)
		broken := errors.New("broken")
		err := r.transact(r.Context(), func(tx *sql.Tx) error {
			if err := r.insertEvents(r.Context(), tx, r.news("x:1", bridge.TopicJobAccepted)); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) || len(r.told(w)) != 0 {
			t.Errorf("%v, %d deliveries", err, len(r.told(w)))
		}
		select {
		case <-r.EventsWritten():
			t.Error("somebody was woken for what was rolled back")
		default:
		}
		r.accepted("a")
		select {
		case <-r.EventsWritten():
		default:
			t.Error("nobody was woken")
		}
	})
}

func (r rig) news(object string, topic bridge.Topic) news {
	return news{clientID: "client", topic: topic, object: object, bodies: func() (json.RawMessage, json.RawMessage, error) {
		return json.RawMessage(`{"open":1}`), json.RawMessage(`{"private":1}`), nil
	}}
}

func (r rig) tell(list ...news) {
	r.Helper()
	if err := r.transact(r.Context(), func(tx *sql.Tx) error { return r.insertEvents(r.Context(), tx, list...) }); err != nil {
		r.Fatal(err)
	}
}

// A body with personal data goes to those who may see it, and events about
// persons to nobody else.
func TestPersonalData(t *testing.T) {
	onEach(t, func(r rig) {
		open, private := r.hook("client", "orders/paid"), r.hook("client", "orders/paid")
		customers := r.hook("client", "customers/create")
		if _, err := r.AmendWebhook(r.Context(), private.ID, nil, func(w *bridge.Webhook) error { w.PII = true; return nil }); err != nil {
			t.Fatal(err)
		}
		r.tell(r.news("order:1", "orders/paid"), r.news("customer:1", "customers/create"))
		if got := string(r.told(open)[0].Event.Body); got != `{"open":1}` {
			t.Errorf("without the scope: %s", got)
		}
		if got := string(r.told(private)[0].Event.Body); got != `{"private":1}` {
			t.Errorf("with the scope: %s", got)
		}
		if n := len(r.told(customers)); n != 0 {
			t.Errorf("%d customers told without the scope", n)
		}
	})
}

// Deliveries of one object come one after the other, others beside it; of
// nodes that race for one, one gets it.
func TestLanes(t *testing.T) {
	onEach(t, func(r rig) {
		w := r.hook("client", "orders/update")
		for _, object := range []string{"order:1", "order:1", "order:2"} {
			r.tell(r.news(object, "orders/update"))
		}
		queue := r.told(w)
		next := func() int64 {
			t.Helper()
			lanes, err := r.Lanes(r.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(lanes) == 0 {
				return 0
			}
			if len(lanes) > 1 || lanes[0].WebhookID != w.ID || lanes[0].Address != w.Address {
				t.Errorf("lanes %+v", lanes)
			}
			return lanes[0].DeliveryID
		}
		claim := func(id int64) []bridge.Delivery {
			t.Helper()
			got, err := r.ClaimDeliveries(r.Context(), []int64{id}, "node", someLease)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := next(); got != queue[0].ID {
			t.Fatalf("first %d", got)
		}
		var mu sync.Mutex
		var first []bridge.Delivery
		together(8, func(int) {
			got, err := r.ClaimDeliveries(context.Background(), []int64{queue[0].ID}, "node", someLease)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			first = append(first, got...)
		})
		if len(first) != 1 || first[0].Event.Object != "order:1" || first[0].Webhook.ID != w.ID {
			t.Fatalf("claimed %+v", first)
		}
		if got := next(); got != queue[2].ID {
			t.Errorf("beside it %d, want that of the other object", got)
		}
		claim(queue[2].ID)
		if got := next(); got != 0 {
			t.Errorf("%d is due behind one that is being sent", got)
		}
		if lanes, err := r.Lanes(r.Context(), []int64{w.ID}); err != nil || len(lanes) != 0 {
			t.Errorf("%v, %v", lanes, err)
		}
		// A failed attempt keeps its place before the later one.
		if _, err := r.Settle(r.Context(), first[0], bridge.AttemptEnd{State: bridge.DeliveryWaiting, Pause: time.Minute}); err != nil {
			t.Fatal(err)
		}
		if got := next(); got != 0 {
			t.Errorf("%d overtook", got)
		}
		r.advance(2 * time.Minute)
		again := claim(queue[0].ID)
		if len(again) != 1 || again[0].Attempts != 1 || again[0].Webhook.FailingSince == nil {
			t.Fatalf("again %+v", again)
		}
		if _, err := r.Settle(r.Context(), first[0], bridge.AttemptEnd{State: bridge.DeliveryFailed}); err != bridge.ErrFenced {
			t.Errorf("an old claim settled: %v", err)
		}
		if _, err := r.Settle(r.Context(), again[0], bridge.AttemptEnd{State: bridge.DeliveryDelivered}); err != nil {
			t.Fatal(err)
		}
		if got := next(); got != queue[1].ID {
			t.Errorf("then %d", got)
		}
		if got, err := r.Webhook(r.Context(), w.ID); err != nil || got.FailingSince != nil {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// A dead node's deliveries are due again when its lease ends.
func TestLeaseOfDeliveryEnds(t *testing.T) {
	onEach(t, func(r rig) {
		w := r.hook("client", bridge.TopicJobAccepted)
		r.accepted("a")
		id := r.told(w)[0].ID
		for range 3 {
			got, err := r.ClaimDeliveries(r.Context(), []int64{id}, "node", someLease)
			if err != nil || len(got) != 1 {
				t.Fatalf("%v, %v", got, err)
			}
			r.advance(someLease + time.Second)
		}
	})
}

// Many jobs accepted at once are told once each.
func TestConcurrentAcceptsAreTold(t *testing.T) {
	onEach(t, func(r rig) {
		w := r.hook("client", bridge.TopicJobAccepted)
		together(100, func(int) {
			if _, err := r.Accept(context.Background(), job(), someIntention); err != nil {
				t.Error(err)
			}
		})
		seen := map[string]bool{}
		for _, d := range r.told(w) {
			seen[d.Event.Object] = true
		}
		if len(seen) != 100 || len(r.told(w)) != 100 {
			t.Errorf("%d of 100 told in %d deliveries", len(seen), len(r.told(w)))
		}
	})
}

// Retention removes what has ended, with its attempts and events, and nothing
// that waits.
func TestRetainDeliveries(t *testing.T) {
	onEach(t, func(r rig) {
		w := r.hook("client", bridge.TopicJobAccepted)
		for range retainBatch + 5 {
			r.tell(r.news("x:1", bridge.TopicJobAccepted))
		}
		list := r.told(w)
		for _, d := range list[:len(list)-1] {
			claimed, err := r.ClaimDeliveries(r.Context(), []int64{d.ID}, "node", someLease)
			if err != nil || len(claimed) != 1 {
				t.Fatalf("%v, %v", claimed, err)
			}
			if _, err := r.Settle(r.Context(), claimed[0], bridge.AttemptEnd{State: bridge.DeliveryDelivered, Attempt: bridge.Attempt{At: time.Now(), Status: 200}}); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := r.RetainDeliveries(r.Context(), time.Hour); n != 0 || err != nil {
			t.Errorf("too early: %d, %v", n, err)
		}
		if n, err := r.RetainDeliveries(r.Context(), -time.Hour); n != retainBatch+4 || err != nil {
			t.Errorf("removed %d, %v", n, err)
		}
		for _, table := range []string{"deliveries", "events"} {
			if n := r.count("SELECT COUNT(*) FROM " + table); n != 1 {
				t.Errorf("%d %s left", n, table)
			}
		}
		if n := r.count("SELECT COUNT(*) FROM delivery_attempts"); n != 0 {
			t.Errorf("%d attempts left", n)
		}
	})
}

// Looking for work touches what is due and no more, however much has ended.
func TestLanesUseTheirIndexes(t *testing.T) {
	onEach(t, func(r rig) {
		for range 3 {
			r.hook("client", bridge.TopicJobAccepted)
		}
		err := r.transact(r.Context(), func(tx *sql.Tx) error {
			var rows [][]any
			for i := range 3000 {
				due := any(nil)
				state := bridge.DeliveryDelivered
				if i%100 == 0 {
					due, state = 0, bridge.DeliveryWaiting
				}
				rows = append(rows, []any{i%3 + 1, "e", fmt.Sprint("x:", i), string(state), 0, 0, "", due, 0})
			}
			return insertRows(r.Context(), tx, deliveriesInto, rows)
		})
		if err != nil {
			t.Fatal(err)
		}
		explain, refresh := "EXPLAIN FORMAT=JSON ", "ANALYZE TABLE deliveries, webhooks"
		if r.name == "sqlite" {
			explain, refresh = "EXPLAIN QUERY PLAN ", "ANALYZE"
		}
		if err := r.exec(refresh); err != nil {
			t.Fatal(err)
		}
		query, _ := r.lanesQuery(nil)
		plan := r.plan(explain + query)
		for _, index := range []string{"deliveries_lane", "deliveries_object"} {
			if !strings.Contains(plan, index) {
				t.Errorf("%s is not used:\n%s", index, plan)
			}
		}
	})
}
