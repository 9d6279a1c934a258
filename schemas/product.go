package schemas

import "encoding/json"

// Product is what get_product answers. Maps are keyed by language iso code;
// UpdatedAt is RFC 3339 in the shop's zone.
type Product struct {
	ID              int64                `json:"id"`
	Reference       string               `json:"reference"`
	Active          bool                 `json:"active"`
	PriceHT         Money                `json:"price_ht" jsonschema_description:"Before tax, shop's default currency."`
	TaxRulesGroupID int64                `json:"tax_rules_group_id"`
	Names           map[string]string    `json:"names"`
	SEO             map[string]SEOFields `json:"seo"`
	Stock           Stock                `json:"stock"`
	Images          []int64              `json:"images"`
	Categories      []int64              `json:"categories"`
	UpdatedAt       string               `json:"updated_at"`
}

// MarshalJSON writes empty lists and maps as such, never as null: the output
// schema promises them.
func (p Product) MarshalJSON() ([]byte, error) {
	type plain Product
	p.Names, p.SEO = nonNilMap(p.Names), nonNilMap(p.SEO)
	p.Images, p.Categories = nonNil(p.Images), nonNil(p.Categories)
	return json.Marshal(plain(p))
}

// SEOFields are one language's texts as the shop holds them.
type SEOFields struct {
	MetaTitle       string `json:"meta_title"`
	MetaDescription string `json:"meta_description"`
	LinkRewrite     string `json:"link_rewrite"`
}

// Stock is a product's quantity in units; with combinations it is their sum.
type Stock struct {
	Quantity        int64              `json:"quantity"`
	HasCombinations bool               `json:"has_combinations"`
	Combinations    []CombinationStock `json:"combinations"`
}

// MarshalJSON writes no combinations as an empty list.
func (s Stock) MarshalJSON() ([]byte, error) {
	type plain Stock
	s.Combinations = nonNil(s.Combinations)
	return json.Marshal(plain(s))
}

// CombinationStock is the quantity of one product_attribute.
type CombinationStock struct {
	ID       int64 `json:"id"`
	Quantity int64 `json:"quantity"`
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func nonNilMap[T any](of map[string]T) map[string]T {
	if of == nil {
		return map[string]T{}
	}
	return of
}
