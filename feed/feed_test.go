package feed

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Order states of the sandbox, by id.
const (
	paid, shipped, delivered, canceled, refunded, check = 2, 4, 5, 6, 7, 1
)

// What somebody does in the back office is told once, each as what it is.
func TestChangesFromOutside(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *rig) error
		told   []string
	}{
		"nothing": {func(*rig) error { return nil }, nil},
		"a price": {func(r *rig) error { return r.EditProduct(7, sandbox.ProductEdit{Price: new("25.00")}) },
			[]string{"products/update product:7"}},
		"a text that no body shows": {func(r *rig) error {
			return r.EditProduct(7, sandbox.ProductEdit{Name: sandbox.Texts{1: "Other"}})
		}, []string{"products/update product:7"}},
		"a save that changes nothing": {func(r *rig) error {
			r.must(r.EditProduct(7, sandbox.ProductEdit{Price: new("25.00")}))
			r.rounds(1)
			return r.EditProduct(7, sandbox.ProductEdit{Price: new("25.00")})
		}, []string{"products/update product:7"}},
		"a stock": {func(r *rig) error { return r.SetStock(7, 0, 3) }, []string{"products/update product:7"}},
		"a stock of a combination": {func(r *rig) error { return r.SetStock(sandbox.DemoVariantProduct, 1, 3) },
			[]string{"products/update product:8"}},
		"a new product": {func(r *rig) error { return r.AddProduct(product(40)) }, []string{"products/create product:40"}},
		"a deletion":    {func(r *rig) error { return r.DeleteProduct(9) }, []string{"products/delete product:9"}},
		"made and gone again": {func(r *rig) error {
			r.must(r.AddProduct(product(40)))
			return r.DeleteProduct(40)
		}, nil},
		"a sale": {func(r *rig) error { _, err := r.Sell(7, 0, 1); return err },
			[]string{"orders/create order:7", "orders/paid order:7", "products/update product:7"}},
		"a payment": {func(r *rig) error { _, err := r.AddHistory(1, paid, 1); return err },
			[]string{"orders/update order:1", "orders/paid order:1"}},
		"a cancellation": {func(r *rig) error { _, err := r.AddHistory(4, canceled, 1); return err },
			[]string{"orders/update order:4", "orders/cancelled order:4", "products/update product:11"}},
		"a whole life between two rounds": {func(r *rig) error {
			for _, state := range []int{paid, shipped, delivered, refunded} {
				if _, err := r.AddHistory(1, state, 1); err != nil {
					return err
				}
			}
			return nil
		}, []string{"orders/update order:1", "orders/paid order:1", "orders/delivered order:1", "orders/refunded order:1"}},
		"a status set twice": {func(r *rig) error {
			for range 2 {
				_, err := r.AddHistory(1, delivered, 1)
				r.must(err)
				r.rounds(1)
			}
			return nil
		}, []string{"orders/update order:1", "orders/paid order:1", "orders/delivered order:1", "orders/update order:1"}},
		"a customer": {func(r *rig) error {
			r.AddCustomer(sandbox.Buyer{ID: 20, Firstname: "Ann", Lastname: "Bell", Email: "ann@example.org"})
			return nil
		}, []string{"customers/create customer:20"}},
		"a customer's name, then the customer": {func(r *rig) error {
			r.must(r.EditCustomer(2, sandbox.CustomerEdit{Lastname: new("Dole")}))
			r.rounds(1)
			return r.EditCustomer(2, sandbox.CustomerEdit{Deleted: new(true)})
		}, []string{"customers/update customer:2", "customers/delete customer:2"}},
		"the shop's name": {func(r *rig) error { return r.Configure("PS_SHOP_NAME", "Other Moon") },
			[]string{"shop/update shop:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := watched(t, topicsOfFeed...)
			r.must(c.change(r))
			r.rounds(5)
			r.want(c.told...)
			if state := r.state(); state.Waiting != 0 || state.Trouble != "" || state.Lag > interval {
				t.Errorf("it is left as %+v", state)
			}
		})
	}
}

