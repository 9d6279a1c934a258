package durability

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// TestCallOfADeadWorkerSettles: a worker dies 25 s into a slow call, and the
// shop, which is told to be given 20 s, carries it out 15 s later. The call must
// not be sent again in between: it would be a second status row and a second
// mail. What counts is when the silence began, not when the call left.
func TestCallOfADeadWorkerSettles(t *testing.T) {
	w, closeWorld := newWorld(t, newDatabases(t))
	defer closeWorld()
	w.settle = 20 * time.Second
	jobID := w.accept(t, bridge.OpUpdateOrderStatus, `{"order_id":3,"new_status":"shipped","notify_customer":true}`)
	arrived, release := make(chan struct{}), make(chan struct{})
	w.shop.Inject(sandbox.Fault{Method: http.MethodPost, Resource: "order_histories", Nth: 1, Act: sandbox.DelayThenApply(sandbox.Until(release))})
	w.front.late = func(c callSeen) bool {
		first := c.method == http.MethodPost && w.shop.Effects().Received(http.MethodPost, "order_histories") == 0
		if first {
			close(arrived)
		}
		return first
	}

	process, kill := context.WithCancel(t.Context())
	slow := &life{}
	var running sync.WaitGroup
	running.Go(func() { w.live(process, t, jobID, slow) })
	<-arrived
	for range 5 {
		w.clock.advance(5 * time.Second)
		if _, err := w.store.Renew(t.Context(), slow.claim, lease); err != nil {
			t.Fatal(err)
		}
	}
	slow.kill()
	kill()
	running.Wait()

	w.clock.advance(lease + time.Second)
	w.turn(t, jobID, nil)
	if sent := w.shop.Effects().Received(http.MethodPost, "order_histories"); sent != 1 {
		t.Errorf("sent %d times, %v after the silence began; the shop was to be given %v", sent, lease+time.Second, w.settle)
	}
	w.clock.advance(6 * time.Second)
	close(release)
	w.front.settle()
	ended(t, w.finish(t, jobID, nil, nil), schemas.Succeeded)
	if effects := w.shop.Effects(); effects.Histories != 1 || len(effects.Mails) != 1 {
		t.Errorf("%d status rows, %d mails", effects.Histories, len(effects.Mails))
	}
}
