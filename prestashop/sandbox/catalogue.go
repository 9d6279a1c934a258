package sandbox

import (
	"fmt"
	"maps"
	"strings"

	"github.com/shopspring/decimal"
)

// Texts are words by language id.
type Texts map[int]string

// Catalogue is the content a shop starts with.
type Catalogue struct {
	ShopName   string
	Settings   map[string]string // configuration keys beyond the usual ones
	Categories []Shelf
	Carriers   []Haulier
	Customers  []Buyer
	Products   []Item
	Orders     []PlacedOrder
}

// Shelf is a category.
type Shelf struct {
	ID     int
	Parent int
	Name   Texts
}

// Haulier is a carrier. One without a tracking address sends no in-transit mail.
type Haulier struct {
	ID          int
	Name        string
	TrackingURL string
	Delay       Texts
}

// Buyer is a customer.
type Buyer struct {
	ID                         int
	Firstname, Lastname, Email string
}

// Item is a product.
type Item struct {
	ID          int
	Reference   string
	Name        Texts
	Short       Texts
	Price       string // without tax
	Shelf       int    // main category
	Quantity    int    // of a product without variants
	Inactive    bool
	Pictures    int
	Variants    []Variant
	Weight      string
	MetaTitle   Texts
	Description Texts
}

// Variant is a combination of a product. Variants get ids in the order of the
// catalogue, from 1.
type Variant struct {
	Reference string
	Label     string
	Impact    string // added to the product's price
	Quantity  int
}

// PlacedOrder is an order.
type PlacedOrder struct {
	ID        int
	Reference string
	Customer  int
	Carrier   int
	States    []int // its history; the last one is its state
	Tracking  string
	Placed    string // shop time
	Module    string // payment module; empty is ps_checkpayment
	Rows      []OrderedItem
}

// OrderedItem is one row of an order.
type OrderedItem struct {
	Product  int
	Variant  int
	Quantity int
}

// EmptyCatalogue is the demo shop without its products and orders.
func EmptyCatalogue() *Catalogue {
	c := DemoCatalogue()
	c.Products, c.Orders = nil, nil
	return c
}

// fill puts the catalogue into a new shop.
func (c *Catalogue) fill(s *Shop) error {
	d := s.data
	d.seedReference(s.stamp())
	settings := maps.Clone(usualSettings)
	settings["PS_SHOP_NAME"] = c.ShopName
	maps.Copy(settings, c.Settings)
	for i, key := range sortedKeys(settings) {
		d.seed(configurations, i+1, row{"name": key, "value": settings[key], "id_shop": nil, "id_shop_group": nil,
			"date_add": s.stamp(), "date_upd": s.stamp()})
	}
	for _, shelf := range c.Categories {
		d.seed(categories, shelf.ID, row{"id_parent": int64(shelf.Parent), "level_depth": depth(shelf), "is_root_category": shelf.Parent == 1 && shelf.ID == 2, "active": "1",
			"id_shop_default": int64(1), "name": texts(shelf.Name), "link_rewrite": slugs(shelf.Name),
			"date_add": s.stamp(), "date_upd": s.stamp()})
	}
	for i, h := range c.Carriers {
		d.seed(carriers, h.ID, row{"name": h.Name, "url": h.TrackingURL, "delay": texts(h.Delay), "active": "1",
			"id_reference": int64(h.ID), "id_tax_rules_group": int64(1), "shipping_method": int64(1), "position": int64(i)})
	}
	for _, b := range c.Customers {
		s.register(b)
		d.seed(addresses, b.ID, row{"id_customer": int64(b.ID), "id_country": int64(8), "alias": "Home", "firstname": b.Firstname,
			"lastname": b.Lastname, "address1": "1 rue de la Lune", "postcode": "75002", "city": "Paris",
			"date_add": s.stamp(), "date_upd": s.stamp()})
	}
	for _, item := range c.Products {
		if err := s.stock(item); err != nil {
			return err
		}
	}
	for _, order := range c.Orders {
		if _, err := s.place(order); err != nil {
			return err
		}
	}
	return nil
}

