package sandbox

import (
	"cmp"
	"strings"
)

// behaviour is what a resource does beyond storing its row. Every function may
// be nil. They run with the shop locked.
type behaviour struct {
	// compute gives the value of a computed field.
	compute func(s *Shop, o *object, name string) any
	// related gives the entries of an association.
	related func(s *Shop, o *object, name string) []row
	// assign is called for a field with a setter of its own and reports
	// whether it dealt with it.
	assign func(r *run, o *object, name, value string) bool
	// prepare runs after the fields of a POST are set and before validation.
	prepare func(r *run, o *object)
	// add and update store the object. They report false for code 46.
	add    func(r *run, o *object) bool
	update func(r *run, o *object) bool
	// relate stores an association that was sent.
	relate func(r *run, o *object, name string, entries []row)
	// remove deletes the object.
	remove func(r *run, id int)
	// order is the order of an unsorted list where it is not by id.
	order func(a, b row) int
}

// acts gives the behaviour of a resource. It is a function and not a field,
// because behaviours look up other resources in turn.
func (res *resource) acts() behaviour {
	switch res {
	case products:
		return productBehaviour()
	case combinations:
		return combinationBehaviour()
	case stockAvailables:
		return behaviour{update: updateStock}
	case categories:
		return behaviour{compute: computeCategory, related: relatedToCategory}
	case orders:
		return orderBehaviour()
	case orderHistories:
		return behaviour{add: addHistory}
	case orderCarriers:
		return behaviour{update: updateOrderCarrier}
	case orderPayments:
		// The list comes in the order of the reference index (363).
		return behaviour{order: byText("order_reference")}
	case orderInvoices:
		// The list comes in the order of the order index (364).
		return behaviour{order: byNumber("id_order")}
	case orderStates:
		// The list comes in the order of the module index (310).
		return behaviour{order: byText("module_name")}
	case customers:
		return behaviour{related: relatedToCustomer}
	}
	return behaviour{}
}

func byText(name string) func(a, b row) int {
	return func(a, b row) int { return strings.Compare(a.str(name), b.str(name)) }
}

func byNumber(name string) func(a, b row) int {
	return func(a, b row) int { return cmp.Compare(a.int(name), b.int(name)) }
}

func relatedToCustomer(_ *Shop, o *object, _ string) []row {
	return []row{{"id": o.values["id_default_group"]}}
}
