package main

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// finished is a small work of which every job says that it succeeded, and the
// shop in which nothing has been done for it yet.
func finished(t *testing.T) (*workload, *sandbox.Shop) {
	t.Helper()
	o := options{length: time.Minute, deltas: 13, statuses: 5, imports: 1, items: 1}
	w, err := planned(o, stream(1, "work"), "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	shop, err := sandbox.New(sandbox.Options{Key: shopKey, Catalogue: w.catalogue})
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range w.intentions {
		in.jobID, in.job.Status = in.requestID, schemas.Succeeded
	}
	return w, shop
}

// counted by fault, so that a case can say what it expects.
func faultsOf(shop *sandbox.Shop, check func(*tally)) map[string]int {
	sums := &tally{shop: shop}
	check(sums)
	counts := map[string]int{}
	for _, f := range sums.findings {
		counts[f.fault]++
	}
	return counts
}

// Every difference of a product shows in its final stock, however often each
// was applied and whatever the others did.
func TestStockTellsEachDifference(t *testing.T) {
	w, shop := finished(t)
	all := 0
	for _, d := range w.stocks[0].deltas {
		all += d.units
	}
	for name, c := range map[string]struct {
		moved                  int
		duplicates, missing    int
		review, refused, wrong int // index of a difference, -1 for none
	}{
		"all once":             {moved: all, review: -1, refused: -1},
		"one missing":          {moved: all - w.stocks[0].deltas[3].units, missing: 1, review: -1, refused: -1},
		"one twice":            {moved: all + w.stocks[0].deltas[9].units, duplicates: 1, review: -1, refused: -1},
		"one for another":      {moved: all - w.stocks[0].deltas[0].units + w.stocks[0].deltas[1].units, duplicates: 1, missing: 1, review: -1, refused: -1},
		"review, not applied":  {moved: all - w.stocks[0].deltas[4].units, review: 4, refused: -1},
		"review, applied":      {moved: all, review: 4, refused: -1},
		"review, twice":        {moved: all + w.stocks[0].deltas[4].units, duplicates: 1, review: 4, refused: -1},
		"refused, and applied": {moved: all, duplicates: 1, review: -1, refused: 2},
		"none":                 {moved: 0, missing: 10, review: -1, refused: -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := stock{product: w.stocks[0].product}
			for at, d := range w.stocks[0].deltas {
				own := *d.intention
				switch at {
				case c.review:
					own.job = schemas.Job{Status: schemas.NeedsReview, Steps: []schemas.JobStep{{Name: "stock", State: "unknown"}}}
				case c.refused:
					own.jobID = ""
				}
				s.deltas = append(s.deltas, delta{&own, d.units})
			}
			if err := shop.SetStock(s.product, 0, startStock+c.moved); err != nil {
				t.Fatal(err)
			}
			counts := faultsOf(shop, func(t *tally) { t.stock(s) })
			if counts[faultDuplicate] != c.duplicates || counts[faultMissing] != c.missing {
				t.Errorf("found %v, want %d duplicates and %d missing", counts, c.duplicates, c.missing)
			}
		})
	}
}

func TestOrderTellsEachChange(t *testing.T) {
	w, shop := finished(t)
	o := w.orders[0]
	o.changes = o.changes[:2]
	for at := range o.changes {
		o.changes[at].notify = true
		o.changes[at].job.Result = json.RawMessage(`{"mail":"sent"}`)
	}
	mails := map[string]int{mailKey(o.id, "payment"): 1, mailKey(o.id, "preparation"): 1}
	expect := func(name string, duplicates, missing int) {
		t.Helper()
		counts := faultsOf(shop, func(t *tally) { t.order(o, mails) })
		if counts[faultDuplicate] != duplicates || counts[faultMissing] != missing {
			t.Errorf("%s: found %v, want %d duplicates and %d missing", name, counts, duplicates, missing)
		}
	}
	change := func(state int) {
		t.Helper()
		if _, err := shop.AddHistory(o.id, state, 1); err != nil {
			t.Fatal(err)
		}
	}
	change(2)
	expect("the second is missing", 0, 1)
	change(3)
	expect("each once", 0, 0)
	change(3)
	expect("the second twice", 1, 0)
	mails[mailKey(o.id, "payment")] = 2
	expect("and a mail twice", 2, 0)
	delete(mails, mailKey(o.id, "payment"))
	expect("and a mail not sent", 1, 1)
}

