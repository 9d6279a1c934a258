package prestashop

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// stockServer answers the reads of a stock step, the quantity by count.
func stockServer(t *testing.T, quantity func(read int64) int64) string {
	var reads atomic.Int64
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/stock_availables") {
			fmt.Fprint(w, `[]`)
			return
		}
		fmt.Fprintf(w, `{"stock_availables":[{"id":3,"id_product":6,"id_product_attribute":0,"quantity":"%d"}]}`, quantity(reads.Add(1)))
	}).URL
}

// A sale takes the goods off the stock before its line can be read, so a
// quantity that moves between two reads is not believed.
func TestAStockIsReadAtRest(t *testing.T) {
	moving := stockServer(t, func(read int64) int64 { return max(10-read, 7) })
	at, err := shopAt(t, moving, nil).stockAtRest(t.Context(), 6, "", func() error { return nil })
	if err != nil || at.Quantity != 7 {
		t.Errorf("got %+v, %v", at, err)
	}
	restless := stockServer(t, func(read int64) int64 { return 1000 - read })
	_, err = shopAt(t, restless, nil).stockAtRest(t.Context(), 6, "", func() error { return nil })
	if faultOf(t, err) != bridge.Unclear || !strings.Contains(err.Error(), "keeps moving") {
		t.Errorf("got %v", err)
	}
}

func TestTheSaleLagLiesBetweenTheReads(t *testing.T) {
	var order []string
	server := stockServer(t, func(int64) int64 { order = append(order, "stock"); return 5 })
	shop := shopAt(t, server, func(o *Options) { o.SaleLag = 30 * time.Millisecond })
	start := time.Now()
	if _, err := shop.stockAtRest(t.Context(), 6, "", func() error { order = append(order, "sales"); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, " "); got != "stock sales stock" || time.Since(start) < 30*time.Millisecond {
		t.Errorf("read %s in %s", got, time.Since(start))
	}
}

// The pause would outlast the test: a product of this job's own, untouched
// since, is read without it. One that shows any trace of a sale, a person or a
// module is read like every other.
func TestOnlyAnUntouchedNewProductIsReadWithoutPause(t *testing.T) {
	line := `{"order_details":[{"id":"12","id_order":"5","product_id":"6","product_quantity":"1","product_quantity_reinjected":"0"}]}`
	for name, c := range map[string]struct {
		wish             stockWish
		quantity, lines  string
		stock, lineReads int64
		lastSale         int64
	}{
		"new and untouched":      {stockWish{product: 6, isNew: true}, "0", `[]`, 1, 1, 0},
		"new, a sale under way":  {stockWish{product: 6, isNew: true}, "-1", `[]`, 3, 2, 0},
		"new, sold and restored": {stockWish{product: 6, isNew: true}, "0", line, 3, 2, 12},
		"new, stocked":           {stockWish{product: 6, isNew: true}, "4", `[]`, 3, 2, 0},
		"not new":                {stockWish{product: 6}, "0", `[]`, 2, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var stocks, lines atomic.Int64
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/order_details") {
					lines.Add(1)
					fmt.Fprint(w, c.lines)
					return
				}
				stocks.Add(1)
				fmt.Fprintf(w, `{"stock_availables":[{"id":3,"id_product":6,"id_product_attribute":0,"quantity":"%s"}]}`, c.quantity)
			})
			shop := shopAt(t, server.URL, func(o *Options) {
				if c.stock == 1 {
					o.SaleLag = time.Hour
				}
			})
			at, lastSale, err := shop.stockBefore(t.Context(), c.wish, "")
			if err != nil || fmt.Sprint(at.Quantity) != c.quantity || lastSale != c.lastSale || stocks.Load() != c.stock || lines.Load() != c.lineReads {
				t.Errorf("quantity %d, last sale %d after %d and %d reads, %v; want %+v", at.Quantity, lastSale, stocks.Load(), lines.Load(), err, c)
			}
		})
	}
}

// A job that died after its product was made may come back when people have
// long found it.
func TestAProductIsNewForMoments(t *testing.T) {
	item := importItem{unit: "items/0"}
	for name, c := range map[string]struct {
		created bool
		age     time.Duration
		isNew   bool
	}{
		"just created": {true, time.Second, true}, "created a while ago": {true, 2 * newFor, false},
		"by a clock that is ahead": {true, -2 * newFor, false}, "found in the shop": {false, 0, false},
	} {
		sent := time.Now().Add(-c.age)
		done := bridge.Journal{{Unit: item.unit, Name: stepProduct, State: bridge.StepApplied, SentAt: &sent, After: pack(productFacts{ProductID: 6, Created: c.created})}}
		if wish, err := item.stockWish(done); err != nil || wish.isNew != c.isNew {
			t.Errorf("%s: new %v, %v", name, wish.isNew, err)
		}
	}
}

// A read that fails after the write of the same step must not say that
// nothing was executed.
func TestAFailedVerificationIsUnclear(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			fmt.Fprint(w, `{"stock_available":{"id":"3"}}`)
			return
		}
		w.WriteHeader(http.StatusBadGateway)
	})
	step := stockStep{shop: shopAt(t, server.URL, nil), relative: true}
	_, err := step.send(t.Context(), bridge.Baseline{Data: pack(stockNote{Product: 6, Stock: 3, Quantity: 1, Target: 2})})
	if faultOf(t, err) != bridge.Unclear {
		t.Errorf("got %v, want Unclear", err)
	}
}

func TestLanguagesCoverTheirProduct(t *testing.T) {
	installed := languages{{ID: 1, ISO: "en"}, {ID: 2, ISO: "fr"}}
	for _, c := range []struct {
		name localized
		want bool
	}{{localized{1: "a", 2: "b"}, true}, {localized{1: "a", 3: "new"}, false}, {localized{soleLanguage: "a"}, false}, {nil, true}} {
		if got := installed.cover(productRow{Name: c.name}); got != c.want {
			t.Errorf("%v: %v", c.name, got)
		}
	}
}

func TestSlugs(t *testing.T) {
	for name, want := range map[string]string{
		"Théière & co \"en\"": "theiere-co-en", "L'été à Saint-Malo": "lete-a-saint-malo", "  Größe  XL ": "grosse-xl",
		"茶壶": "br-1", "!!!": "br-1", strings.Repeat("a", 200): strings.Repeat("a", 128),
		strings.Repeat("a", 127) + " b": strings.Repeat("a", 127),
	} {
		if got := slug(name, "BR-1"); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	if got := slug("茶", "///"); got != "product" {
		t.Errorf("got %q", got)
	}
}
