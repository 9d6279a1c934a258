package durability

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain serves the front of all tests, and finds goroutines that outlive
// them.
func TestMain(m *testing.M) {
	fronts = openFronts()
	code := m.Run()
	fronts.close()
	removeBuilt()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
