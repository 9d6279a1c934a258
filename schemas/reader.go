package schemas

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The bounds of one document. The largest honest request, 50 products in a
// score of languages, has about ten thousand values; a bound on their number
// keeps ten megabytes of "[[],[],…" from becoming a gigabyte of Go values.
const (
	maxDepth  = 32
	maxValues = 200_000
	maxFaults = 100
)

// errStop ends the reading; the fault is already noted.
var errStop = errors.New("stop")

// reader is one pass over the bytes of a document. It notes every fault it can
// read past (a repeated key, a lone surrogate) and stops at the first it
// cannot (a syntax error). Each byte is looked at once.
type reader struct {
	raw    []byte
	at     int
	path   []string // members and positions that lead to the value being read
	depth  int
	values int
	faults []FieldError
}

func (r *reader) note(fault FieldError) error {
	r.faults = append(r.faults, fault)
	if len(r.faults) >= maxFaults {
		return errStop
	}
	return nil
}

func (r *reader) noteHere(s sentence, args ...any) error {
	return r.note(s.at(pointerTo(r.path...), args...))
}

// syntax stops the reading; what names the thing expected or found.
func (r *reader) syntax(what string) error {
	_ = r.noteHere(saySyntax, r.at, what)
	return errStop
}

func (r *reader) skipSpace() {
	for r.at < len(r.raw) {
		switch r.raw[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

// next gives the next byte that is not white space without taking it; 0 at the
// end.
func (r *reader) next() byte {
	r.skipSpace()
	if r.at == len(r.raw) {
		return 0
	}
	return r.raw[r.at]
}

func (r *reader) value() (any, error) {
	if r.values++; r.values > maxValues {
		_ = r.noteHere(sayTooMany, maxValues)
		return nil, errStop
	}
	switch c := r.next(); {
	case c == '{':
		return r.nested(r.object)
	case c == '[':
		return r.nested(r.array)
	case c == '"':
		return r.text()
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	case c == 't':
		return true, r.literal("true")
	case c == 'f':
		return false, r.literal("false")
	case c == 'n':
		return nil, r.literal("null")
	case r.at == len(r.raw):
		return nil, r.syntax("the text ends too early")
	}
	return nil, r.syntax("a value is expected here")
}

func (r *reader) literal(word string) error {
	if len(r.raw)-r.at < len(word) || string(r.raw[r.at:r.at+len(word)]) != word {
		return r.syntax("a value is expected here")
	}
	r.at += len(word)
	return nil
}

// nested reads an object or array, one level deeper.
func (r *reader) nested(read func() (any, error)) (any, error) {
	if r.depth++; r.depth > maxDepth {
		_ = r.noteHere(sayDepth, maxDepth)
		return nil, errStop
	}
	r.at++
	value, err := read()
	r.depth--
	return value, err
}

// within reads the value of a member or array position.
func (r *reader) within(token string) (any, error) {
	r.path = append(r.path, token)
	value, err := r.value()
	r.path = r.path[:len(r.path)-1]
	return value, err
}

func (r *reader) object() (any, error) {
	members := map[string]any{}
	if r.next() == '}' {
		r.at++
		return members, nil
	}
	for {
		if err := r.member(members); err != nil {
			return nil, err
		}
		if done, err := r.separator('}', "expected , or } here"); done || err != nil {
			return members, err
		}
	}
}

func (r *reader) member(members map[string]any) error {
	if r.next() != '"' {
		return r.syntax("a member name in double quotes is expected here")
	}
	name, err := r.text()
	if err != nil {
		return err
	}
	if _, twice := members[name]; twice {
		if err := r.note(sayDuplicate.at(pointerTo(append(slices.Clone(r.path), name)...))); err != nil {
			return err
		}
	}
	if r.next() != ':' {
		return r.syntax("expected : here")
	}
	r.at++
	members[name], err = r.within(name)
	return err
}

func (r *reader) array() (any, error) {
	items := []any{}
	if r.next() == ']' {
		r.at++
		return items, nil
	}
	for {
		item, err := r.within(strconv.Itoa(len(items)))
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		if done, err := r.separator(']', "expected , or ] here"); done || err != nil {
			return items, err
		}
	}
}

// separator takes the comma before the next element or the closing bracket.
func (r *reader) separator(closing byte, expected string) (done bool, err error) {
	switch r.next() {
	case ',':
		r.at++
		return false, nil
	case closing:
		r.at++
		return true, nil
	}
	return false, r.syntax(expected)
}

func (r *reader) number() (any, error) {
	length := numberLength(r.raw[r.at:])
	if length == 0 {
		return nil, r.syntax("not a number as JSON writes it")
	}
	spelled := r.raw[r.at : r.at+length]
	r.at += length
	if length > maxNumberText {
		return nil, r.noteHere(sayNumber)
	}
	canonical, err := canonicalNumber(string(spelled))
	if err != nil {
		return nil, r.noteHere(sayNumber)
	}
	return json.Number(canonical), nil
}

// text reads a string, decoding its escapes (RFC 8259 section 7).
func (r *reader) text() (string, error) {
	r.at++
	start := r.at
	for r.at < len(r.raw) {
		switch c := r.raw[r.at]; {
		case c == '"':
			out := r.raw[start:r.at]
			r.at++
			return r.clean(out)
		case c == '\\':
			return r.escapedText(append([]byte(nil), r.raw[start:r.at]...))
		case c < ' ':
			return "", r.syntax("control characters in text are written as escapes, such as \\n")
		}
		r.at++
	}
	return "", r.syntax("the text ends inside a string")
}

// escapedText goes on with a string from its first escape.
func (r *reader) escapedText(out []byte) (string, error) {
	for r.at < len(r.raw) {
		switch c := r.raw[r.at]; {
		case c == '"':
			r.at++
			return r.clean(out)
		case c == '\\':
			char, err := r.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, char)
		case c < ' ':
			return "", r.syntax("control characters in text are written as escapes, such as \\n")
		default:
			out = append(out, c)
			r.at++
		}
	}
	return "", r.syntax("the text ends inside a string")
}

func (r *reader) clean(out []byte) (string, error) {
	if !utf8.Valid(out) {
		return "", r.noteHere(sayUTF8)
	}
	return string(out), nil
}

var shortEscapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads one escape. A lone surrogate has no UTF-8 form, and NUL ends
// texts early in too many places behind us; both are noted and read past.
func (r *reader) escape() (rune, error) {
	if r.at+1 >= len(r.raw) {
		return 0, r.syntax("the text ends inside a string")
	}
	letter := r.raw[r.at+1]
	if char, ok := shortEscapes[letter]; ok {
		r.at += 2
		return char, nil
	}
	unit, ok := r.unit()
	if !ok {
		return 0, r.syntax("not an escape as JSON writes it")
	}
	r.at += 6
	if unit == 0 {
		return ' ', r.noteHere(sayNUL)
	}
	if !utf16.IsSurrogate(unit) {
		return unit, nil
	}
	low, ok := r.unit()
	if char := utf16.DecodeRune(unit, low); ok && char != utf8.RuneError {
		r.at += 6
		return char, nil
	}
	return utf8.RuneError, r.noteHere(saySurrogate)
}

// unit looks at the \uXXXX here without taking it.
func (r *reader) unit() (rune, bool) {
	if len(r.raw)-r.at < 6 || r.raw[r.at] != '\\' || r.raw[r.at+1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(r.raw[r.at+2:r.at+6]), 16, 32)
	return rune(unit), err == nil
}
