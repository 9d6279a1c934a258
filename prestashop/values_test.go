package prestashop

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProductRowReadsARecordedProduct(t *testing.T) {
	list, err := decodeRows[productRow](recorded(t, "207").answer.body, "products")
	if err != nil || len(list) != 1 {
		t.Fatalf("got %d rows, %v", len(list), err)
	}
	got := list[0]
	if got.ID != 8 || got.Reference != "demo_13" || got.Active || got.TaxGroup != 1 || got.UpdatedAt != "2026-11-22 09:03:13" {
		t.Errorf("got %+v", got)
	}
	if price, err := got.Price.money(); err != nil || price.Fixed() != "11.900000" {
		t.Errorf("price %v, %v", price, err)
	}
	if diff := cmp.Diff(localized{1: "Mug 😀", 2: "Tasse 😀"}, got.MetaTitle); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(productAssociations{Categories: idList{2, 6, 8}, Images: idList{8}}, got.Associations); diff != "" {
		t.Error(diff)
	}
}

func TestStockRowsTellCombinations(t *testing.T) {
	combined, err := decodeRows[stockRow](recorded(t, "211").answer.body, "stock_availables")
	if err != nil {
		t.Fatal(err)
	}
	view := stocks(combined).view()
	if !view.HasCombinations || view.Quantity != 2400 || len(view.Combinations) != 8 || view.Combinations[0].ID != 1 {
		t.Errorf("got %+v", view)
	}
	if _, err := stocks(combined).own(1, "/updates/stock_delta"); err == nil || !strings.Contains(err.Error(), "combinations") {
		t.Errorf("the parent row of combinations was given: %v", err)
	}
	simple, err := decodeRows[stockRow](recorded(t, "210").answer.body, "stock_availables")
	if err != nil {
		t.Fatal(err)
	}
	if own, err := stocks(simple).own(6, ""); err != nil || own.ID != 6 || own.Quantity != 300 {
		t.Errorf("got %+v, %v", own, err)
	}
}

func TestOrderRowReadsARecordedOrder(t *testing.T) {
	list, err := decodeRows[orderRow](recorded(t, "305").answer.body, "orders")
	if err != nil || len(list) != 2 {
		t.Fatalf("got %d rows, %v", len(list), err)
	}
	lines, totals, err := list[0].amounts()
	if err != nil || totals.TaxIncl.String() != "68.2" || totals.TaxExcl.String() != "66.8" {
		t.Errorf("totals %v, %v", totals, err)
	}
	if len(lines) != 2 || lines[0].ProductID != 1 || lines[0].CombinationID != 1 || lines[0].UnitTaxIncl.String() != "23.9" {
		t.Errorf("lines %+v", lines)
	}
}

func TestRecordedListsAreReadWhole(t *testing.T) {
	states, err := decodeRows[stateRow](recorded(t, "310").answer.body, "order_states")
	if err != nil || len(states) != 13 {
		t.Errorf("%d states, %v", len(states), err)
	}
	installed, err := decodeRows[language](recorded(t, "317").answer.body, "languages")
	if err != nil || cmp.Diff([]string{"en", "fr"}, languages(installed).codes()) != "" {
		t.Errorf("languages %v, %v", installed, err)
	}
	histories, err := decodeRows[historyRow](recorded(t, "322").answer.body, "order_histories")
	if err != nil || len(histories) != 2 || histories[1].ID != 8 || histories[1].State != 2 {
		t.Errorf("histories %v, %v", histories, err)
	}
	carriers, err := decodeRows[carrierRow](recorded(t, "352").answer.body, "order_carriers")
	if err != nil || len(carriers) != 1 || carriers[0].Carrier != 2 {
		t.Errorf("carriers %v, %v", carriers, err)
	}
	sales, err := decodeRows[saleRow](recorded(t, "313").answer.body, "order_details")
	if err != nil || len(sales) != 2 || sales[1].Product != 8 || sales[1].Quantity != 1 {
		t.Errorf("sales %v, %v", sales, err)
	}
	none, err := decodeRows[productRow](recorded(t, "022").answer.body, "products")
	if err != nil || len(none) != 0 {
		t.Errorf("empty list: %v, %v", none, err)
	}
}

func TestOneLanguageShopAnswersBareTexts(t *testing.T) {
	var doc struct{ Product productRow }
	if err := json.Unmarshal(recorded(t, "713").answer.body, &doc); err != nil {
		t.Fatal(err)
	}
	installed := languages{{ID: 1, ISO: "en"}}
	if got := installed.byCode(doc.Product.Name)["en"]; got != "Mug The best is yet to come" {
		t.Errorf("got %q", got)
	}
	if !installed.cover(doc.Product) {
		t.Error("the only language does not cover a bare text")
	}
}

