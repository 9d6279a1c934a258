package prestashop_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

func priceStep(t *testing.T, s scene) bridge.Step {
	t.Helper()
	return stepOf(t, planFor(t, s.shop, bridge.OpUpdateProduct, schemas.UpdateProduct{ProductID: 1, Updates: schemas.ProductUpdates{
		PriceHT: money(t, "8.5"), SEO: schemas.LocalizedSEO{"fr": {MetaTitle: pointer("Carnet neuf")}},
	}}), "price_seo")
}

// What a person changed between the baseline and the send must survive in the
// languages and fields the job does not name.
func TestTextsAreMergedIntoAFreshRead(t *testing.T) {
	s := newScene(t)
	step := priceStep(t, s)
	b := baselineOf(t, step, nil)
	if err := s.stand.EditProduct(1, sandbox.ProductEdit{MetaTitle: sandbox.Texts{1: "Edited"}, Name: sandbox.Texts{1: "New name"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := step.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	p, _ := s.stand.Product(1)
	if p.MetaTitle[1] != "Edited" || p.MetaTitle[2] != "Carnet neuf" || p.Name[1] != "New name" || !strings.HasPrefix(p.Price, "8.5") {
		t.Errorf("got %+v", p)
	}
}

func TestCheckOfAProductTellsWhoseValuesAreThere(t *testing.T) {
	for name, c := range map[string]struct {
		edit    sandbox.ProductEdit
		verdict bridge.Verdict
	}{
		"half of it":                 {sandbox.ProductEdit{Price: pointer("8.50")}, bridge.NotApplied},
		"all of it":                  {sandbox.ProductEdit{Price: pointer("8.500000"), MetaTitle: sandbox.Texts{2: "Carnet neuf"}}, bridge.Applied},
		"a third price":              {sandbox.ProductEdit{Price: pointer("8.51")}, bridge.CannotKnow},
		"a third text":               {sandbox.ProductEdit{Price: pointer("8.5"), MetaTitle: sandbox.Texts{2: "Carnet vieux"}}, bridge.CannotKnow},
		"what the job does not name": {sandbox.ProductEdit{MetaTitle: sandbox.Texts{1: "Edited"}}, bridge.NotApplied},
	} {
		s := newScene(t)
		step := priceStep(t, s)
		b := baselineOf(t, step, nil)
		if err := s.stand.EditProduct(1, c.edit); err != nil {
			t.Fatal(err)
		}
		if finding := checkStep(t, step, b); finding.Verdict != c.verdict {
			t.Errorf("%s: got %+v, want %d", name, finding, c.verdict)
		}
	}
}

// A create that was answered with 500 after the row, but before the category,
// is found and not taken for done.
func TestAHalfMadeProductGoesToAPerson(t *testing.T) {
	s := newScene(t)
	step := stepOf(t, planFor(t, s.shop, bridge.OpImportProducts, anImport(fresh)(t, s)), "product")
	b := baselineOf(t, step, nil)
	under := shopUnderTest{Shop: s.shop, url: s.address, key: sandboxKey}
	under.webservice(t, http.MethodPost, "products", `<prestashop><product><reference>`+fresh+`</reference><price>3</price><name><language id="1">Fault</language><language id="2">Fault</language></name></product></prestashop>`)
	if finding := checkStep(t, step, b); finding.Verdict != bridge.CannotKnow || !strings.Contains(finding.Reason, "without its category") {
		t.Errorf("got %+v", finding)
	}
}

func TestTheSameImageTwiceIsStoredOnce(t *testing.T) {
	s := newScene(t)
	item := schemas.ImportItem{Reference: fresh, Name: schemas.LocalizedName{"en": "Twins"}, PriceHT: *money(t, "3"),
		Images: []string{s.images + "/1.png", s.images + "/1.png?again", s.images + "/2.png"}}
	got := importOne(t, s.shop, item, nil)
	if got.Outcome != "created" || s.stand.Effects().Images != 2 || got.Images[0].ImageID != got.Images[1].ImageID || got.Images[2].ImageID == 0 {
		t.Errorf("got %+v with %d images stored", got, s.stand.Effects().Images)
	}
}

func TestImageTrouble(t *testing.T) {
	s := newScene(t)
	item := schemas.ImportItem{Reference: fresh, Name: schemas.LocalizedName{"en": "Image"}, PriceHT: *money(t, "3"), StockQuantity: 4,
		Images: []string{s.images + "/missing.png", "http://169.254.169.254/latest/meta-data/", s.images + "/2.png"}}
	tolerant := importOne(t, s.shop, item, &schemas.ImportOptions{SkipImagesErrors: true})
	if tolerant.Outcome != "created" || tolerant.Images[0].Error == nil || tolerant.Images[1].Error == nil || tolerant.Images[2].ImageID == 0 {
		t.Errorf("skip_images_errors: %+v", tolerant)
	}
	if tolerant.Images[1].Error.Code != string(bridge.CodePolicyRefused) {
		t.Errorf("the metadata address: %+v", tolerant.Images[1].Error)
	}
	item.Reference += "-STRICT"
	strict := importOne(t, s.shop, item, nil)
	if strict.Outcome != "failed" || strict.Error == nil || strict.ProductID == 0 || strict.Images[2].ImageID != 0 {
		t.Errorf("strict: %+v", strict)
	}
}

func TestABatchTellsEachItem(t *testing.T) {
	s := newScene(t)
	item := func(reference, price string) schemas.ImportItem {
		return schemas.ImportItem{Reference: reference, Name: schemas.LocalizedName{"en": "Item"}, PriceHT: *money(t, price), StockQuantity: 1}
	}
	_, raw := perform(t, s.shop, bridge.OpImportProducts, schemas.ImportProducts{BatchID: "b-1", Items: []schemas.ImportItem{
		item("BR-A", "1"), item("lune-mug-01", "1"), item("LUNE-VASE", "27.5"),
	}})
	for _, want := range []string{`"batch_id":"b-1"`, `"partial":true`, `"outcome":"created"`, `"outcome":"failed"`, `"outcome":"updated"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %s in %s", want, raw)
		}
	}
}

func TestPreflightOfTrackingWithoutCarrier(t *testing.T) {
	s := newScene(t)
	under := shopUnderTest{Shop: s.shop, url: s.address, key: sandboxKey}
	for _, id := range under.ids(t, "order_carriers") {
		if order, _ := s.stand.Order(3); len(order.Shipments) > 0 && int64(order.Shipments[0].ID) == id {
			under.webservice(t, http.MethodDelete, fmt.Sprintf("order_carriers/%d", id), "")
		}
	}
	refusedAtDoor(t, s.shop, bridge.OpUpdateOrderStatus, schemas.UpdateOrderStatus{OrderID: 3, NewStatus: "shipped", TrackingNumber: "X"},
		bridge.CodeUnprocessable, "/tracking_number", "has no carrier")
	if o, err := s.shop.Order(t.Context(), 3, false); err != nil || o.Carrier != nil {
		t.Errorf("carrier %+v, %v", o.Carrier, err)
	}
}
