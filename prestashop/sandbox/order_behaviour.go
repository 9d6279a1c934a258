package sandbox

import "slices"

func orderBehaviour() behaviour {
	return behaviour{
		compute: func(s *Shop, o *object, _ string) any { return s.data.tracking(o.key) },
		related: orderRows,
		assign:  assignOrder,
		add:     addOrder,
	}
}

// addOrder dies: a new order comes from a cart and a payment module, and the
// sandbox has neither.
func addOrder(r *run, _ *object) bool {
	r.fatal = true
	return false
}

// tracking is the number of an order's first shipment.
func (d *database) tracking(order int) string {
	shipments := d.of(orderCarriers).where("id_order", order)
	if len(shipments) == 0 {
		return ""
	}
	return d.of(orderCarriers).rows[shipments[0]].str("tracking_number")
}

// orderRows shows the details of an order as rows below it (301).
func orderRows(s *Shop, o *object, _ string) []row {
	var out []row
	t := s.data.of(orderDetails)
	for _, id := range t.where("id_order", o.key) {
		detail := t.rows[id].clone()
		if detail["id_customization"] == nil {
			detail["id_customization"] = int64(0)
		}
		out = append(out, detail)
	}
	return out
}

// assignOrder sets what a PATCH of an order can do beyond its columns.
func assignOrder(r *run, o *object, name, value string) bool {
	switch name {
	case "current_state":
		setOrderState(r, o, int(intval(value)))
	case "shipping_number":
		shipments := r.s.data.of(orderCarriers).where("id_order", o.key)
		if len(shipments) > 0 { // silently nothing for an order without shipment
			r.s.data.of(orderCarriers).rows[shipments[0]]["tracking_number"] = value
			r.s.effects.wrote(r.method, orderCarriers.name, shipments[0])
		}
	default:
		return false
	}
	return true
}

// setOrderState changes the state through the order itself. It does nothing
// when the order has the state already; otherwise it always mails, asked or
// not (504), and a failing mail server goes unnoticed.
func setOrderState(r *run, o *object, state int) {
	if o.values.int("current_state") == state {
		return
	}
	if !r.changeState(o.key, state) {
		return
	}
	fresh := r.s.data.of(orders).rows[o.key]
	for name, v := range fresh {
		if name != "id" {
			o.values[name] = v
		}
	}
	if paid, ok := r.settled[o.key]; ok {
		o.values["total_paid_real"], _ = paid.Float64() // a number until read again (504)
	}
	r.addHistoryRow(o.key, state, 0)
	r.mailState(o.key, state)
}

// addHistory answers a POST of a status change: state, payment, stock, row and
// mail, in this order and without a transaction.
func addHistory(r *run, o *object) bool {
	order, state := o.values.int("id_order"), o.values.int("id_order_state")
	if !r.changeState(order, state) {
		return false
	}
	o.values["id_order_state"] = int64(state) // a number again, unlike id_order (320)
	o.values["date_add"] = nil                // the date sent is not taken (335)
	r.insert(o)
	r.s.effects.history()
	stored := r.s.data.of(orders).rows[order]
	stored["current_state"] = int64(state)
	stored["date_upd"] = r.s.stamp()
	// Only the URL can ask for the mail (340).
	if r.query.truthy("sendemail") {
		return r.mailState(order, state)
	}
	return true
}

// addHistoryRow adds a row without a request for it.
func (r *run) addHistoryRow(order, state, employee int) {
	id := r.s.data.of(orderHistories).insert(row{"id_employee": int64(employee), "id_order_state": int64(state),
		"id_order": int64(order), "date_add": r.s.stamp()})
	r.s.effects.wrote(r.method, orderHistories.name, id)
	r.s.effects.history()
}

// cancelling are the settings that name the states which put stock back.
var cancelling = []string{"PS_OS_ERROR", "PS_OS_CANCELED"}

// changeState does what a new state brings with it. An unknown order or state
// kills the request before anything is written (329, 331). The same state
// again and a step backwards are both allowed (323, 327).
func (r *run) changeState(order, state int) bool {
	d := r.s.data
	o, next := d.of(orders).rows[order], d.of(orderStates).rows[state]
	if o == nil || next == nil {
		r.fatal = true
		return false
	}
	last := d.of(orderStates).rows[o.int("current_state")]
	r.restock(order, last, next)
	o["current_state"] = int64(state)
	o["valid"] = next["logable"]
	if next.int("invoice") == 1 && o.int("invoice_number") == 0 {
		d.invoice(order, r.s.stamp())
	}
	if next.int("paid") == 1 {
		r.pay(order)
	}
	if next.int("delivery") == 1 {
		d.deliver(order, r.s.stamp())
	}
	o["date_upd"] = r.s.stamp()
	return true
}

