package feed

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// accept writes a job down, as a door does.
func (r *rig) accept(kind, payload string, targets ...string) string {
	r.Helper()
	job := bridge.Job{
		ID: uuid.Must(uuid.NewV7()).String(), Kind: kind, ClientID: "client", RequestID: uuid.NewString(), BatchID: uuid.NewString(),
		Status: schemas.Accepted, Payload: json.RawMessage(payload), Targets: targets, MaxAttempts: 5, AcceptedAt: r.now(),
	}
	if _, err := r.db.Accept(r.Context(), job, "intention"); err != nil {
		r.Fatal(err)
	}
	return job.ID
}

// worker carries jobs out on the same shop.
func (r *rig) worker() *bridge.Worker {
	r.Helper()
	shop, err := prestashop.New(prestashop.Options{URL: r.address, Key: sandboxKey, SaleLag: -1})
	r.must(err)
	r.Cleanup(shop.Close)
	return &bridge.Worker{
		Ledger: r.db, Shops: bridge.OneShop(shop), Node: "worker", Lease: time.Hour, AttemptTimeout: time.Minute,
		MaxWait: time.Hour, ParallelUnits: 2, Now: r.now, Log: slog.New(slog.DiscardHandler),
	}
}

// What a job writes is told once: promptly where no shop is watched, and no
// second time where one is.
func TestOwnWrites(t *testing.T) {
	for name, interval := range map[string]time.Duration{"watched": interval, "not watched": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, sandbox.Options{})
			r.subscribe(false, topicsOfFeed...)
			r.advance(24 * time.Hour)
			r.node.Interval = interval
			if interval > 0 {
				r.rounds(3)
			}
			worker := r.worker()
			for _, id := range []string{
				r.accept(bridge.OpUpdateProduct, `{"product_id":7,"updates":{"price_ht":25,"stock_delta":-2}}`, "product:7"),
				r.accept(bridge.OpUpdateOrderStatus, `{"order_id":1,"new_status":"payment_accepted"}`, "order:1"),
				r.accept(bridge.OpImportProducts, `{"batch_id":"0191f7a2-7c7b-4c3e-9d2b-3f8a54a6b111","items":[{"reference":"NEW-1","name":{"en":"New"},"price_ht":3,"stock_quantity":4}]}`, "reference:new-1"),
			} {
				r.must(worker.Run(r.Context(), id))
				job, err := r.db.Job(r.Context(), id)
				r.must(err)
				if job.Status != schemas.Succeeded {
					t.Fatalf("%s is %s: %+v", job.Kind, job.Status, job.Error)
				}
			}
			want := []string{"products/update product:7", "orders/update order:1", "orders/paid order:1", "products/create product:17"}
			r.advance(bridge.SettleAfter)
			r.once(&Feed{Store: r.db, Names: r.node.Names, Shop: r.node.Shop, Node: "looker", Log: r.node.Log})
			r.want(want...)
			r.rounds(1)
			if interval > 0 {
				r.rounds(5)
			}
			r.want(want...)
		})
	}
}

// A shop that is watched while a job is between two of its steps tells the job
// as one change.
func TestWatchedInTheMiddleOfAJob(t *testing.T) {
	r := watched(t, "products/update")
	release, arrived := make(chan struct{}), make(chan struct{})
	r.Inject(sandbox.Fault{Method: http.MethodPatch, Resource: "stock_availables", Nth: 1, Act: sandbox.DelayThenApply(sandbox.Until(release)),
		Match: func(sandbox.Request) bool { close(arrived); return true }})
	id := r.accept(bridge.OpUpdateProduct, `{"product_id":7,"updates":{"price_ht":25,"stock_delta":-2}}`, "product:7")
	over := make(chan error)
	worker := r.worker()
	go func() { over <- worker.Run(r.Context(), id) }()
	select {
	case <-arrived:
	case err := <-over:
		t.Fatal("the job ended first: ", err)
	}
	for range 11 {
		r.advance(5 * time.Second)
		r.once(r.node)
	}
	r.want()
	close(release)
	r.must(<-over)
	r.rounds(3)
	r.want("products/update product:7")
}

// A job that waits for hours hides nobody else's changes for longer than a
// minute.
func TestJobThatHoldsAProductForLong(t *testing.T) {
	r := watched(t, "products/update")
	id := r.accept(bridge.OpUpdateProduct, `{"product_id":7,"updates":{"price_ht":25}}`, "product:7")
	if _, err := r.db.Claim(r.Context(), id, "worker", time.Hour); err != nil {
		t.Fatal(err)
	}
	r.must(r.EditProduct(7, sandbox.ProductEdit{Price: new("26.00")}))
	r.rounds(3)
	r.want("products/update product:7")
}
