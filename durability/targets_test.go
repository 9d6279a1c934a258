package durability

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// TestOneWriterForATarget: three worker processes on one database, many jobs on
// few products, some of which know their product by its reference only. Writes
// to one product never overlap and come in the order of acceptance; different
// products are written at the same time.
func TestOneWriterForATarget(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, databaseURL string) {
		const products, rounds = 5, 16
		f := openShop(t)
		f.shop.SetLatency(sandbox.Latency{{Method: http.MethodPatch, Resource: "products"}: 25 * time.Millisecond})
		n := openNode(t, f, nodeOptions{database: databaseURL, name: "door"})
		names := []string{"first", "second", "third"}
		for _, name := range names {
			startWorker(t, f, name, databaseURL, 2) // fewer than the products, so that no process can serve them all
		}
		var ids []string
		for round := range rounds {
			for product := 1; product <= products; product++ {
				ids = append(ids, n.accept(t, bridge.OpUpdateProduct, priceChange(product, fmt.Sprintf("%d.5", 100+round))))
			}
			if round%4 == 0 {
				ids = append(ids, n.accept(t, bridge.OpImportProducts, byReference(round)))
			}
		}
		for _, job := range n.allEnd(t, 2*time.Minute, ids...) {
			ended(t, job, schemas.Succeeded)
		}
		effects := f.shop.Effects()
		if len(effects.Overlaps) > 0 {
			t.Errorf("writes overlapped: %v", effects.Overlaps)
		}
		if got, want := effects.Count(http.MethodPatch, "products", 0), products*rounds+2*rounds/4; got != want {
			t.Errorf("%d writes, want %d", got, want)
		}
		for product, prices := range written(effects) {
			if !slices.IsSorted(prices) {
				t.Errorf("product %s was written out of order: %v", product, prices)
			}
		}
		busy := 0
		var by []int
		for _, name := range names {
			by = append(by, f.writes(name))
			busy += min(1, f.writes(name))
		}
		if f.most < 2 || busy < 2 {
			t.Errorf("at most %d writes at once, by %d processes: nothing is proven", f.most, busy)
		}
		t.Logf("%d jobs on %d products; writes by process: %v; at most %d at once", len(ids), products, by, f.most)
	})
}

// byReference is an import of two of the products, whose prices end in .75.
func byReference(round int) string {
	return fmt.Sprintf(`{"batch_id":"round-%d","items":[
		{"reference":"LUNE-NB-A5","name":{"en":"A5 dotted notebook"},"price_ht":%d.75,"stock_quantity":120},
		{"reference":"LUNE-PEN-01","name":{"en":"Brass ballpoint pen"},"price_ht":%d.75,"stock_quantity":300}]}`, round, 100+round, 100+round)
}

var (
	idInBody    = regexp.MustCompile(`<id>(?:<!\[CDATA\[)?(\d+)`)
	priceInBody = regexp.MustCompile(`<price>(?:<!\[CDATA\[)?([0-9.]+)`)
)

// written lists the prices each product was given by its own jobs, in order.
// Imports queue for a reference, not for the product behind it.
func written(effects sandbox.Effects) map[string][]string {
	prices := map[string][]string{}
	for _, r := range effects.Requests {
		if r.Method != http.MethodPatch || r.Applied == 0 {
			continue
		}
		id, price := idInBody.FindSubmatch(r.Body), priceInBody.FindSubmatch(r.Body)
		if id != nil && price != nil && !strings.Contains(string(price[1]), ".75") {
			prices[string(id[1])] = append(prices[string(id[1])], string(price[1]))
		}
	}
	return prices
}
