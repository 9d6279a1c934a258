package prestashop

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The multilingual fields of a product this package writes.
const (
	fieldName            = "name"
	fieldMetaTitle       = "meta_title"
	fieldMetaDescription = "meta_description"
	fieldLinkRewrite     = "link_rewrite"
	fieldDescription     = "description"
	fieldPrice           = "price"
	fieldActive          = "active"
)

// revision is what a product should look like: absolute values, so sending it
// twice does no harm. Texts are by field and language iso code.
type revision struct {
	price  *schemas.Money
	active *bool
	texts  map[string]map[string]string
}

// setSEO adds search-engine texts.
func (r *revision) setSEO(seo schemas.LocalizedSEO) {
	for code, texts := range seo {
		r.set(fieldMetaTitle, code, texts.MetaTitle)
		r.set(fieldMetaDescription, code, texts.MetaDescription)
		r.set(fieldLinkRewrite, code, texts.LinkRewrite)
	}
}

func (r *revision) set(field, code string, value *string) {
	if value == nil {
		return
	}
	if r.texts == nil {
		r.texts = map[string]map[string]string{}
	}
	if r.texts[field] == nil {
		r.texts[field] = map[string]string{}
	}
	r.texts[field][code] = *value
}

// fieldNote is one value of a revision in the journal: where it stood and
// where it should go. Texts are kept as fingerprints.
type fieldNote struct {
	Field    string `json:"field"`
	Language int64  `json:"language,omitempty"`
	Before   string `json:"before"`
	Target   string `json:"target"`
}

// notes compares the revision with the product, in a fixed order. Languages
// the shop does not have are an error of the caller's preflight.
func (r revision) notes(p productRow, installed languages) ([]fieldNote, error) {
	var notes []fieldNote
	if r.price != nil {
		notes = append(notes, fieldNote{Field: fieldPrice, Before: p.value(fieldPrice, 0), Target: r.price.Fixed()})
	}
	if r.active != nil {
		notes = append(notes, fieldNote{Field: fieldActive, Before: p.value(fieldActive, 0), Target: digit(*r.active)})
	}
	for _, field := range slices.Sorted(maps.Keys(r.texts)) {
		for _, code := range slices.Sorted(maps.Keys(r.texts[field])) {
			id, known := installed.id(code)
			if !known {
				return nil, unknownLanguage("", code, installed)
			}
			notes = append(notes, fieldNote{Field: field, Language: id, Before: p.value(field, id), Target: fingerprint(r.texts[field][code])})
		}
	}
	return notes, nil
}

// value is a field of the product in the form of fieldNote.
func (p productRow) value(field string, language int64) string {
	switch field {
	case fieldPrice:
		price, err := p.Price.money()
		if err != nil {
			return string(p.Price)
		}
		return price.Fixed()
	case fieldActive:
		return digit(bool(p.Active))
	}
	return fingerprint(p.texts(field).in(language))
}

func (p productRow) texts(field string) localized {
	return map[string]localized{
		fieldName: p.Name, fieldDescription: p.Description, fieldMetaTitle: p.MetaTitle,
		fieldMetaDescription: p.MetaDescription, fieldLinkRewrite: p.LinkRewrite,
	}[field]
}

// same reports whether there is nothing to send.
func same(notes []fieldNote) bool {
	return !slices.ContainsFunc(notes, func(n fieldNote) bool { return n.Before != n.Target })
}

// write adds the fields that differ to a PATCH. A multilingual field goes out
// whole, every installed language of it, because the shop wipes the languages
// left out (recordings 125, 201); those the revision does not name keep what
// the product has at this moment.
func (r revision) write(e *entity, p productRow, installed languages, notes []fieldNote) {
	touched := map[string]bool{}
	for _, n := range notes {
		touched[n.Field] = touched[n.Field] || n.Before != n.Target
	}
	if touched[fieldPrice] {
		e.field(fieldPrice, r.price.Fixed())
	}
	if touched[fieldActive] {
		e.field(fieldActive, digit(*r.active))
	}
	for _, field := range slices.Sorted(maps.Keys(r.texts)) {
		if !touched[field] {
			continue
		}
		values := map[int64]string{}
		for _, l := range installed {
			values[int64(l.ID)] = p.texts(field).in(int64(l.ID))
		}
		for code, value := range r.texts[field] {
			id, _ := installed.id(code)
			values[id] = value
		}
		e.localized(field, values)
	}
}

// judge tells from the product as it is now whether the revision was applied.
// A mixture of old and new is not applied: the values are absolute, and the
// shop writes them in several statements without a transaction. A value that
// is neither is somebody else's: sending again would overwrite a newer
// decision, so a person must look. Descriptions are exempt, because the shop
// cleans HTML as it stores it.
func judge(notes []fieldNote, p productRow) (bridge.Verdict, string) {
	verdict := bridge.Applied
	for _, n := range notes {
		switch now := p.value(n.Field, n.Language); {
		case now == n.Target:
		case now == n.Before:
			verdict = bridge.NotApplied
		case n.Field != fieldDescription:
			return bridge.CannotKnow, n.Field + " now holds a value that is neither the one before nor the one sent"
		}
	}
	return verdict, ""
}

// productFacts is what people see of a product step.
type productFacts struct {
	ProductID int64                        `json:"product_id,omitempty"`
	Created   bool                         `json:"created,omitempty"`
	LeftAlone bool                         `json:"left_alone,omitempty"`
	PriceHT   *schemas.Money               `json:"price_ht,omitempty"`
	Active    *bool                        `json:"active,omitempty"`
	Texts     map[string]map[string]string `json:"texts,omitempty"` // by language, then field
}

// facts shows the fields the revision names, as the product has them.
func (r revision) facts(p productRow, installed languages) productFacts {
	facts := productFacts{ProductID: int64(p.ID)}
	if price, err := p.Price.money(); r.price != nil && err == nil {
		facts.PriceHT = &price
	}
	if r.active != nil {
		active := bool(p.Active)
		facts.Active = &active
	}
	facts.Texts = r.show(func(field, code string) string {
		id, _ := installed.id(code)
		return p.texts(field).in(id)
	})
	return facts
}

// wanted shows the revision itself.
func (r revision) wanted(productID int64) productFacts {
	return productFacts{
		ProductID: productID, PriceHT: r.price, Active: r.active,
		Texts: r.show(func(field, code string) string { return r.texts[field][code] }),
	}
}

// shownRunes bounds a text in a journal row; descriptions can be long.
const shownRunes = 512

func (r revision) show(value func(field, code string) string) map[string]map[string]string {
	if len(r.texts) == 0 {
		return nil
	}
	shown := map[string]map[string]string{}
	for field, byCode := range r.texts {
		for code := range byCode {
			if shown[code] == nil {
				shown[code] = map[string]string{}
			}
			text := value(field, code)
			if runes := []rune(text); len(runes) > shownRunes {
				text = string(runes[:shownRunes]) + "…"
			}
			shown[code][field] = text
		}
	}
	return shown
}

func digit(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}

func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// unknownLanguage names the languages there are.
func unknownLanguage(pointer, code string, installed languages) *bridge.Error {
	return declined(pointer, "the shop has no language %q; it has: %s", code, strings.Join(installed.codes(), ", "))
}
