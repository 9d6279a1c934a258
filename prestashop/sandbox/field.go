package sandbox

import "slices"

// kind is the type of a column: it decides how a value is stored and whether
// JSON shows it as a number or as a string.
type kind int

const (
	kindInt      kind = iota // a number in JSON
	kindBool                 // "0" or "1", a string in JSON
	kindDecimal              // fixed decimals, a string in JSON
	kindText                 // a string
	kindDate                 // "0000-00-00" when unset
	kindDateTime             // "0000-00-00 00:00:00" when unset
	kindNone                 // no column behind it; always null
)

// field describes one field of a resource: column, checks and how the
// webservice shows it.
type field struct {
	name     string
	kind     kind
	scale    int    // decimals of a kindDecimal column
	max      int    // longest value that passes validation; 0 is no limit
	width    int    // column width where it is narrower than max
	format   string // name of the validator, as shown by schema=synopsis
	required bool
	lang     bool // one value per language
	nullable bool
	bounded  bool // must fit a signed 32-bit column
	allowed  []string
	fallback string // taken instead of an empty value
	readOnly bool   // refused with code 93 when sent
	computed bool   // made up on reading; cannot be filtered
	link     string // resource an XML answer links to
	linkSub  string // image links carry the owner: images/products/{id}/
}

func integer(name string) field { return field{name: name, kind: kindInt} }
func flag(name string) field    { return field{name: name, kind: kindBool, format: "isBool"} }
func text(name string) field    { return field{name: name, kind: kindText} }
func stamped(name string) field { return field{name: name, kind: kindDateTime, format: "isDate"} }
func decimalOf(name string, scale int) field {
	return field{name: name, kind: kindDecimal, scale: scale}
}
func money(name string) field { return decimalOf(name, 6).as("isPrice") }
func translated(name string, max int, format string) field {
	return field{name: name, kind: kindText, lang: true, max: max, format: format}
}
func reference(name, resource string) field {
	return field{name: name, kind: kindInt, format: "isUnsignedId", link: resource}
}

func (f field) as(format string) field     { f.format = format; return f }
func (f field) upTo(max int) field         { f.max = max; return f }
func (f field) cutAt(width int) field      { f.width = width; return f }
func (f field) must() field                { f.required = true; return f }
func (f field) orNull() field              { f.nullable = true; return f }
func (f field) locked() field              { f.readOnly = true; return f }
func (f field) derived() field             { f.computed = true; return f }
func (f field) linked(to string) field     { f.link = to; return f }
func (f field) oneOf(v ...string) field    { f.allowed = v; return f }
func (f field) otherwise(v string) field   { f.fallback = v; return f }
func (f field) within32Bit() field         { f.bounded = true; return f }
func (f field) imageOf(owner string) field { f.link, f.linkSub = "images", owner; return f }

// association is a list of related records shown below an object.
type association struct {
	name    string
	node    string
	api     string // resource the entries belong to; shown in XML
	virtual bool   // order rows are made up from order_details
	fields  []field
}

// resource describes one resource of the webservice.
type resource struct {
	name   string // in URLs
	list   string // plural node
	node   string // singular node
	class  string // name used in validation messages
	fields []field
	// checks is the order of validation, which is the order of the object's
	// definition and not that of the webservice: with a bad price and a bad
	// reference the reference is reported (155).
	checks       []field
	associations []association
	forbidden    []string // methods refused with code 101
	special      bool     // images and search do not follow the common path
}

// lookup returns the field with the given name.
func (res *resource) lookup(name string) (field, bool) {
	i := slices.IndexFunc(res.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return res.fields[i], true
}

// translatable reports whether any field has a value per language.
func (res *resource) translatable() bool {
	return slices.ContainsFunc(res.fields, func(f field) bool { return f.lang })
}

// define makes a resource whose webservice order is head first and then the
// remaining fields of the definition.
func define(name, list, node, class string, head []field, definition ...field) *resource {
	res := &resource{name: name, list: list, node: node, class: class, checks: definition}
	res.fields = append(res.fields, integer("id"))
	res.fields = append(res.fields, head...)
	for _, f := range definition {
		if !slices.ContainsFunc(head, func(h field) bool { return h.name == f.name }) {
			res.fields = append(res.fields, f)
		}
	}
	// A field named in the head is defined once, in the definition.
	for i, f := range res.fields {
		j := slices.IndexFunc(definition, func(d field) bool { return d.name == f.name })
		if j >= 0 {
			res.fields[i] = definition[j]
		}
	}
	return res
}

// names makes head fields whose definition follows later.
func names(list ...string) []field {
	out := make([]field, len(list))
	for i, n := range list {
		out[i] = field{name: n, kind: kindNone}
	}
	return out
}
