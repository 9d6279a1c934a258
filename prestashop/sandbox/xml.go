package sandbox

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// xmlRenderer writes XML answers, byte for byte as the shop lays them out.
type xmlRenderer struct {
	run *run
	b   strings.Builder
}

func (x *xmlRenderer) contentType() string { return xmlType }

// wrap puts the document element around what has been written.
func (x *xmlRenderer) wrap() []byte {
	return []byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<prestashop xmlns:xlink=\"http://www.w3.org/1999/xlink\">\n" +
		x.b.String() + "</prestashop>\n")
}

func cdata(s string) string {
	return "<![CDATA[" + strings.ReplaceAll(s, "]]>", "]]]]><![CDATA[>") + "]]>"
}

func (x *xmlRenderer) errors(list []trouble) []byte {
	x.b.Reset()
	x.b.WriteString("<errors>\n")
	for _, t := range list {
		fmt.Fprintf(&x.b, "<error>\n<code>%s</code>\n<message>%s</message>\n</error>\n", cdata(str(int64(t.code))), cdata(t.message))
	}
	x.b.WriteString("</errors>\n")
	return x.wrap()
}

// root writes the resources the key may use (001).
func (x *xmlRenderer) root() []byte {
	r := x.run
	fmt.Fprintf(&x.b, "<api shopName=\"%s\">\n", html.EscapeString(r.s.data.setting("PS_SHOP_NAME")))
	for _, e := range entries {
		granted, ok := r.account.rights[e.name]
		if !ok {
			continue
		}
		var grants strings.Builder
		for _, m := range methods {
			fmt.Fprintf(&grants, " %s=\"%t\"", strings.ToLower(m), slices.Contains(granted, m))
		}
		link := fmt.Sprintf(" xlink:href=\"%s%s\"", r.base(), e.name)
		fmt.Fprintf(&x.b, "<%s%s%s>\n<description%s%s>\n%s</description>\n", e.name, link, grants.String(), link, grants.String(), e.description)
		if e.schema {
			for _, schema := range []string{"blank", "synopsis"} {
				fmt.Fprintf(&x.b, "<schema xlink:href=\"%s%s?schema=%s\" type=\"%s\"/>\n", r.base(), e.name, schema, schema)
			}
		}
		fmt.Fprintf(&x.b, "</%s>\n", e.name)
	}
	x.b.WriteString("</api>\n")
	return x.wrap()
}

func (x *xmlRenderer) objects() []byte {
	r := x.run
	if r.schema != "" {
		x.object(&object{res: r.res, values: row{}})
		return x.wrap()
	}
	if !r.single {
		fmt.Fprintf(&x.b, "<%s>\n", r.res.list)
	}
	for _, o := range r.objects {
		if !r.single && r.display.minimum {
			fmt.Fprintf(&x.b, "<%s id=\"%d\" xlink:href=\"%s%s/%d\"/>\n", r.res.node, o.key, r.base(), r.res.name, o.key)
			continue
		}
		x.object(o)
	}
	if !r.single {
		fmt.Fprintf(&x.b, "</%s>\n", r.res.list)
	}
	return x.wrap()
}

func (x *xmlRenderer) object(o *object) {
	r := x.run
	fmt.Fprintf(&x.b, "<%s>\n", o.res.node)
	for _, f := range o.res.fields {
		if r.display.shows(f.name) {
			x.field(o, f)
		}
	}
	if len(o.res.associations) > 0 && (r.display.full || x.asksAssociations()) {
		x.b.WriteString("<associations>\n")
		for _, a := range o.res.associations {
			if r.showsAssociation(a) {
				x.association(o, a)
			}
		}
		x.b.WriteString("</associations>\n")
	}
	fmt.Fprintf(&x.b, "</%s>\n", o.res.node)
}

func (x *xmlRenderer) asksAssociations() bool {
	for _, sub := range x.run.display.fields {
		if sub != nil {
			return true
		}
	}
	return false
}

// field writes one field, as a value or as part of a schema (038, 039).
func (x *xmlRenderer) field(o *object, f field) {
	schema := x.run.schema
	if schema == "synopsis" && f.name == "id" || schema == "blank" && f.readOnly {
		return
	}
	if f.lang {
		x.translated(o, f)
		return
	}
	var v any
	attributes := ""
	if schema == "" {
		v = x.run.value(o, f)
		attributes = x.link(f, o, v)
	}
	if f.computed && schema != "blank" {
		attributes += ` notFilterable="true"`
	}
	if schema == "synopsis" {
		attributes += synopsis(f)
	}
	fmt.Fprintf(&x.b, "\t<%s%s>%s</%s>\n", f.name, attributes, cdata(str(v)), f.name)
}

