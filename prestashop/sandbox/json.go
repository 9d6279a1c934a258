package sandbox

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// jsonRenderer writes JSON as the shop does: without the zero and empty fields
// of a single object (205), with an array for an empty list (022).
type jsonRenderer struct {
	run    *run
	fields jsonObject // top level, kept for errors that come after
}

// jsonObject is an object whose keys keep their order.
type jsonObject []jsonPair

type jsonPair struct {
	key   string
	value any
}

func (o jsonObject) get(key string) any {
	i := slices.IndexFunc(o, func(p jsonPair) bool { return p.key == key })
	if i < 0 {
		return nil
	}
	return o[i].value
}

func (o *jsonObject) set(key string, v any) {
	i := slices.IndexFunc(*o, func(p jsonPair) bool { return p.key == key })
	if i < 0 {
		*o = append(*o, jsonPair{key, v})
		return
	}
	(*o)[i].value = v
}

func (j *jsonRenderer) contentType() string { return jsonType }

// root is never reached: the shop dies before (002).
func (j *jsonRenderer) root() []byte { return nil }

func (j *jsonRenderer) objects() []byte {
	r := j.run
	if r.schema != "" {
		// All values of a schema are empty, and so are left out (040).
		j.fields.set(r.res.node, jsonObject{})
		return j.encode()
	}
	for _, o := range r.objects {
		switch {
		case !r.single && r.display.minimum:
			j.push(r.res.list, jsonObject{{"id", int64(o.key)}})
		case r.query.has("display"):
			j.push(r.res.list, j.object(o, true))
		case r.single:
			j.fields.set(r.res.node, j.object(o, false)) // the last of several wins (342)
		}
	}
	return j.encode()
}

func (j *jsonRenderer) push(list string, v any) {
	items, _ := j.fields.get(list).([]any)
	j.fields.set(list, append(items, v))
}

// object writes one object, with or without its empty fields.
func (j *jsonRenderer) object(o *object, whole bool) jsonObject {
	r := j.run
	var out jsonObject
	for _, f := range o.res.fields {
		if !r.display.shows(f.name) {
			continue
		}
		v := r.value(o, f)
		if f.lang {
			v = j.translated(v)
		}
		if whole || !falsy(v) {
			out.set(f.name, v)
		}
	}
	if links := j.associations(o); len(links) > 0 {
		out.set("associations", links)
	}
	return out
}

func (j *jsonRenderer) associations(o *object) jsonObject {
	r := j.run
	var out jsonObject
	for _, a := range o.res.associations {
		if !r.showsAssociation(a) {
			continue
		}
		var items []any
		for _, entry := range r.related(o, a) {
			var item jsonObject
			for _, f := range a.fields {
				if sub := r.display.fields[a.name]; sub == nil || slices.Contains(sub, f.name) {
					item.set(f.name, entry[f.name])
				}
			}
			items = append(items, item)
		}
		if len(items) > 0 {
			out.set(a.name, items)
		}
	}
	return out
}

// translated shows a translated value: a list of languages, or the bare text
// where only one language is in play (009, 713). A language without a value is
// null and raises a warning, which makes the answer a 500 (125).
func (j *jsonRenderer) translated(v any) any {
	values, ok := v.(texts)
	if !ok {
		return v // as it was sent (126)
	}
	var items []any
	var last any
	for _, id := range j.run.languages {
		last = nil
		if s, there := values[id]; there {
			last = s
		} else {
			j.run.warn(fmt.Sprintf("Undefined array key %d", id), "webservice/WebserviceOutputJSON.php", 98)
		}
		items = append(items, jsonObject{{"id", int64(id)}, {"value", last}})
	}
	if len(items) == 1 {
		return last
	}
	return items
}

func (j *jsonRenderer) errors(list []trouble) []byte {
	var items []any
	for _, t := range list {
		items = append(items, jsonObject{{"code", int64(t.code)}, {"message", t.message}})
	}
	j.fields.set("errors", items)
	return j.encode()
}

// encode gives the body. Like the shop's encoder it gives up on a text that is
// not UTF-8, which leaves the answer empty (170).
func (j *jsonRenderer) encode() []byte {
	var b bytes.Buffer
	if len(j.fields) == 0 {
		return []byte("[]")
	}
	if !writeJSON(&b, j.fields) {
		return nil
	}
	return b.Bytes()
}

func writeJSON(b *bytes.Buffer, v any) bool {
	switch v := v.(type) {
	case jsonObject:
		if len(v) == 0 {
			b.WriteString("[]") // an empty PHP array has no keys (040)
			return true
		}
		return writeJSONObject(b, v)
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if !writeJSON(b, item) {
				return false
			}
		}
		b.WriteByte(']')
	case string:
		return writeJSONString(b, v)
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64, float64:
		b.WriteString(str(v))
	}
	return true
}

func writeJSONObject(b *bytes.Buffer, o jsonObject) bool {
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if !writeJSONString(b, p.key) {
			return false
		}
		b.WriteByte(':')
		if !writeJSON(b, p.value) {
			return false
		}
	}
	b.WriteByte('}')
	return true
}

// writeJSONString escapes as PHP does: slashes are escaped, letters are not.
func writeJSONString(b *bytes.Buffer, s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\' || c == '/':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\b':
			b.WriteString(`\b`)
		case c == '\f':
			b.WriteString(`\f`)
		case c < 0x20 || c == 0x2028 || c == 0x2029:
			fmt.Fprintf(b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return true
}
