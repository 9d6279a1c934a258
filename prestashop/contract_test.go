package prestashop_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The contract suite: the same tests, with no special cases, on the sandbox
// and on a real PrestaShop 9 (SHOP_URL, SHOP_KEY).

func TestContractPing(t *testing.T) {
	shop := newShopUnderTest(t)
	version, err := shop.Ping(t.Context())
	if err != nil || version == "" {
		t.Errorf("version %q, %v", version, err)
	}
}

func TestContractProductsAreRead(t *testing.T) {
	shop := newShopUnderTest(t)
	for _, id := range shop.ids(t, "products") {
		p, err := shop.Product(t.Context(), id)
		if err != nil {
			t.Fatalf("product %d: %v", id, err)
		}
		if p.ID != id || len(p.Names) == 0 || len(p.SEO) != len(p.Names) || p.Images == nil || p.Categories == nil || p.Stock.Combinations == nil {
			t.Errorf("product %d: %+v", id, p)
		}
		if _, err := time.Parse(time.RFC3339, p.UpdatedAt); err != nil {
			t.Errorf("product %d: updated_at %q", id, p.UpdatedAt)
		}
		if p.Stock.HasCombinations != (len(p.Stock.Combinations) > 0) {
			t.Errorf("product %d: stock %+v", id, p.Stock)
		}
	}
}

func TestContractOrdersAreRead(t *testing.T) {
	shop := newShopUnderTest(t)
	for _, id := range shop.ids(t, "orders") {
		o, err := shop.Order(t.Context(), id, true)
		if err != nil {
			t.Fatalf("order %d: %v", id, err)
		}
		if o.ID != id || o.Reference == "" || o.Status.ID == 0 || o.Status.Name == "" || o.Totals.Currency == "" || o.Lines == nil || len(o.History) == 0 {
			t.Errorf("order %d: %+v", id, o)
		}
		if o.Customer == nil || o.Customer.Email == "" {
			t.Errorf("order %d: customer %+v", id, o.Customer)
		}
		discreet, err := shop.Order(t.Context(), id, false)
		if err != nil || discreet.Customer != nil {
			t.Errorf("order %d shows its customer unasked: %+v, %v", id, discreet.Customer, err)
		}
	}
}

func TestContractUnknownIDs(t *testing.T) {
	shop := newShopUnderTest(t)
	const unknown = 4294967295
	if _, err := shop.Product(t.Context(), unknown); err == nil || faultOf(t, err) != bridge.NotFound ||
		!strings.HasSuffix(err.Error(), "product 4294967295 does not exist in the shop") {
		t.Errorf("product: %v", err)
	}
	if _, err := shop.Order(t.Context(), unknown, false); err == nil || faultOf(t, err) != bridge.NotFound {
		t.Errorf("order: %v", err)
	}
	refusedAtDoor(t, shop, bridge.OpUpdateProduct, schemas.UpdateProduct{ProductID: unknown, Updates: schemas.ProductUpdates{PriceHT: money(t, "1")}},
		bridge.CodeNotFound, "/product_id", "4294967295 does not exist")
	refusedAtDoor(t, shop, bridge.OpUpdateOrderStatus, schemas.UpdateOrderStatus{OrderID: unknown, NewStatus: "shipped"},
		bridge.CodeNotFound, "/order_id", "4294967295 does not exist")
}

// refusedAtDoor demands a refusal by Preflight with this code, field and words.
func refusedAtDoor(t *testing.T, shop bridge.Shop, kind string, payload any, code bridge.Code, field, words string) {
	t.Helper()
	err := shop.Preflight(t.Context(), kind, asJSON(t, payload))
	var refusal *bridge.Error
	if !errors.As(err, &refusal) || refusal.Code != code || len(refusal.Fields) == 0 || refusal.Fields[0].Pointer != field || !strings.Contains(refusal.Message, words) {
		t.Errorf("%s: got %v with fields %+v, want %s at %s saying %q", kind, err, fieldsOf(refusal), code, field, words)
	}
}

func fieldsOf(e *bridge.Error) []schemas.FieldError {
	if e == nil {
		return nil
	}
	return e.Fields
}

// anItem is an import item nobody else has.
func anItem(t *testing.T, shop shopUnderTest, images ...string) schemas.ImportItem {
	t.Helper()
	installed, err := shop.Product(t.Context(), shop.ids(t, "products")[0])
	if err != nil {
		t.Fatal(err)
	}
	item := schemas.ImportItem{
		Reference: fmt.Sprintf("BRIDGE-%d", time.Now().UnixNano()), Name: schemas.LocalizedName{}, PriceHT: *money(t, "19.9"), StockQuantity: 7, Images: images,
	}
	for code := range installed.Names {
		item.Name[code] = "Théière & co \"" + code + "\""
		break // one language only: the others must be filled
	}
	return item
}

