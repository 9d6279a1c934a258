package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// intention is one thing the client wants done, with the request id it keeps
// for it. What has become of it is guarded by the ledger.
type intention struct {
	operation string
	requestID string
	payload   []byte
	at        time.Duration // when it is sent, from the storm's beginning
	// after is the intention that must be answered before: the next status of
	// the same order.
	after    *intention
	answered chan struct{} // closed by the last answer

	jobID   string
	refusal string      // the answer, if it was a final no
	job     schemas.Job // as last polled
}

// workload is all that will be sent, and what the shop holds before.
type workload struct {
	intentions []*intention // in the order of sending
	stocks     []stock
	orders     []order
	batches    []batch
	catalogue  *sandbox.Catalogue
}

// stock is a product and the differences meant for it. The differences of one
// product are powers of four with either sign, so the final quantity, read in
// base four, tells how often each of them was applied: 0 to 3 times.
type stock struct {
	product int
	deltas  []delta
}

type delta struct {
	*intention
	units int
}

const (
	deltasPerProduct = 10 // the largest is 4^9, below the contract's million
	stockBase        = 4
	startStock       = 2_000_000
)

// order is an order and its changes of status, each status once.
type order struct {
	id      int
	changes []change
}

type change struct {
	*intention
	status
	notify   bool
	tracking string
}

// status is a word of the contract with what the shop makes of it.
type status struct {
	word string
	id   int
	mail string // template, "" for a status without mail
}

var statusChain = []status{
	{"payment_accepted", 2, "payment"}, {"processing", 3, "preparation"}, {"shipped", 4, "shipped"}, {"delivered", 5, ""},
}

// batch is one import. Every fifth of its items is a new product, the others
// change products that all batches of its lane share: the bridge must let those
// run one after the other, and may let the lanes run side by side.
type batch struct {
	*intention
	items []schemas.ImportItem
}

const (
	newEvery       = 5
	batchesPerLane = 8
)

func (o options) lanes() int { return max(3, o.imports/batchesPerLane) }

// isNew reports whether the item at a place of a batch is a new product.
func isNew(place int) bool { return place%newEvery == 0 }

func sharedReference(lane, place int) string { return fmt.Sprintf("SHARED-%d-%d", lane, place) }

