package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fed has one of everything.
func fed(census func(context.Context) (bridge.Census, error)) *Metrics {
	m := New("v1.2.3")
	m.Watch(Parts{
		Census: census, Redis: func() bool { return true }, Breakers: func() map[string]string { return map[string]string{"default": "open", "outlet": "closed"} }, Running: func() int { return 3 },
		Backlog: func(context.Context) (bridge.WebhookBacklog, error) {
			return bridge.WebhookBacklog{Waiting: 4, Oldest: time.Minute}, nil
		},
		Watches: func(context.Context) ([]bridge.WatchState, error) {
			return []bridge.WatchState{{Shop: "", Waiting: 2}, {Shop: "outlet", Waiting: 3, Watched: true, Cursor: &bridge.Cursor{}, Lag: time.Minute}}, nil
		},
	})
	m.Request(bridge.Receipt{Door: bridge.DoorREST, Operation: bridge.OpUpdateProduct, Status: 202, Answered: bridge.RequestAccepted}, time.Second)
	m.Attempt(bridge.OpUpdateProduct)
	m.Step(bridge.OpImportProducts, bridge.StepRecord{Name: "image_12", State: bridge.StepApplied})
	m.Released(bridge.OpUpdateProduct, true)
	m.Ended(bridge.Job{Kind: bridge.OpUpdateProduct, StartedAt: new(time.Now())}, schemas.Succeeded, time.Minute)
	m.ShopCall("outlet", "GET", "products", "ok", time.Millisecond)
	m.JobTaken("stream")
	m.DeliveryAttempt("delivered", time.Millisecond)
	m.Look("product", true)
	m.Request(bridge.Receipt{Door: bridge.DoorREST, Operation: bridge.OpCreateWebhook, Status: 200, Answered: bridge.RequestChanged}, time.Second)
	return m
}

func someJobs(context.Context) (bridge.Census, error) {
	return bridge.Census{Jobs: map[schemas.JobStatus]int{schemas.Accepted: 7}, Waiting: 90 * time.Second}, nil
}

// series lists what a scrape shows of the bridge: names with their labels, and
// the values of all but histograms.
func series(t *testing.T, m *Metrics) (lines []string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "bridge_") && !strings.Contains(line, "_bucket{") && !strings.Contains(line, "_sum{") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// What dashboards and alerts are built on: a change here breaks them.
func TestExposition(t *testing.T) {
	want := []string{
		`bridge_decisions_total{decision="accepted",door="rest",operation="update_product",rule=""} 1`,
		`bridge_decisions_total{decision="changed",door="rest",operation="create_webhook",rule=""} 1`,
		`bridge_feed_lag_seconds{shop="outlet"} 60`,
		`bridge_feed_looks_total{kind="product",told="true"} 1`,
		`bridge_feed_waiting_looks{shop="default"} 2`,
		`bridge_feed_waiting_looks{shop="outlet"} 3`,
		`bridge_info{version="v1.2.3"} 1`,
		`bridge_job_attempts_total{kind="update_product"} 1`,
		`bridge_job_duration_seconds_count{kind="update_product",status="succeeded"} 1`,
		`bridge_job_releases_total{counted="true",kind="update_product"} 1`,
		`bridge_job_wait_seconds_count{kind="update_product"} 1`,
		`bridge_jobs{status="accepted"} 7`,
		`bridge_jobs{status="processing"} 0`,
		`bridge_jobs{status="retrying"} 0`,
		`bridge_jobs_accepted_total{kind="update_product"} 1`,
		`bridge_jobs_ended_total{kind="update_product",shop="default",status="succeeded"} 1`,
		`bridge_queue_age_seconds 90`,
		`bridge_redis_up 1`,
		`bridge_request_duration_seconds_count{door="rest",operation="create_webhook",outcome="ok"} 1`,
		`bridge_request_duration_seconds_count{door="rest",operation="update_product",outcome="ok"} 1`,
		`bridge_runner_jobs_total{source="stream"} 1`,
		`bridge_runner_running_jobs 3`,
		`bridge_shop_breaker{shop="default",state="closed"} 0`,
		`bridge_shop_breaker{shop="default",state="half-open"} 0`,
		`bridge_shop_breaker{shop="default",state="open"} 1`,
		`bridge_shop_breaker{shop="outlet",state="closed"} 1`,
		`bridge_shop_breaker{shop="outlet",state="half-open"} 0`,
		`bridge_shop_breaker{shop="outlet",state="open"} 0`,
		`bridge_shop_call_duration_seconds_count{method="GET",outcome="ok",resource="products",shop="outlet"} 1`,
		`bridge_steps_total{kind="import_products",state="applied",step="image"} 1`,
		`bridge_store_up 1`,
		`bridge_webhook_attempt_duration_seconds_count{outcome="delivered"} 1`,
		`bridge_webhook_oldest_seconds 60`,
		`bridge_webhook_waiting_deliveries 4`,
	}
	if diff := cmp.Diff(want, series(t, fed(someJobs))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestADatabaseThatIsAwayIsNoEmptyQueue(t *testing.T) {
	got := series(t, fed(func(context.Context) (bridge.Census, error) { return bridge.Census{}, errors.New("away") }))
	if !slices.Contains(got, "bridge_store_up 0") {
		t.Errorf("bridge_store_up is not 0: %v", got)
	}
	for _, line := range got {
		if strings.HasPrefix(line, "bridge_jobs{") || strings.HasPrefix(line, "bridge_queue_age") {
			t.Errorf("shown although unknown: %s", line)
		}
	}
}

// Whatever text gets into an error or a job row, no label takes it up.
func TestLabelsAreClosedSets(t *testing.T) {
	m := New("v")
	const made = "made-up"
	hostile := bridge.Fault(bridge.Code(made), errors.New(made), made)
	hostile.Rule = made
	m.Request(bridge.Receipt{Door: bridge.DoorMCPHTTP, Operation: made, Client: made, RequestID: made, Method: made, Err: hostile, Status: 500}, 0)
	m.Attempt(made)
	m.Released(made, false)
	m.Ended(bridge.Job{Kind: made}, schemas.Failed, 0)
	got := series(t, m)
	for _, line := range got {
		if strings.Contains(line, made) {
			t.Errorf("a label shows it: %s", line)
		}
	}
	if want := `bridge_decisions_total{decision="failed",door="mcp-http",operation="other",rule="other"} 1`; !slices.Contains(got, want) {
		t.Errorf("%s is not in %v", want, got)
	}
}

func TestRefusalsAreCountedByRule(t *testing.T) {
	m := New("v")
	refused := bridge.Fault(bridge.CodePolicyRefused, nil, "no")
	refused.Rule = policies.HTOnly
	m.Request(bridge.Receipt{Door: bridge.DoorMCPStdio, Operation: bridge.OpUpdateProduct, Err: refused, Status: 422}, 0)
	m.Request(bridge.Receipt{Door: bridge.DoorREST, Route: "/oauth/token", Status: 200}, 0)
	got := series(t, m)
	for _, want := range []string{
		`bridge_decisions_total{decision="refused",door="mcp-stdio",operation="update_product",rule="ht-only"} 1`,
		`bridge_request_duration_seconds_count{door="mcp-stdio",operation="update_product",outcome="policy_refused"} 1`,
		`bridge_request_duration_seconds_count{door="rest",operation="/oauth/token",outcome="ok"} 1`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not in %v", want, got)
		}
	}
}