// firstCode is the language of anItem.
func firstCode(item schemas.ImportItem) string {
	for code := range item.Name {
		return code
	}
	return ""
}

func importOne(t *testing.T, shop bridge.Shop, item schemas.ImportItem, options *schemas.ImportOptions) importedItem {
	t.Helper()
	_, raw := perform(t, shop, bridge.OpImportProducts, schemas.ImportProducts{BatchID: "contract", Items: []schemas.ImportItem{item}, Options: options})
	var result struct {
		Items []importedItem `json:"items"`
	}
	if err := json.Unmarshal(raw, &result); err != nil || len(result.Items) != 1 {
		t.Fatalf("%s: %v", raw, err)
	}
	return result.Items[0]
}

type importedItem struct {
	Reference string            `json:"reference"`
	ProductID int64             `json:"product_id"`
	Outcome   string            `json:"outcome"`
	Error     *schemas.JobError `json:"error"`
	Images    []struct {
		URL     string            `json:"url"`
		ImageID int64             `json:"image_id"`
		Error   *schemas.JobError `json:"error"`
	} `json:"images"`
}

func TestContractImportCreatesThenUpdates(t *testing.T) {
	shop := newShopUnderTest(t)
	item := anItem(t, shop, shop.images+"/1.png", shop.images+"/2.png")
	created := importOne(t, shop, item, nil)
	if created.Outcome != "created" || created.ProductID == 0 || created.Images[0].ImageID == 0 || created.Images[1].ImageID == created.Images[0].ImageID {
		t.Fatalf("got %+v", created)
	}
	p, err := shop.Product(t.Context(), created.ProductID)
	if err != nil {
		t.Fatal(err)
	}
	if p.Reference != item.Reference || p.Active || p.PriceHT.String() != "19.9" || p.Stock.Quantity != 7 || len(p.Images) != 2 || len(p.Categories) == 0 {
		t.Errorf("created %+v", p)
	}
	for code, name := range p.Names {
		if !strings.HasPrefix(name, "Théière & co") || !strings.HasPrefix(p.SEO[code].LinkRewrite, "theiere-co") {
			t.Errorf("%s: name %q, link %q", code, name, p.SEO[code].LinkRewrite)
		}
	}

	item.Images = nil
	if again := importOne(t, shop, item, nil); again.Outcome != "unchanged" || again.ProductID != created.ProductID {
		t.Errorf("the same import again: %+v", again)
	}
	item.PriceHT, item.StockQuantity = *money(t, "21.50"), 9
	if updated := importOne(t, shop, item, nil); updated.Outcome != "updated" || updated.ProductID != created.ProductID {
		t.Errorf("a changed import: %+v", updated)
	}
	if p, err = shop.Product(t.Context(), created.ProductID); err != nil || p.PriceHT.String() != "21.5" || p.Stock.Quantity != 9 || len(p.Images) != 2 {
		t.Errorf("updated %+v, %v", p, err)
	}
	item.PriceHT = *money(t, "1")
	if alone := importOne(t, shop, item, &schemas.ImportOptions{UpdateIfExists: pointer(false)}); alone.Outcome != "unchanged" {
		t.Errorf("update_if_exists false: %+v", alone)
	}
	item.Reference += "-NEW"
	if missing := importOne(t, shop, item, &schemas.ImportOptions{CreateIfMissing: pointer(false)}); missing.Outcome != "failed" || missing.Error == nil {
		t.Errorf("create_if_missing false: %+v", missing)
	}
}

func TestContractReferencesThatDifferInCaseAreAmbiguous(t *testing.T) {
	shop := newShopUnderTest(t)
	item := anItem(t, shop)
	importOne(t, shop, item, nil)
	item.Reference = strings.ToLower(item.Reference)
	if got := importOne(t, shop, item, nil); got.Outcome != "failed" || got.Error == nil || !strings.Contains(got.Error.Message, "ambiguous") {
		t.Errorf("got %+v", got)
	}
}

