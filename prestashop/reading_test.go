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
