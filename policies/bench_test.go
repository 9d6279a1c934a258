package policies

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// An ordinary write, and the two shapes that cost most: ten megabytes of names
// that are all different, and of one-letter members.
func BenchmarkCheckRaw(b *testing.B) {
	ordinary := decode(b, `{"product_id":123,"updates":{"price_ht":25.5,"stock_delta":10},"options":{"skip_reindex":false}}`)
	names := map[string]any{}
	for i := range 400_000 {
		names[strings.NewReplacer("0", "o", "1", "price").Replace(fmt.Sprintf("%b_x", i))] = json.Number("1")
	}
	elements := make([]any, 2_000_000)
	for i := range elements {
		elements[i] = map[string]any{"a": "b"}
	}
	for name, payload := range map[string]any{"ordinary": ordinary, "400000 names": names, "2000000 objects": elements} {
		b.Run(name, func(b *testing.B) {
			in := Intention{Write: true, Payload: payload}
			for b.Loop() {
				(Book{}).CheckRaw(in)
			}
		})
	}
}
