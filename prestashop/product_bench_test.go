package prestashop_test

import (
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// BenchmarkProduct reads a product, and makes the same two calls directly:
// go test ./prestashop -run ^$ -bench Product
func BenchmarkProduct(b *testing.B) {
	stand, err := sandbox.New(sandbox.Options{Key: sandboxKey})
	if err != nil {
		b.Fatal(err)
	}
	address, closeShop, err := stand.Listen("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer closeShop()
	shop, err := prestashop.New(prestashop.Options{URL: address, Key: sandboxKey})
	if err != nil {
		b.Fatal(err)
	}
	defer shop.Close()
	if _, err := shop.Product(b.Context(), 7); err != nil {
		b.Fatal(err)
	}
	stand.ResetEffects()
	if _, err := shop.Product(b.Context(), 7); err != nil {
		b.Fatal(err)
	}
	calls := stand.Effects().Requests
	b.Run("client", func(b *testing.B) {
		for b.Loop() {
			if _, err := shop.Product(b.Context(), 7); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("directly", func(b *testing.B) {
		direct := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
		defer direct.CloseIdleConnections()
		for b.Loop() {
			var all sync.WaitGroup
			for _, call := range calls {
				all.Go(func() {
					request, _ := http.NewRequestWithContext(b.Context(), call.Method, address+call.Path+"?"+call.Query, nil)
					request.SetBasicAuth(sandboxKey, "")
					answer, err := direct.Do(request)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
				})
			}
			all.Wait()
		}
	})
}
