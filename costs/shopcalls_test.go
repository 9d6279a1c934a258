package costs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

const shopKey = "COSTSCOSTSCOSTSCOSTSCOSTSCOSTS01"

// A capability is one use of an operation and what it may ask of the shop, once
// the shop's languages, statuses and settings are known: at the door, before it
// is accepted, and by its job. A call takes a real shop 20 to 100 ms, so a call
// more is felt at once.
type capability struct {
	name, operation, payload string
	door, job                string
}

var capabilities = []capability{
	{
		"get_product", bridge.OpGetProduct, `{"product_id":1}`,
		"1×GET products, 1×GET stock_availables", "",
	},
	{
		"get_order", bridge.OpGetOrder, `{"order_id":1}`,
		"1×GET order_carriers, 1×GET order_histories, 1×GET orders", "",
	},
	{
		"update_product, price", bridge.OpUpdateProduct, `{"product_id":1,"updates":{"price_ht":10.5}}`,
		"1×GET products", "2×GET products, 1×PATCH products",
	},
	{
		"update_product, stock", bridge.OpUpdateProduct, `{"product_id":2,"updates":{"stock_delta":-3}}`,
		"1×GET products, 1×GET stock_availables", "2×GET order_details, 4×GET stock_availables, 1×PATCH stock_availables",
	},
	{
		"update_product, SEO", bridge.OpUpdateProduct, `{"product_id":3,"updates":{"seo":{"en":{"meta_title":"A brass pen"}}}}`,
		"1×GET products", "2×GET products, 1×PATCH products",
	},
	{
		"update_product, all three", bridge.OpUpdateProduct, `{"product_id":4,"updates":{"price_ht":10.5,"stock_delta":1,"seo":{"en":{"meta_title":"Ink"}}}}`,
		"1×GET products, 1×GET stock_availables", "2×GET order_details, 2×GET products, 5×GET stock_availables, 1×PATCH products, 1×PATCH stock_availables",
	},
	{
		"update_order_status", bridge.OpUpdateOrderStatus, `{"order_id":2,"new_status":"processing"}`,
		"1×GET orders", "2×GET order_histories, 1×GET orders, 1×POST order_histories",
	},
	{
		"update_order_status, tracking", bridge.OpUpdateOrderStatus, `{"order_id":3,"new_status":"shipped","tracking_number":"TR-1"}`,
		"1×GET order_carriers, 1×GET orders", "1×GET order_carriers, 2×GET order_histories, 2×GET orders, 1×PATCH order_carriers, 1×POST order_histories",
	},
	{
		"import_products, the first new", bridge.OpImportProducts, `{"batch_id":"first","items":[{"reference":"NEW-0","name":{"en":"New"},"price_ht":5,"stock_quantity":7}]}`,
		"", "1×GET order_details, 2×GET products, 1×GET stock_availables, 1×GET tax_rule_groups, 1×PATCH stock_availables, 1×POST products",
	},
	{
		"import_products, one new", bridge.OpImportProducts, `{"batch_id":"new","items":[{"reference":"NEW-1","name":{"en":"New"},"price_ht":5,"stock_quantity":7}]}`,
		"", "1×GET order_details, 2×GET products, 1×GET stock_availables, 1×PATCH stock_availables, 1×POST products",
	},
	{
		"import_products, one known", bridge.OpImportProducts, `{"batch_id":"known","items":[{"reference":"LUNE-CARDS","name":{"en":"Set of 8 greeting cards"},"price_ht":9,"stock_quantity":150}]}`,
		"", "1×GET order_details, 5×GET products, 2×GET stock_availables, 1×PATCH products, 1×PATCH stock_availables",
	},
	{
		"import_products, one as it should be", bridge.OpImportProducts, `{"batch_id":"same","items":[{"reference":"LUNE-VASE","name":{"en":"Blown glass vase"},"price_ht":27.5,"stock_quantity":0}]}`,
		"", "1×GET order_details, 4×GET products, 2×GET stock_availables",
	},
}

func TestShopCalls(t *testing.T) {
	fake, err := sandbox.New(sandbox.Options{Key: shopKey})
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := fake.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	// The pause in which stock must stand still is short here; how often it is
	// looked at is not.
	shop, err := prestashop.New(prestashop.Options{URL: url, Key: shopKey, SaleLag: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Close)
	r := newRig(t, shop)
	worker := r.worker(shop)
	actor := bridge.Actor{ClientID: clientID, Scopes: []string{auth.ScopeRead, auth.ScopeWrite}}
	for _, warm := range []string{bridge.OpGetProduct, bridge.OpGetOrder} {
		key := map[string]string{bridge.OpGetProduct: "product_id", bridge.OpGetOrder: "order_id"}[warm]
		if _, err := r.desk.Do(t.Context(), actor, bridge.Request{Operation: warm, Arguments: fmt.Appendf(nil, `{"%s":1}`, key)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range capabilities {
		op, _ := bridge.FindOperation(c.operation)
		fake.ResetEffects()
		if !op.Write {
			if _, err := r.desk.Do(t.Context(), actor, bridge.Request{Operation: c.operation, Arguments: []byte(c.payload)}); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			hold(t, c.name, "at the door", fake, c.door)
			continue
		}
		id := r.accept(t, c.operation, c.payload)
		hold(t, c.name, "at the door", fake, c.door)
		fake.ResetEffects()
		if err := worker.Run(t.Context(), id); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		job, err := r.store.Job(t.Context(), id)
		if err != nil || job.Status != schemas.Succeeded {
			t.Errorf("%s ended %s, %+v, %v", c.name, job.Status, job.Error, err)
		}
		hold(t, c.name, "by its job", fake, c.job)
	}
}

// hold compares what the shop was asked with what it may be.
func hold(t *testing.T, name, when string, shop *sandbox.Shop, allowed string) {
	t.Helper()
	counts := map[string]int{}
	for _, r := range shop.Effects().Requests {
		counts[r.Method+" "+r.Resource]++
	}
	var calls []string
	for _, call := range slices.Sorted(maps.Keys(counts)) {
		calls = append(calls, fmt.Sprintf("%d×%s", counts[call], call))
	}
	if got := strings.Join(calls, ", "); got != allowed {
		t.Errorf("%s asks the shop %s\n\tfor  %q\n\twant %q", name, when, got, allowed)
	}
}
