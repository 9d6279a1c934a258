package sandbox

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// The methods of this file act as somebody else: a customer who buys, or an
// employee in the back office. They go past the webservice, its counters and
// the overlap detector.

// backOffice makes a run for what is not a request.
func (s *Shop) backOffice() *run {
	return &run{s: s, method: "BACKOFFICE", query: parseQuery(""),
		rests: map[int]decimal.Decimal{}, settled: map[int]decimal.Decimal{}}
}

// Sell places an order for some units of a product or combination (attribute 0
// is the product itself): an order with one row is made and the stock is
// lowered. It gives the id of the new order_detail.
func (s *Shop) Sell(product, attribute, quantity int) (detail int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.data
	if d.of(products).rows[product] == nil || d.stockRow(product, attribute) == 0 {
		return 0, fmt.Errorf("sandbox: no product %d with combination %d", product, attribute)
	}
	order := d.of(orders).next
	details, err := s.place(PlacedOrder{
		ID: order, Reference: fmt.Sprintf("SALE%05d", order), Customer: firstID(d.of(customers)), Carrier: firstID(d.of(carriers)),
		States: []int{d.settingInt("PS_OS_PAYMENT")}, Placed: s.stamp(),
		Rows: []OrderedItem{{Product: product, Variant: attribute, Quantity: quantity}},
	})
	if err != nil {
		return 0, err
	}
	d.moveStock(product, attribute, -quantity)
	return details[0], nil
}

func firstID(t *table) int {
	if ids := t.ids(); len(ids) > 0 {
		return ids[0]
	}
	return 0
}

// SetStock sets the quantity of a product or combination.
func (s *Shop) SetStock(product, attribute, quantity int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.data.stockRow(product, attribute)
	if id == 0 {
		return fmt.Errorf("sandbox: no product %d with combination %d", product, attribute)
	}
	s.data.moveStock(product, attribute, quantity-s.data.of(stockAvailables).rows[id].int("quantity"))
	return nil
}

// ProductEdit is a change made in the back office. Nil fields stay.
type ProductEdit struct {
	Price     *string
	Reference *string
	Active    *bool
	Name      Texts // languages not named stay
	MetaTitle Texts
}

// EditProduct changes a product as an employee would. Unlike the webservice,
// the back office leaves languages alone that it was not given.
func (s *Shop) EditProduct(id int, edit ProductEdit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	table := s.data.of(products)
	if table.rows[id] == nil {
		return fmt.Errorf("sandbox: no product %d", id)
	}
	stored := table.rows[id].clone()
	defer table.put(id, stored)
	set := func(name string, v any) {
		f, _ := products.lookup(name)
		stored[name] = f.column(v)
	}
	if edit.Price != nil {
		set("price", *edit.Price)
	}
	if edit.Reference != nil {
		set("reference", *edit.Reference)
	}
	if edit.Active != nil {
		set("active", *edit.Active)
	}
	for name, values := range map[string]Texts{"name": edit.Name, "meta_title": edit.MetaTitle} {
		kept, _ := stored[name].(texts)
		for language, v := range values {
			kept[language] = v
		}
	}
	stored["date_upd"] = s.stamp()
	return nil
}

// AddHistory changes the status of an order as an employee would, with
// everything that follows from it but no mail. It gives the history row's id.
func (s *Shop) AddHistory(order, state, employee int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.backOffice()
	if !r.changeState(order, state) {
		return 0, fmt.Errorf("sandbox: no order %d or no state %d", order, state)
	}
	return s.data.of(orderHistories).insert(row{"id_employee": int64(employee), "id_order_state": int64(state),
		"id_order": int64(order), "date_add": s.stamp()}), nil
}

// Product is what the shop knows of a product.
type Product struct {
	ID              int
	Reference       string
	Price           string
	Active          bool
	Name            Texts
	MetaTitle       Texts
	MetaDescription Texts
	LinkRewrite     Texts
	Categories      []int
	Images          []int
	Cover           int
	Updated         string
}

// Product gives a product by id, and whether there is one.
func (s *Shop) Product(id int) (Product, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored := s.data.of(products).rows[id]
	if stored == nil {
		return Product{}, false
	}
	words := func(name string) Texts {
		out := Texts{}
		values, _ := stored[name].(texts)
		for language, v := range values {
			out[language] = v
		}
		return out
	}
	return Product{
		ID: id, Reference: stored.str("reference"), Price: stored.str("price"), Active: stored.int("active") == 1,
		Name: words("name"), MetaTitle: words("meta_title"), MetaDescription: words("meta_description"),
		LinkRewrite: words("link_rewrite"), Categories: s.data.shelvesOf(id),
		Images: s.data.pictures.where("id_product", id), Cover: s.data.cover(id), Updated: stored.str("date_upd"),
	}, true
}

// FindProducts gives the ids of the products with exactly this reference.
func (s *Shop) FindProducts(reference string) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []int
	t := s.data.of(products)
	for _, id := range t.index["reference"][indexKey(reference)] {
		if t.rows[id].str("reference") == reference {
			out = append(out, id)
		}
	}
	return out
}

// Stock gives the quantity of a product or combination, and whether it has one.
func (s *Shop) Stock(product, attribute int) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.data.stockRow(product, attribute)
	if id == 0 {
		return 0, false
	}
	return s.data.of(stockAvailables).rows[id].int("quantity"), true
}

// Order is what the shop knows of an order.
type Order struct {
	ID        int
	Reference string
	State     int
	PaidReal  string
	Histories []History
	Shipments []Shipment
	Updated   string
}

// History is one status change of an order.
type History struct {
	ID       int
	State    int
	Employee int
}

// Shipment is one carrier row of an order.
type Shipment struct {
	ID       int
	Carrier  int
	Tracking string
}

// Order gives an order by id, and whether there is one.
func (s *Shop) Order(id int) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.data
	stored := d.of(orders).rows[id]
	if stored == nil {
		return Order{}, false
	}
	out := Order{ID: id, Reference: stored.str("reference"), State: stored.int("current_state"),
		PaidReal: stored.str("total_paid_real"), Updated: stored.str("date_upd")}
	for _, h := range d.of(orderHistories).where("id_order", id) {
		change := d.of(orderHistories).rows[h]
		out.Histories = append(out.Histories, History{h, change.int("id_order_state"), change.int("id_employee")})
	}
	for _, c := range d.of(orderCarriers).where("id_order", id) {
		shipment := d.of(orderCarriers).rows[c]
		out.Shipments = append(out.Shipments, Shipment{c, shipment.int("id_carrier"), shipment.str("tracking_number")})
	}
	return out, true
}
