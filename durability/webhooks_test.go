package durability

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
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
	"github.com/prestashop-bridge/bridge/webhooks"
)

// hearer is a receiver of webhooks that counts what it took in.
type hearer struct {
	*httptest.Server
	mu    sync.Mutex
	taken map[string]int // by webhook-id
}

// hear starts a receiver; takes decides about each request, told its number and
// whether the event has been seen before.
func hear(t *testing.T, total *atomic.Int64, takes func(n int64, seen bool) int) *hearer {
	h := &hearer{taken: map[string]int{}}
	var n atomic.Int64
	var ids sync.Map
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		total.Add(1)
		_, seen := ids.LoadOrStore(r.Header.Get("webhook-id"), nil)
		status := takes(n.Add(1), seen)
		if status == http.StatusOK {
			h.mu.Lock()
			h.taken[r.Header.Get("webhook-id")]++
			h.mu.Unlock()
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(h.Close)
	return h
}

// heard counts the events taken in, and how many of them more than once.
func (h *hearer) heard() (events, repeats int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range h.taken {
		if n > 1 {
			repeats++
		}
	}
	return len(h.taken), repeats
}

// Two nodes deliver to good, flapping, dead and departed receivers and are
// killed in the middle of it, again and again: every event arrives at every
// receiver that takes it, none is lost, and what came twice has one id.
func TestKilledWhileDelivering(t *testing.T) {
	const jobs, healthy = 60, 6
	eachDatabase(t, func(t *testing.T, databaseURL string) {
		db, err := store.Open(t.Context(), databaseURL, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		key := filepath.Join(scratch(t), "secrets.key")
		sealer, err := auth.OpenSealer(key)
		if err != nil {
			t.Fatal(err)
		}
		resource := &bridge.Subscriptions{Store: db, Log: db, Admit: webhooks.NewClient([]string{"127.0.0.1"}, false).Admit, Sealer: sealer, Now: time.Now}

		var total atomic.Int64
		var good []*hearer
		for range healthy {
			good = append(good, hear(t, &total, func(int64, bool) int { return http.StatusOK }))
		}
		flapping := hear(t, &total, func(n int64, seen bool) int { return map[bool]int{true: 500, false: 200}[n%4 == 0 && !seen] })
		dead := hear(t, &total, func(int64, bool) int { return http.StatusInternalServerError })
		departed := hear(t, &total, func(int64, bool) int { return http.StatusGone })
		for _, h := range append([]*hearer{flapping, dead, departed}, good...) {
			body := fmt.Sprintf(`{"webhook":{"topic":"jobs/accepted","address":"%s/hook"}}`, h.URL)
			if _, err := resource.Do(t.Context(), writer, bridge.ResourceRequest{Name: bridge.OpCreateWebhook, Body: []byte(body)}); err != nil {
				t.Fatal(err)
			}
		}
		start := func(name string) *process {
			return startNode(t, name, "webhooks", databaseURL, "PRESTASHOP_URL=http://127.0.0.1:9", "SECRETS_KEY_PATH="+key, "WEBHOOK_ALLOWED_HOSTS=127.0.0.1")
		}
		nodes := [2]*process{start("a"), start("b")}
		var accepting sync.WaitGroup
		accepting.Go(func() {
			for range jobs {
				job := bridge.Job{
					ID: uuid.Must(uuid.NewV7()).String(), Kind: bridge.OpUpdateProduct, ClientID: writer.ClientID, RequestID: uuid.NewString(),
					Status: schemas.Accepted, Payload: json.RawMessage(`{}`), MaxAttempts: 1, AcceptedAt: time.Now().UTC(),
				}
				if _, err := db.Accept(t.Context(), job, "intention"); err != nil {
					t.Error(err)
				}
			}
		})
		for kill, at := range []int64{40, 90, 160, 240} {
			until(t, "deliveries", func() bool { return total.Load() >= at })
			nodes[kill%2].kill()
			nodes[kill%2] = start(fmt.Sprintf("%d", kill))
		}
		accepting.Wait()
		for i, h := range append(good, flapping) {
			until(t, fmt.Sprintf("every event at receiver %d", i), func() bool { events, _ := h.heard(); return events >= jobs })
			events, repeats := h.heard()
			if events != jobs {
				t.Errorf("receiver %d took %d events of %d", i, events, jobs)
			}
			t.Logf("receiver %d: %d events, %d of them more than once", i, events, repeats)
		}
		for _, never := range []*hearer{dead, departed} {
			if events, _ := never.heard(); events != 0 {
				t.Errorf("%d events were taken in by a receiver that takes none", events)
			}
		}
	})
}

// until waits for what happens in other processes.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(90 * time.Second)
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within 90 s", what)
		}
	}
}
