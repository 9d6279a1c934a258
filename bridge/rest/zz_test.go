package rest_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

func TestZZ(t *testing.T) {
	for name, payload := range map[string]string{
		"broken items": `{"batch_id":"b","items":[` + strings.Repeat(`{"reference":"r-00000000000000000000000000000000000000000000000000000","name":{"en":"`+strings.Repeat("x", 130)+`"}},`, 45_000) + `{}]}`,
		"good items":   `{"batch_id":"b","items":[` + strings.Repeat(`{"reference":"r-00000000000000000000000000000000000000000000000000000","price_ht":1,"stock_quantity":1,"name":{"en":"`+strings.Repeat("x", 100)+`"}},`, 33_000) + `{}]}`,
		"one text":     `{"batch_id":"` + strings.Repeat("x", 10_000_000) + `"}`,
		"empties":     `{"batch_id":[` + strings.Repeat("[],", 199_000) + `[]]}`,
		"unknown":     `{"batch_id":"a",` + strings.Repeat(`"aaaaa":1,`, 1) + `"c":1}`,
	} {
		var a, b runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&a)
		start := time.Now()
		doc, faults := schemas.Parse([]byte(payload))
		parsed := time.Since(start)
		var n int
		if len(faults) == 0 {
			n = len(schemas.Input("import_products").Validate(doc))
		}
		took := time.Since(start)
		runtime.ReadMemStats(&b)
		t.Logf("%s: %d bytes, parse %v, all %v, alloc %d MiB, parse faults %v, faults %d", name, len(payload), parsed, took, (b.TotalAlloc-a.TotalAlloc)>>20, len(faults), n)
	}
}