// A shop of many products is neither told nor read when its watching begins.
func TestBeginningIsSilent(t *testing.T) {
	catalogue := sandbox.DemoCatalogue()
	for id := 100; id < 2600; id++ {
		catalogue.Products = append(catalogue.Products, product(id))
	}
	r := newRig(t, sandbox.Options{Catalogue: catalogue})
	r.subscribe(false, "products/update", "products/create", "products/delete", "orders/create", "orders/update")
	r.rounds(6)
	r.want()
	if n := r.reads("products") + r.reads("orders"); n != 0 {
		t.Errorf("%d objects were read", n)
	}
	r.must(r.EditProduct(2000, sandbox.ProductEdit{Price: new("1.00")}))
	r.must(r.SetStock(1500, 0, 1))
	r.must(r.DeleteProduct(1200))
	r.rounds(6)
	r.want("products/update product:2000", "products/update product:1500", "products/delete product:1200")
	if n := r.reads("products"); n > 5 {
		t.Errorf("three changes cost %d readings", n)
	}
}

// Time marks in the future, as a write through the webservice can leave them,
// neither tell nor hide anything.
func TestSavedInTheFuture(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	r.skew.Store(int64(40 * 24 * time.Hour))
	r.must(r.EditProduct(5, sandbox.ProductEdit{Price: new("2.00")}))
	r.skew.Store(0)
	r.subscribe(false, "products/update")
	r.rounds(3)
	r.want()
	r.must(r.EditProduct(5, sandbox.ProductEdit{Price: new("3.00")}))
	r.must(r.EditProduct(6, sandbox.ProductEdit{Price: new("3.00")}))
	r.rounds(3)
	r.want("products/update product:5", "products/update product:6")
}

// The shop's clock may be wrong, and may be set in either direction at any time.
func TestShopClock(t *testing.T) {
	for name, jumps := range map[string][]time.Duration{
		"behind": {-3 * time.Hour}, "ahead": {5 * time.Hour}, "set back": {5 * time.Hour, -time.Hour}, "set forward": {-time.Hour, 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, sandbox.Options{})
			r.subscribe(false, "products/update")
			r.advance(24 * time.Hour)
			r.skew.Store(int64(jumps[0]))
			r.rounds(3)
			var want []string
			for i, id := range []int{1, 2, 3, 4, 5, 6} {
				if i == 2 {
					r.skew.Store(int64(jumps[len(jumps)-1]))
				}
				r.must(r.EditProduct(id, sandbox.ProductEdit{Price: new(fmt.Sprintf("%d.00", i+1))}))
				want = append(want, fmt.Sprintf("products/update product:%d", id))
				r.advance(7 * time.Second)
				r.once(r.node)
			}
			r.rounds(4)
			r.want(want...)
		})
	}
}

// In the night of October the shop's clock shows an hour twice. Saves of either
// hour are told, also two that bear the very same time.
func TestHourThatIsSetBack(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	r.clock.Store(time.Date(2026, 10, 24, 23, 50, 0, 0, time.UTC).UnixNano())
	r.subscribe(false, "products/update")
	r.rounds(2)
	price := 0
	for at := range 140 { // minutes; Paris sets its clocks back at 01:00 UTC
		id := at%9 + 1
		price++
		r.must(r.EditProduct(id, sandbox.ProductEdit{Price: new(fmt.Sprintf("%d.00", price))}))
		r.rounds(1)
	}
	first := len(r.told())
	if r.rounds(3); first < 138 || len(r.told()) != price {
		t.Errorf("%d of %d changes were told, %d within a minute", len(r.told()), price, first)
	}

	same := newRig(t, sandbox.Options{})
	same.clock.Store(time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC).UnixNano())
	same.subscribe(false, "products/update")
	same.rounds(2)
	for i := range 2 {
		same.must(same.EditProduct(7, sandbox.ProductEdit{Price: new(fmt.Sprintf("%d.00", i+1))}))
		same.rounds(60)
	}
	if p, _ := same.Product(7); !strings.HasPrefix(p.Updated, "2026-10-25 02:3") {
		t.Fatalf("the second save was at %s", p.Updated)
	}
	same.want("products/update product:7", "products/update product:7")
}