// depth is how far a category is below the root; the catalogue knows three levels.
func depth(shelf Shelf) int64 { return int64(min(shelf.Parent, 2)) }

func slugs(names Texts) texts {
	out := texts{}
	for id, name := range names {
		out[id] = slug(name)
	}
	return out
}

// stock puts a product into the shop, with stock, variants and pictures.
func (s *Shop) stock(item Item) error {
	d := s.data
	if item.ID == 0 || item.Reference == "" || !validators["isprice"](item.Price) {
		return fmt.Errorf("sandbox: product %d needs an id, a reference and a price", item.ID)
	}
	kind := "standard"
	if len(item.Variants) > 0 {
		kind = "combinations"
	}
	d.seed(products, item.ID, row{
		"id_category_default": int64(item.Shelf), "id_tax_rules_group": int64(1), "id_shop_default": int64(1),
		"reference": item.Reference, "weight": item.Weight, "state": int64(1), "additional_delivery_times": int64(1),
		"product_type": kind, "minimal_quantity": int64(1), "price": item.Price, "active": !item.Inactive,
		"redirect_type": "301-category", "available_for_order": "1", "condition": "new", "show_price": "1", "indexed": "1",
		"visibility": "both", "pack_stock_type": int64(3), "name": texts(item.Name), "link_rewrite": slugs(item.Name),
		"description_short": texts(item.Short), "description": texts(item.Description), "meta_title": texts(item.MetaTitle),
		"date_add": s.stamp(), "date_upd": s.stamp(),
	})
	d.shelve(2, item.ID)
	d.shelve(item.Shelf, item.ID)
	d.addStock(item.ID, 0, item.Quantity)
	for i, v := range item.Variants {
		id := d.of(combinations).next
		d.seed(combinations, id, row{"id_product": int64(item.ID), "reference": v.Reference, "price": v.Impact,
			"minimal_quantity": int64(1), "default_on": i == 0})
		d.addStock(item.ID, id, v.Quantity)
	}
	if len(item.Variants) > 0 {
		d.sumVariants(item.ID)
		d.of(products).rows[item.ID]["cache_default_attribute"] = int64(d.defaultVariant(item.ID))
	}
	for range item.Pictures {
		id := d.addPicture(item.ID)
		d.files[id] = picture{demo: id}
	}
	return nil
}

// vat is the tax of everything in the demo, in percent.
var vat = decimal.RequireFromString("1.20")

// place puts an order into the shop. It gives the ids of its rows. The stock
// is as it is: whoever calls has already taken the goods out.
func (s *Shop) place(o PlacedOrder) ([]int, error) {
	d := s.data
	if len(o.States) == 0 || d.of(customers).rows[o.Customer] == nil || d.of(carriers).rows[o.Carrier] == nil {
		return nil, fmt.Errorf("sandbox: order %d needs a state, a customer and a carrier", o.ID)
	}
	var details []int
	net := decimal.Zero
	for _, item := range o.Rows {
		id, price, err := d.detail(o.ID, item)
		if err != nil {
			return nil, err
		}
		details = append(details, id)
		net = net.Add(price)
	}
	shipping := decimal.RequireFromString("5.00")
	gross, all := net.Mul(vat).Round(2), net.Add(shipping).Mul(vat).Round(2)
	state := d.of(orderStates).rows[o.States[len(o.States)-1]]
	module, payment := "ps_checkpayment", "Payment by check"
	if o.Module != "" {
		module, payment = o.Module, "Bank wire"
	}
	paid := decimal.Zero
	if state.int("paid") == 1 {
		paid = all
	}
	d.seed(orders, o.ID, row{
		"id_address_delivery": int64(o.Customer), "id_address_invoice": int64(o.Customer), "id_cart": int64(o.ID),
		"id_currency": int64(1), "id_lang": int64(1), "id_customer": int64(o.Customer), "id_carrier": int64(o.Carrier),
		"current_state": int64(o.States[len(o.States)-1]), "module": module, "payment": payment, "valid": state["logable"],
		"id_shop_group": int64(1), "id_shop": int64(1), "secure_key": strings.Repeat("0", 32), "reference": o.Reference,
		"total_paid": all.String(), "total_paid_tax_incl": all.String(), "total_paid_tax_excl": net.Add(shipping).String(),
		"total_paid_real": paid.String(), "total_products": net.String(), "total_products_wt": gross.String(),
		"total_shipping": shipping.Mul(vat).String(), "total_shipping_tax_incl": shipping.Mul(vat).String(),
		"total_shipping_tax_excl": shipping.String(), "conversion_rate": "1", "date_add": o.Placed, "date_upd": o.Placed,
	})
	d.of(orderCarriers).insert(row{"id_order": int64(o.ID), "id_carrier": int64(o.Carrier), "id_order_invoice": int64(0),
		"weight": "0.000000", "shipping_cost_tax_excl": shipping.StringFixed(6),
		"shipping_cost_tax_incl": shipping.Mul(vat).StringFixed(6), "tracking_number": o.Tracking, "date_add": o.Placed})
	for _, id := range o.States {
		d.of(orderHistories).insert(row{"id_employee": int64(0), "id_order_state": int64(id), "id_order": int64(o.ID), "date_add": o.Placed})
	}
	d.settle(o)
	return details, nil
}

