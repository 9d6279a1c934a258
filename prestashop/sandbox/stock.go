package sandbox

import "slices"

// addStock adds the stock row of a product or combination.
func (d *database) addStock(product, attribute, quantity int) {
	d.of(stockAvailables).insert(row{
		"id_product": int64(product), "id_product_attribute": int64(attribute), "id_shop": int64(1),
		"id_shop_group": int64(0), "quantity": int64(quantity), "depends_on_stock": "0",
		"out_of_stock": int64(2), "location": "",
	})
}

// updateStock writes a stock row. A product may have only one row for each
// combination: moving a row onto another dies on the table's key (229).
func updateStock(r *run, o *object) bool {
	d := r.s.data
	product, attribute := o.values.int("id_product"), o.values.int("id_product_attribute")
	if other := d.stockRow(product, attribute); other != 0 && other != o.key {
		r.fatal = true
		return false
	}
	r.write(o)
	if attribute != 0 {
		d.sumVariants(product)
	}
	return true
}

// sumVariants rewrites the row of a product from those of its combinations
// (234). The row can be patched itself, and is then wrong until the next sum
// (235).
func (d *database) sumVariants(product int) {
	t := d.of(stockAvailables)
	total := 0
	for _, id := range t.where("id_product", product) {
		if t.rows[id].int("id_product_attribute") != 0 {
			total += t.rows[id].int("quantity")
		}
	}
	if id := d.stockRow(product, 0); id != 0 {
		t.rows[id]["quantity"] = int64(total)
	}
}

// moveStock changes a quantity by some units, as an order or a cancellation does.
func (d *database) moveStock(product, attribute, by int) bool {
	id := d.stockRow(product, attribute)
	if id == 0 {
		return false
	}
	stored := d.of(stockAvailables).rows[id]
	stored["quantity"] = int64(stored.int("quantity") + by)
	if attribute != 0 {
		d.sumVariants(product)
	}
	return true
}

// defaultVariant is the combination a product shows first, 0 if it has none.
func (d *database) defaultVariant(product int) int {
	t := d.of(combinations)
	for _, id := range t.where("id_product", product) {
		if t.rows[id].int("default_on") == 1 {
			return id
		}
	}
	return 0
}

// variantsOf lists the combinations of a product. The database reads a small
// share of its table by the index on the default mark, where the default one
// comes last, and otherwise by id (003, 722).
func (d *database) variantsOf(product int) []int {
	t := d.of(combinations)
	ids := t.where("id_product", product)
	if len(ids)*10 <= len(t.rows) {
		slices.SortStableFunc(ids, func(a, b int) int { return t.rows[a].int("default_on") - t.rows[b].int("default_on") })
	}
	return ids
}

func (d *database) setDefaultVariant(product, variant int) {
	t := d.of(combinations)
	for _, id := range t.where("id_product", product) {
		t.rows[id]["default_on"] = "0"
		if id == variant {
			t.rows[id]["default_on"] = "1"
		}
	}
}

// link replaces an association of a product that has no table here.
func (d *database) link(product int, name string, entries []row) {
	if d.links[product] == nil {
		d.links[product] = map[string][]row{}
	}
	d.links[product][name] = entries
}
