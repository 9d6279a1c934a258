package sandbox

import (
	"slices"
	"sync"
)

// resources are the ones the sandbox has tables for, by name in the URL.
var resources map[string]*resource

// described makes a resource that describe fills in: a bridge without a sandbox
// must not start later for its hundreds of fields, nor have so much to collect
// before it has begun.
func described(by func() *resource) *resource {
	res := &resource{}
	descriptions = append(descriptions, func() { *res = *by() })
	return res
}

var descriptions []func()

// describe fills in all resources, once.
var describe = sync.OnceFunc(func() {
	for _, fill := range descriptions {
		fill()
	}
	resources = index(
		products, combinations, stockAvailables, categories,
		orders, orderDetails, orderHistories, orderCarriers, orderStates,
		orderPayments, orderInvoices,
		languages, currencies, carriers, configurations, taxRuleGroups, taxes,
		customers, addresses, specificPrices,
	)
})

func index(list ...*resource) map[string]*resource {
	out := make(map[string]*resource, len(list))
	for _, res := range list {
		out[res.name] = res
	}
	return out
}

// known reports whether a real shop has a resource of this name.
func known(name string) bool {
	return slices.ContainsFunc(entries, func(e entry) bool { return e.name == name })
}

// hollow are resources a real shop has and the sandbox keeps no rows of; the
// node names differ from the resource name for some (215).
var hollow = map[string]*resource{
	"stock_movements": {name: "stock_movements", list: "stock_mvts", node: "stock_mvt", class: "StockMvtWS",
		fields: []field{integer("id")}, forbidden: []string{"PUT", "POST", "PATCH", "DELETE"}},
	"order_slip": {name: "order_slip", list: "order_slips", node: "order_slip", class: "OrderSlip",
		fields: []field{integer("id")}, forbidden: readOnlyHere},
}

// readOnlyHere are the methods refused on what the sandbox only shows.
var readOnlyHere = []string{"PUT", "POST", "PATCH", "DELETE"}

// find returns the description of a resource. One without rows answers as an
// empty table of that name.
func find(name string) *resource {
	if res := resources[name]; res != nil {
		return res
	}
	if res := hollow[name]; res != nil {
		return res
	}
	res := &resource{name: name, list: name, node: name, class: name, fields: []field{integer("id")}, forbidden: readOnlyHere}
	res.special = name == "images" || name == "search"
	return res
}
