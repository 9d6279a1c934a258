package main

import (
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestTheOperatorHasTheLastWordOnTheCollector(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(1<<40)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	for _, c := range []struct {
		gogc, gomemlimit string
		percent, limit   uint64
	}{
		{"", "", collectAtPercent, softMemoryLimit},
		{"50", "", 100, softMemoryLimit}, // 100: what the runtime was told before
		{"", "1GiB", collectAtPercent, 1 << 40},
		{"50", "1GiB", 100, 1 << 40},
	} {
		debug.SetGCPercent(100)
		debug.SetMemoryLimit(1 << 40)
		setCollector(func(name string) string {
			return map[string]string{"GOGC": c.gogc, "GOMEMLIMIT": c.gomemlimit}[name]
		})
		got := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
		metrics.Read(got)
		if got[0].Value.Uint64() != c.percent || got[1].Value.Uint64() != c.limit {
			t.Errorf("GOGC=%s GOMEMLIMIT=%s: %d percent, %d bytes; want %d and %d", c.gogc, c.gomemlimit, got[0].Value.Uint64(), got[1].Value.Uint64(), c.percent, c.limit)
		}
	}
}
