package prestashop

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Plan lays out the steps of a job. It makes no call.
func (s *Shop) Plan(_ context.Context, job bridge.Job) (bridge.Plan, error) {
	switch job.Kind {
	case bridge.OpUpdateProduct:
		return s.planUpdateProduct(job.Payload)
	case bridge.OpImportProducts:
		return s.planImportProducts(job.Payload)
	case bridge.OpUpdateOrderStatus:
		return s.planUpdateOrderStatus(job.Payload)
	}
	return bridge.Plan{}, bridge.Fault(bridge.CodeInternal, nil, "There is no plan for %s.", job.Kind)
}

// Preflight says at the door what would certainly fail later. The steps ask
// the same questions again when it is their turn.
func (s *Shop) Preflight(ctx context.Context, kind string, payload json.RawMessage) error {
	switch kind {
	case bridge.OpUpdateProduct:
		var in schemas.UpdateProduct
		if err := json.Unmarshal(payload, &in); err != nil {
			return unreadablePayload(err)
		}
		return atDoor(s.preflightProduct(ctx, in), "/product_id")
	case bridge.OpImportProducts:
		var in schemas.ImportProducts
		if err := json.Unmarshal(payload, &in); err != nil {
			return unreadablePayload(err)
		}
		return atDoor(s.preflightImport(ctx, in), "/items")
	case bridge.OpUpdateOrderStatus:
		var in schemas.UpdateOrderStatus
		if err := json.Unmarshal(payload, &in); err != nil {
			return unreadablePayload(err)
		}
		return atDoor(s.preflightStatus(ctx, in), "/order_id")
	}
	return nil
}

func unreadablePayload(err error) error {
	return bridge.Fault(bridge.CodeInternal, err, "The payload cannot be read.")
}

// atDoor turns an unknown id into a refusal that names its field.
func atDoor(err error, pointer string) error {
	var fault *bridge.ShopError
	if !errors.As(err, &fault) || fault.Fault != bridge.NotFound {
		return err
	}
	refusal := bridge.Fault(bridge.CodeNotFound, err, "%s", fault.Message)
	refusal.Fields = []schemas.FieldError{{Pointer: pointer, Keyword: "shop", Message: fault.Message}}
	return refusal
}

func (s *Shop) preflightProduct(ctx context.Context, in schemas.UpdateProduct) error {
	if _, err := row[productRow](ctx, s.client, "products", in.ProductID); err != nil {
		return err
	}
	if err := s.checkLanguages(ctx, textPointers("/updates/seo/", in.Updates.SEO)); err != nil {
		return err
	}
	if err := checkCarriable("/updates/", productUpdate{in: in}.revision()); err != nil {
		return err
	}
	return s.checkStockDelta(ctx, in)
}

// checkStockDelta refuses a difference the stock step could not apply.
func (s *Shop) checkStockDelta(ctx context.Context, in schemas.UpdateProduct) error {
	if in.Updates.StockDelta == nil {
		return nil
	}
	own, err := s.ownStock(ctx, in.ProductID, pointerStockDelta)
	if err != nil {
		return err
	}
	return checkQuantity(pointerStockDelta, int64(own.Quantity)+*in.Updates.StockDelta)
}

func (s *Shop) preflightImport(ctx context.Context, in schemas.ImportProducts) error {
	texts := map[string]string{}
	for at, item := range in.Items {
		here := importItem{unit: itemUnit(at)}
		maps.Copy(texts, textPointers(here.pointer("name/"), item.Name))
		maps.Copy(texts, textPointers(here.pointer("seo/"), item.SEO))
		maps.Copy(texts, textPointers(here.pointer("description/"), item.Description))
		if err := checkCarriable(here.pointer(""), importItem{in: item}.revision()); err != nil {
			return err
		}
		if err := carriable(item.Reference); err != nil {
			return declined(here.pointer("reference"), "the text cannot be sent to the shop: %v", err)
		}
	}
	return s.checkLanguages(ctx, texts)
}

// checkCarriable refuses texts no XML body can carry.
func checkCarriable(parent string, r revision) error {
	for field, byCode := range r.texts {
		for code, text := range byCode {
			if err := carriable(text); err != nil {
				place := "seo/" + code + "/" + field
				if field == fieldName || field == fieldDescription {
					place = field + "/" + code
				}
				return declined(parent+place, "the text cannot be sent to the shop: %v", err)
			}
		}
	}
	return nil
}

// textPointers lists localized texts: language code by JSON pointer.
func textPointers[M ~map[string]V, V any](parent string, texts M) map[string]string {
	codes := make(map[string]string, len(texts))
	for code := range texts {
		codes[parent+code] = code
	}
	return codes
}

// checkLanguages refuses texts in languages the shop does not have, all at
// once. codes are by JSON pointer.
func (s *Shop) checkLanguages(ctx context.Context, codes map[string]string) error {
	missing := func(installed languages) (pointers []string) {
		for _, pointer := range slices.Sorted(maps.Keys(codes)) {
			if _, known := installed.id(codes[pointer]); !known {
				pointers = append(pointers, pointer)
			}
		}
		return pointers
	}
	installed, ok, err := lookUp(ctx, &s.settings.languages, func(l languages) (languages, bool) { return l, len(missing(l)) == 0 })
	if err != nil || ok {
		return err
	}
	var refusal *bridge.Error
	for _, pointer := range missing(installed) {
		next := unknownLanguage(pointer, codes[pointer], installed)
		if refusal == nil {
			refusal = next
			continue
		}
		refusal.Fields = append(refusal.Fields, next.Fields...)
	}
	return refusal
}

func (s *Shop) preflightStatus(ctx context.Context, in schemas.UpdateOrderStatus) error {
	u := statusUpdate{shop: s, in: in}
	if _, err := u.move(ctx); err != nil || in.TrackingNumber == "" {
		return err
	}
	carrier, err := s.carrierOf(ctx, in.OrderID)
	if err == nil && carrier.ID == 0 {
		err = noCarrier(in.OrderID)
	}
	return err
}
