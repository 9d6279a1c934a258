package rest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
)

// What each part's absence means, and that no probe tells more than that.
func TestReadiness(t *testing.T) {
	well := func(context.Context) error { return nil }
	away := func(context.Context) error { return errors.New("dial tcp: secret DSN") }
	noQueue := func(context.Context) error {
		return bridge.Fault(bridge.CodeQueueUnavailable, errors.New("secret DSN"), "The queue does not answer.")
	}
	for _, c := range []struct {
		name      string
		transport func(context.Context) error
		shop      func(context.Context) error
		status    int
		body      string
		outcome   string
	}{
		{"all is well", well, well, 200, `{"status":"ready","checks":{"shop":"ok","transport":"ok"}}`, "ok"},
		{"the shop is away", well, away, 200, `{"status":"degraded","checks":{"shop":"away","transport":"ok"}}`, "ok"},
		{"the queue is away", noQueue, well, 503, `{"status":"not ready","checks":{"shop":"ok","transport":"away"}}`, "queue_unavailable"},
		{"both are away", noQueue, away, 503, `{"status":"not ready","checks":{"shop":"away","transport":"away"}}`, "queue_unavailable"},
		{"a fault of no known kind", away, well, 503, `{"status":"not ready","checks":{"shop":"ok","transport":"away"}}`, "store_unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(d *rest.Door) {
				d.AllowedSources = networks(t, "10.0.0.0/8") // probes come from anywhere
				d.Checks = []rest.Check{{Name: "shop", Probe: c.shop}, {Name: "transport", Needed: true, Probe: c.transport}}
			})
			w := r.serve(httptest.NewRequest(http.MethodGet, "/readyz", nil))
			expect(t, w, c.status)
			if got := strings.TrimSpace(w.Body.String()); got != c.body {
				t.Errorf("got %s, want %s", got, c.body)
			}
			if told := w.Header().Get("Retry-After") != ""; told != (c.status == 503) {
				t.Errorf("Retry-After %q with status %d", w.Header().Get("Retry-After"), c.status)
			}
			if !strings.Contains(r.log.String(), `"outcome":"`+c.outcome+`"`) {
				t.Errorf("the audit line does not say %s: %s", c.outcome, r.log)
			}
			expect(t, r.serve(httptest.NewRequest(http.MethodGet, "/healthz", nil)), http.StatusOK)
		})
	}
}

// A part that hangs costs a probe no more than its own time, and hides none of
// the others.
func TestReadinessWaitsForNoPart(t *testing.T) {
	hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	r := newRig(t, func(d *rest.Door) {
		d.Checks = []rest.Check{{Name: "database", Needed: true, Probe: hangs}, {Name: "shop", Probe: func(context.Context) error { return nil }}}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // as the end of the probe's time would
	w := r.serve(httptest.NewRequest(http.MethodGet, "/readyz", nil).WithContext(ctx))
	expect(t, w, http.StatusServiceUnavailable)
	if want := `{"status":"not ready","checks":{"database":"away","shop":"ok"}}`; strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("got %s", w.Body)
	}
}
