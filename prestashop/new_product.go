package prestashop

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// newProduct builds the body of a create. Whatever a POST leaves out becomes
// zero, not the shop's default (recordings 403, 404), so the usual values are
// all here; a name in one language only is a 500 with the product created
// (recording 408), so every installed language gets one.
func (i importItem) newProduct(ctx context.Context) (*entity, error) {
	languages, err := i.shop.settings.preferredLanguages(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := i.shop.settings.configuration.get(ctx)
	if err != nil {
		return nil, err
	}
	home := settings.number("PS_HOME_CATEGORY", defaultHomeCategory)
	taxGroup, err := i.shop.settings.taxGroup.get(ctx)
	if err != nil {
		return nil, err
	}
	texts, err := i.allTexts(languages)
	if err != nil {
		return nil, err
	}
	e := newEntity("product").
		field("reference", i.in.Reference).
		field(fieldPrice, i.in.PriceHT.Fixed()).
		number("id_category_default", home).
		number("id_tax_rules_group", taxGroup).
		field(fieldActive, digit(i.in.Active != nil && *i.in.Active)).
		field("state", "1"). // saved; 0 hides it in the back office
		field("product_type", "standard").
		field("available_for_order", "1").
		field("show_price", "1").
		field("minimal_quantity", "1").
		field("visibility", "both").
		field("condition", "new").
		field("additional_delivery_times", "1")
	for _, field := range slices.Sorted(maps.Keys(texts)) {
		e.localized(field, texts[field])
	}
	return e.categories(home), nil // without one it is invisible
}

// defaultHomeCategory is Home in every fresh shop.
const defaultHomeCategory = 2

// firstTaxGroup is the tax rule group of new products: the shop's first active one,
// because the payload names none and group 0 would sell untaxed. 0 when there
// is none or the key may not look. New products are inactive unless the
// payload says otherwise, so a person sees it before a customer does.
func firstTaxGroup(ctx context.Context, c *client) (int64, error) {
	type group struct {
		ID      number `json:"id"`
		Active  flag   `json:"active"`
		Deleted flag   `json:"deleted"`
	}
	groups, err := rows[group](ctx, c, "tax_rule_groups", url.Values{})
	if isRefusal(err) {
		return 0, nil
	}
	var first int64
	for _, g := range groups {
		if bool(g.Active) && !bool(g.Deleted) && (first == 0 || int64(g.ID) < first) {
			first = int64(g.ID)
		}
	}
	return first, err
}

// allTexts fills the item's texts up to every installed language. A missing
// name is taken from the most preferred language that has one; a missing slug
// is made from the name; other texts stay empty.
func (i importItem) allTexts(preferred languages) (map[string]map[int64]string, error) {
	wanted := i.revision().texts
	texts := map[string]map[int64]string{fieldName: {}, fieldLinkRewrite: {}}
	for field, byCode := range wanted {
		texts[field] = map[int64]string{}
		for code := range byCode {
			if _, known := preferred.id(code); !known {
				return nil, refused(bridge.CodeUnprocessable, "%s", reasonOf(unknownLanguage("", code, preferred)))
			}
		}
	}
	standIn := firstName(i.in.Name, preferred)
	for _, l := range preferred {
		id, code := int64(l.ID), strings.ToLower(string(l.ISO))
		for field, byCode := range wanted {
			texts[field][id] = byCode[code]
		}
		if texts[fieldName][id] == "" {
			texts[fieldName][id] = standIn
		}
		if texts[fieldLinkRewrite][id] == "" {
			texts[fieldLinkRewrite][id] = slug(texts[fieldName][id], i.in.Reference)
		}
	}
	return texts, nil
}

// firstName is the name in the most preferred language that has one.
func firstName(names schemas.LocalizedName, preferred languages) string {
	for _, code := range preferred.codes() {
		if name := names[code]; name != "" {
			return name
		}
	}
	return ""
}

// maxSlug is the length of the shop's column.
const maxSlug = 128

// plainLetters spells the accented letters of European languages without
// their accents, as the shop's own slugs do.
var plainLetters = strings.NewReplacer(
	"à", "a", "á", "a", "â", "a", "ã", "a", "ä", "a", "å", "a", "ą", "a", "æ", "ae", "ç", "c", "ć", "c", "č", "c", "ď", "d", "đ", "d",
	"è", "e", "é", "e", "ê", "e", "ë", "e", "ę", "e", "ě", "e", "ğ", "g", "ì", "i", "í", "i", "î", "i", "ï", "i", "ı", "i", "ł", "l", "ĺ", "l",
	"ñ", "n", "ń", "n", "ň", "n", "ò", "o", "ó", "o", "ô", "o", "õ", "o", "ö", "o", "ø", "o", "ő", "o", "œ", "oe", "ř", "r", "ŕ", "r",
	"ś", "s", "š", "s", "ş", "s", "ß", "ss", "ť", "t", "ù", "u", "ú", "u", "û", "u", "ü", "u", "ů", "u", "ű", "u", "ý", "y", "ÿ", "y",
	"ź", "z", "ż", "z", "ž", "z",
)

// slug makes a link_rewrite of a name; a name without a Latin letter or digit
// falls back to the reference.
func slug(name, reference string) string {
	for _, source := range []string{name, reference} {
		var out strings.Builder
		gap := false
		for _, r := range plainLetters.Replace(strings.ToLower(source)) {
			switch {
			case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				if gap && out.Len() > 0 {
					out.WriteByte('-')
				}
				gap = false
				out.WriteRune(r)
			case r != '\'' && r != '’':
				gap = true
			}
		}
		if out.Len() > 0 {
			return strings.TrimRight(out.String()[:min(out.Len(), maxSlug)], "-")
		}
	}
	return "product"
}