func TestContractProductIsChangedAndChangedBack(t *testing.T) {
	shop := newShopUnderTest(t)
	id := importOne(t, shop, anItem(t, shop), nil).ProductID
	before, err := shop.Product(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var code string
	for code = range before.Names {
		break
	}
	update := schemas.UpdateProduct{ProductID: id, Options: &schemas.UpdateOptions{SkipReindex: true}, Updates: schemas.ProductUpdates{
		PriceHT: money(t, "0.000001"), StockDelta: pointer(int64(-3)),
		SEO: schemas.LocalizedSEO{code: {MetaTitle: pointer("Mug 😀"), MetaDescription: pointer("Tasse & \"co\"'s")}},
	}}
	if err := shop.Preflight(t.Context(), bridge.OpUpdateProduct, asJSON(t, update)); err != nil {
		t.Fatal(err)
	}
	outcome, raw := perform(t, shop, bridge.OpUpdateProduct, update)
	if outcome.Units[0].State != bridge.UnitDone {
		t.Fatalf("%+v", outcome)
	}
	var result map[string]any
	if err := json.Unmarshal(raw, &result); err != nil || result["skip_reindex"] != "not_supported" {
		t.Errorf("result %s, %v", raw, err)
	}
	after, err := shop.Product(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	want := before
	want.PriceHT, want.Stock.Quantity, want.UpdatedAt = *money(t, "0.000001"), before.Stock.Quantity-3, after.UpdatedAt
	want.SEO = map[string]schemas.SEOFields{}
	for other, seo := range before.SEO {
		want.SEO[other] = seo
	}
	touched := want.SEO[code]
	touched.MetaTitle, touched.MetaDescription = "Mug 😀", "Tasse & \"co\"'s"
	want.SEO[code] = touched
	if diff := cmp.Diff(want, after, cmp.Comparer(schemas.Money.Equal)); diff != "" {
		t.Errorf("what was not asked for changed too (-want +got):\n%s", diff)
	}

	same := schemas.UpdateProduct{ProductID: id, Updates: schemas.ProductUpdates{PriceHT: money(t, "0.0000010"), SEO: update.Updates.SEO}}
	if outcome, _ := perform(t, shop, bridge.OpUpdateProduct, same); outcome.Units[0].Journal[0].State != bridge.StepSkipped {
		t.Errorf("the same values again were sent: %+v", outcome.Units[0].Journal)
	}
	back := schemas.UpdateProduct{ProductID: id, Updates: schemas.ProductUpdates{
		PriceHT: &before.PriceHT, StockDelta: pointer(int64(3)),
		SEO: schemas.LocalizedSEO{code: {MetaTitle: pointer(before.SEO[code].MetaTitle), MetaDescription: pointer(before.SEO[code].MetaDescription)}},
	}}
	perform(t, shop, bridge.OpUpdateProduct, back)
	restored, err := shop.Product(t.Context(), id)
	restored.UpdatedAt = before.UpdatedAt
	if diff := cmp.Diff(before, restored, cmp.Comparer(schemas.Money.Equal)); diff != "" || err != nil {
		t.Errorf("not changed back: %v\n%s", err, diff)
	}
}

func TestContractRefusalsAtTheDoor(t *testing.T) {
	shop := newShopUnderTest(t)
	for _, id := range shop.ids(t, "products") {
		p, err := shop.Product(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if p.Stock.HasCombinations {
			refusedAtDoor(t, shop, bridge.OpUpdateProduct, schemas.UpdateProduct{ProductID: id, Updates: schemas.ProductUpdates{StockDelta: pointer(int64(1))}},
				bridge.CodeUnprocessable, "/updates/stock_delta", "has combinations")
			break
		}
	}
	item := anItem(t, shop)
	own := importOne(t, shop, item, nil).ProductID
	refusedAtDoor(t, shop, bridge.OpUpdateProduct, schemas.UpdateProduct{ProductID: own, Updates: schemas.ProductUpdates{
		SEO: schemas.LocalizedSEO{"xx": {MetaTitle: pointer("x")}}}}, bridge.CodeUnprocessable, "/updates/seo/xx", "it has: ")
	refusedAtDoor(t, shop, bridge.OpUpdateProduct, schemas.UpdateProduct{ProductID: own, Updates: schemas.ProductUpdates{
		SEO: schemas.LocalizedSEO{firstCode(item): {MetaTitle: pointer("a\vb")}}}}, bridge.CodeUnprocessable, "/updates/seo/"+firstCode(item)+"/meta_title", "U+000B")
	item.StockQuantity = 2147483647
	item.Name["xx"] = "x"
	refusedAtDoor(t, shop, bridge.OpImportProducts, schemas.ImportProducts{Items: []schemas.ImportItem{{Name: schemas.LocalizedName{}}, item}},
		bridge.CodeUnprocessable, "/items/1/name/xx", "it has: ")
	delete(item.Name, "xx")
	importOne(t, shop, item, nil)
	refusedAtDoor(t, shop, bridge.OpUpdateProduct, schemas.UpdateProduct{ProductID: own, Updates: schemas.ProductUpdates{StockDelta: pointer(int64(1))}},
		bridge.CodeUnprocessable, "/updates/stock_delta", "2147483648")
	order := shop.ids(t, "orders")[0]
	refusedAtDoor(t, shop, bridge.OpUpdateOrderStatus, schemas.UpdateOrderStatus{OrderID: order, NewStatus: "teleported"},
		bridge.CodeUnprocessable, "/new_status", "Known words: ")
}

func TestContractImpossibleMovesAreRefused(t *testing.T) {
	shop := newShopUnderTest(t)
	for _, id := range shop.ids(t, "orders") {
		o, err := shop.Order(t.Context(), id, false)
		if err != nil {
			t.Fatal(err)
		}
		if o.Status.Key == "canceled" || o.Status.Key == "delivered" {
			refusedAtDoor(t, shop, bridge.OpUpdateOrderStatus, schemas.UpdateOrderStatus{OrderID: id, NewStatus: "Processing"},
				bridge.CodeImpossibleTransition, "/new_status", "cannot go from "+o.Status.Key+" to processing")
			outcome, _ := perform(t, shop, bridge.OpUpdateOrderStatus, schemas.UpdateOrderStatus{OrderID: id, NewStatus: "processing", TrackingNumber: "T-1"})
			if got := outcome.Units[0]; got.State != bridge.UnitFailed || got.Error.Code != bridge.CodeImpossibleTransition || len(got.Journal) != 1 {
				t.Errorf("order %d: %+v", id, got)
			}
		}
	}
}

func TestContractAnOrderIsMovedAndTracked(t *testing.T) {
	shop := newShopUnderTest(t)
	order, next := movableOrder(t, shop)
	stay := schemas.UpdateOrderStatus{OrderID: order.ID, NewStatus: order.Status.Key, NotifyCustomer: true}
	outcome, _ := perform(t, shop, bridge.OpUpdateOrderStatus, stay)
	if rec := outcome.Units[0].Journal[0]; rec.State != bridge.StepSkipped || rec.Detail != "already_in_status" {
		t.Errorf("the state it already has: %+v", rec)
	}

	number := fmt.Sprintf("BR %d", time.Now().UnixNano()%1e9)
	move := schemas.UpdateOrderStatus{OrderID: order.ID, NewStatus: next, TrackingNumber: number}
	if err := shop.Preflight(t.Context(), bridge.OpUpdateOrderStatus, asJSON(t, move)); err != nil {
		t.Fatal(err)
	}
	outcome, raw := perform(t, shop, bridge.OpUpdateOrderStatus, move)
	if outcome.Units[0].State != bridge.UnitDone {
		t.Fatalf("%+v", outcome)
	}
	moved, err := shop.Order(t.Context(), order.ID, false)
	if err != nil || moved.Status.Key != next || moved.Carrier.TrackingNumber != number || len(moved.History) != len(order.History)+1 {
		t.Errorf("%+v, %v", moved, err)
	}
	var result struct {
		Status struct {
			Before schemas.OrderStatus `json:"before"`
			After  schemas.OrderStatus `json:"after"`
		} `json:"status"`
		Tracking string `json:"tracking_number"`
		Mail     string `json:"mail"`
	}
	if err := json.Unmarshal(raw, &result); err != nil || result.Status.Before != order.Status || result.Status.After != moved.Status || result.Tracking != number || result.Mail != "not_requested" {
		t.Errorf("result %s, %v", raw, err)
	}
	shop.webservice(t, http.MethodPatch, fmt.Sprintf("order_carriers/%d", order.Carrier.ID), fmt.Sprintf(
		`<prestashop><order_carrier><id>%d</id><tracking_number>%s</tracking_number></order_carrier></prestashop>`, order.Carrier.ID, order.Carrier.TrackingNumber))
}

// movableOrder finds an order that can take the next step of its life.
func movableOrder(t *testing.T, shop shopUnderTest) (schemas.Order, string) {
	t.Helper()
	for _, id := range shop.ids(t, "orders") {
		o, err := shop.Order(t.Context(), id, false)
		if err != nil {
			t.Fatal(err)
		}
		next := map[string]string{
			"awaiting_check_payment": "payment_accepted", "awaiting_bank_wire": "payment_accepted", "payment_error": "payment_accepted",
			"payment_accepted": "processing", "processing": "shipped", "shipped": "delivered",
		}[o.Status.Key]
		if next != "" && o.Carrier != nil {
			return o, next
		}
	}
	t.Skip("no order of this shop can be moved any more")
	return schemas.Order{}, ""
}
