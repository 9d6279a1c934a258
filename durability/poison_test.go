package durability

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // to spoil rows behind the store's back

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

// TestPoisonedPayload: rows this version cannot read, whoever wrote them, end
// failed with a word, change nothing, and the next job for the same target
// runs.
func TestPoisonedPayload(t *testing.T) {
	data := newDatabases(t)
	for _, c := range []struct{ name, kind, payload string }{
		{"no JSON", bridge.OpUpdateProduct, `garbage`},
		{"another type", bridge.OpUpdateProduct, `[1,2,3]`},
		{"null", bridge.OpUpdateProduct, `null`},
		{"an older product change", bridge.OpUpdateProduct, `{"product":2,"price":"9.90"}`},
		{"a product change without changes", bridge.OpUpdateProduct, `{"product_id":2,"updates":{}}`},
		{"an older import", bridge.OpImportProducts, `{"products":[{"ref":"X"}]}`},
		{"an import without items", bridge.OpImportProducts, `{"batch_id":"b","items":[]}`},
		{"an older status change", bridge.OpUpdateOrderStatus, `{"order":3,"status":"shipped"}`},
		{"a kind of another version", "delete_everything", `{"product_id":2}`},
		{"no kind", "", `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, closeWorld := newWorld(t, data)
			defer closeWorld()
			poison := bridge.Job{
				ID: newID(), Kind: c.kind, ClientID: writer.ClientID, RequestID: uuid.NewString(), Status: schemas.Accepted,
				Payload: json.RawMessage(c.payload), Targets: []string{bridge.ProductTarget(shelf)}, MaxAttempts: 3, AcceptedAt: w.clock.Now(),
			}
			if _, err := w.store.Accept(t.Context(), poison, newID()); err != nil {
				t.Fatal(err)
			}
			behind := w.accept(t, bridge.OpUpdateProduct, stockChange(-3))
			job := w.finish(t, poison.ID, nil, nil)
			ended(t, job, schemas.Failed)
			if job.Error == nil || job.Error.Message == "" {
				t.Error("it does not say why")
			}
			if writes := w.shop.Effects().Writes; len(writes) > 0 {
				t.Errorf("it wrote %v", writes)
			}
			ended(t, w.finish(t, behind, nil, nil), schemas.Succeeded)
		})
	}
}

// TestSpoiledJournal: the note a call was sent with cannot be read any more.
// The call is not sent again; a person is asked.
func TestSpoiledJournal(t *testing.T) {
	data := newDatabases(t)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			w, closeWorld := newWorld(t, data)
			defer closeWorld()
			jobID := w.accept(t, k.operation, k.payload(w))
			w.shop.ResetEffects()
			w.turn(t, jobID, func(event string) bool { return event == "answer "+k.method+" "+k.resource })
			spoil(t, w.file, "UPDATE job_steps SET baseline = 'garbage' WHERE state = 'sending' AND job_id = ?", jobID)
			w.clock.advance(2 * lease)
			ended(t, w.finish(t, jobID, nil, nil), schemas.NeedsReview)
			if got := w.shop.Effects().Count(k.method, k.resource, 0); got != 1 {
				t.Errorf("%d effects", got)
			}
		})
	}
}

func spoil(t testing.TB, file, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// TestPoisonDoesNotBlockOthers has it all in one node: three jobs that cannot
// be read among ordinary ones, with one slot for all of them.
func TestPoisonDoesNotBlockOthers(t *testing.T) {
	t.Parallel()
	f := openShop(t)
	log := &logBook{}
	n := openNode(t, f, nodeOptions{workers: 1, log: log.logger(), maxAttempts: 2})
	var ids []string
	for product := 1; product <= 3; product++ {
		poison := bridge.Job{
			ID: newID(), Kind: "of another version", ClientID: writer.ClientID, RequestID: uuid.NewString(), Status: schemas.Accepted,
			Payload: json.RawMessage(`garbage`), Targets: []string{bridge.ProductTarget(int64(product))}, MaxAttempts: 2, AcceptedAt: time.Now(),
		}
		if _, err := n.store.Accept(t.Context(), poison, newID()); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, n.accept(t, bridge.OpUpdateProduct, priceChange(product, "3.33")), n.accept(t, bridge.OpUpdateProduct, priceChange(product+3, "3.33")))
	}
	n.start(t)
	for _, job := range n.allEnd(t, 60*time.Second, ids...) {
		ended(t, job, schemas.Succeeded)
	}
	if got := f.shop.Effects().Count(http.MethodPatch, "products", 0); got != 6 {
		t.Errorf("%d writes for 6 jobs", got)
	}
}
