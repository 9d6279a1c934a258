package schemas_test

import (
	"encoding/json"
	"math/big"
	"testing"

	"github.com/prestashop-bridge/bridge/schemas"
)

func TestMoneySpellings(t *testing.T) {
	for _, tc := range []struct{ text, plain, fixed string }{
		{"25.5", "25.5", "25.500000"},
		{"25.500000", "25.5", "25.500000"},
		{"2.55e1", "25.5", "25.500000"},
		{"255E-1", "25.5", "25.500000"},
		{"10.0", "10", "10.000000"},
		{"-0.00", "0", "0.000000"},
		{"-3.10", "-3.1", "-3.100000"},
		{"0.000001", "0.000001", "0.000001"},
		{"999999998.999999", "999999998.999999", "999999998.999999"},
		// No float64 holds the next two apart from their neighbours.
		{"9007199254740993", "9007199254740993", "9007199254740993.000000"},
		{"0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827", "0.100000"},
	} {
		m := money(t, tc.text)
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if m.String() != tc.plain || string(raw) != tc.plain || m.Fixed() != tc.fixed {
			t.Errorf("%s: got %s, %s on the wire, %s fixed; want %s and %s", tc.text, m, raw, m.Fixed(), tc.plain, tc.fixed)
		}
		if !m.Equal(money(t, tc.plain)) {
			t.Errorf("%s does not equal %s", tc.text, tc.plain)
		}
	}
	if money(t, "0.3").Equal(money(t, "0.30000000000000004")) {
		t.Error("two amounts a float could confuse are equal")
	}
	sum := money(t, "0.1").Decimal().Add(money(t, "0.2").Decimal())
	if !sum.Equal(money(t, "0.3").Decimal()) {
		t.Errorf("0.1 + 0.2 is %s", sum)
	}
}

func TestMoneyRefusals(t *testing.T) {
	for _, text := range []string{"", " 1", "1 ", "+1", ".5", "1.", "01", "1e", "0x1", "1_0", "1,5", "NaN", "Infinity", "1e31", "1e999999999", "1e-999999999", "12345678901234567890123456789012345678901"} {
		if m, err := schemas.ParseMoney(text); err == nil {
			t.Errorf("%q was read as %s", text, m)
		}
	}
	for _, raw := range []string{`"25.5"`, `true`, `null`, `[1]`, `{}`, `1e999999999`} {
		var m schemas.Money
		if err := json.Unmarshal([]byte(raw), &m); err == nil && raw != "null" {
			t.Errorf("%s was read as %s", raw, m)
		}
	}
}

func TestIntegersSpeltAsDecimals(t *testing.T) {
	var p schemas.UpdateProduct
	if err := parse(t, `{"product_id":10.0,"updates":{"stock_delta":-2e1,"price_ht":25.50}}`).Decode(&p); err != nil {
		t.Fatal(err)
	}
	if p.ProductID != 10 || *p.Updates.StockDelta != -20 || p.Updates.PriceHT.String() != "25.5" {
		t.Errorf("got %d, %d, %s", p.ProductID, *p.Updates.StockDelta, p.Updates.PriceHT)
	}
}

func FuzzMoney(f *testing.F) {
	for _, seed := range []string{"0", "-0.0", "25.500000", "2.55e1", "1e30", "1e-30", "1e999999999", "0.1234567", "x", "00", "-", "9e+05"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := schemas.ParseMoney(text)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		got, okGot := new(big.Rat).SetString(m.String())
		if !ok || !okGot || want.Cmp(got) != 0 {
			t.Fatalf("%q was read as %s", text, m)
		}
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var again schemas.Money
		if err := json.Unmarshal(raw, &again); err != nil || !again.Equal(m) {
			t.Fatalf("%q is %s on the wire and comes back as %s: %v", text, raw, again, err)
		}
	})
}
