package durability

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// threeItems is a batch with one of each: a new product with two images, an
// existing one with a new price, stock and image, and one that already is as
// it should be.
func threeItems(w *world, batchID string) string {
	return fmt.Sprintf(`{"batch_id":%q,"items":[
		{"reference":"NEW-1","name":{"en":"New thing"},"price_ht":5,"stock_quantity":7,"images_to_download":[%q,%q]},
		{"reference":"LUNE-CARDS","name":{"en":"Set of 8 greeting cards"},"price_ht":9,"stock_quantity":150,"images_to_download":[%q]},
		{"reference":"LUNE-PEN-01","name":{"en":"Brass ballpoint pen"},"price_ht":4.2,"stock_quantity":300}]}`,
		batchID, w.front.image(1), w.front.image(2), w.front.image(3))
}

// importResult is what the tests look at in an import's result.
type importResult struct {
	Partial bool `json:"partial"`
	Items   []struct {
		Reference string            `json:"reference"`
		ProductID int               `json:"product_id"`
		Outcome   string            `json:"outcome"`
		Error     *schemas.JobError `json:"error"`
		Images    []struct {
			ImageID int               `json:"image_id"`
			Error   *schemas.JobError `json:"error"`
		} `json:"images"`
	} `json:"items"`
}

// whole says what is not as threeItems wants it; "" for nothing.
func (w *world) whole(t testing.TB, job bridge.Job) string {
	t.Helper()
	effects := w.shop.Effects()
	made := w.shop.FindProducts("NEW-1")
	if len(made) != 1 {
		return fmt.Sprintf("products with the reference NEW-1: %v", made)
	}
	fresh, _ := w.shop.Product(made[0])
	cards, _ := w.shop.Product(13)
	stock := func(id int) int { n, _ := w.shop.Stock(id, 0); return n }
	got := fmt.Sprint(stock(made[0]), len(fresh.Images), fresh.Price, stock(13), len(cards.Images), cards.Price, stock(3), effects.Images, len(effects.Writes), len(effects.Overlaps))
	if wrong := unlike("shop", got, fmt.Sprint(7, 2, "5.000000", 150, 1, "9.000000", 300, 3, 7, 0)); wrong != "" {
		return wrong
	}
	r := result[importResult](t, job)
	var outcomes []string
	for _, item := range r.Items {
		outcomes = append(outcomes, fmt.Sprint(item.Reference, " ", item.Outcome, " ", len(item.Images)))
	}
	return unlike("result", strings.Join(outcomes, ", "), "NEW-1 created 2, LUNE-CARDS updated 1, LUNE-PEN-01 unchanged 0")
}

// TestImportContinuesWhereItDied kills the worker of a batch at every event:
// the next one goes on with the right item, nothing is created, uploaded or
// written a second time, and the result speaks of every item. With several
// items at once the events come in another order each time; what must hold
// is the same.
func TestImportContinuesWhereItDied(t *testing.T) {
	for _, parallel := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d at once", parallel), func(t *testing.T) { continuesWhereItDied(t, parallel) })
	}
}

func continuesWhereItDied(t *testing.T, parallel int) {
	data := newDatabases(t)
	run := func(killed func(int) bool) (events []string) {
		w, closeWorld := newWorld(t, data)
		defer closeWorld()
		w.parallel = parallel
		jobID := w.accept(t, bridge.OpImportProducts, threeItems(w, "batch-"+w.front.name))
		w.shop.ResetEffects()
		var mu sync.Mutex
		job := w.finish(t, jobID, func(event string) bool {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, event)
			return killed(len(events))
		}, nil)
		ended(t, job, schemas.Succeeded)
		if wrong := w.whole(t, job); wrong != "" {
			t.Errorf("killed somewhere in %d events: %s: %s", len(events), wrong, story(job))
		}
		return events
	}
	events := run(func(int) bool { return false })
	cases := 1
	slots := make(chan struct{}, abreast)
	var all sync.WaitGroup
	for at := range events {
		if parallel == 1 && !thorough() && nothingSince(events, at) || testing.Short() && at%4 > 0 {
			continue
		}
		cases++
		all.Go(func() { inSlot(slots, func() { run(killAt(at + 1)) }) })
	}
	all.Wait()
	t.Logf("%d cases, %d events in one undisturbed import", cases, len(events))
}

