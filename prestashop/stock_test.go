package prestashop_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Customers keep buying while the stock of product 1 (120 units) changes.

func stockJob(delta int64) schemas.UpdateProduct {
	return schemas.UpdateProduct{ProductID: 1, Updates: schemas.ProductUpdates{StockDelta: &delta}}
}

func stockSteps(t *testing.T, s scene, delta int64) (change, correction bridge.Step) {
	t.Helper()
	plan := planFor(t, s.shop, bridge.OpUpdateProduct, stockJob(delta))
	return stepOf(t, plan, "stock"), stepOf(t, plan, "stock_correction")
}

func sell(t *testing.T, s scene, units int) {
	t.Helper()
	if _, err := s.stand.Sell(1, 0, units); err != nil {
		t.Fatal(err)
	}
}

func wantStock(t *testing.T, s scene, want int) {
	t.Helper()
	if got, _ := s.stand.Stock(1, 0); got != want {
		t.Errorf("stock %d, want %d", got, want)
	}
}

func TestASaleOverwrittenByTheChangeIsCorrected(t *testing.T) {
	s := newScene(t)
	change, correction := stockSteps(t, s, 5)
	b := baselineOf(t, change, nil)
	sell(t, s, 2) // between the read and the write
	effect, err := change.Send(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	wantStock(t, s, 125) // the sale is lost for now
	done := bridge.Journal{{Name: "stock", State: bridge.StepApplied, Before: b.Before, After: effect.After, Detail: effect.Detail}}
	rec, _ := performStep(t, "", correction, done)
	if rec.State != bridge.StepApplied {
		t.Fatalf("correction %+v", rec)
	}
	wantStock(t, s, 120+5-2)
	plan := planFor(t, s.shop, bridge.OpUpdateProduct, stockJob(5))
	raw := asJSON(t, plan.Result(bridge.Outcome{Units: []bridge.UnitOutcome{{State: bridge.UnitDone, Journal: append(done, rec)}}}))
	var result struct {
		Stock struct{ Before, After, Delta int64 }
	}
	if err := json.Unmarshal(raw, &result); err != nil || result.Stock != (struct{ Before, After, Delta int64 }{120, 123, 5}) {
		t.Errorf("result %s, %v", raw, err)
	}
}

func TestASaleLostTwiceGoesToAPerson(t *testing.T) {
	s := newScene(t)
	change, correction := stockSteps(t, s, 5)
	b := baselineOf(t, change, nil)
	sell(t, s, 2)
	effect, err := change.Send(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	done := bridge.Journal{{Name: "stock", State: bridge.StepApplied, After: effect.After}}
	b = baselineOf(t, correction, done)
	sell(t, s, 1)
	if _, err := correction.Send(t.Context(), b); err == nil || faultOf(t, err) != bridge.Unclear {
		t.Fatalf("send: %v, want Unclear", err)
	}
	if finding := checkStep(t, correction, b); finding.Verdict != bridge.CannotKnow || !strings.Contains(finding.Reason, "1 sold") {
		t.Errorf("check: %+v, want cannot know with the numbers", finding)
	}
}

func TestWithoutALostSaleThereIsNoCorrection(t *testing.T) {
	s := newScene(t)
	outcome, _ := perform(t, s.shop, bridge.OpUpdateProduct, stockJob(-20))
	if rec := outcome.Units[0].Journal[1]; rec.Name != "stock_correction" || rec.State != bridge.StepSkipped || rec.Detail != "not_needed" {
		t.Errorf("got %+v", rec)
	}
	wantStock(t, s, 100)
	if got := s.stand.Effects().Count("PATCH", "stock_availables", 0); got != 1 {
		t.Errorf("%d stock writes, want 1", got)
	}
}

// After an unclear answer, sales, a person and a cancelled order leave
// different traces.
func TestCheckExplainsTheStock(t *testing.T) {
	cut, lost := sandbox.ApplyThenCut(), sandbox.NotReached()
	for _, c := range []struct {
		name    string
		delta   int64
		act     sandbox.Action
		since   func(t *testing.T, s scene)
		verdict bridge.Verdict
	}{
		{"applied, then sold", 5, cut, func(t *testing.T, s scene) { sell(t, s, 3) }, bridge.Applied},
		{"applied, then sold, downwards", -1, cut, func(t *testing.T, s scene) { sell(t, s, 1) }, bridge.Applied},
		{"lost, then sold", 5, lost, func(t *testing.T, s scene) { sell(t, s, 3) }, bridge.NotApplied},
		{"lost, then sold as many as the difference", -3, lost, func(t *testing.T, s scene) { sell(t, s, 3) }, bridge.NotApplied},
		{"lost, then set by a person", 5, lost, func(t *testing.T, s scene) { setStock(t, s, 90) }, bridge.CannotKnow},
		{"applied, then set by a person", 5, cut, func(t *testing.T, s scene) { setStock(t, s, 90) }, bridge.CannotKnow},
		{"applied, then sold and cancelled", 5, cut, func(t *testing.T, s scene) { sell(t, s, 2); cancelLastSale(t, s) }, bridge.CannotKnow},
		{"another product sold", 5, cut, func(t *testing.T, s scene) {
			if _, err := s.stand.Sell(3, 0, 4); err != nil {
				t.Fatal(err)
			}
		}, bridge.Applied},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			sell(t, s, 1) // an earlier sale is no sale since
			change, _ := stockSteps(t, s, c.delta)
			b := baselineOf(t, change, nil)
			remove := s.stand.Inject(sandbox.Fault{Method: "PATCH", Act: c.act})
			_, err := change.Send(t.Context(), b)
			remove()
			if err == nil || faultOf(t, err) != bridge.Unclear {
				t.Fatalf("send: %v", err)
			}
			c.since(t, s)
			if finding := checkStep(t, change, b); finding.Verdict != c.verdict {
				t.Errorf("got %+v, want %d", finding, c.verdict)
			}
		})
	}
}

