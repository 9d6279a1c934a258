package durability

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// seedOf is the seed of a random test: DURABILITY_SEED, or a new one each time.
// Whoever uses it prints it.
func seedOf(t testing.TB) uint64 {
	t.Helper()
	if text := os.Getenv("DURABILITY_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("DURABILITY_SEED: %v", err)
		}
		return seed
	}
	return uint64(time.Now().UnixNano())
}

// roundsOf is how often a random test plays: a tenth with -short, ten times as
// often with DURABILITY_LONG.
func roundsOf(t testing.TB, usual int) int {
	t.Helper()
	switch {
	case testing.Short():
		t.Logf("-short: %d rounds instead of %d", usual/10, usual)
		return usual / 10
	case thorough():
		return 10 * usual
	}
	return usual
}
