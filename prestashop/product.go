package prestashop

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// Product reads a product with its stock. Those who ask at the same time share
// the shop's work and the answer.
func (s *Shop) Product(ctx context.Context, id int64) (schemas.Product, error) {
	return s.products.get(ctx, id, func(ctx context.Context) (schemas.Product, error) { return s.readProduct(ctx, id) })
}

func (s *Shop) readProduct(ctx context.Context, id int64) (schemas.Product, error) {
	var (
		found     productRow
		quantity  stocks
		installed languages
		settings  configuration
	)
	err := together(
		func() (err error) { found, err = row[productRow](ctx, s.client, "products", id); return err },
		func() (err error) { quantity, err = s.stockRows(ctx, id); return err },
		s.settings.languages.into(ctx, &installed),
		s.settings.configuration.into(ctx, &settings),
	)
	if err != nil {
		return schemas.Product{}, err
	}
	return found.view(quantity, installed, settings.zone)
}

// view is the product as clients see it.
func (p productRow) view(quantity stocks, installed languages, zone *time.Location) (schemas.Product, error) {
	price, err := p.Price.money()
	if err != nil {
		return schemas.Product{}, unreached("The shop's price cannot be read.", err)
	}
	return schemas.Product{
		ID:              int64(p.ID),
		Reference:       string(p.Reference),
		Active:          bool(p.Active),
		PriceHT:         price,
		TaxRulesGroupID: int64(p.TaxGroup),
		Names:           installed.byCode(p.Name),
		SEO:             p.seo(installed),
		Stock:           quantity.view(),
		Images:          append([]int64{}, p.Associations.Images...),
		Categories:      append([]int64{}, p.Associations.Categories...),
		UpdatedAt:       p.UpdatedAt.moment(zone),
	}, nil
}

func (p productRow) seo(installed languages) map[string]schemas.SEOFields {
	fields := map[string]schemas.SEOFields{}
	titles, descriptions, links := installed.byCode(p.MetaTitle), installed.byCode(p.MetaDescription), installed.byCode(p.LinkRewrite)
	for _, code := range installed.codes() {
		fields[code] = schemas.SEOFields{MetaTitle: titles[code], MetaDescription: descriptions[code], LinkRewrite: links[code]}
	}
	return fields
}

// stocks are a product's stock rows: the one of the product itself and, where
// it has combinations, one of each.
type stocks []stockRow

func (s *Shop) stockRows(ctx context.Context, productID int64) (stocks, error) {
	list, err := rows[stockRow](ctx, s.client, "stock_availables", where("id_product", productID))
	return slices.DeleteFunc(list, func(r stockRow) bool { return int64(r.Product) != productID }), err
}

func (s stocks) view() schemas.Stock {
	view := schemas.Stock{Combinations: []schemas.CombinationStock{}}
	var own int64
	for _, r := range s {
		if r.Combination == 0 {
			own = int64(r.Quantity)
			continue
		}
		view.HasCombinations = true
		view.Quantity += int64(r.Quantity)
		view.Combinations = append(view.Combinations, schemas.CombinationStock{ID: int64(r.Combination), Quantity: int64(r.Quantity)})
	}
	if !view.HasCombinations {
		view.Quantity = own
	}
	return view
}

// own is the row of a product without combinations. The row of one with
// combinations is only their sum: the shop rewrites it at the next save of any
// of them, so a change there would be lost or leave the two apart
// (recordings 234, 235).
func (s stocks) own(productID int64, pointer string) (stockRow, error) {
	if s.view().HasCombinations {
		return stockRow{}, declined(pointer, "product %d has combinations: its stock is the sum of theirs and cannot be changed as a whole", productID)
	}
	for _, r := range s {
		if r.Combination == 0 {
			return r, nil
		}
	}
	return stockRow{}, declined(pointer, "product %d has no stock row in the shop", productID)
}

// productByReference finds the one product with exactly this reference; 0 for
// none. References are not unique in the shop (recording 406), and it compares
// them without regard to case (recording 025): a hit that differs in case is
// as ambiguous as two hits.
func (s *Shop) productByReference(ctx context.Context, pointer, reference string) (int64, error) {
	// Without brackets the filter is plain equality.
	query := url.Values{"filter[reference]": {reference}, "display": {"[id,reference]"}, "limit": {"0,10"}}
	hits, err := rows[productRow](ctx, s.client, "products", query)
	if err != nil || len(hits) == 0 {
		return 0, err
	}
	if len(hits) == 1 && string(hits[0].Reference) == reference {
		return int64(hits[0].ID), nil
	}
	var found []string
	for _, hit := range hits {
		found = append(found, fmt.Sprintf("product %d (%s)", hit.ID, strconv.Quote(string(hit.Reference))))
	}
	return 0, declined(pointer, "the reference %q is ambiguous in the shop: %s", reference, strings.Join(found, ", "))
}
