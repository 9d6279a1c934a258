package sandbox

// computeCategory counts the products of a category.
func computeCategory(s *Shop, o *object, name string) any {
	if name == "nb_products_recursive" {
		return int64(s.data.shelves[o.key].size())
	}
	return nil
}

// relatedToCategory lists the categories below one and its products by position.
func relatedToCategory(s *Shop, o *object, name string) []row {
	var out []row
	switch name {
	case "categories":
		for _, id := range s.data.of(categories).where("id_parent", o.key) {
			out = append(out, row{"id": int64(id)})
		}
	case "products":
		for _, id := range s.data.shelves[o.key].inOrder() {
			out = append(out, row{"id": int64(id)})
		}
	}
	return out
}