// The overlap lists an object again and again; it is read again only when it
// was saved again.
func TestOverlapCostsNothing(t *testing.T) {
	r := watched(t, "products/update")
	r.must(r.EditProduct(7, sandbox.ProductEdit{Price: new("25.00")}))
	r.rounds(5)
	if n := r.reads("products"); n != 1 {
		t.Errorf("one save was read %d times", n)
	}
}

// Several saves within a second leave one time: the last of them is told.
func TestSavesWithinASecond(t *testing.T) {
	r := watched(t, "products/update")
	for i := range 5 {
		r.must(r.EditProduct(7, sandbox.ProductEdit{Price: new(fmt.Sprintf("%d.00", i+1))}))
		r.once(r.node)
		r.advance(150 * time.Millisecond)
	}
	r.rounds(3)
	list := r.deliveries()
	var last schemas.Product
	if len(list) == 0 || json.Unmarshal(list[len(list)-1].Event.Body, &last) != nil || last.PriceHT.String() != "5" && last.PriceHT.String() != "5.00" {
		t.Errorf("told %d times, at last %s", len(list), last.PriceHT)
	}
}

// Personal data is in the body of those who may see it, and of nobody else.
func TestPersonalData(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	r.subscribe(true, "orders/update")
	r.subscribe(false, "orders/update", "customers/update")
	r.rounds(3)
	_, err := r.AddHistory(4, paid, 1)
	r.must(err)
	r.must(r.EditCustomer(2, sandbox.CustomerEdit{Lastname: new("Dole")}))
	r.rounds(3)
	r.want("orders/update order:4", "orders/update order:4")
	for _, d := range r.deliveries() {
		var order schemas.Order
		r.must(json.Unmarshal(d.Event.Body, &order))
		if (order.Customer != nil) != d.Webhook.PII || order.ID != 4 || order.Status.Key != "payment_accepted" {
			t.Errorf("webhook %d with pii %v was told %s", d.Webhook.ID, d.Webhook.PII, d.Event.Body)
		}
	}
	for _, q := range r.Effects().Requests {
		if strings.HasPrefix(q.Path, "/api/customers") && strings.Contains(q.Query, "full") {
			t.Errorf("the whole row of a customer was asked for: %s", q.Query)
		}
	}
}

// A key without the right to customers has no customers told, and orders
// without them; all else goes on.
func TestKeyWithoutCustomers(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	const key = "NOCUSTOMERSKEY000000000000000032"
	account := sandbox.FullKey(key)
	delete(account.Rights, "customers")
	r.AddKey(account)
	r.node = r.newNode("node", key)
	r.subscribe(true, "orders/update", "customers/update")
	r.rounds(3)
	_, err := r.AddHistory(4, paid, 1)
	r.must(err)
	r.must(r.EditCustomer(2, sandbox.CustomerEdit{Lastname: new("Dole")}))
	r.rounds(3)
	r.want("orders/update order:4")
}

// Nobody wants to hear: nothing is read.
func TestWithoutWebhooks(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	r.rounds(2)
	r.must(r.EditProduct(7, sandbox.ProductEdit{Price: new("25.00")}))
	r.rounds(2)
	if n := r.reads("products"); n != 0 || r.state().Waiting != 0 {
		t.Errorf("%d readings, %+v", n, r.state())
	}
}

func TestTurnsSpread(t *testing.T) {
	f := &Feed{Interval: time.Hour}
	quarters := map[int]int{}
	for i := range 400 {
		next := f.turn(fmt.Sprintf("shop-%d", i))
		first := next(someDay)
		if wait := first.Sub(someDay); wait <= 0 || wait > time.Hour || !next(first).Equal(first.Add(time.Hour)) || !next(first.Add(-1)).Equal(first) {
			t.Fatalf("shop %d: %v, then %v", i, first, next(first))
		}
		quarters[first.Minute()/15]++
	}
	for quarter, n := range quarters {
		if n < 50 {
			t.Errorf("only %d of 400 shops in quarter %d", n, quarter)
		}
	}
}
