package prestashop_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Order 3 of the sandbox is being processed and travels with carrier 2.

func statusStep(t *testing.T, s scene, in schemas.UpdateOrderStatus) bridge.Step {
	t.Helper()
	return stepOf(t, planFor(t, s.shop, bridge.OpUpdateOrderStatus, in), "status")
}

func TestAFailedMailIsAnAppliedChange(t *testing.T) {
	s := newScene(t)
	s.stand.SetMailServer(false)
	outcome, raw := perform(t, s.shop, bridge.OpUpdateOrderStatus, schemas.UpdateOrderStatus{OrderID: 3, NewStatus: "shipped", NotifyCustomer: true})
	rec := outcome.Units[0].Journal[0]
	if rec.State != bridge.StepApplied || rec.Detail != "mail_failed" || !strings.Contains(string(raw), `"mail":"failed"`) {
		t.Errorf("record %+v, result %s", rec, raw)
	}
	if order, _ := s.stand.Order(3); len(order.Histories) != 4 {
		t.Errorf("histories %+v", order.Histories)
	}
}

func TestMailIsTold(t *testing.T) {
	for _, c := range []struct {
		status string
		notify bool
		mail   string
		mails  int
	}{
		{"shipped", true, "sent", 1},
		{"shipped", false, "not_requested", 0},
		{"delivered", true, "not_sent_by_shop", 0},
		{"processing", true, "not_requested", 0}, // already so: nothing is sent
	} {
		t.Run(fmt.Sprint(c.status, c.notify), func(t *testing.T) {
			s := newScene(t)
			_, raw := perform(t, s.shop, bridge.OpUpdateOrderStatus, schemas.UpdateOrderStatus{OrderID: 3, NewStatus: c.status, NotifyCustomer: c.notify})
			if !strings.Contains(string(raw), `"mail":"`+c.mail+`"`) || len(s.stand.Mails()) != c.mails {
				t.Errorf("result %s, mails %v", raw, s.stand.Mails())
			}
		})
	}
}

func TestAfterACrashTheMailIsUnknownAndNotSentAgain(t *testing.T) {
	s := newScene(t)
	step := statusStep(t, s, schemas.UpdateOrderStatus{OrderID: 3, NewStatus: "shipped", NotifyCustomer: true})
	b := baselineOf(t, step, nil)
	s.stand.Inject(sandbox.Fault{Method: http.MethodPost, Act: sandbox.ApplyThenCut()})
	if _, err := step.Send(t.Context(), b); err == nil {
		t.Fatal("the cut was not noticed")
	}
	finding := checkStep(t, step, b)
	if finding.Verdict != bridge.Applied || !strings.Contains(string(finding.Effect.After), `"mail":"unknown"`) || len(s.stand.Mails()) != 1 {
		t.Errorf("got %+v, mails %v", finding, s.stand.Mails())
	}
}

// The table of the read-back: what the history and the state together mean.
func TestCheckReadsTheHistory(t *testing.T) {
	const ours, theirs = 7, 1 // employees
	for _, c := range []struct {
		name    string
		since   [][2]int // state and employee of rows added since
		verdict bridge.Verdict
	}{
		{"nothing", nil, bridge.NotApplied},
		{"our row", [][2]int{{4, ours}}, bridge.Applied},
		{"the wanted state by a person", [][2]int{{4, theirs}}, bridge.CannotKnow},
		{"another state by a person", [][2]int{{6, theirs}}, bridge.CannotKnow},
		{"our row, then a person", [][2]int{{4, ours}, {5, theirs}}, bridge.CannotKnow},
		{"our row twice", [][2]int{{4, ours}, {4, ours}}, bridge.CannotKnow},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			step := statusStep(t, s, schemas.UpdateOrderStatus{OrderID: 3, NewStatus: "shipped"})
			b := baselineOf(t, step, nil)
			for _, row := range c.since {
				if _, err := s.stand.AddHistory(3, row[0], row[1]); err != nil {
					t.Fatal(err)
				}
			}
			if finding := checkStep(t, step, b); finding.Verdict != c.verdict {
				t.Errorf("got %+v, want %d", finding, c.verdict)
			}
		})
	}
}

// The shop died between the order's state and the history row. Its answers
// are made by hand here: no request brings the sandbox into that state.
func TestAStateWithoutItsRowGoesToAPerson(t *testing.T) {
	for state, want := range map[int]string{4: "no row for it", 6: "third state"} {
		s := newScene(t)
		step := statusStep(t, s, schemas.UpdateOrderStatus{OrderID: 3, NewStatus: "shipped"})
		b := baselineOf(t, step, nil)
		halfDone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/api/orders/3") {
				fmt.Fprintf(w, `{"orders":[{"id":3,"current_state":%d}]}`, state)
				return
			}
			fmt.Fprint(w, `[]`)
		}))
		shop := connect(t, halfDone.URL, sandboxKey, "", nil)
		finding := checkStep(t, statusStep(t, scene{shop: shop}, schemas.UpdateOrderStatus{OrderID: 3, NewStatus: "shipped"}), b)
		halfDone.Close()
		if finding.Verdict != bridge.CannotKnow || !strings.Contains(finding.Reason, want) {
			t.Errorf("state %d: %+v", state, finding)
		}
	}
}

func TestAMoveThatBecameImpossibleIsRefusedByTheStep(t *testing.T) {
	s := newScene(t)
	in := schemas.UpdateOrderStatus{OrderID: 3, NewStatus: "shipped", TrackingNumber: "CR 9"}
	if err := s.shop.Preflight(t.Context(), bridge.OpUpdateOrderStatus, asJSON(t, in)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.stand.AddHistory(3, 6, 1); err != nil { // cancelled meanwhile
		t.Fatal(err)
	}
	outcome, _ := perform(t, s.shop, bridge.OpUpdateOrderStatus, in)
	unit := outcome.Units[0]
	if unit.State != bridge.UnitFailed || unit.Error.Code != bridge.CodeImpossibleTransition || !strings.Contains(unit.Error.Message, "possible from here: nothing") {
		t.Errorf("got %+v", unit)
	}
	if writes := s.stand.Effects().Writes; len(writes) != 0 {
		t.Errorf("writes %v, want none: not even the tracking number", writes)
	}
}

func TestTrackingByAPersonIsNotOverwritten(t *testing.T) {
	s := newScene(t)
	in := schemas.UpdateOrderStatus{OrderID: 3, NewStatus: "shipped", TrackingNumber: "OURS"}
	step := stepOf(t, planFor(t, s.shop, bridge.OpUpdateOrderStatus, in), "tracking")
	b := baselineOf(t, step, nil)
	theirs := in
	theirs.TrackingNumber = "THEIRS"
	other := stepOf(t, planFor(t, s.shop, bridge.OpUpdateOrderStatus, theirs), "tracking")
	if _, err := other.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if finding := checkStep(t, step, b); finding.Verdict != bridge.CannotKnow {
		t.Errorf("got %+v, want cannot know", finding)
	}
}

func TestTheEmployeeIsWrittenIntoTheHistory(t *testing.T) {
	s := newScene(t)
	perform(t, s.shop, bridge.OpUpdateOrderStatus, schemas.UpdateOrderStatus{OrderID: 3, NewStatus: "Shipped"})
	order, _ := s.stand.Order(3)
	if last := order.Histories[len(order.Histories)-1]; last.Employee != 7 || last.State != 4 {
		t.Errorf("got %+v", last)
	}
}
