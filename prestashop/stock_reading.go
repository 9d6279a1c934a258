package prestashop

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// stockTries is how often a moving stock is read before the step gives up for
// now.
const stockTries = 5

// stockAtRest reads a product's own stock row and, with it, what belongs to
// the same moment. The shop takes an ordered product off the stock first and
// writes the order line later (OrderDetail::create), so the companion read
// comes saleLag after the quantity, and the quantity must not have moved
// around both: then every unit missing from it has its line.
func (s *Shop) stockAtRest(ctx context.Context, product int64, pointer string, companion func() error) (stockRow, error) {
	before, err := s.ownStock(ctx, product, pointer)
	if err != nil {
		return stockRow{}, err
	}
	for range stockTries {
		if err := pause(ctx, s.saleLag); err != nil {
			return stockRow{}, err
		}
		if err := companion(); err != nil {
			return stockRow{}, err
		}
		after, err := s.ownStock(ctx, product, pointer)
		if err != nil {
			return stockRow{}, err
		}
		if after == before {
			return after, nil
		}
		before = after
	}
	return stockRow{}, &bridge.ShopError{
		Fault: bridge.Unclear, Code: bridge.CodeShopUnavailable,
		Message: fmt.Sprintf("The stock of product %d keeps moving and could not be read at rest.", product),
	}
}

// stockBefore reads a product's stock and the last sale counted in it.
func (s *Shop) stockBefore(ctx context.Context, wish stockWish, pointer string) (at stockRow, lastSale int64, err error) {
	if wish.isNew {
		unsold, at, err := s.neverSold(ctx, wish.product, pointer)
		if err != nil || unsold {
			return at, 0, err
		}
	}
	at, err = s.stockAtRest(ctx, wish.product, pointer, func() (err error) {
		lastSale, err = s.lastSale(ctx, wish.product)
		return err
	})
	return at, lastSale, err
}

// neverSold reads the stock of a new product, and whether nothing was ever
// taken from it. The shop creates its row with 0 (Product::add), and takes what
// is sold off before it writes the line: a sale under way would show as less
// than 0, one that is over by its line, whichever of the two is read first.
// Nothing is in motion that a pause could wait for. Whoever had stocked the
// product by hand and sold just as many again would deceive this, for which
// there is no time while it is new.
func (s *Shop) neverSold(ctx context.Context, product int64, pointer string) (unsold bool, at stockRow, err error) {
	var lastSale int64
	err = together(
		func() (err error) { at, err = s.ownStock(ctx, product, pointer); return err },
		func() (err error) { lastSale, err = s.lastSale(ctx, product); return err },
	)
	return err == nil && at.Quantity == 0 && lastSale == 0, at, err
}

func (s *Shop) ownStock(ctx context.Context, product int64, pointer string) (stockRow, error) {
	list, err := s.stockRows(ctx, product)
	if err != nil {
		return stockRow{}, err
	}
	return list.own(product, pointer)
}

// pause waits unless the context ends first.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return unreached("The attempt ended while the shop was being read.", ctx.Err())
	case <-timer.C:
		return nil
	}
}

// saleColumns are what counting sales needs.
const saleColumns = "[id,id_order,product_id,product_quantity,product_quantity_reinjected]"

// lastSale is the highest id_order_detail of a product, 0 for none.
func (s *Shop) lastSale(ctx context.Context, product int64) (int64, error) {
	query := where("product_id", product)
	query.Set("display", saleColumns)
	query.Set("sort", "[id_DESC]")
	query.Set("limit", "1")
	sales, err := rows[saleRow](ctx, s.client, "order_details", query)
	var last int64
	for _, sale := range sales {
		if int64(sale.Product) == product {
			last = max(last, int64(sale.ID))
		}
	}
	return last, err
}

// stockNow is the stock together with what was sold since a note. Unsure says
// that goods came back, so that the sales do not tell what left the shelf.
type stockNow struct {
	quantity, sold int64
	unsure         bool
}

func (s *Shop) stockSince(ctx context.Context, note stockNote) (now stockNow, err error) {
	at, err := s.stockAtRest(ctx, note.Product, "", func() (err error) {
		now.sold, now.unsure, err = s.soldSince(ctx, note)
		return err
	})
	now.quantity = int64(at.Quantity)
	return now, err
}

// soldSince counts the units in order lines newer than the note's last sale.
func (s *Shop) soldSince(ctx context.Context, note stockNote) (units int64, unsure bool, err error) {
	query := where("product_id", note.Product)
	query.Set("filter[id]", ">["+strconv.FormatInt(note.LastSale, 10)+"]")
	query.Set("display", saleColumns)
	sales, err := rows[saleRow](ctx, s.client, "order_details", query)
	if err != nil {
		return 0, false, err
	}
	var orders []int64
	for _, sale := range sales {
		if int64(sale.Product) != note.Product || int64(sale.ID) <= note.LastSale {
			continue
		}
		units += int64(sale.Quantity)
		unsure = unsure || sale.Restored != 0
		orders = append(orders, int64(sale.Order))
	}
	if len(orders) == 0 || unsure {
		return units, unsure, nil
	}
	slices.Sort(orders)
	unsure, err = s.goodsCameBack(ctx, slices.Compact(orders))
	return units, unsure, err
}

// goodsCameBack reports whether one of the orders is in a state that puts its
// goods back on sale, or is gone.
func (s *Shop) goodsCameBack(ctx context.Context, orders []int64) (bool, error) {
	query := anyOf("id", orders)
	query.Set("display", "[id,current_state]")
	found, err := rows[orderRow](ctx, s.client, "orders", query)
	if err != nil {
		return false, err
	}
	known, err := s.settings.statuses(ctx)
	if err != nil {
		return false, err
	}
	if !known.knowRestocking() {
		return true, nil
	}
	seen := map[int64]bool{}
	for _, o := range found {
		seen[int64(o.ID)] = true
		if known.restocks(int64(o.State)) {
			return true, nil
		}
	}
	return slices.ContainsFunc(orders, func(id int64) bool { return !seen[id] }), nil
}