// planned lays out the work of a storm. The same seed and options plan the same.
func planned(o options, rng *rand.Rand, pictures string) (*workload, error) {
	w := &workload{catalogue: sandbox.EmptyCatalogue()}
	for at := range o.deltas {
		if at%deltasPerProduct == 0 {
			w.addStock(2 + at/deltasPerProduct) // product 1 is what orders are made of
		}
		w.addDelta(o, rng)
	}
	w.catalogue.Products = append(w.catalogue.Products, simpleProduct(1))
	for at := range o.statuses {
		if at%len(statusChain) == 0 {
			w.addOrder(1 + at/len(statusChain))
		}
		if err := w.addChange(o, rng); err != nil {
			return nil, err
		}
	}
	w.addShared(o)
	for at := range o.imports {
		if err := w.addBatch(o, rng, at, pictures); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(w.intentions, func(a, b *intention) int { return int(a.at - b.at) })
	return w, nil
}

// sendingShare is the part of the storm in which the client sends; in the rest
// of it the bridge works on under fire.
const sendingShare = 0.85

func (w *workload) add(o options, rng *rand.Rand, operation string, payload any) (*intention, error) {
	raw, err := json.Marshal(payload)
	in := &intention{
		operation: operation, requestID: requestID(rng), payload: raw, answered: make(chan struct{}),
		at: time.Duration(rng.Float64() * sendingShare * float64(o.length)),
	}
	w.intentions = append(w.intentions, in)
	return in, err
}

// requestID makes a UUID v4 that the seed decides.
func requestID(rng *rand.Rand) string {
	var id uuid.UUID
	for at := range id {
		id[at] = byte(rng.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}

func (w *workload) addStock(product int) {
	w.stocks = append(w.stocks, stock{product: product})
	w.catalogue.Products = append(w.catalogue.Products, simpleProduct(product))
}

func simpleProduct(id int) sandbox.Item {
	name := "Chaos " + strconv.Itoa(id)
	return sandbox.Item{ID: id, Reference: "CHAOS-" + strconv.Itoa(id), Price: "10.00", Shelf: 3, Quantity: startStock, Name: sandbox.Texts{1: name, 2: name}}
}

func (w *workload) addDelta(o options, rng *rand.Rand) {
	s := &w.stocks[len(w.stocks)-1]
	units := 1
	for range s.deltas {
		units *= stockBase
	}
	if rng.IntN(2) == 0 {
		units = -units
	}
	payload := fmt.Appendf(nil, `{"product_id":%d,"updates":{"stock_delta":%d}}`, s.product, units)
	// A RawMessage of ours always marshals.
	in, _ := w.add(o, rng, bridge.OpUpdateProduct, json.RawMessage(payload))
	s.deltas = append(s.deltas, delta{in, units})
}

func (w *workload) addOrder(id int) {
	w.orders = append(w.orders, order{id: id})
	w.catalogue.Orders = append(w.catalogue.Orders, sandbox.PlacedOrder{
		ID: id, Reference: fmt.Sprintf("CH%07d", id), Customer: 1 + id%3, Carrier: 2, States: []int{1}, Placed: "2026-03-02 09:12:44",
		Rows: []sandbox.OrderedItem{{Product: 1, Quantity: 1}},
	})
}

// addChange adds the order's next status, to be sent after the one before.
func (w *workload) addChange(o options, rng *rand.Rand) error {
	own := &w.orders[len(w.orders)-1]
	next := change{status: statusChain[len(own.changes)], notify: rng.IntN(2) == 0}
	if next.word == "shipped" {
		next.tracking = fmt.Sprintf("CH%08dFR", own.id)
	}
	in, err := w.add(o, rng, bridge.OpUpdateOrderStatus, schemas.UpdateOrderStatus{
		OrderID: int64(own.id), NewStatus: next.word, NotifyCustomer: next.notify, TrackingNumber: next.tracking,
	})
	next.intention = in
	if len(own.changes) > 0 {
		next.after = own.changes[len(own.changes)-1].intention
		next.at = max(next.at, next.after.at)
	}
	own.changes = append(own.changes, next)
	return err
}

// addShared puts the products into the shop that the batches of a lane change.
func (w *workload) addShared(o options) {
	for lane := range o.lanes() {
		for place := range o.items {
			if isNew(place) {
				continue
			}
			product := simpleProduct(1 + len(w.catalogue.Products))
			product.Reference = sharedReference(lane, place)
			w.catalogue.Products = append(w.catalogue.Products, product)
		}
	}
}

// picturesOf is how many pictures an item has by its place in the batch: of
// five new ones three in all, and of the changed ones every tenth one.
func picturesOf(place int) int { return []int{2, 0, 0, 1, 0, 1, 0, 0, 0, 0}[place%10] }

func (w *workload) addBatch(o options, rng *rand.Rand, number int, pictures string) error {
	items := make([]schemas.ImportItem, o.items)
	for at := range items {
		reference := sharedReference(number%o.lanes(), at)
		if isNew(at) {
			reference = fmt.Sprintf("IMPORT-%d-%d", number, at)
		}
		price, err := schemas.ParseMoney(fmt.Sprintf("%d.%02d", 1+rng.IntN(500), rng.IntN(100)))
		if err != nil {
			return err
		}
		items[at] = schemas.ImportItem{
			Reference: reference, PriceHT: price, StockQuantity: int64(1 + rng.IntN(1000)),
			Name: schemas.LocalizedName{"en": "Imported " + reference, "fr": "Importé " + reference},
		}
		for picture := range picturesOf(at) {
			items[at].Images = append(items[at].Images, fmt.Sprintf("%s/%d/%s/%d.png", pictures, number, reference, picture))
		}
	}
	in, err := w.add(o, rng, bridge.OpImportProducts, schemas.ImportProducts{BatchID: fmt.Sprintf("chaos-%d", number), Items: items})
	w.batches = append(w.batches, batch{in, items})
	return err
}