// settle gives an order that was placed in a later state the invoice, payment
// and delivery number that the way there would have left.
func (d *database) settle(o PlacedOrder) {
	state := d.of(orderStates).rows[o.States[len(o.States)-1]]
	if state.int("invoice") == 0 {
		return
	}
	d.invoice(o.ID, o.Placed)
	if state.int("paid") == 1 {
		stored := d.of(orders).rows[o.ID]
		invoices := d.of(orderInvoices).where("id_order", o.ID)
		d.paid[invoices[0]] = stored.decimal("total_paid_real")
		d.of(orderPayments).insert(row{"order_reference": clip(o.Reference, 9), "id_currency": int64(1),
			"amount": stored["total_paid_real"], "payment_method": payers[stored.str("module")], "conversion_rate": "1.000000",
			"transaction_id": "", "card_number": "", "card_brand": "", "card_expiration": "", "card_holder": "",
			"date_add": o.Placed, "id_employee": nil})
	}
	if state.int("delivery") == 1 {
		d.deliver(o.ID, o.Placed)
	}
}

// detail adds one row to an order and gives its id and its price without tax.
func (d *database) detail(order int, item OrderedItem) (int, decimal.Decimal, error) {
	product := d.of(products).rows[item.Product]
	if product == nil || item.Variant != 0 && d.of(combinations).rows[item.Variant] == nil {
		return 0, decimal.Zero, fmt.Errorf("sandbox: order %d has a row for unknown product %d, combination %d", order, item.Product, item.Variant)
	}
	unit, sku := product.decimal("price"), product.str("reference")
	if variant := d.of(combinations).rows[item.Variant]; variant != nil {
		unit = unit.Add(variant.decimal("price"))
		sku = variant.str("reference")
	}
	name, _ := product["name"].(texts)
	net := unit.Mul(decimal.NewFromInt(int64(item.Quantity)))
	id := d.of(orderDetails).next
	d.seed(orderDetails, id, row{"id_order": int64(order), "id_shop": int64(1), "product_id": int64(item.Product),
		"product_attribute_id": int64(item.Variant), "product_name": name[1], "product_quantity": int64(item.Quantity),
		"product_quantity_in_stock": int64(item.Quantity), "product_price": unit.String(), "product_reference": sku,
		"unit_price_tax_excl": unit.String(), "unit_price_tax_incl": unit.Mul(vat).Round(6).String(),
		"total_price_tax_excl": net.String(), "total_price_tax_incl": net.Mul(vat).Round(2).String(),
		"original_product_price": unit.String()})
	return id, net, nil
}