func TestScalarsComeInManySpellings(t *testing.T) {
	for raw, want := range map[string]number{`6`: 6, `"6"`: 6, `""`: 0, `null`: 0, `false`: 0, `-3`: -3, `"-3"`: -3} {
		var got number
		if err := json.Unmarshal([]byte(raw), &got); err != nil || got != want {
			t.Errorf("number %s: %d, %v", raw, got, err)
		}
	}
	for raw, want := range map[string]flag{`"1"`: true, `1`: true, `true`: true, `"0"`: false, `0`: false, `""`: false, `null`: false} {
		var got flag
		if err := json.Unmarshal([]byte(raw), &got); err != nil || got != want {
			t.Errorf("flag %s: %v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{`"6.5"`, `"x"`, `[]`, `{}`} {
		if err := json.Unmarshal([]byte(raw), new(number)); err == nil {
			t.Errorf("number %s was read", raw)
		}
	}
}

func TestMoneyRefusesExponents(t *testing.T) {
	for _, bad := range []text{"1e999999999", "1E5", "", "1,5", "0x10", "Inf", "--1", "1.2.3"} {
		if got, err := bad.money(); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
	if got, err := text("-0.000001").money(); err != nil || got.Fixed() != "-0.000001" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestMomentsCarryTheShopsZone(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Skip("no zone database")
	}
	for _, c := range []struct {
		shop text
		zone *time.Location
		want string
	}{
		{"2026-11-22 09:03:13", paris, "2026-11-22T09:03:13+01:00"},
		{"2026-07-01 12:00:00", paris, "2026-07-01T12:00:00+02:00"},
		{"2026-11-22 09:03:13", nil, "2026-11-22T09:03:13"},
		{"0000-00-00 00:00:00", paris, ""},
		{"", paris, ""},
	} {
		if got := c.shop.moment(c.zone); got != c.want {
			t.Errorf("%s: got %s, want %s", c.shop, got, c.want)
		}
	}
}

func TestListsThatAreNoListsAreErrors(t *testing.T) {
	for _, body := range []string{``, `{`, `null`, `"x"`, `{"orders":[]}`, `[{"id":1}]`, `{"products":{"id":1}}`, `<html>`} {
		if list, err := decodeRows[productRow]([]byte(body), "products"); err == nil {
			t.Errorf("%s was read as %v", body, list)
		}
	}
}

// sameAsTheLibrary compares the short ways of reading with the long ones.
func sameAsTheLibrary(t *testing.T, body []byte) {
	var word string
	var read text
	if json.Unmarshal(body, &word) == nil && len(body) > 0 && body[0] == '"' {
		if err := read.UnmarshalJSON(body); err != nil || string(read) != word {
			t.Errorf("%q is read as %q, %v; want %q", body, read, err, word)
		}
	}
	if raw, ok := soleMember(body, "products"); ok && json.Valid(raw) {
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(body, &doc); err != nil || len(doc) != 1 || string(doc["products"]) != string(bytes.TrimSpace(raw)) {
			t.Errorf("%q is cut open to %q, %v", body, raw, err)
		}
	}
}

func FuzzDecodeRows(f *testing.F) {
	f.Add([]byte(`[]`))
	f.Add([]byte(`{"products":[{"id":"8","active":"0","price":"11.900000","name":[{"id":1,"value":"a"}],"associations":{"images":[{"id":8}]}}]}`))
	f.Add([]byte(`{"orders":[{"id":1,"total_paid_tax_incl":"68.2","associations":{"order_rows":[{"product_id":1,"unit_price_tax_incl":"2"}]}}]}`))
	f.Add([]byte(`{"products":[{"id":1}],"orders":[]}`))
	f.Add([]byte(`{"products":[{"reference":"caf\u00e9 \"A\" \ud800"}],"products":[]}`))
	f.Add([]byte(`"caf\u00e9"`))
	f.Add([]byte("\"\xff\""))
	f.Fuzz(func(t *testing.T, body []byte) {
		sameAsTheLibrary(t, body)
		for _, resource := range []string{"products", "orders"} {
			products, err := decodeRows[productRow](body, resource)
			if err != nil {
				products = nil
			}
			for _, p := range products {
				if price, err := p.Price.money(); err == nil && len(price.String()) > 60 {
					t.Fatalf("a price of %d digits", len(price.String()))
				}
			}
			if orders, err := decodeRows[orderRow](body, resource); err == nil {
				for _, o := range orders {
					_, _, _ = o.amounts()
				}
			}
		}
	})
}

func FuzzLocalized(f *testing.F) {
	f.Add([]byte(`[{"id":1,"value":"Mug"},{"id":"2","value":null}]`))
	f.Add([]byte(`"bare"`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got localized
		if err := json.Unmarshal(raw, &got); err != nil {
			return
		}
		if got == nil && string(raw) != "null" {
			t.Fatalf("%s left no map", raw)
		}
		installed := languages{{ID: 1, ISO: "en"}, {ID: 2, ISO: "fr"}}
		if texts := installed.byCode(got); len(texts) != 2 {
			t.Fatalf("%s gave %v", raw, texts)
		}
	})
}