func TestImportTellsEachItem(t *testing.T) {
	w, shop := finished(t)
	counts := faultsOf(shop, func(t *tally) { t.everything(w) })
	// Of ten and three differences, four and one changes, one tracking number and
	// one product nothing has been done.
	if want := 13 + 5 + 1 + 1; counts[faultMissing] != want || counts[faultDuplicate] != 0 {
		t.Errorf("found %v in an untouched shop, want %d missing", counts, want)
	}
	b := w.batches[0]
	twin := sandbox.Product{ID: 1, Reference: b.items[0].Reference, Price: b.items[0].PriceHT.String()}
	twice := shelf{twin.Reference: {twin, twin}}
	if counts := faultsOf(shop, func(t *tally) { t.imports([]batch{b}, twice) }); counts[faultDuplicate] != 1 {
		t.Errorf("found %v for two products of one reference", counts)
	}
	b.job = schemas.Job{Status: schemas.Failed, Result: json.RawMessage(`{"items":[{"outcome":"failed"}]}`)}
	if counts := faultsOf(shop, func(t *tally) { t.imports([]batch{b}, shelf{}) }); len(counts) != 0 {
		t.Errorf("found %v for an item that failed and left nothing", counts)
	}
}

// Of two imports of one product the one that ended last decides, and every
// picture of both must be there.
func TestImportsShareProducts(t *testing.T) {
	_, shop := finished(t)
	price := func(text string) schemas.Money {
		money, err := schemas.ParseMoney(text)
		if err != nil {
			t.Fatal(err)
		}
		return money
	}
	var uses []use
	for at, own := range []string{"3", "4"} {
		ended := time.Unix(int64(at), 0)
		in := &intention{jobID: own, job: schemas.Job{Status: schemas.Succeeded, FinishedAt: &ended}}
		item := schemas.ImportItem{Reference: "SHARED-1", PriceHT: price(own), StockQuantity: startStock, Images: []string{"a"}}
		uses = append(uses, use{batch{in, []schemas.ImportItem{{}, item}}, 1})
	}
	for name, c := range map[string]struct {
		price    string
		pictures []int
		faults   map[string]int
	}{
		"the last":        {"4.00", []int{1, 2}, map[string]int{}},
		"the one before":  {"3.00", []int{1, 2}, map[string]int{faultMissing: 1}},
		"a picture twice": {"4.00", []int{1, 2, 3}, map[string]int{faultDuplicate: 1}},
		"a picture less":  {"4.00", []int{1}, map[string]int{faultMissing: 1}},
	} {
		found := []sandbox.Product{{ID: 2, Reference: "SHARED-1", Price: c.price, Images: c.pictures}}
		counts := faultsOf(shop, func(t *tally) { t.product("SHARED-1", uses, found) })
		if !maps.Equal(counts, c.faults) {
			t.Errorf("%s: found %v, want %v", name, counts, c.faults)
		}
	}
}

func TestFindingTellsTheJob(t *testing.T) {
	w, _ := finished(t)
	text := finding{faultMissing, w.batches[0].intention, "gone"}.String()
	for _, part := range []string{"missing effect: gone", w.batches[0].requestID, `"status":"succeeded"`} {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}

// The schedule and the work of a seed are always the same.
func TestSeedDecides(t *testing.T) {
	o := options{length: time.Minute, deltas: 30, statuses: 9, imports: 2, items: 3}
	plan := func(seed uint64) string {
		w, err := planned(o, stream(seed, "work"), "http://127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, in := range w.intentions {
			all.WriteString(in.at.String() + in.requestID + string(in.payload))
		}
		return all.String()
	}
	if seven, again, eight := plan(7), plan(7), plan(8); seven != again || seven == eight {
		t.Error("the plan does not depend on the seed, or not only on it")
	}
}
