package sandbox

import (
	"testing"
	"time"
)

// What a call took includes the latency the shop is told to have.
func TestHowLongACallTook(t *testing.T) {
	t.Parallel()
	const latency = 20 * time.Millisecond
	s := newShop(t, func(o *Options) { o.Latency = Latency{{"GET", "products"}: latency} })
	shop := listen(t, s)
	began := time.Now()
	shop.do("GET", "/api/products/1?output_format=JSON", "")
	most := time.Since(began)
	requests := s.Effects().Requests
	if got := requests[0].Took; got < latency || got > most {
		t.Errorf("took %v; want %v to %v", got, latency, most)
	}
}
