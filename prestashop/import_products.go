package prestashop

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The steps of an import item; image steps are image_1 to image_10.
const (
	stepProduct = "product"
	stepImage   = "image_"
)

// importItem is one item of an import_products job: a unit of its plan.
type importItem struct {
	shop  *Shop
	in    schemas.ImportItem
	batch schemas.ImportProducts
	unit  string // items/N, as in the payload's JSON pointer
}

func (s *Shop) planImportProducts(payload json.RawMessage) (bridge.Plan, error) {
	var batch schemas.ImportProducts
	if err := json.Unmarshal(payload, &batch); err != nil {
		return bridge.Plan{}, bridge.Fault(bridge.CodeInternal, err, "The job's payload cannot be read.")
	}
	plan := bridge.Plan{}
	items := make([]importItem, len(batch.Items))
	for i, in := range batch.Items {
		items[i] = importItem{shop: s, in: in, batch: batch, unit: itemUnit(i)}
		plan.Units = append(plan.Units, bridge.Unit{Key: items[i].unit, Steps: items[i].steps()})
	}
	plan.Result = func(o bridge.Outcome) any { return importResultOf(batch.BatchID, items, o) }
	return plan, nil
}

func (i importItem) steps() []bridge.Step {
	quantity := stockStep{shop: i.shop, pointer: i.pointer("stock_quantity"), wish: i.stockWish}
	steps := []bridge.Step{
		{Name: stepProduct, Baseline: i.baseline, Send: i.send, Check: i.check},
		quantity.step(stepStock),
	}
	for n, address := range i.in.Images {
		image := &imageStep{shop: i.shop, item: i, address: address, name: stepImage + strconv.Itoa(n+1)}
		steps = append(steps, image.step(i.batch.SkipImageErrors()))
	}
	return steps
}

// itemNote is the product step in the journal. Product is 0 for a create.
type itemNote struct {
	Product int64       `json:"product,omitempty"`
	Fields  []fieldNote `json:"fields,omitempty"`
}

// revision is what the item says about its product.
func (i importItem) revision() revision {
	r := revision{price: &i.in.PriceHT, active: i.in.Active}
	for code, name := range i.in.Name {
		r.set(fieldName, code, &name)
	}
	for code, description := range i.in.Description {
		r.set(fieldDescription, code, &description)
	}
	r.setSEO(i.in.SEO)
	return r
}

func (i importItem) baseline(ctx context.Context, _ bridge.Journal) (b bridge.Baseline, err error) {
	id, err := i.shop.productByReference(ctx, i.pointer("reference"), i.in.Reference)
	switch {
	case err != nil:
		return b, err
	case id == 0 && !i.batch.CreateMissing():
		return b, declined(i.pointer("reference"), "no product has the reference %q, and create_if_missing is false", i.in.Reference)
	case id == 0:
		return bridge.Baseline{Target: bridge.ReferenceTarget(i.in.Reference), Data: pack(itemNote{})}, nil
	}
	b.Target = bridge.ProductTarget(id)
	if !i.batch.UpdateExisting() {
		b.Skip, b.After = "exists, and update_if_exists is false", pack(productFacts{ProductID: id, LeftAlone: true})
		return b, nil
	}
	found, installed, err := i.shop.productToWrite(ctx, id)
	if err != nil {
		return b, err
	}
	wanted := i.revision()
	notes, err := wanted.notes(found, installed)
	if err != nil {
		return b, err
	}
	b.Data, b.Before = pack(itemNote{Product: id, Fields: notes}), pack(wanted.facts(found, installed))
	if same(notes) {
		b.Skip, b.After = "already_so", b.Before
	}
	return b, nil
}

func (i importItem) send(ctx context.Context, b bridge.Baseline) (effect bridge.Effect, err error) {
	note, err := unpack[itemNote](b.Data)
	if err != nil {
		return effect, err
	}
	if note.Product != 0 {
		return i.shop.revise(ctx, note.Product, i.revision())
	}
	e, err := i.newProduct(ctx)
	if err != nil {
		return effect, err
	}
	id, err := i.shop.client.post(ctx, "products", nil, e)
	if err != nil {
		return effect, err
	}
	// Only several hits are a refusal here; a failed read takes nothing from
	// the shop's clear yes.
	_, err = i.shop.productByReference(ctx, i.pointer("reference"), i.in.Reference)
	if several := (*bridge.Error)(nil); errors.As(err, &several) {
		return effect, twice("the product")
	}
	return bridge.Effect{After: pack(i.created(id))}, nil
}

func (i importItem) created(id int64) productFacts {
	facts := i.revision().wanted(id)
	facts.Created = true
	return facts
}

