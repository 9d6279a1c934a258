package sandbox

import (
	"fmt"
	"net/http"
	"strings"
)

// targets names the products and orders a request writes to, for the overlap
// detector: a product with its stock and images, an order with its histories
// and shipments.
func (s *Shop) targets(in *incoming) map[string]bool {
	out := map[string]bool{}
	if in.method == http.MethodGet || in.method == http.MethodHead {
		return out
	}
	path := strings.Split(in.path, "/")
	product := func(id int) { out[fmt.Sprintf("product %d", id)] = true }
	if path[0] == "images" {
		if len(path) > 2 {
			product(int(intval(path[2])))
		}
		return out
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range bodyNumbers(in, path) {
		switch path[0] {
		case products.name:
			product(id.own)
		case stockAvailables.name, combinations.name:
			product(s.data.tables[path[0]].rows[id.own].int("id_product"))
		case orders.name:
			out[fmt.Sprintf("order %d", id.own)] = true
		case orderHistories.name, orderCarriers.name:
			order := id.order
			if order == 0 {
				order = s.data.tables[path[0]].rows[id.own].int("id_order")
			}
			out[fmt.Sprintf("order %d", order)] = true
		}
	}
	delete(out, "product 0")
	delete(out, "order 0")
	return out
}

// bodyNumber is what an entity of a body says about itself.
type bodyNumber struct {
	own   int
	order int
}

func bodyNumbers(in *incoming, path []string) []bodyNumber {
	if in.method == http.MethodDelete {
		if len(path) > 1 {
			return []bodyNumber{{own: int(intval(path[1]))}}
		}
		return nil
	}
	root, err := parseMarkup(strings.TrimPrefix(string(in.body), "xml="))
	if err != nil {
		return nil
	}
	number := func(e *element, name string) int {
		if c := e.child(name); c != nil {
			return int(intval(c.content))
		}
		return 0
	}
	var out []bodyNumber
	for _, e := range root.children {
		out = append(out, bodyNumber{own: number(e, "id"), order: number(e, "id_order")})
	}
	return out
}
