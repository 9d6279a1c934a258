package durability

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// TestShopDown: while the shop is away writes are accepted, jobs wait without
// using up attempts, and the breaker keeps the bridge from hammering it. When
// it is back every job is carried out, once.
func TestShopDown(t *testing.T) {
	t.Parallel()
	f := openShop(t)
	log := &logBook{}
	n := openNode(t, f, nodeOptions{log: log.logger(), maxAttempts: 2, breaker: prestashop.Breaker{Failures: 3, Pause: 500 * time.Millisecond}})
	n.start(t)
	up := f.shop.Inject(sandbox.Fault{Act: sandbox.Down()})
	var ids []string
	for product := 1; product <= 7; product++ {
		ids = append(ids, n.accept(t, bridge.OpUpdateProduct, priceChange(product, "3.33")))
	}
	// Long enough for more tries than there are attempts.
	await(t, 30*time.Second, "three openings of the breaker", func() bool { return log.count("to=open") >= 3 })
	for _, id := range ids {
		if job := n.job(t, id); job.Status.Terminal() || job.Attempts > 1 {
			t.Errorf("while the shop was away: %s", story(job))
		}
	}
	up()
	for _, job := range n.allEnd(t, 30*time.Second, ids...) {
		ended(t, job, schemas.Succeeded)
	}
	if effects := f.shop.Effects(); effects.Count(http.MethodPatch, "products", 0) != 7 || len(effects.Overlaps) > 0 {
		t.Errorf("%d writes for 7 jobs, overlaps %v", len(effects.Writes), effects.Overlaps)
	}
}

// TestBreakerSparesAShopThatIsDown counts calls: with the breaker open none
// gets out.
func TestBreakerSparesAShopThatIsDown(t *testing.T) {
	t.Parallel()
	f := openShop(t)
	log := &logBook{}
	n := openNode(t, f, nodeOptions{log: log.logger(), breaker: prestashop.Breaker{Failures: 3, Pause: time.Hour}})
	f.shop.Inject(sandbox.Fault{Act: sandbox.Down()})
	for range 10 {
		_, err := n.shop.Product(t.Context(), 1)
		if err == nil {
			t.Fatal("a shop that is down answered")
		}
	}
	if log.count("to=open") != 1 {
		t.Errorf("the breaker did not open once:\n%s", log)
	}
	calls := 0
	caller := f.caller("node")
	caller.mu.Lock()
	for _, n := range caller.calls {
		calls += n
	}
	caller.mu.Unlock()
	if calls > 6 { // a read on a connection that dies may be dialled once more
		t.Errorf("%d calls reached a shop that was down, after 3 failures", calls)
	}
}

// TestSlowTargetStallsNoOther: one product's write hangs in the shop, and jobs
// for other products run past it.
func TestSlowTargetStallsNoOther(t *testing.T) {
	t.Parallel()
	f := openShop(t)
	n := openNode(t, f, nodeOptions{workers: 4})
	n.start(t)
	release, arrived := make(chan struct{}), make(chan struct{})
	f.shop.Inject(sandbox.Fault{Method: http.MethodPatch, Resource: "products", Nth: 1, Act: sandbox.Slow(sandbox.Until(release)), Match: func(sandbox.Request) bool {
		select {
		case <-arrived:
		default:
			close(arrived)
		}
		return true
	}})
	slow := n.accept(t, bridge.OpUpdateProduct, priceChange(1, "3.33"))
	<-arrived
	behind := n.accept(t, bridge.OpUpdateProduct, priceChange(1, "4.44"))
	var others []string
	for product := 2; product <= 7; product++ {
		others = append(others, n.accept(t, bridge.OpUpdateProduct, priceChange(product, "3.33")))
	}
	for _, job := range n.allEnd(t, 20*time.Second, others...) {
		ended(t, job, schemas.Succeeded)
	}
	for _, id := range []string{slow, behind} {
		if job := n.job(t, id); job.Status.Terminal() {
			t.Errorf("ended while its shop call hung: %s", story(job))
		}
	}
	close(release)
	for _, job := range n.allEnd(t, 20*time.Second, slow, behind) {
		ended(t, job, schemas.Succeeded)
	}
	if p, _ := f.shop.Product(1); p.Price != "4.440000" {
		t.Errorf("price %s: the jobs of one product did not run in the order they came in", p.Price)
	}
}

// TestAttemptTimeout: an attempt whose shop call hangs ends by itself, counts,
// and the next one succeeds.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	f := openShop(t)
	n := openNode(t, f, nodeOptions{attemptTimeout: time.Second})
	id := n.accept(t, bridge.OpUpdateProduct, priceChange(1, "3.33"))
	f.shop.Inject(sandbox.Fault{Method: http.MethodPatch, Resource: "products", Nth: 1, Act: sandbox.ApplyThenDelay(sandbox.Until(never))})
	n.start(t)
	began := time.Now()
	job := n.allEnd(t, 30*time.Second, id)[0]
	ended(t, job, schemas.Succeeded)
	if took := time.Since(began); took > patient {
		t.Errorf("took %v: the attempt waited for the call's own timeout", took)
	}
	if got := f.shop.Effects().Count(http.MethodPatch, "products", 1); got != 1 {
		t.Errorf("%d writes", got)
	}
}

// TestAttemptsRunOut: a write that fails each time ends failed with the last
// fault in words, after exactly JOB_MAX_ATTEMPTS sends.
func TestAttemptsRunOut(t *testing.T) {
	data := newDatabases(t)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			w, closeWorld := newWorld(t, data)
			defer closeWorld()
			w.maxAttempts = 3
			jobID := w.accept(t, k.operation, k.payload(w))
			w.shop.ResetEffects()
			w.shop.Inject(sandbox.Fault{Method: k.method, Resource: k.resource, Act: sandbox.Status(500)})
			job := w.finish(t, jobID, nil, nil)
			ended(t, job, schemas.Failed)
			effects := w.shop.Effects()
			if sent := effects.Received(k.method, k.resource); sent != 3 || len(effects.Writes) > 0 {
				t.Errorf("sent %d times, want 3; writes %v", sent, effects.Writes)
			}
			if job.Error == nil || !strings.Contains(job.Error.Message, "500") || job.Error.Code != string(bridge.CodeAttemptsExhausted) {
				t.Errorf("the job says %+v", job.Error)
			}
		})
	}
}
