package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Document is one JSON object that was read strictly: UTF-8, no repeated keys,
// bounded depth and numbers, nothing before or after it. Two documents mean
// the same exactly when their canonical bytes are the same.
type Document struct {
	raw       []byte
	value     map[string]any
	canonical []byte
}

// Parse reads a document. encoding/json is too lenient for a signed intention:
// it takes the last of two equal keys and replaces broken text silently, so
// that what was signed and what is done could differ. On any fault the
// document is empty.
func Parse(raw []byte) (Document, []FieldError) {
	r := reader{raw: raw}
	if r.skipSpace(); r.at == len(raw) {
		return Document{}, []FieldError{sayEmptyBody.at("")}
	}
	value, err := r.value()
	if r.skipSpace(); err == nil && r.at < len(raw) {
		_ = r.note(sayTrailing.at("", r.at))
	}
	object, ok := value.(map[string]any)
	if len(r.faults) == 0 && !ok {
		r.faults = append(r.faults, sayNotObject.worded("", sent(typeName(value))))
	}
	if len(r.faults) > 0 {
		return Document{}, r.faults
	}
	return Document{raw: bytes.Clone(raw), value: object, canonical: appendCanonical(nil, object)}, nil
}

// DocumentOf makes a document of a Go value, as it would be on the wire.
func DocumentOf(value any) (Document, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return Document{}, err
	}
	doc, faults := Parse(raw)
	if len(faults) > 0 {
		return Document{}, fmt.Errorf("not a document: %q %s", faults[0].Pointer, faults[0].Message)
	}
	return doc, nil
}

// Raw is the document as it was sent. Do not change the bytes.
func (d Document) Raw() []byte { return d.raw }

// Value is the document as map[string]any, []any, string, json.Number (in its
// canonical spelling), bool and nil. Do not change it; nil for an empty
// document.
func (d Document) Value() any {
	if d.value == nil {
		return nil
	}
	return d.value
}

// Canonical is the one spelling of what the document means: keys sorted by
// their bytes, no white space, numbers without exponent or needless zeros,
// only the escapes JSON requires. Do not change the bytes.
func (d Document) Canonical() []byte { return d.canonical }

// Decode fills a struct from the canonical bytes, so 10.0 fits an int field.
func (d Document) Decode(into any) error {
	return json.Unmarshal(d.canonical, into)
}

// Take removes a top-level member: a door's own arguments (the MCP tools carry
// request_id beside the payload) are no part of the intention. The rest is a
// document whose raw bytes are its canonical ones; without the member it is
// the document itself.
func (d Document) Take(name string) (value any, rest Document, found bool) {
	value, found = d.value[name]
	if !found {
		return nil, d, false
	}
	left := maps.Clone(d.value)
	delete(left, name)
	canonical := appendCanonical(nil, left)
	return value, Document{raw: canonical, value: left, canonical: canonical}, true
}

func typeName(value any) string {
	switch value.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case json.Number:
		return "number"
	case bool:
		return "boolean"
	}
	return "null"
}

// appendCanonical writes in the manner of RFC 8785, except that numbers keep
// all their digits and keys sort by UTF-8 bytes.
func appendCanonical(out []byte, value any) []byte {
	switch value := value.(type) {
	case map[string]any:
		out = append(out, '{')
		for i, name := range slices.Sorted(maps.Keys(value)) {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendText(out, name), ':')
			out = appendCanonical(out, value[name])
		}
		return append(out, '}')
	case []any:
		out = append(out, '[')
		for i, item := range value {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendCanonical(out, item)
		}
		return append(out, ']')
	case string:
		return appendText(out, value)
	case json.Number:
		return append(out, value...)
	case bool:
		if value {
			return append(out, "true"...)
		}
		return append(out, "false"...)
	}
	return append(out, "null"...)
}

const hexDigits = "0123456789abcdef"

var requiredEscapes = map[byte]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

// appendText writes a JSON string with only the escapes RFC 8259 requires.
func appendText(out []byte, text string) []byte {
	out = append(out, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c >= ' ' && c != '"' && c != '\\':
			out = append(out, c)
		case requiredEscapes[c] != "":
			out = append(out, requiredEscapes[c]...)
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(out, '"')
}
