package sandbox

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestLostUpdate makes the loss of the recordings (CONCURRENCY: 10 of 20
// rounds) certain: a price change is held between reading the row and writing
// it, and a change of the reference in that time is gone.
func TestLostUpdate(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	shop := listen(t, s)
	release := make(chan struct{})
	s.Inject(Fault{Method: "PATCH", Nth: 1, Act: Slow(Until(release))})
	done := make(chan reply, 1)
	go func() { done <- shop.patchPrice(1, "20.00") }()
	eventually(t, "the first write is being executed", func() bool { return s.Effects().Received("PATCH", "products") == 1 })
	wantStatus(t, shop.do("PATCH", "/api/products/1", "<prestashop><product><id>1</id><reference>NEW</reference></product></prestashop>"), http.StatusOK)
	if p, _ := s.Product(1); p.Reference != "NEW" {
		t.Fatalf("reference %q", p.Reference)
	}
	close(release)
	wantStatus(t, <-done, http.StatusOK)
	p, _ := s.Product(1)
	if p.Price != "20.000000" || p.Reference != "LUNE-NB-A5" {
		t.Errorf("price %s, reference %s: want the price kept and the reference lost", p.Price, p.Reference)
	}
	overlaps := s.Effects().Overlaps
	if len(overlaps) != 1 || overlaps[0].Target != "product 1" {
		t.Errorf("overlaps %+v, want one on product 1", overlaps)
	}
}

// TestOverlapTargets: stock and images count for their product, histories and
// shipments for their order, and different targets do not overlap.
func TestOverlapTargets(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for path, want := range map[string]string{
		"PATCH stock_availables/5": "product 5",
		"DELETE products/7":        "product 7",
		"POST images/products/9":   "product 9",
		"PATCH order_carriers/3":   "order 3",
	} {
		var method, target string
		if _, err := fmt.Sscanf(path, "%s %s", &method, &target); err != nil {
			t.Fatal(err)
		}
		in := &incoming{method: method, path: target, body: []byte("<p><x><id>" + target[len(target)-1:] + "</id></x></p>")}
		if got := s.targets(in); !got[want] || len(got) != 1 {
			t.Errorf("%s: %v, want %s", path, got, want)
		}
	}
	in := &incoming{method: "POST", path: "order_histories", body: []byte("<p><x><id_order>4</id_order></x><x><id_order>2</id_order></x></p>")}
	if got := s.targets(in); !got["order 4"] || !got["order 2"] || len(got) != 2 {
		t.Errorf("histories: %v", got)
	}
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t, func(o *Options) { o.Latency = Latency{{"PATCH", "products"}: time.Microsecond} })
	shop := listen(t, s)
	const workers, rounds = 8, 12
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				id := 1 + (w+i)%5
				shop.patchPrice(id, fmt.Sprintf("%d.%02d", i+1, w))
				shop.postHistory(1+i%6, 2+w%3)
				shop.do("GET", "/api/products?display=full&output_format=JSON", "")
				shop.do("PATCH", "/api/stock_availables/1", "<p><stock_available><id>1</id><quantity>5</quantity></stock_available></p>")
				if _, err := s.Sell(1, 0, 1); err != nil {
					t.Error(err)
				}
				s.Effects()
			}
		})
	}
	wg.Wait()
	if got, want := s.Effects().Histories, workers*rounds; got != want {
		t.Errorf("%d history rows, want %d", got, want)
	}
}
