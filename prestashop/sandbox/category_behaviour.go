package sandbox

import "slices"

// computeCategory counts the products of a category.
func computeCategory(s *Shop, o *object, name string) any {
	if name == "nb_products_recursive" {
		return int64(len(s.data.shelves[o.key]))
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
		shelf := s.data.shelves[o.key]
		ids := sortedKeys(shelf)
		slices.SortStableFunc(ids, func(a, b int) int { return shelf[a] - shelf[b] })
		for _, id := range ids {
			out = append(out, row{"id": int64(id)})
		}
	}
	return out
}
