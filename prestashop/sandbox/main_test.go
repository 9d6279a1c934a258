package sandbox

import (
	"testing"

	"go.uber.org/goleak"
)

// net/http lingers half a second on a connection it closed in the middle of a
// body; goleak does not wait that long.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}
