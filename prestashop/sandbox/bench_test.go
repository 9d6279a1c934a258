package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkLookUp finds and adds products in catalogues of two sizes: the
// larger must not be slower.
func BenchmarkLookUp(b *testing.B) {
	for _, size := range []int{100, 100_000} {
		shop, err := New(Options{Key: testKey})
		if err != nil {
			b.Fatal(err)
		}
		for i := range size {
			id := 1000 + i
			shop.data.seed(products, id, row{"reference": fmt.Sprintf("B-%d", id), "id_category_default": int64(2)})
			shop.data.shelve(2, id)
		}
		call := func(method, target, body string) {
			r := httptest.NewRequest(method, "/api/"+target, strings.NewReader(body))
			r.SetBasicAuth(testKey, "")
			w := httptest.NewRecorder()
			if shop.ServeHTTP(w, r); w.Code >= 300 {
				b.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
			}
		}
		b.Run(fmt.Sprintf("find/%d", size), func(b *testing.B) {
			for i := range b.N {
				call(http.MethodGet, fmt.Sprintf("products?filter[reference]=[B-%d]&display=[id,reference]&output_format=JSON", 1000+i%size), "")
			}
		})
		b.Run(fmt.Sprintf("add/%d", size), func(b *testing.B) {
			for i := range b.N {
				call(http.MethodPost, "products", fmt.Sprintf(`<prestashop><product><reference>N-%d</reference><price>1</price><id_category_default>2</id_category_default><name><language id="1">n</language></name></product></prestashop>`, i))
			}
		})
	}
}
