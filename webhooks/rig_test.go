package webhooks_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
	"github.com/prestashop-bridge/bridge/store/storetest"
	"github.com/prestashop-bridge/bridge/webhooks"
)

const clientID = "handler"

// rig is a database of its own with the webhook resource on it. Engines are
// the real ones; only the pauses between attempts are short.
type rig struct {
	*testing.T
	url      string
	db       *store.Store
	sealer   *auth.Sealer
	resource *bridge.Subscriptions
	operator *bridge.WebhookOperator
	hosts    []string // receivers the operator allows, all on loopback
	ahead    atomic.Int64
}

func newRig(t *testing.T) *rig {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bridge.db")
	empty, err := storetest.Empty()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, url: "sqlite:" + file, hosts: []string{"127.0.0.1"}}
	if r.sealer, err = auth.OpenSealer(filepath.Join(t.TempDir(), "secrets.key")); err != nil {
		t.Fatal(err)
	}
	r.db = r.open()
	r.resource = &bridge.Subscriptions{
		Store: r.db, Log: r.db, Admit: webhooks.NewClient(r.hosts, false).Admit, Sealer: r.sealer, OwnHost: "bridge.example", Now: r.now,
	}
	r.operator = &bridge.WebhookOperator{Store: r.db, Log: r.db, Sealer: r.sealer, Now: r.now}
	return r
}

// now is the clock of the whole rig, which a test can move on.
func (r *rig) now() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }

func (r *rig) open() *store.Store {
	r.Helper()
	db, err := store.Open(r.Context(), r.url, store.Options{Now: r.now})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		if err := db.Close(); err != nil {
			r.Error(err)
		}
	})
	return db
}

// shortly are pauses as many as the real ones.
func shortly() []time.Duration {
	pauses := make([]time.Duration, len(webhooks.Retries))
	for i := range pauses {
		pauses[i] = 10 * time.Millisecond
	}
	return pauses
}

func (r *rig) engine(set ...func(*webhooks.Engine)) *webhooks.Engine {
	e := &webhooks.Engine{
		Outbox: r.db, Client: webhooks.NewClient(r.hosts, false), Sealer: r.sealer, Node: "node", Now: r.now,
		Log: slog.New(slog.DiscardHandler), Retries: shortly(), Poll: 20 * time.Millisecond,
	}
	for _, change := range set {
		change(e)
	}
	return e
}

// run runs an engine until the test ends or stop is called.
func (r *rig) run(e *webhooks.Engine) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = e.Run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	r.Cleanup(stop)
	return stop
}

// subscribe registers a webhook and gives its id.
func (r *rig) subscribe(topic bridge.Topic, address, contentType string) int64 {
	r.Helper()
	body, err := json.Marshal(map[string]any{"webhook": map[string]any{"topic": topic, "address": address, "content_type": contentType}})
	if err != nil {
		r.Fatal(err)
	}
	answer, err := r.resource.Do(r.Context(), bridge.Actor{ClientID: clientID}, bridge.ResourceRequest{Name: bridge.OpCreateWebhook, Body: body})
	if err != nil {
		r.Fatal(err)
	}
	return answer.Body.(schemas.WebhookEnvelope).Webhook.ID
}

// accept makes a job, which is an event jobs/accepted, and gives its id.
func (r *rig) accept() string {
	r.Helper()
	job := bridge.Job{
		ID: uuid.Must(uuid.NewV7()).String(), Kind: bridge.OpUpdateProduct, ClientID: clientID, RequestID: uuid.NewString(),
		Status: schemas.Accepted, Payload: json.RawMessage(`{}`), Targets: []string{"product:1"}, MaxAttempts: 5, AcceptedAt: r.now().UTC(),
	}
	if recorded, err := r.db.Accept(r.Context(), job, "intention"); err != nil || recorded != nil {
		r.Fatalf("Accept gave %v, %v", recorded, err)
	}
	return job.ID
}

// delivery is one request as a receiver got it.
type delivery struct {
	header http.Header
	body   string
}

func (d delivery) id() string { return d.header.Get("webhook-id") }

// receiver keeps what it is sent and answers as it is told.
type receiver struct {
	*httptest.Server
	got    chan delivery
	status atomic.Int64
	answer func(w http.ResponseWriter, n int64) // instead of status; n counts from 1
	count  atomic.Int64
}

func (r *rig) receiver(answer func(w http.ResponseWriter, n int64)) *receiver {
	rc := &receiver{got: make(chan delivery, 10_000), answer: answer}
	rc.status.Store(http.StatusOK)
	rc.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		raw, _ := io.ReadAll(request.Body)
		n := rc.count.Add(1)
		rc.got <- delivery{request.Header.Clone(), string(raw)}
		if rc.answer != nil {
			rc.answer(w, n)
			return
		}
		w.WriteHeader(int(rc.status.Load()))
	}))
	r.Cleanup(rc.Close)
	return rc
}

// next waits for one delivery.
func (rc *receiver) next(t *testing.T) delivery {
	t.Helper()
	select {
	case d := <-rc.got:
		return d
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was delivered")
		return delivery{}
	}
}

// settled waits until a webhook's newest delivery has left the waiting state.
func (r *rig) settled(webhookID int64) bridge.Delivery {
	r.Helper()
	return r.eventually(webhookID, func(d bridge.Delivery) bool { return d.State != bridge.DeliveryWaiting })
}

func (r *rig) eventually(webhookID int64, is func(bridge.Delivery) bool) bridge.Delivery {
	r.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for {
		list, err := r.db.Deliveries(r.Context(), bridge.DeliveryQuery{WebhookID: webhookID, Limit: 1})
		if err != nil {
			r.Fatal(err)
		}
		if len(list) > 0 && is(list[0]) {
			return list[0]
		}
		select {
		case <-tick.C:
		case <-deadline:
			r.Fatalf("delivery is %+v", list)
		}
	}
}

func (r *rig) webhook(id int64) bridge.Webhook {
	r.Helper()
	w, err := r.db.Webhook(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return w
}

func (r *rig) attempts(id int64) []bridge.Attempt {
	r.Helper()
	list, err := r.db.Attempts(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return list
}