// restock moves stock when an order is cancelled, or comes back (328, 339).
func (r *run) restock(order int, last, next row) {
	d := r.s.data
	cancels := func(state row) bool {
		return state != nil && slices.ContainsFunc(cancelling, func(key string) bool { return d.settingInt(key) == state.int("id") })
	}
	wasLogged, isLogged := last.int("logable") == 1, next.int("logable") == 1
	by := 0
	switch {
	case isLogged && !wasLogged && cancels(last):
		by = -1
	case !isLogged && wasLogged && cancels(next):
		by = 1
	case !isLogged && !wasLogged && cancels(next) && !cancels(last):
		by = 1
	}
	if by == 0 {
		return
	}
	for _, id := range d.of(orderDetails).where("id_order", order) {
		detail := d.of(orderDetails).rows[id]
		d.moveStock(detail.int("product_id"), detail.int("product_attribute_id"), by*detail.int("product_quantity"))
	}
}

// invoice makes the invoice of an order and links its rows and shipments.
func (d *database) invoice(order int, now string) {
	d.invoiced++
	o := d.of(orders).rows[order]
	o["invoice_number"], o["invoice_date"] = int64(d.invoiced), now
	r := row{"id_order": int64(order), "number": int64(d.invoiced), "delivery_number": int64(0), "delivery_date": zeroTime,
		"shipping_tax_computation_method": int64(0), "shop_address": d.setting("PS_SHOP_NAME"), "note": "", "date_add": now}
	for _, name := range []string{"total_paid_tax_excl", "total_paid_tax_incl", "total_products", "total_products_wt",
		"total_shipping_tax_excl", "total_shipping_tax_incl", "total_wrapping_tax_excl", "total_wrapping_tax_incl"} {
		r[name] = o[name]
	}
	r["total_discount_tax_excl"], r["total_discount_tax_incl"] = o["total_discounts_tax_excl"], o["total_discounts_tax_incl"]
	id := d.of(orderInvoices).insert(r)
	for _, res := range []*resource{orderDetails, orderCarriers} {
		for _, owned := range d.of(res).where("id_order", order) {
			if stored := d.of(res).rows[owned]; stored.int("id_order_invoice") == 0 {
				stored["id_order_invoice"] = int64(id)
			}
		}
	}
}

// payers are the names under which payment modules book a payment (363).
var payers = map[string]string{"ps_checkpayment": "Payments by check", "ps_wirepayment": "Wire payment"}

// pay books the unpaid rest of every invoice of an order. The rest is read
// once a request: two paid states in one POST pay twice (342).
func (r *run) pay(order int) {
	d := r.s.data
	o := d.of(orders).rows[order]
	for _, invoice := range d.of(orderInvoices).where("id_order", order) {
		rest, seen := r.rests[invoice]
		if !seen {
			rest = d.of(orderInvoices).rows[invoice].decimal("total_paid_tax_incl").Sub(d.paid[invoice])
			r.rests[invoice] = rest
		}
		if !rest.IsPositive() {
			continue
		}
		d.paid[invoice] = d.paid[invoice].Add(rest)
		total := o.decimal("total_paid_real").Add(rest)
		o["total_paid_real"] = total.StringFixed(6)
		r.settled[order] = total
		d.of(orderPayments).insert(row{"order_reference": clip(o.str("reference"), 9), "id_currency": o["id_currency"],
			"amount": rest.StringFixed(6), "payment_method": payers[o.str("module")], "conversion_rate": o["conversion_rate"],
			"transaction_id": "", "card_number": "", "card_brand": "", "card_expiration": "", "card_holder": "",
			"date_add": r.s.stamp(), "id_employee": nil})
	}
}

// deliver gives the order a delivery number once, and a new delivery date at
// every state that delivers (325, 345).
func (d *database) deliver(order int, now string) {
	o := d.of(orders).rows[order]
	invoices := d.of(orderInvoices).where("id_order", order)
	if len(invoices) == 0 {
		return
	}
	for _, id := range invoices {
		invoice := d.of(orderInvoices).rows[id]
		if invoice.int("delivery_number") == 0 {
			d.delivered++
			invoice["delivery_number"], invoice["delivery_date"] = int64(d.delivered), now
			o["delivery_number"] = int64(d.delivered)
		}
	}
	o["delivery_date"] = now
}

// mailState sends the mail of a state, if it has one. It reports false when
// the mail server is down; everything before has then happened (508).
func (r *run) mailState(order, state int) bool {
	d := r.s.data
	next := d.of(orderStates).rows[state]
	template, _ := next["template"].(texts)
	word := template[d.settingInt("PS_LANG_DEFAULT")]
	if next.int("send_email") == 0 || word == "" {
		return true
	}
	return r.mail(order, word)
}

func (r *run) mail(order int, template string) bool {
	if r.s.switches.mailDown {
		return false
	}
	o := r.s.data.of(orders).rows[order]
	to := r.s.data.of(customers).rows[o.int("id_customer")].str("email")
	r.s.effects.mailed(Mail{OrderID: order, Template: template, To: to})
	return true
}

// updateOrderCarrier writes a shipment. With sendemail=1 the in-transit mail
// goes out each time, changed or not, but only if the carrier has a tracking
// address (355, 501, 502).
func updateOrderCarrier(r *run, o *object) bool {
	r.write(o)
	if !r.query.truthy("sendemail") {
		return true
	}
	order := o.values.int("id_order")
	carrier := r.s.data.of(carriers).rows[o.values.int("id_carrier")]
	if carrier.str("url") == "" || r.s.data.of(orders).rows[order] == nil {
		return true
	}
	return r.mail(order, "in_transit")
}