// TestReplayedBatch: the same batch under a new request id is the same job,
// while it runs, after the worker died and after its end; nothing is sent for
// it. The same batch id with other items is refused.
func TestReplayedBatch(t *testing.T) {
	w, closeWorld := newWorld(t, newDatabases(t))
	defer closeWorld()
	payload := threeItems(w, "replayed")
	jobID := w.accept(t, bridge.OpImportProducts, payload)
	again := func(payload string) (bridge.Answer, error) {
		shop := w.client(t, "door")
		defer shop.Close()
		return w.desk(shop).Do(t.Context(), writer, bridge.Request{Operation: bridge.OpImportProducts, RequestID: uuid.NewString(), Arguments: []byte(payload)})
	}
	same := func(when string) {
		t.Helper()
		answer, err := again(payload)
		if err != nil || answer.Acceptance.JobID != jobID {
			t.Errorf("%s: %+v, %v; want the job %s", when, answer.Acceptance, err, jobID)
		}
	}
	same("before any worker")
	count := 0
	w.turn(t, jobID, func(string) bool { count++; return count == 20 })
	same("after a worker died")
	ended(t, w.finish(t, jobID, nil, nil), schemas.Succeeded)
	before := len(w.shop.Effects().Writes)
	same("after its end")
	if _, err := again(strings.Replace(payload, `"stock_quantity":7`, `"stock_quantity":8`, 1)); bridge.AsError(err).Code != bridge.CodeIdempotencyConflict {
		t.Errorf("other items under the same batch_id: %v", err)
	}
	if due, err := w.store.Due(t.Context(), 10); err != nil || len(due) > 0 {
		t.Errorf("due after the replays: %v, %v", due, err)
	}
	if got := len(w.shop.Effects().Writes); got != before {
		t.Errorf("%d writes for a replay", got-before)
	}
}

// TestImageIsNeverAddedTwice imports the same product with the same image
// again, as another batch: what the shop has already is not added once more.
func TestImageIsNeverAddedTwice(t *testing.T) {
	w, closeWorld := newWorld(t, newDatabases(t))
	defer closeWorld()
	for n := range 2 {
		jobID := w.accept(t, bridge.OpImportProducts, threeItems(w, fmt.Sprint("twice-", n)))
		ended(t, w.finish(t, jobID, nil, nil), schemas.Succeeded)
	}
	if images := w.shop.Effects().Images; images != 3 {
		t.Errorf("two imports of the same three images stored %d", images)
	}
}

// TestReasonOfAFailureSurvivesItsWorker: an item is refused, and the worker
// dies while the job has another item to import. The job must say the same as if
// nobody had died: the item's error and, where an image was let go, the image's.
func TestReasonOfAFailureSurvivesItsWorker(t *testing.T) {
	data := newDatabases(t)
	for _, c := range []struct{ name, resource, options, journalled string }{
		{"a refused product", "products", `{}`, "journalled failed items/0product"},
		{"an image that may fail", "images", `{"skip_images_errors":true}`, "journalled failed items/0image_1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := func(killed func(string) bool) importResult {
				w, closeWorld := newWorld(t, data)
				defer closeWorld()
				payload := fmt.Sprintf(`{"batch_id":"reason-%s","options":%s,"items":[{"reference":"NEW-1","name":{"en":"New"},"price_ht":5,"stock_quantity":7,"images_to_download":[%q]},{"reference":"NEW-2","name":{"en":"Other"},"price_ht":5,"stock_quantity":7}]}`, w.front.name, c.options, w.front.image(1))
				jobID := w.accept(t, bridge.OpImportProducts, payload)
				w.shop.Inject(sandbox.Fault{Method: "POST", Resource: c.resource, Act: sandbox.Refuse(400, 84)})
				return result[importResult](t, w.finish(t, jobID, killed, nil))
			}
			said := func(r importResult) string {
				text := fmt.Sprint(r.Items[0].Outcome, " ", r.Items[0].Error)
				for _, image := range r.Items[0].Images {
					text += fmt.Sprint(" image ", image.Error)
				}
				return text
			}
			died := false
			undisturbed, disturbed := said(run(nil)), said(run(func(event string) bool {
				now := strings.HasPrefix(event, c.journalled) && !died
				died = died || now
				return now
			}))
			if !died {
				t.Fatalf("no event %q", c.journalled)
			}
			if undisturbed != disturbed {
				t.Errorf("undisturbed: %s\nafter a death: %s", undisturbed, disturbed)
			}
		})
	}
}

// TestOneBadItemDoesNotStopTheOthers: an item the shop refuses fails alone, and
// the result says which one and why.
func TestOneBadItemDoesNotStopTheOthers(t *testing.T) {
	w, closeWorld := newWorld(t, newDatabases(t))
	defer closeWorld()
	w.shop.Inject(sandbox.Fault{Method: "POST", Resource: "products", Act: sandbox.Refuse(400, 84)})
	job := w.finish(t, w.accept(t, bridge.OpImportProducts, threeItems(w, "bad")), nil, nil)
	ended(t, job, schemas.Failed)
	r := result[importResult](t, job)
	if got := fmt.Sprintln(r.Partial, r.Items[0].Outcome, r.Items[1].Outcome, r.Items[2].Outcome); got != "true failed updated unchanged\n" {
		t.Errorf("result: %s", got)
	}
	if r.Items[0].Error == nil || r.Items[0].Error.Message == "" {
		t.Error("the failed item does not say why")
	}
	if cards, _ := w.shop.Product(13); cards.Price != "9.000000" {
		t.Error("the item after the bad one was not imported")
	}
}