// link is the reference of a field to another resource; an id of nothing has none.
func (x *xmlRenderer) link(f field, o *object, v any) string {
	if f.link == "" || falsy(v) {
		return ""
	}
	under := ""
	if f.linkSub != "" {
		under = fmt.Sprintf("%s/%d/", f.linkSub, o.key)
	}
	return fmt.Sprintf(" xlink:href=\"%s%s/%s%s\"", x.run.base(), f.link, under, html.EscapeString(str(v)))
}

func synopsis(f field) string {
	out := ""
	if f.required {
		out += ` required="true"`
	}
	if f.max > 0 {
		out += fmt.Sprintf(" maxSize=\"%d\"", f.max)
	}
	if f.format != "" {
		out += fmt.Sprintf(" format=\"%s\"", f.format)
	}
	if f.readOnly {
		out += ` read_only="true" readOnly="true"`
	}
	return out
}

func (x *xmlRenderer) translated(o *object, f field) {
	schema := x.run.schema
	attributes := ""
	if schema == "synopsis" {
		attributes = synopsis(f)
	}
	values, many := o.values[f.name].(texts)
	fmt.Fprintf(&x.b, "\t<%s%s>", f.name, attributes)
	for _, id := range x.run.languages {
		link := ""
		if many || schema == "synopsis" {
			link = fmt.Sprintf(" xlink:href=\"%slanguages/%d\"", x.run.base(), id)
		}
		if schema == "synopsis" {
			link += ` format="isUnsignedId" `
		}
		fmt.Fprintf(&x.b, "<language id=\"%d\"%s>%s</language>", id, link, cdata(values[id]))
	}
	fmt.Fprintf(&x.b, "</%s>\n", f.name)
}

func (x *xmlRenderer) association(o *object, a association) {
	r := x.run
	attributes := ""
	if r.schema != "blank" {
		attributes = fmt.Sprintf(" nodeType=\"%s\"", a.node)
		if a.virtual {
			attributes += ` virtualEntity="true"`
		} else {
			attributes += fmt.Sprintf(" api=\"%s\"", a.api)
		}
	}
	entries := []row{{}}
	if r.schema == "" {
		entries = r.related(o, a)
	}
	if len(entries) == 0 {
		fmt.Fprintf(&x.b, "<%s%s/>\n", a.name, attributes)
		return
	}
	fmt.Fprintf(&x.b, "<%s%s>\n", a.name, attributes)
	for _, entry := range entries {
		x.entry(o, a, entry)
	}
	fmt.Fprintf(&x.b, "</%s>\n", a.name)
}

// entry writes one entry of an association. Its node links only where the
// association is named after a resource, as accessories is not (416).
func (x *xmlRenderer) entry(o *object, a association, entry row) {
	r := x.run
	link := ""
	if r.schema == "" && known(a.name) {
		under := ""
		if a.name == "images" {
			under = fmt.Sprintf("products/%d/", productOf(o))
		}
		link = fmt.Sprintf(" xlink:href=\"%s%s/%s%s\"", r.base(), a.name, under, str(entry["id"]))
	}
	fmt.Fprintf(&x.b, "\t<%s%s>\n", a.node, link)
	for _, f := range a.fields {
		if sub := r.display.fields[a.name]; sub != nil && !slices.Contains(sub, f.name) {
			continue
		}
		attributes := ""
		if f.link != "" && r.schema != "blank" {
			attributes = fmt.Sprintf(" xlink:href=\"%s%s/%s\"", r.base(), f.link, str(entry[f.name]))
		}
		if r.schema == "synopsis" {
			attributes += synopsis(f)
		}
		fmt.Fprintf(&x.b, "\t<%s%s>%s</%s>\n", f.name, attributes, cdata(str(entry[f.name])), f.name)
	}
	fmt.Fprintf(&x.b, "\t</%s>\n", a.node)
}

// productOf is the product an object belongs to.
func productOf(o *object) int {
	if o.res == combinations {
		return o.values.int("id_product")
	}
	return o.key
}