// check finds a created product by its reference, which was in the same
// request. The shop stores a product, its texts and its categories one after
// the other, so one that is there may still be half made.
func (i importItem) check(ctx context.Context, b bridge.Baseline) (bridge.Finding, error) {
	note, err := unpack[itemNote](b.Data)
	if err != nil {
		return bridge.Finding{}, err
	}
	if note.Product != 0 {
		return i.shop.checkRevision(ctx, note.Product, note.Fields, i.revision())
	}
	id, err := i.shop.productByReference(ctx, i.pointer("reference"), i.in.Reference)
	if several := (*bridge.Error)(nil); errors.As(err, &several) {
		return cannotKnow("%s", several.Message), nil
	}
	if err != nil || id == 0 {
		return notApplied(), err
	}
	found, installed, err := i.shop.productToWrite(ctx, id)
	if err != nil {
		return bridge.Finding{}, err
	}
	notes, err := i.revision().notes(found, installed)
	if err != nil {
		return bridge.Finding{}, err
	}
	// The shop cleans HTML as it stores it, so descriptions prove nothing.
	notes = slices.DeleteFunc(notes, func(n fieldNote) bool { return n.Field == fieldDescription })
	switch {
	case len(found.Associations.Categories) == 0:
		return cannotKnow("product %d was created, but without its category", id), nil
	case !same(notes):
		return cannotKnow("product %d has the reference %q, but not all that was sent", id, i.in.Reference), nil
	}
	return applied(i.created(id), "found applied"), nil
}

// productOf gives the product the item's first step ended with.
func (i importItem) productOf(done bridge.Journal) (productFacts, error) {
	rec, _ := done.Find(i.unit, stepProduct)
	return unpack[productFacts](rec.After)
}

// stockWish is absolute: what the merchant counted, whatever the shop had.
func (i importItem) stockWish(done bridge.Journal) (stockWish, error) {
	product, err := i.productOf(done)
	wish := stockWish{product: product.ProductID, target: func(int64) int64 { return i.in.StockQuantity }, isNew: product.Created && i.justCreated(done)}
	if product.LeftAlone {
		wish.skip = "left alone with its product"
	}
	return wish, err
}

// newFor is how long a product counts as new: far longer than the way from its
// creation to its stock step, far shorter than a person needs to find it.
const newFor = 10 * time.Second

// justCreated is false for a job that was taken up again later.
func (i importItem) justCreated(done bridge.Journal) bool {
	rec, _ := done.Find(i.unit, stepProduct)
	return rec.State == bridge.StepApplied && rec.SentAt != nil && time.Since(*rec.SentAt).Abs() < newFor
}

// importResult is the result of an import_products job.
type importResult struct {
	BatchID string       `json:"batch_id"`
	Partial bool         `json:"partial"`
	Items   []itemResult `json:"items"`
}

type itemResult struct {
	Reference string            `json:"reference"`
	ProductID int64             `json:"product_id,omitempty"`
	Outcome   string            `json:"outcome"`
	Error     *schemas.JobError `json:"error,omitempty"`
	Images    []imageResult     `json:"images"`
}

type imageResult struct {
	URL     string            `json:"url"`
	ImageID int64             `json:"image_id,omitempty"`
	Error   *schemas.JobError `json:"error,omitempty"`
}

// The outcomes of an item.
const (
	outcomeCreated     = "created"
	outcomeUpdated     = "updated"
	outcomeUnchanged   = "unchanged"
	outcomeFailed      = "failed"
	outcomeNeedsReview = "needs_review"
)

func importResultOf(batchID string, items []importItem, o bridge.Outcome) importResult {
	result := importResult{BatchID: batchID, Items: []itemResult{}}
	changed, unfinished := false, false
	for at, unit := range o.Units {
		result.Items = append(result.Items, items[at].result(unit))
		changed = changed || changedShop(unit.Journal)
		unfinished = unfinished || unit.State != bridge.UnitDone
	}
	result.Partial = changed && unfinished
	return result
}

func changedShop(done bridge.Journal) bool {
	for _, rec := range done {
		if rec.State == bridge.StepApplied {
			return true
		}
	}
	return false
}

func (i importItem) result(unit bridge.UnitOutcome) itemResult {
	result := itemResult{Reference: i.in.Reference, Images: []imageResult{}}
	product, _ := i.productOf(unit.Journal)
	result.ProductID = product.ProductID
	switch {
	case unit.State == bridge.UnitUnknown:
		result.Outcome = outcomeNeedsReview
	case unit.State != bridge.UnitDone:
		result.Outcome = outcomeFailed
	case product.Created:
		result.Outcome = outcomeCreated
	case changedShop(unit.Journal):
		result.Outcome = outcomeUpdated
	default:
		result.Outcome = outcomeUnchanged
	}
	if unit.Error != nil {
		result.Error = &schemas.JobError{Code: string(unit.Error.Code), Message: unit.Error.Message, Fix: unit.Error.PublicFix()}
	}
	for n, address := range i.in.Images {
		image := imageResult{URL: address}
		if rec, found := unit.Journal.Find(i.unit, stepImage+strconv.Itoa(n+1)); found {
			after, _ := unpack[imageFacts](rec.After)
			image.ImageID, image.Error = after.ImageID, rec.Error
		}
		result.Images = append(result.Images, image)
	}
	return result
}

// pointer names a field of the item in the payload.
func (i importItem) pointer(field string) string { return "/" + i.unit + "/" + field }

// itemUnit is the key of an item's unit.
func itemUnit(at int) string { return "items/" + strconv.Itoa(at) }
