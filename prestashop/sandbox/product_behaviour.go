package sandbox

import (
	"net/http"
	"strings"
)

func productBehaviour() behaviour {
	return behaviour{
		compute: computeProduct,
		related: relatedToProduct,
		assign:  assignProduct,
		prepare: slugProduct,
		add:     addProduct,
		update:  updateProduct,
		relate:  relateProduct,
		remove:  removeProduct,
	}
}

// computeProduct makes up the fields of a product that are no columns.
func computeProduct(s *Shop, o *object, name string) any {
	switch name {
	case "id_default_image":
		if cover := s.data.cover(o.key); cover > 0 {
			return int64(cover)
		}
	case "id_default_combination":
		return int64(s.data.defaultVariant(o.key))
	case "position_in_category":
		if place := s.data.shelves[int(intval(o.values.str("id_category_default")))].place(o.key); place > 0 {
			return int64(place)
		}
		return "" // (153)
	case "manufacturer_name":
		if name, ok := s.data.makers[o.values.int("id_manufacturer")]; ok {
			return name
		}
		return false
	case "quantity":
		// Always 0: the quantity is in stock_availables (035).
		if o.created {
			return nil // (416)
		}
		return int64(0)
	case "type":
		return productKind(o)
	}
	return nil
}

// productKind is the old word for the type of a product; one with
// combinations counts as simple (003).
func productKind(o *object) string {
	switch {
	case o.values.int("is_virtual") == 1:
		return "virtual"
	case o.values.int("cache_is_pack") == 1 || o.values.str("product_type") == "pack":
		return "pack"
	}
	return "simple"
}

func relatedToProduct(s *Shop, o *object, name string) []row {
	var out []row
	add := func(ids []int) []row {
		for _, id := range ids {
			out = append(out, row{"id": int64(id)})
		}
		return out
	}
	switch name {
	case "categories":
		return add(s.data.shelvesOf(o.key))
	case "images":
		return add(s.data.pictures.where("id_product", o.key))
	case "combinations":
		return add(s.data.variantsOf(o.key))
	case "stock_availables":
		t := s.data.of(stockAvailables)
		for _, id := range t.where("id_product", o.key) {
			out = append(out, row{"id": int64(id), "id_product_attribute": t.rows[id]["id_product_attribute"]})
		}
		return out
	}
	return s.data.links[o.key][name]
}

// assignProduct sets the fields that are no columns.
func assignProduct(r *run, o *object, name, value string) bool {
	switch name {
	case "id_default_image":
		r.s.data.setCover(o.key, int(intval(value)))
	case "id_default_combination":
		r.s.data.setDefaultVariant(o.key, int(intval(value)))
	case "position_in_category":
		placeProduct(r, o, value)
	case "type":
	default:
		return false
	}
	return true
}

// placeProduct moves a product within its main category. It complains without
// stopping, so the fields after it are still looked at (175, 176).
func placeProduct(r *run, o *object, value string) {
	shelf := r.s.data.shelves[o.values.int("id_category_default")]
	place := int(intval(value))
	switch {
	case place <= 0:
		r.fail(http.StatusInternalServerError, 134, "You cannot set 0 or a negative position, the minimum is 1.")
	case place > shelf.size():
		r.fail(http.StatusInternalServerError, 135, "You cannot set a position greater than the total number of products in the category, starting at 1.")
	default:
		shelf.move(o.key, place)
	}
}

// slugProduct makes the link_rewrite of a new product from its name where it
// is missing or not valid. A name that is not per language makes the shop warn
// and not save (402, 410).
func slugProduct(r *run, o *object) {
	names, ok := o.values["name"].(texts)
	if !ok {
		r.warn("foreach() argument must be of type array|object, string given", "Product.php", 7769)
		return
	}
	slugs, ok := o.values["link_rewrite"].(texts)
	if !ok {
		slugs = texts{}
	}
	for id, name := range names {
		switch {
		case slugs[id] == "":
			slugs[id] = slug(name)
		case !validators["islinkrewrite"](slugs[id]):
			slugs[id] = slug(slugs[id])
		}
	}
	o.values["link_rewrite"] = slugs
}

