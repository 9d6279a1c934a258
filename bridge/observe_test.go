package bridge_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// diary is an Observer that writes down what it hears.
type diary struct{ lines []string }

func (d *diary) add(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) Request(r bridge.Receipt, took time.Duration) {
	d.add("request %s %s %s", r.Operation, r.Decision(), took)
}
func (d *diary) Attempt(kind string)                { d.add("attempt %s", kind) }
func (d *diary) Step(_ string, s bridge.StepRecord) { d.add("step %s %s", s.Name, s.State) }
func (d *diary) Released(_ string, counted bool)    { d.add("released %v", counted) }
func (d *diary) Ended(_ bridge.Job, s schemas.JobStatus, took time.Duration) {
	d.add("ended %s %s", s, took)
}

func TestObserverHearsOfAJob(t *testing.T) {
	b := newBench(t, &countingShop{steps: []string{"price", "stock"}, faults: map[string]fault{"stock#1": away, "stock#2": refused}})
	heard := &diary{}
	b.told = heard
	b.run(t, 0)
	b.clock.advance(time.Minute)
	b.finish(t)
	want := []string{
		"attempt update_product", "step price applied", "released false",
		"attempt update_product", "step stock failed", "ended failed 1m16s",
	}
	if diff := cmp.Diff(want, heard.lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReceipts(t *testing.T) {
	rule := bridge.Fault(bridge.CodePolicyRefused, nil, "no")
	rule.Rule = "ht-only"
	accepted := &schemas.Acceptance{Status: schemas.Accepted}
	for _, c := range []struct {
		name   string
		fill   func(*bridge.Receipt)
		want   string // decision, outcome, rule
		status int
	}{
		{"a read", func(r *bridge.Receipt) { r.Answer(bridge.Answer{Body: 1}) }, "read ok ", 200},
		{"a new job", func(r *bridge.Receipt) { r.Answer(bridge.Answer{Acceptance: accepted}) }, "accepted ok ", 202},
		{"a known job", func(r *bridge.Receipt) { r.Answer(bridge.Answer{Acceptance: accepted, Repeated: true}) }, "replayed ok ", 202},
		{"a job that has succeeded", func(r *bridge.Receipt) {
			r.Answer(bridge.Answer{Acceptance: accepted, Repeated: true, Replay: []byte("{}")})
		}, "replayed ok ", 200},
		{"what is no operation", func(r *bridge.Receipt) { r.Status = 200 }, "read ok ", 200},
		{"a rule", func(r *bridge.Receipt) { r.Refuse(rule) }, "refused policy_refused ht-only", 422},
		{"the shop is away", func(r *bridge.Receipt) { r.Refuse(bridge.Fault(bridge.CodeShopUnavailable, nil, "away")) }, "failed shop_unavailable ", 503},
		{"a bug", func(r *bridge.Receipt) { r.Refuse(fmt.Errorf("a bug")) }, "failed internal_error ", http.StatusInternalServerError},
	} {
		var r bridge.Receipt
		c.fill(&r)
		if got := fmt.Sprintf("%s %s %s", r.Decision(), r.Outcome(), r.Rule()); got != c.want || r.Status != c.status {
			t.Errorf("%s: got %q with %d, want %q with %d", c.name, got, r.Status, c.want, c.status)
		}
	}
}

func TestRecord(t *testing.T) {
	var out strings.Builder
	now, heard := newClock(), &diary{}
	desk := &bridge.Desk{Now: now.Now, Log: slog.New(slog.NewJSONHandler(&out, nil)), Observe: heard}
	r := bridge.Receipt{Door: bridge.DoorREST, Began: now.Now(), Method: "HUNTER2", Operation: bridge.OpGetProduct}
	now.advance(1500 * time.Microsecond)
	r.Refuse(bridge.Fault(bridge.CodeStoreUnavailable, fmt.Errorf("disk full"), "away"))
	desk.Record(t.Context(), r)
	line := out.String()
	for _, want := range []string{`"level":"ERROR"`, `"ms":1.5`, `"method":"(other)"`, `"error":"store_unavailable: away: disk full"`} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is not in %s", want, line)
		}
	}
	if !slices.Equal(heard.lines, []string{"request get_product failed 1.5ms"}) {
		t.Errorf("heard %q", heard.lines)
	}
}
