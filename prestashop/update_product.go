package prestashop

import (
	"context"
	"encoding/json"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The steps of update_product. Price and texts go in one absolute PATCH; the
// stock, the only difference, stands alone and last, with the correction of a
// sale it may have overwritten.
const (
	stepPriceSEO        = "price_seo"
	stepStock           = "stock"
	stepStockCorrection = "stock_correction"
)

const pointerStockDelta = "/updates/stock_delta"

// productUpdate is one update_product job.
type productUpdate struct {
	shop *Shop
	in   schemas.UpdateProduct
}

func (s *Shop) planUpdateProduct(payload json.RawMessage) (bridge.Plan, error) {
	u := productUpdate{shop: s}
	if err := json.Unmarshal(payload, &u.in); err != nil {
		return bridge.Plan{}, bridge.Fault(bridge.CodeInternal, err, "The job's payload cannot be read.")
	}
	unit := bridge.Unit{}
	if u.in.Updates.PriceHT != nil || len(u.in.Updates.SEO) > 0 {
		unit.Steps = append(unit.Steps, bridge.Step{Name: stepPriceSEO, Baseline: u.baseline, Send: u.send, Check: u.check})
	}
	if u.in.Updates.StockDelta != nil {
		change := stockStep{shop: s, pointer: pointerStockDelta, wish: u.stockWish, relative: true, correctable: true}
		correction := stockStep{shop: s, pointer: pointerStockDelta, wish: u.correctionWish, relative: true}
		unit.Steps = append(unit.Steps, change.step(stepStock), correction.step(stepStockCorrection))
	}
	return bridge.Plan{Units: []bridge.Unit{unit}, Result: u.result}, nil
}

func (u productUpdate) revision() revision {
	r := revision{price: u.in.Updates.PriceHT}
	r.setSEO(u.in.Updates.SEO)
	return r
}

// priceNote is the price_seo step in the journal.
type priceNote struct {
	Fields []fieldNote `json:"fields"`
}

func (u productUpdate) baseline(ctx context.Context, _ bridge.Journal) (b bridge.Baseline, err error) {
	b.Target = bridge.ProductTarget(u.in.ProductID)
	found, installed, err := u.shop.productToWrite(ctx, u.in.ProductID)
	if err != nil {
		return b, err
	}
	// What the stock step would refuse is refused before the price is changed.
	if err := u.shop.checkStockDelta(ctx, u.in); err != nil {
		return b, err
	}
	wanted := u.revision()
	notes, err := wanted.notes(found, installed)
	if err != nil {
		return b, err
	}
	b.Data, b.Before = pack(priceNote{notes}), pack(wanted.facts(found, installed))
	if same(notes) {
		b.Skip, b.After = "already_so", b.Before
	}
	return b, nil
}

func (u productUpdate) send(ctx context.Context, _ bridge.Baseline) (bridge.Effect, error) {
	return u.shop.revise(ctx, u.in.ProductID, u.revision())
}

func (u productUpdate) check(ctx context.Context, b bridge.Baseline) (bridge.Finding, error) {
	note, err := unpack[priceNote](b.Data)
	if err != nil {
		return bridge.Finding{}, err
	}
	return u.shop.checkRevision(ctx, u.in.ProductID, note.Fields, u.revision())
}

// productToWrite reads a product and the languages its texts need. The
// languages come fresh: a text for one installed meanwhile would be wiped.
func (s *Shop) productToWrite(ctx context.Context, id int64) (productRow, languages, error) {
	found, err := row[productRow](ctx, s.client, "products", id)
	if err != nil {
		return found, nil, err
	}
	installed, err := s.settings.languages.get(ctx)
	if err == nil && !installed.cover(found) {
		s.settings.languages.drop()
		installed, err = s.settings.languages.get(ctx)
	}
	return found, installed, err
}

// cover reports whether every language the product has texts in is known.
func (l languages) cover(p productRow) bool {
	for id := range p.Name {
		known := id == soleLanguage && len(l) == 1
		for _, installed := range l {
			known = known || int64(installed.ID) == id
		}
		if !known {
			return false
		}
	}
	return true
}

// revise reads the product anew and sends what differs, merged into it.
func (s *Shop) revise(ctx context.Context, id int64, wanted revision) (effect bridge.Effect, err error) {
	found, installed, err := s.productToWrite(ctx, id)
	if err != nil {
		return effect, err
	}
	notes, err := wanted.notes(found, installed)
	if err != nil {
		return effect, refused(bridge.CodeUnprocessable, "%s", reasonOf(err))
	}
	effect.After = pack(wanted.wanted(id))
	if same(notes) {
		effect.Detail = "the product had become so by itself"
		return effect, nil
	}
	e := newEntity("product").number("id", id)
	wanted.write(e, found, installed, notes)
	return effect, s.client.patch(ctx, "products", id, e)
}

func (s *Shop) checkRevision(ctx context.Context, id int64, notes []fieldNote, wanted revision) (bridge.Finding, error) {
	found, err := row[productRow](ctx, s.client, "products", id)
	if err != nil {
		return bridge.Finding{}, err
	}
	switch verdict, reason := judge(notes, found); verdict {
	case bridge.Applied:
		return applied(wanted.wanted(id), "found applied"), nil
	case bridge.NotApplied:
		return notApplied(), nil
	default:
		return cannotKnow("product %d: %s", id, reason), nil
	}
}

func (u productUpdate) stockWish(bridge.Journal) (stockWish, error) {
	delta := *u.in.Updates.StockDelta
	return stockWish{product: u.in.ProductID, target: func(quantity int64) int64 { return quantity + delta }}, nil
}

// correctionWish takes off the shelf what was sold while the stock step wrote.
func (u productUpdate) correctionWish(done bridge.Journal) (stockWish, error) {
	wish := stockWish{product: u.in.ProductID}
	rec, _ := done.Find("", stepStock)
	change, err := unpack[stockFacts](rec.After)
	if change.Lost == 0 {
		wish.skip = "not_needed"
	}
	wish.target = func(quantity int64) int64 { return quantity - change.Lost }
	return wish, err
}

// updateResult is the result of an update_product job; what was not asked for
// or did not happen is left out.
type updateResult struct {
	ProductID   int64        `json:"product_id"`
	PriceHT     *priceChange `json:"price_ht,omitempty"`
	Stock       *stockChange `json:"stock,omitempty"`
	SEO         *seoChange   `json:"seo,omitempty"`
	SkipReindex string       `json:"skip_reindex,omitempty"`
}

type (
	priceChange struct {
		Before *schemas.Money `json:"before"`
		After  *schemas.Money `json:"after"`
	}
	stockChange struct {
		Before int64 `json:"before"`
		After  int64 `json:"after"`
		Delta  int64 `json:"delta"`
		// Sold tells why after need not be before plus delta.
		Sold int64 `json:"sold_meanwhile,omitempty"`
	}
	seoChange struct {
		Before map[string]map[string]string `json:"before"`
		After  map[string]map[string]string `json:"after"`
	}
)

func (u productUpdate) result(o bridge.Outcome) any {
	result := updateResult{ProductID: u.in.ProductID}
	if u.in.Options != nil && u.in.Options.SkipReindex {
		// The shop reindexes inside the request and has no switch for it.
		result.SkipReindex = "not_supported"
	}
	for _, unit := range o.Units {
		if rec, ok := took(unit.Journal, "", stepPriceSEO); ok {
			before, _ := unpack[productFacts](rec.Before)
			after, _ := unpack[productFacts](rec.After)
			if after.PriceHT != nil {
				result.PriceHT = &priceChange{Before: before.PriceHT, After: after.PriceHT}
			}
			if after.Texts != nil {
				result.SEO = &seoChange{Before: before.Texts, After: after.Texts}
			}
		}
		result.Stock = u.stockResult(unit.Journal)
	}
	return result
}

func (u productUpdate) stockResult(done bridge.Journal) *stockChange {
	rec, ok := took(done, "", stepStock)
	if !ok {
		return nil
	}
	before, _ := unpack[stockFacts](rec.Before)
	after, _ := unpack[stockFacts](rec.After)
	change := &stockChange{Before: before.Quantity, After: after.Quantity, Delta: *u.in.Updates.StockDelta, Sold: after.Sold}
	if correction, ok := took(done, "", stepStockCorrection); ok && correction.State == bridge.StepApplied {
		corrected, _ := unpack[stockFacts](correction.After)
		change.After, change.Sold = corrected.Quantity, change.Sold+corrected.Sold
	}
	return change
}

// took finds a step that is known to hold: applied, or skipped because the
// shop already was so.
func took(done bridge.Journal, unit, name string) (bridge.StepRecord, bool) {
	rec, found := done.Find(unit, name)
	return rec, found && (rec.State == bridge.StepApplied || rec.State == bridge.StepSkipped)
}