func setStock(t *testing.T, s scene, quantity int) {
	t.Helper()
	if err := s.stand.SetStock(1, 0, quantity); err != nil {
		t.Fatal(err)
	}
}

// cancelLastSale cancels the newest order as an employee would.
func cancelLastSale(t *testing.T, s scene) {
	t.Helper()
	last := 0
	for id := range 100 {
		if _, found := s.stand.Order(id); found {
			last = id
		}
	}
	if _, err := s.stand.AddHistory(last, 6, 1); err != nil {
		t.Fatal(err)
	}
}

func TestCombinationsAreRefusedBeforeThePriceChanges(t *testing.T) {
	s := newScene(t)
	delta := int64(1)
	outcome, _ := perform(t, s.shop, bridge.OpUpdateProduct, schemas.UpdateProduct{ProductID: sandbox.DemoVariantProduct, Updates: schemas.ProductUpdates{
		PriceHT: money(t, "1"), StockDelta: &delta,
	}})
	unit := outcome.Units[0]
	if unit.State != bridge.UnitFailed || unit.Error.Code != bridge.CodeUnprocessable || !strings.Contains(unit.Error.Message, "combinations") {
		t.Errorf("got %+v", unit)
	}
	if writes := s.stand.Effects().Writes; len(writes) != 0 {
		t.Errorf("writes %v, want none", writes)
	}
}

func TestImportOverCombinationsIsRefused(t *testing.T) {
	s := newScene(t)
	outcome, _ := perform(t, s.shop, bridge.OpImportProducts, schemas.ImportProducts{BatchID: "b", Items: []schemas.ImportItem{{
		Reference: "LUNE-SHIRT", Name: schemas.LocalizedName{"en": "Shirt"}, PriceHT: *money(t, "29"), StockQuantity: 3,
	}}})
	if unit := outcome.Units[0]; unit.State != bridge.UnitFailed || !strings.Contains(unit.Error.Message, "combinations") {
		t.Errorf("got %+v", unit)
	}
}
