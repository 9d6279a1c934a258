package policies

// stance is what a name says about tax.
type stance int

const (
	silent stance = iota
	taxIn
	taxOut
)

// maxMarkerBytes is how long a value can be and still be a marker such as
// "ttc" or "tax included" rather than a text about the product.
const maxMarkerBytes = 64

// taxIncluded finds tax-included prices: by the member's own name, by its name
// together with the name of the object it stands in ({"tax":{"included":true}}),
// and by markers among the values ({"price_type":"ttc"}, {"field":"price_ttc"}).
// Texts about a product may say TTC as often as they like.
func taxIncluded(_ Book, m *member) (string, bool) {
	if !m.element && (m.name.any(func(r reading) bool { return speaksOfTaxIn(r, m.value) }) || insideTaxIn(m)) {
		return "", true
	}
	text, isText := m.value.(string)
	canMark := m.name.kinds&(reference|sort|price|tax|included|with) != 0 || m.name.letters == "name"
	if !isText || len(text) > maxMarkerBytes || !canMark {
		return "", false
	}
	return "", marksTaxIn(m, read(text))
}

// speaksOfTaxIn judges one reading of a name with its value. A price is
// refused whatever its value, unless the name turns out to be a switch that is
// off (price_includes_tax: false); a mere switch is refused when it is on, or
// when a before-tax switch is off.
func speaksOfTaxIn(r reading, value any) bool {
	switch stanceOf(r) {
	case taxIn:
		if r.kinds()&price != 0 {
			return !denied(value)
		}
		return affirmed(value) && !denied(value)
	case taxOut:
		return r.kinds()&(price|tax) != price && denied(value)
	}
	return false
}

// insideTaxIn reads the name of the object around m and m's own name as one.
// The outer name must be about prices and taxes only.
func insideTaxIn(m *member) bool {
	outer := m.container()
	if outer == nil {
		return false
	}
	return outer.name.any(func(around reading) bool {
		if !around.only(price | tax | included | with | gross | sort | filler) {
			return false
		}
		return m.name.any(func(own reading) bool {
			return speaksOfTaxIn(join(around, own), m.value)
		})
	})
}

// marksTaxIn judges a short text value.
func marksTaxIn(m *member, value *spelling) bool {
	saysTaxIn := func(r reading) bool { return stanceOf(r) == taxIn }
	kinds := m.name.kinds
	namesField := kinds&reference != 0 || (m.name.letters == "name" && hasValueSibling(m))
	if namesField && value.any(saysTaxIn) {
		return true
	}
	if kinds&sort != 0 && hasPriceSibling(m) && value.any(saysTaxIn) {
		return true
	}
	if kinds&(price|tax|included|with) == 0 {
		return false
	}
	return m.name.any(func(own reading) bool {
		return value.any(func(said reading) bool {
			return saysTaxIn(join(own, said)) || saysTaxIn(join(said, own))
		})
	})
}

func join(a, b reading) reading { return append(append(reading{}, a...), b...) }

func hasPriceSibling(m *member) bool {
	for key := range m.siblings {
		if m.names.read(key).kinds&price != 0 {
			return true
		}
	}
	return false
}

// hasValueSibling tells {"name":"price_ttc","value":12} from a product's name.
func hasValueSibling(m *member) bool {
	for key := range m.siblings {
		if letters := m.names.read(key).letters; letters == "value" || letters == "val" {
			return true
		}
	}
	return false
}

// stanceOf reads what the words say about tax as a whole.
func stanceOf(r reading) stance {
	kinds := r.kinds()
	verdict := silent
	for i, p := range r {
		found := silent
		switch {
		case p.kind&marker != 0:
			found = taxIn
			if precededBy(r, i, negation|without|excluded) {
				found = taxOut
			}
		case p.kind&tax != 0:
			found = polarity(r, i)
		case p.kind&beforeTax != 0:
			found = taxOut
		}
		if found == taxIn {
			return taxIn
		}
		verdict = max(verdict, found)
	}
	if verdict == taxOut || kinds&physical != 0 {
		return verdict
	}
	return impliedStance(r)
}

// impliedStance is for names that never say tax: gross_price, total_wt,
// price_incl, prix toutes taxes, and gross alone.
func impliedStance(r reading) stance {
	kinds := r.kinds()
	for i, p := range r {
		switch {
		case p.kind&gross != 0 && !precededBy(r, i, negation) && (kinds&price != 0 || (p.word != "wt" && r.only(gross|filler|sort|tax))):
			return taxIn
		case kinds&price != 0 && (p.word == "incl" || p.word == "inkl" || p.word == "inclusive"):
			return taxIn
		case kinds&price != 0 && p.kind&tax != 0 && i > 0 && (r[i-1].word == "toutes" || r[i-1].word == "all"):
			return taxIn
		}
	}
	return silent
}

// polarity finds whether the tax at i is in or out: the nearest word that says
// so decides, the one before the tax where two are equally near
// (price_incl_tax_excl_shipping is tax-included).
func polarity(r reading, i int) stance {
	for distance := 1; distance < len(r); distance++ {
		if j := i - distance; j >= 0 {
			if s := polarityWord(r, j, included|with, excluded|without); s != silent {
				return s
			}
		}
		if j := i + distance; j < len(r) {
			if s := polarityWord(r, j, included, excluded); s != silent {
				return s
			}
		}
	}
	return silent
}

func polarityWord(r reading, j int, in, out kind) stance {
	turned := precededBy(r, j, negation)
	switch {
	case r[j].kind&in != 0 && !turned, r[j].kind&out != 0 && turned:
		return taxIn
	case r[j].kind&in != 0, r[j].kind&out != 0:
		return taxOut
	}
	return silent
}

func precededBy(r reading, i int, kinds kind) bool { return i > 0 && r[i-1].kind&kinds != 0 }
