package rest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// A large body that gets no turn is told to come back instead of waiting for
// ever, and holds nothing afterwards; a small one never waits.
func TestLargeBodyThatGetsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door := (&Door{}).withDefaults()
		b := newBodies(&door)
		busy, err := b.reading.take(t.Context(), b.reading.size)
		if err != nil {
			t.Fatal(err)
		}
		visitWith := func(size int) *visit {
			r := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader(strings.Repeat(" ", size)))
			return &visit{call: newCall(httptest.NewRecorder(), r), op: bridge.Operation{Write: true}}
		}
		small, large, start := visitWith(smallBody-1), visitWith(smallBody), time.Now()
		if err := b.read(small); err != nil || time.Since(start) != 0 {
			t.Errorf("a small body: %v after %v", err, time.Since(start))
		}
		fault := bridge.AsError(b.read(large))
		if fault.Code != bridge.CodeOverloaded || fault.RetryAfter <= 0 || time.Since(start) != budgetPatience {
			t.Errorf("a large body: %v after %v", fault, time.Since(start))
		}
		busy.release()
		if err := b.read(visitWith(smallBody)); err != nil {
			t.Errorf("once there is room: %v", err)
		}
		if len(b.reading.waiting) != 0 {
			t.Error("the one that gave up still waits")
		}
	})
}
