package prestashop

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// orderReading is what one reads of an order.
type orderReading struct {
	id           int64
	withCustomer bool
}

// Order reads an order with its carrier row and history; the customer only
// when asked. Those who ask at the same time share the shop's work and the
// answer.
func (s *Shop) Order(ctx context.Context, id int64, withCustomer bool) (schemas.Order, error) {
	return s.orders.get(ctx, orderReading{id, withCustomer}, func(ctx context.Context) (schemas.Order, error) {
		return s.readOrder(ctx, id, withCustomer)
	})
}

func (s *Shop) readOrder(ctx context.Context, id int64, withCustomer bool) (schemas.Order, error) {
	var (
		found    orderRow
		past     []historyRow
		carrier  *schemas.OrderCarrier
		settings configuration
	)
	err := together(
		func() (err error) { found, err = row[orderRow](ctx, s.client, "orders", id); return err },
		func() (err error) { past, err = s.history(ctx, id); return err },
		func() (err error) { carrier, err = s.orderCarrier(ctx, id); return err },
		s.settings.configuration.into(ctx, &settings),
	)
	if err != nil {
		return schemas.Order{}, err
	}
	view, _, err := s.orderView(ctx, found, past, carrier, settings.zone)
	if err == nil && withCustomer {
		view.Customer, err = s.customer(ctx, int64(found.Customer))
	}
	return view, err
}

// orderView is the order as clients see it, without its customer, and the
// statuses its words come from.
func (s *Shop) orderView(ctx context.Context, found orderRow, past []historyRow, carrier *schemas.OrderCarrier, zone *time.Location) (schemas.Order, statuses, error) {
	view := schemas.Order{
		ID: int64(found.ID), Reference: string(found.Reference), Carrier: carrier,
		CreatedAt: found.CreatedAt.moment(zone), UpdatedAt: found.UpdatedAt.moment(zone),
	}
	var err error
	if view.Lines, view.Totals, err = found.amounts(); err != nil {
		return view, statuses{}, unreached("The shop's amounts cannot be read.", err)
	}
	view.Totals.Currency, _, err = lookUp(ctx, &s.settings.currencies, pick(int64(found.Currency)))
	if err != nil {
		return view, statuses{}, err
	}
	known, err := s.statusesWith(ctx, found, past)
	if err != nil {
		return view, known, err
	}
	view.Status = known.status(int64(found.State))
	view.History = []schemas.OrderChange{}
	for _, h := range past {
		view.History = append(view.History, schemas.OrderChange{
			ID: int64(h.ID), StatusID: int64(h.State), Key: known.words[int64(h.State)], Name: known.name(int64(h.State)),
			EmployeeID: int64(h.Employee), At: h.At.moment(zone),
		})
	}
	return view, known, nil
}

// amounts are the parts of an order that carry money.
func (o orderRow) amounts() (lines []schemas.OrderLine, totals schemas.OrderTotals, err error) {
	read := func(t text) (m schemas.Money) {
		if err == nil {
			m, err = t.money()
		}
		return m
	}
	lines = []schemas.OrderLine{}
	for _, l := range o.Associations.Lines {
		lines = append(lines, schemas.OrderLine{
			ProductID: int64(l.Product), CombinationID: int64(l.Combination), Reference: string(l.Reference), Name: string(l.Name),
			Quantity: int64(l.Quantity), UnitTaxIncl: read(l.TaxIncl), UnitTaxExcl: read(l.TaxExcl),
		})
	}
	totals = schemas.OrderTotals{TaxIncl: read(o.TaxIncl), TaxExcl: read(o.TaxExcl)}
	return lines, totals, err
}

// carrierOf reads the order's newest carrier row; a zero row for none. An
// order can have several (recording 362).
func (s *Shop) carrierOf(ctx context.Context, orderID int64) (carrierRow, error) {
	list, err := rows[carrierRow](ctx, s.client, "order_carriers", where("id_order", orderID))
	if err != nil {
		return carrierRow{}, err
	}
	var newest carrierRow
	for _, r := range list {
		if int64(r.Order) == orderID && r.ID > newest.ID {
			newest = r
		}
	}
	return newest, nil
}

func (s *Shop) orderCarrier(ctx context.Context, orderID int64) (*schemas.OrderCarrier, error) {
	found, err := s.carrierOf(ctx, orderID)
	if err != nil || found.ID == 0 {
		return nil, err
	}
	name, _, err := lookUp(ctx, &s.settings.carriers, pick(int64(found.Carrier)))
	return &schemas.OrderCarrier{ID: int64(found.ID), CarrierID: int64(found.Carrier), Name: name, TrackingNumber: string(found.Tracking)}, err
}

// history reads the order's changes of state, oldest first.
func (s *Shop) history(ctx context.Context, orderID int64) ([]historyRow, error) {
	list, err := rows[historyRow](ctx, s.client, "order_histories", where("id_order", orderID))
	list = slices.DeleteFunc(list, func(r historyRow) bool { return int64(r.Order) != orderID })
	slices.SortFunc(list, func(a, b historyRow) int { return cmp.Compare(a.ID, b.ID) })
	return list, err
}

// statusesWith gives the states, read anew when the order is in one the cache
// has not seen.
func (s *Shop) statusesWith(ctx context.Context, o orderRow, past []historyRow) (statuses, error) {
	known, err := s.settings.statuses(ctx)
	if err != nil {
		return known, err
	}
	ids := []int64{int64(o.State)}
	for _, h := range past {
		ids = append(ids, int64(h.State))
	}
	for _, id := range ids {
		if _, found := known.state(id); !found {
			return s.settings.freshStatuses(ctx)
		}
	}
	return known, nil
}

// customer reads four columns only: the full row holds a password hash
// (recording 315).
func (s *Shop) customer(ctx context.Context, id int64) (*schemas.OrderCustomer, error) {
	query := where("id", id)
	query.Set("display", "[id,firstname,lastname,email]")
	list, err := rows[customerRow](ctx, s.client, "customers", query)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if int64(c.ID) == id {
			view := c.view()
			return &view, nil
		}
	}
	return nil, nil // a guest or erased account; the order stays readable
}

func (c customerRow) view() schemas.OrderCustomer {
	return schemas.OrderCustomer{ID: int64(c.ID), FirstName: string(c.FirstName), LastName: string(c.LastName), Email: string(c.Email)}
}

// pick finds one id in a list of names.
func pick(id int64) func(map[int64]string) (string, bool) {
	return func(names map[int64]string) (string, bool) {
		name, ok := names[id]
		return name, ok || id == 0
	}
}
