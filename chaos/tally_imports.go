package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// shelf is every product of the shop by reference.
type shelf map[string][]sandbox.Product

func shelfOf(shop *sandbox.Shop, w *workload, effects sandbox.Effects) shelf {
	last := len(w.catalogue.Products)
	for _, write := range effects.Writes {
		if write.Resource == "products" {
			last = max(last, write.ID)
		}
	}
	products := shelf{}
	for id := 1; id <= last; id++ {
		if p, there := shop.Product(id); there {
			products[p.Reference] = append(products[p.Reference], p)
		}
	}
	return products
}

// use is one batch's item, with what the job says of its steps.
type use struct {
	batch
	place int
}

func (u use) item() schemas.ImportItem { return u.items[u.place] }

func (u use) says(step string) span {
	if u.outcome().imported(u.place) {
		return once
	}
	return promised(u.intention, fmt.Sprintf("items/%d/%s", u.place, step))
}

// imports compares, reference by reference, all that was imported for it.
func (t *tally) imports(batches []batch, products shelf) {
	uses := map[string][]use{}
	for _, b := range batches {
		for place, item := range b.items {
			uses[item.Reference] = append(uses[item.Reference], use{b, place})
		}
	}
	for _, reference := range slices.Sorted(maps.Keys(uses)) {
		t.product(reference, uses[reference], products[reference])
	}
}

// product: there is one of it, with every picture once, and its price and its
// stock are of the import that ended last.
func (t *tally) product(reference string, uses []use, found []sandbox.Product) {
	first := uses[0].intention
	existing := once // shared products are there from the beginning
	if isNew(uses[0].place) {
		existing = uses[0].says("product")
	}
	t.expect(first, "product "+reference, len(found), existing)
	if len(found) != 1 {
		return
	}
	pictures := never
	for _, u := range uses {
		for at := range u.item().Images {
			one := u.says(fmt.Sprintf("image_%d", at+1))
			pictures = span{pictures.least + one.least, pictures.most + one.most}
		}
	}
	t.expect(first, "pictures of "+reference, len(found[0].Images), pictures)
	quantity, _ := t.shop.Stock(found[0].ID, 0)
	if !explained(uses, "stock", func(item schemas.ImportItem) bool { return item.StockQuantity == int64(quantity) }) {
		t.find(faultMissing, first, "stock of %s is %d, which the last import of it does not say", reference, quantity)
	}
	price, err := schemas.ParseMoney(found[0].Price)
	if err != nil || !explained(uses, "product", func(item schemas.ImportItem) bool { return item.PriceHT.Equal(price) }) {
		t.find(faultMissing, first, "price of %s is %s, which the last import of it does not say", reference, found[0].Price)
	}
}

// explained reports whether a value at the shop is that of the last import that
// has written it. Imports of one product run one after the other, so the one
// that ended last wrote last.
func explained(uses []use, step string, matches func(schemas.ImportItem) bool) bool {
	latestFirst := slices.SortedFunc(slices.Values(uses), func(a, b use) int { return b.ended().Compare(a.ended()) })
	for _, u := range latestFirst {
		says := u.says(step)
		if says.most > 0 && matches(u.item()) {
			return true
		}
		if says.least > 0 {
			return false
		}
	}
	return true // nothing must have been written
}

// ended is when the import's job ended. One that has not may have written
// later than all others.
func (u use) ended() time.Time {
	if u.job.FinishedAt == nil {
		return time.Now()
	}
	return *u.job.FinishedAt
}