// slug is the shop's way to make an address of a name.
func slug(name string) string {
	var b strings.Builder
	for _, c := range fold(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_', c == '-':
			b.WriteRune(c)
		case c == ' ' || c == '/' || c == '\'' || c == ':':
			b.WriteByte('-')
		}
	}
	out := b.String()
	for strings.Contains(out, "--") {
		out = strings.ReplaceAll(out, "--", "-")
	}
	return strings.Trim(out, "-")
}

// addProduct stores a new product with its stock row. A field that was not
// sent is zero, not the default of the back office: without state=1 the
// product is hidden there (404).
func addProduct(r *run, o *object) bool {
	if falsy(o.values["id_shop_default"]) {
		o.values["id_shop_default"] = "1"
	}
	r.insert(o)
	r.s.data.addStock(o.key, 0, 0)
	r.reindex(o)
	return true
}

func updateProduct(r *run, o *object) bool {
	if falsy(o.values["id_shop_default"]) {
		o.values["id_shop_default"] = "1"
	}
	r.write(o)
	r.reindex(o)
	return true
}

// reindex stands for the search index, built inside the request for active
// and searchable products (421).
func (r *run) reindex(o *object) {
	stored := r.s.data.of(products).rows[o.key]
	if stored == nil {
		return
	}
	seen := stored.str("visibility") == "both" || stored.str("visibility") == "search"
	if r.s.data.settingInt("PS_SEARCH_INDEXATION") == 1 && stored.int("active") == 1 && seen {
		stored["indexed"] = "1"
	}
}

// relateProduct replaces an association of a product. Images, stock and
// combinations have resources of their own and are left alone.
func relateProduct(r *run, o *object, name string, entries []row) {
	switch name {
	case "images", "stock_availables", "combinations", "product_option_values":
	case "categories":
		wanted := map[int]bool{}
		for _, e := range entries {
			wanted[e.int("id")] = true
		}
		for _, id := range r.s.data.shelvesOf(o.key) {
			if !wanted[id] {
				r.s.data.unshelve(id, o.key)
			}
		}
		for _, id := range sortedKeys(wanted) {
			r.s.data.shelve(id, o.key)
		}
	default:
		r.s.data.link(o.key, name, typed(entries))
	}
}

// typed turns the texts of sent entries into the numbers they are read as.
func typed(entries []row) []row {
	out := make([]row, len(entries))
	for i, e := range entries {
		out[i] = row{}
		for k, v := range e {
			out[i][k] = intval(str(v))
		}
	}
	return out
}

// removeProduct deletes a product. With images the shop dies on the first of
// them: the product is gone, the answer is a 500, and the other image rows
// stay behind (457, 463).
func removeProduct(r *run, id int) {
	d := r.s.data
	d.of(products).remove(id)
	for _, res := range []*resource{stockAvailables, combinations} {
		for _, owned := range d.of(res).where("id_product", id) {
			d.of(res).remove(owned)
		}
	}
	for _, category := range d.shelvesOf(id) {
		d.unshelve(category, id)
	}
	delete(d.links, id)
	if images := d.pictures.where("id_product", id); len(images) > 0 {
		d.dropPicture(images[0])
		r.fatal = true
	}
}

func combinationBehaviour() behaviour {
	return behaviour{
		related: func(s *Shop, o *object, name string) []row { return s.data.variants[o.key][name] },
		update:  updateCombination,
	}
}

// updateCombination writes a combination; the shop's save turns the default
// mark into a true (243).
func updateCombination(r *run, o *object) bool {
	on := !falsy(o.values["default_on"])
	r.write(o)
	if on {
		o.values["default_on"] = true
	}
	return true
}
