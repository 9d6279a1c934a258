package tools

import (
	"context"
	"io"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
)

// ceilings are the most allocations one message may cost this door and
// mcp-go, the desk's memory-only ports included. Raise one only with a reason:
// they are what keeps the calls a second of `make bench-mcp` from sliding. The
// race detector adds a tenth.
var ceilings = map[string]float64{
	"tools/call get_job_status": 200,
	"tools/call update_product": 300,
	"tools/list":                80,
}

func TestAllocationsPerMessageStayBelowTheirCeilings(t *testing.T) {
	door := newWorld().door()
	c := &conversation{door: door, server: door.newServer(), session: newSession(io.Discard), running: map[string]context.CancelCauseFunc{}}
	ctx := c.server.WithContext(withActor(t.Context(), writer), c.session)
	for name, spoken := range map[string]string{
		"tools/call get_job_status": callLine(1, bridge.OpGetJobStatus, `{"job_id":"`+succeededJob+`"}`),
		"tools/call update_product": callLine(1, bridge.OpUpdateProduct, `{"request_id":"`+requestOne+`","product_id":1,"updates":{"price_ht":12.50}}`),
		"tools/list":                listTools,
	} {
		text := []byte(spoken)
		got := testing.AllocsPerRun(100, func() {
			m, fault := readMessage(text)
			if fault != nil {
				t.Fatal(fault.text)
			}
			receipt := c.receipt(ctx, line{text: text})
			if c.handle(withReceipt(withCall(ctx, m.call), receipt), m) == nil {
				t.Fatal("no answer")
			}
		})
		if got > ceilings[name] {
			t.Errorf("%s: %.0f allocations, ceiling %.0f", name, got, ceilings[name])
		}
	}
}
