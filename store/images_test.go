package store

import "testing"

func TestImagesAreRememberedByProductAndBytes(t *testing.T) {
	onEach(t, func(r rig) {
		ask := func(product int64, sum string, want int64) {
			r.Helper()
			if got, err := r.Images("").Image(r.Context(), product, sum); err != nil || got != want {
				r.Errorf("image of product %d, %s: %d, %v; want %d", product, sum, got, err, want)
			}
		}
		ask(7, "aa", 0)
		for _, image := range []struct {
			product int64
			sum     string
			id      int64
		}{{7, "aa", 31}, {7, "bb", 32}, {8, "aa", 33}, {7, "aa", 40}} {
			if err := r.Images("").RememberImage(r.Context(), image.product, image.sum, image.id); err != nil {
				r.Fatal(err)
			}
		}
		ask(7, "aa", 40)
		ask(7, "bb", 32)
		ask(8, "aa", 33)
		ask(8, "bb", 0)
	})
}
