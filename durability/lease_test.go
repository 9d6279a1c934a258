package durability

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// TestKilledWorkerIsReplacedInTime kills -9 a worker process with a write of
// each of six jobs under way: three the shop has carried out, three it never
// will. Another process goes on with each within the lease and a second, and
// each product is written once.
func TestKilledWorkerIsReplacedInTime(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, databaseURL string) {
		f := openShop(t)
		n := openNode(t, f, nodeOptions{database: databaseURL, name: "door"})
		var under sync.WaitGroup
		under.Add(6)
		var count, dead atomic.Int32
		f.shop.Inject(sandbox.Fault{Method: http.MethodPatch, Resource: "products", Act: sandbox.NotReached(), Match: func(sandbox.Request) bool { return dead.Load() == 0 && count.Add(1)%2 == 0 }})
		die := make(chan struct{})
		f.hold = func(c callSeen) {
			if c.caller == "first" && c.writes() {
				under.Done()
				<-die
			}
		}
		first := startWorker(t, f, "first", databaseURL, 6)
		var ids []string
		for product := 1; product <= 6; product++ {
			ids = append(ids, n.accept(t, bridge.OpUpdateProduct, priceChange(product, "3.33")))
		}
		under.Wait()
		startWorker(t, f, "second", databaseURL, 6)
		killed := time.Now()
		first.kill()
		dead.Store(1)
		close(die)
		var slowest time.Duration
		for _, id := range ids {
			await(t, lease+20*time.Second, "the second claim of "+id, func() bool { return n.job(t, id).Attempts >= 2 || n.job(t, id).Status.Terminal() })
			slowest = max(slowest, time.Since(killed))
		}
		t.Logf("the last of %d jobs was taken up %v after kill -9 (lease %v)", len(ids), slowest.Round(time.Millisecond), lease)
		if slowest > lease+time.Second {
			t.Errorf("taken up after %v, more than the lease and a second", slowest)
		}
		for i, job := range n.allEnd(t, 30*time.Second, ids...) {
			ended(t, job, schemas.Succeeded)
			if got := f.shop.Effects().Count(http.MethodPatch, "products", i+1); got != 1 {
				t.Errorf("product %d was written %d times", i+1, got)
			}
		}
	})
}

// TestStoppedWorkerDoesNothingMore stops a worker process at its nth call of
// the shop until its lease is long over and another has ended the job, and lets
// it run on. It sends no write any more and changes nothing about the job.
func TestStoppedWorkerDoesNothingMore(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPatch} {
		t.Run("at a "+method, func(t *testing.T) {
			t.Parallel()
			eachDatabase(t, func(t *testing.T, databaseURL string) { stopAndGoOn(t, databaseURL, method) })
		})
	}
}

func stopAndGoOn(t *testing.T, databaseURL, method string) {
	f := openShop(t)
	n := openNode(t, f, nodeOptions{database: databaseURL, name: "door"})
	stopped := make(chan struct{})
	var first *process
	ready := make(chan struct{})
	var once sync.Once
	f.hold = func(c callSeen) {
		if c.caller != "first" || c.method != method {
			return
		}
		once.Do(func() {
			<-ready
			first.stop(t)
			close(stopped)
		})
	}
	first = startWorker(t, f, "first", databaseURL, 6)
	close(ready)
	id := n.accept(t, bridge.OpUpdateProduct, priceChange(1, "3.33"))
	<-stopped
	startWorker(t, f, "second", databaseURL, 6)
	job := n.allEnd(t, lease+30*time.Second, id)[0]
	ended(t, job, schemas.Succeeded)
	if job.Attempts != 2 {
		t.Fatalf("nobody took the job over: %s", story(job))
	}
	sent := f.writes("first")
	told := fmt.Sprintf("%+v", n.job(t, id))
	first.signal(t, syscall.SIGCONT)
	await(t, 30*time.Second, "the word of the stopped worker that its job is gone", func() bool {
		return first.log.count("taken over by another worker") > 0 || first.log.count("not worked to its end") > 0
	})
	if now := f.writes("first"); now != sent {
		t.Errorf("the worker that had been stopped sent %d more writes", now-sent)
	}
	if now := fmt.Sprintf("%+v", n.job(t, id)); now != told {
		t.Errorf("the worker that had been stopped changed the job:\n%s\n%s", told, now)
	}
	if got := f.shop.Effects().Count(http.MethodPatch, "products", 1); got != 1 {
		t.Errorf("the product was written %d times", got)
	}
	t.Logf("stopped at a %s: %d writes of its own, %d of the second process", method, sent, f.writes("second"))
}
