package prestashop_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

const narrowKey = "NARROWKEY00000000000000000000032"

// neededRights is what an operator has to tick, and no more.
func neededRights() sandbox.Rights {
	return sandbox.Rights{
		"products": {"GET", "POST", "PATCH"}, "images": {"POST"}, "stock_availables": {"GET", "PATCH"},
		"orders": {"GET"}, "order_histories": {"GET", "POST"}, "order_carriers": {"GET", "PATCH"}, "order_details": {"GET"}, "order_states": {"GET"},
		"customers": {"GET"}, "carriers": {"GET"}, "currencies": {"GET"}, "languages": {"GET"}, "configurations": {"GET"}, "tax_rule_groups": {"GET"},
	}
}

func withRights(t *testing.T, rights sandbox.Rights) scene {
	t.Helper()
	s := newScene(t)
	s.stand.AddKey(sandbox.Key{Value: narrowKey, Rights: rights})
	s.shop = connect(t, s.address, narrowKey, s.images, nil)
	return s
}

// everything does one of each kind of job and read, and reports what failed.
func everything(t *testing.T, s scene) {
	t.Helper()
	jobs := map[string]any{
		bridge.OpUpdateProduct: schemas.UpdateProduct{ProductID: 1, Updates: schemas.ProductUpdates{
			PriceHT: money(t, "8"), StockDelta: pointer(int64(2)), SEO: schemas.LocalizedSEO{"en": {MetaTitle: pointer("x")}}}},
		bridge.OpImportProducts:    anImport(fresh)(t, s),
		bridge.OpUpdateOrderStatus: shipment(t, s),
	}
	for kind, payload := range jobs {
		if err := s.shop.Preflight(t.Context(), kind, asJSON(t, payload)); err != nil {
			t.Errorf("preflight of %s: %v", kind, err)
		}
		outcome, _ := perform(t, s.shop, kind, payload)
		if unit := outcome.Units[0]; unit.State != bridge.UnitDone {
			t.Errorf("%s: %v", kind, unit.Error)
		}
	}
}

func TestTheNeededRightsAreEnough(t *testing.T) {
	s := withRights(t, neededRights())
	everything(t, s)
	if p, err := s.shop.Product(t.Context(), 1); err != nil || !strings.HasSuffix(p.UpdatedAt, ":00") {
		t.Errorf("updated_at %q, %v", p.UpdatedAt, err)
	}
	if _, err := s.shop.Order(t.Context(), 3, true); err != nil {
		t.Error(err)
	}
}

// Without the settings the shop is read by its names, and its times stay
// without an offset, because none is known.
func TestAKeyWithoutSettingsFallsBack(t *testing.T) {
	rights := neededRights()
	delete(rights, "configurations")
	delete(rights, "tax_rule_groups")
	s := withRights(t, rights)
	everything(t, s)
	p, err := s.shop.Product(t.Context(), 1)
	if err != nil || len(p.UpdatedAt) != len("2026-11-22T09:03:13") {
		t.Errorf("updated_at %q, %v", p.UpdatedAt, err)
	}
	if o, err := s.shop.Order(t.Context(), 3, false); err != nil || o.Status.Key != "shipped" {
		t.Errorf("status %+v, %v", o.Status, err)
	}
}

func TestAMissingRightIsNamed(t *testing.T) {
	for resource, method := range map[string]string{"stock_availables": "PATCH", "products": "PATCH", "order_histories": "POST"} {
		rights := maps.Clone(neededRights())
		rights[resource] = []string{"GET"}
		s := withRights(t, rights)
		kind, payload := bridge.OpUpdateProduct, any(schemas.UpdateProduct{ProductID: 1, Updates: schemas.ProductUpdates{PriceHT: money(t, "8"), StockDelta: pointer(int64(2))}})
		if resource == "order_histories" {
			kind, payload = bridge.OpUpdateOrderStatus, shipment(t, s)
		}
		outcome, _ := perform(t, s.shop, kind, payload)
		unit := outcome.Units[0]
		if unit.State != bridge.UnitFailed || unit.Error.Code != bridge.CodeShopRefused || !strings.Contains(unit.Error.Message, method+" "+resource) {
			t.Errorf("%s: %+v", resource, unit)
		}
	}
}
