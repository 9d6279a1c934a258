package durability

import (
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// TestJobThatKillsItsWorkersEnds: a job under which every worker dies with the
// call unsent is not taken up for ever. It ends failed and says why, and the
// shop has nothing of it.
func TestJobThatKillsItsWorkersEnds(t *testing.T) {
	w, closeWorld := newWorld(t, newDatabases(t))
	defer closeWorld()
	jobID := w.accept(t, bridge.OpUpdateProduct, stockChange(-3))
	job := w.finish(t, jobID, func(event string) bool { return event == "call PATCH stock_availables" }, nil)
	ended(t, job, schemas.Failed)
	if writes := w.shop.Effects().Writes; len(writes) > 0 {
		t.Errorf("writes: %v", writes)
	}
	if job.Error == nil || strings.HasSuffix(strings.TrimSpace(job.Error.Message), ":") {
		t.Errorf("the job does not say why: %+v", job.Error)
	}
}
