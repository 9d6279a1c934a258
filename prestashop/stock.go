package prestashop

import (
	"context"
	"fmt"
	"math"

	"github.com/prestashop-bridge/bridge/bridge"
)

// The webservice writes stock as an absolute number and offers neither a
// difference nor a compare-and-set, while customers go on buying. So a change
// is journalled as (quantity read, target, last sale counted in it), and what
// was sold since explains every later quantity:
//
//	quantity + sold since == target           applied
//	quantity + sold since == quantity read    not applied
//	anything else                             somebody else changed it too
//
// The two cannot both hold, because the target differs from the quantity.

// stockNote is a stock change in the journal.
type stockNote struct {
	Product  int64 `json:"product"`
	Stock    int64 `json:"stock_available"`
	Quantity int64 `json:"quantity"`
	Target   int64 `json:"target"`
	LastSale int64 `json:"last_sale"` // highest id_order_detail counted in Quantity
}

// stockFacts is what people see of a stock step.
type stockFacts struct {
	Quantity int64 `json:"quantity"`
	Sold     int64 `json:"sold_meanwhile,omitempty"`
	// Lost are units sold between the read and the write, which the write put
	// back on the shelf; the correction takes them off again.
	Lost int64 `json:"lost_units,omitempty"`
}

// stockWish is what a stock step wants, known only when it is its turn.
type stockWish struct {
	product int64
	target  func(quantity int64) int64
	skip    string
	isNew   bool // this job has created the product, moments ago
}

// stockStep sets the stock of a product without combinations. A relative
// change is verified after the write, because a sale between the read and the
// write is overwritten; correctable says that a later step can make up for it.
type stockStep struct {
	shop        *Shop
	pointer     string // of the payload's field
	wish        func(done bridge.Journal) (stockWish, error)
	relative    bool
	correctable bool
}

func (s stockStep) step(name string) bridge.Step {
	return bridge.Step{Name: name, Target: s.target, Baseline: s.baseline, Send: s.send, Check: s.check}
}

// target is the product; an error of the wish is left to baseline.
func (s stockStep) target(done bridge.Journal) string {
	wish, err := s.wish(done)
	if err != nil {
		return ""
	}
	return bridge.ProductTarget(wish.product)
}

func (s stockStep) baseline(ctx context.Context, done bridge.Journal) (b bridge.Baseline, err error) {
	wish, err := s.wish(done)
	if err != nil {
		return b, err
	}
	b.Target, b.Skip = bridge.ProductTarget(wish.product), wish.skip
	if wish.skip != "" {
		return b, nil
	}
	at, lastSale, err := s.shop.stockBefore(ctx, wish, s.pointer)
	if err != nil {
		return b, err
	}
	note := stockNote{Product: wish.product, Stock: int64(at.ID), Quantity: int64(at.Quantity), Target: wish.target(int64(at.Quantity)), LastSale: lastSale}
	if err := checkQuantity(s.pointer, note.Target); err != nil {
		return b, err
	}
	b.Data, b.Before = pack(note), pack(stockFacts{Quantity: note.Quantity})
	if note.Target == note.Quantity {
		b.Skip, b.After = "already_so", b.Before
	}
	return b, nil
}

func (s stockStep) send(ctx context.Context, b bridge.Baseline) (effect bridge.Effect, err error) {
	note, err := unpack[stockNote](b.Data)
	if err != nil {
		return effect, err
	}
	body := newEntity("stock_available").number("id", note.Stock).number("quantity", note.Target)
	if err := s.shop.client.patch(ctx, "stock_availables", note.Stock, body); err != nil {
		return effect, err
	}
	facts := stockFacts{Quantity: note.Target}
	if !s.relative {
		return bridge.Effect{After: pack(facts)}, nil
	}
	now, err := s.shop.stockSince(ctx, note)
	if err != nil {
		return effect, afterWrite(err)
	}
	facts = stockFacts{Quantity: now.quantity, Sold: now.sold, Lost: now.quantity + now.sold - note.Target}
	switch {
	case facts.Lost == 0 && !now.unsure:
		return bridge.Effect{After: pack(facts)}, nil
	case facts.Lost > 0 && facts.Lost <= now.sold && !now.unsure && s.correctable:
		return bridge.Effect{After: pack(facts), Detail: fmt.Sprintf("%d sold while the stock was written; corrected by the next step", facts.Lost)}, nil
	}
	return effect, &bridge.ShopError{
		Fault: bridge.Unclear, Code: bridge.CodeShopUnavailable,
		Message: fmt.Sprintf("The stock was set to %d, and reads %d with %d sold since.", note.Target, now.quantity, now.sold),
	}
}

func (s stockStep) check(ctx context.Context, b bridge.Baseline) (bridge.Finding, error) {
	note, err := unpack[stockNote](b.Data)
	if err != nil {
		return bridge.Finding{}, err
	}
	now, err := s.shop.stockSince(ctx, note)
	if err != nil {
		return bridge.Finding{}, err
	}
	return note.finding(now), nil
}

// finding applies the formula at the head of this file.
func (n stockNote) finding(now stockNow) bridge.Finding {
	explained := now.quantity + now.sold
	switch {
	case now.unsure:
		return cannotKnow("the stock reads %d, but an order since then was cancelled, refused or removed, so what was sold cannot be counted (stock before %d, target %d)", now.quantity, n.Quantity, n.Target)
	case explained == n.Target:
		return applied(stockFacts{Quantity: now.quantity, Sold: now.sold}, "found applied")
	case explained == n.Quantity:
		return notApplied()
	}
	return cannotKnow("the stock reads %d with %d sold since, which neither the stock before (%d) nor the target (%d) explains", now.quantity, now.sold, n.Quantity, n.Target)
}

// checkQuantity holds a quantity to the shop's column, a signed 32-bit number
// (recording 226).
func checkQuantity(pointer string, quantity int64) error {
	if quantity < math.MinInt32 || quantity > math.MaxInt32 {
		return declined(pointer, "the resulting stock of %d is outside what the shop can store", quantity)
	}
	return nil
}
