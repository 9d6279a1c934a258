package main

import "runtime/debug"

// The garbage collector of a server, as measured (docs/performance.md): letting
// the heap grow to five times what is alive saves processor time at each
// accept, and the limit keeps large uploads, of which much is alive at once,
// from growing so far. The limit is soft: what is alive beyond it costs time.
const (
	collectAtPercent = 400
	softMemoryLimit  = 320 << 20 // bytes
)

// setCollector leaves to the operator what GOGC and GOMEMLIMIT say.
func setCollector(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(collectAtPercent)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemoryLimit)
	}
}
