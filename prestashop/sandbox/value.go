package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// A value of an object in flight is nil, int64, float64, bool, string or, for a
// translated field, texts. The type matters: what has been read from the
// database shows as a number, what has been sent shows as a string until the
// next read (102, 216).

// texts are the values of a translated field by language id.
type texts map[int]string

// row is a record as stored.
type row map[string]any

// clone copies a row so that two saves work on copies of their own, which is
// what loses updates in the real shop.
func (r row) clone() row {
	out := make(row, len(r))
	for k, v := range r {
		if t, ok := v.(texts); ok {
			v = maps.Clone(t)
		}
		out[k] = v
	}
	return out
}

// int gives a column as a number, 0 if it is none.
func (r row) int(name string) int {
	n, _ := strconv.Atoi(str(r[name]))
	return n
}

// str gives a column as a string.
func (r row) str(name string) string { return str(r[name]) }

// decimal gives a column as a decimal, 0 if it is none.
func (r row) decimal(name string) decimal.Decimal {
	d, err := decimal.NewFromString(str(r[name]))
	if err != nil {
		return decimal.Zero
	}
	return d
}

// object is a record in the hands of one request.
type object struct {
	res    *resource
	key    int // id in the database
	values row // includes "id"
	// created is set on an object that was added by this request: what a read
	// would fill in from the database is not there yet (416).
	created bool
}

// str is PHP's conversion to a string.
func str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		if v {
			return "1"
		}
	}
	return ""
}

// falsy is PHP's idea of an empty value: it decides which fields a single
// object shows in JSON (205).
func falsy(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == "" || v == "0"
	case int64:
		return v == 0
	case float64:
		return v == 0
	case bool:
		return !v
	case texts:
		return len(v) == 0
	}
	return false
}

// intval is PHP's conversion of a string to an integer: leading blanks, a sign
// and digits, the rest is dropped.
func intval(s string) int64 {
	s = strings.TrimLeft(s, " \t\n\r\v\f")
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[end] == '-' || s[end] == '+')) {
		end++
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(s[:end], "+"), 10, 64)
	if err != nil && end > 18 {
		if s[0] == '-' {
			return -1 << 63
		}
		return 1<<63 - 1
	}
	return n
}

// leadingNumber is MySQL's conversion of a string compared with a number.
func leadingNumber(s string) decimal.Decimal {
	s = strings.TrimLeft(s, " \t\n\r")
	end, dot := 0, false
	for end < len(s) {
		c := s[end]
		switch {
		case c >= '0' && c <= '9', end == 0 && (c == '-' || c == '+'):
		case c == '.' && !dot:
			dot = true
		default:
			return cut(s[:end])
		}
		end++
	}
	return cut(s)
}

func cut(s string) decimal.Decimal {
	// A hostile number of digits would make arithmetic slow; no column holds more.
	if len(s) > 64 {
		s = s[:64]
	}
	d, err := decimal.NewFromString(strings.TrimSuffix(strings.TrimPrefix(s, "+"), "."))
	if err != nil {
		return decimal.Zero
	}
	return d
}

// stored turns a value of an object into what the column keeps of it.
func (f field) stored(v any, languages []int) any {
	if !f.lang {
		return f.column(v)
	}
	out := texts{}
	for _, id := range languages {
		switch v := v.(type) {
		case texts:
			// A language that was not sent is stored empty: the trap of (125).
			out[id] = str(f.column(v[id]))
		default:
			// A plain value is stored in every language (126).
			out[id] = str(f.column(v))
		}
	}
	return out
}

func (f field) column(v any) any {
	if f.nullable && (v == nil || v == "") {
		return nil
	}
	s := str(v)
	switch f.kind {
	case kindInt:
		return intval(s)
	case kindBool:
		if intval(s) != 0 {
			return "1"
		}
		return "0"
	case kindDecimal:
		return leadingNumber(s).StringFixed(int32(f.scale))
	case kindDate:
		if s == "" {
			return zeroDate
		}
	case kindDateTime:
		if s == "" {
			return zeroTime
		}
	case kindNone:
		return nil
	}
	return clip(s, f.width)
}

const (
	zeroDate = "0000-00-00"
	zeroTime = "0000-00-00 00:00:00"
)

// clip cuts a string at a column width. The database does so without a word
// for meta_title, which validation lets pass up to 255 characters (131).
func clip(s string, width int) string {
	if width == 0 {
		return s
	}
	n := 0
	for i := range s {
		if n == width {
			return s[:i]
		}
		n++
	}
	return s
}

// sortedKeys lists the keys of a map in order, so that answers do not depend on
// the order of a map.
func sortedKeys[M ~map[K]V, K cmp.Ordered, V any](m M) []K {
	return slices.Sorted(maps.Keys(m))
}
