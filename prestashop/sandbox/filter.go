package sandbox

import (
	"slices"
	"strings"
	"unicode"

	"github.com/shopspring/decimal"
)

// operator is the comparison a filter asks for.
type operator int

const (
	opAll operator = iota // no condition: every row passes
	opEqual
	opText // equality of the text form, for a number without brackets
	opOneOf
	opBetween
	opLike
	opGreater
	opLess
	opNotOneOf
)

// matcher is a parsed filter value.
type matcher struct {
	op     operator
	values []string
}

var (
	bracketed = pattern(`^(.*)\[(.*)\](.*)$`)
	span      = pattern(`^([\d.:\-\s]+),([\d.:\-\s]+)$`)
)

// parseFilter reads a filter value by the shop's grammar. It is exact to the
// traps: a value with brackets inside other text is no condition at all, and
// an unclosed bracket is searched for literally (046).
func parseFilter(value string) matcher {
	m := bracketed().FindStringSubmatch(value)
	if m == nil {
		if isFloat(value) {
			return matcher{opText, []string{value}}
		}
		return matcher{opEqual, []string{value}}
	}
	before, inner, after := m[1], m[2], m[3]
	switch {
	case before == "%" || after == "%":
		return matcher{opLike, []string{before + inner + after}}
	case before == "" && after == "":
		return parseBrackets(inner)
	case before == ">":
		return matcher{opGreater, []string{inner}}
	case before == "<":
		return matcher{opLess, []string{inner}}
	case before == "!":
		return matcher{opNotOneOf, strings.Split(inner, "|")}
	}
	return matcher{op: opAll}
}

func parseBrackets(inner string) matcher {
	// A bar in the first place does not make a list.
	if strings.Index(inner, "|") > 0 {
		return matcher{opOneOf, strings.Split(inner, "|")}
	}
	if m := span().FindStringSubmatch(inner); m != nil {
		ends := []string{m[1], m[2]}
		slices.SortFunc(ends, func(a, b string) int {
			if isFloat(a) && isFloat(b) {
				return leadingNumber(a).Cmp(leadingNumber(b))
			}
			return strings.Compare(a, b)
		})
		return matcher{opBetween, ends}
	}
	return matcher{opEqual, []string{inner}}
}

// match tells whether a column value passes.
func (m matcher) match(f field, v any) bool {
	if m.op == opAll {
		return true
	}
	if v == nil && f.kind != kindNone {
		return false // NULL compares to nothing
	}
	c := comparerFor(f, v)
	equals := func(want string) bool { return c(want) == 0 }
	switch m.op {
	case opEqual, opOneOf:
		return slices.ContainsFunc(m.values, equals)
	case opNotOneOf:
		return !slices.ContainsFunc(m.values, equals)
	case opText:
		return like(str(v), m.values[0])
	case opLike:
		return like(str(v), m.values[0])
	case opBetween:
		return c(m.values[0]) >= 0 && c(m.values[1]) <= 0
	case opGreater:
		return c(m.values[0]) > 0
	case opLess:
		return c(m.values[0]) < 0
	}
	return true
}

// comparerFor compares a column value with a text as the database does:
// numbers by value, dates filled up to a time, texts without case.
func comparerFor(f field, v any) func(string) int {
	switch f.kind {
	case kindInt, kindBool, kindDecimal:
		n := number(v)
		return func(want string) int { return n.Cmp(leadingNumber(want)) }
	case kindDate, kindDateTime:
		have := midnight(str(v))
		return func(want string) int { return strings.Compare(have, midnight(want)) }
	}
	have := fold(strings.TrimRight(str(v), " "))
	return func(want string) int { return strings.Compare(have, fold(strings.TrimRight(want, " "))) }
}

func number(v any) decimal.Decimal {
	switch v := v.(type) {
	case int64:
		return decimal.NewFromInt(v)
	case float64:
		return decimal.NewFromFloat(v)
	}
	return leadingNumber(str(v))
}

func midnight(s string) string {
	s = strings.TrimSpace(s)
	if len(s) == len(zeroDate) {
		return s + zeroTime[len(zeroDate):]
	}
	return s
}

// accents maps what the database's collation takes for the same letter.
var accents = strings.NewReplacer(
	"à", "a", "â", "a", "ä", "a", "á", "a", "ã", "a", "å", "a", "ç", "c", "é", "e", "è", "e", "ê", "e", "ë", "e",
	"î", "i", "ï", "i", "í", "i", "ì", "i", "ñ", "n", "ô", "o", "ö", "o", "ó", "o", "ò", "o", "õ", "o", "ù", "u",
	"û", "u", "ü", "u", "ú", "u", "ÿ", "y", "ý", "y",
)

// fold removes what equality of the database does not see (025).
func fold(s string) string {
	return accents.Replace(strings.Map(unicode.ToLower, s))
}

// like is SQL's LIKE: % for any text, _ for one character, \ to quote either.
func like(s, pattern string) bool {
	text, want := []rune(fold(s)), []rune(fold(pattern))
	return likeRunes(text, want)
}

func likeRunes(text, want []rune) bool {
	// star and mark remember the last % and where the text was, so that the
	// match is quadratic at worst, whatever the pattern.
	star, mark := -1, 0
	t, w := 0, 0
	for t < len(text) {
		switch {
		case w < len(want) && want[w] == '%':
			star, mark = w, t
			w++
		case w < len(want) && want[w] == '\\' && w+1 < len(want) && want[w+1] == text[t]:
			t, w = t+1, w+2
		case w < len(want) && (want[w] == '_' || want[w] == text[t]):
			t, w = t+1, w+1
		case star >= 0:
			mark++
			t, w = mark, star+1
		default:
			return false
		}
	}
	for w < len(want) && want[w] == '%' {
		w++
	}
	return w == len(want)
}

// window is a parsed limit parameter.
type window struct {
	offset, count int
}

// parseLimit reads "count" or "offset,count". A text counts as 0 and so gives
// an empty list (049).
func parseLimit(s string) (window, bool) {
	parts := strings.Split(s, ",")
	switch len(parts) {
	case 1:
		return window{0, clampInt(parts[0])}, true
	case 2:
		return window{clampInt(parts[0]), clampInt(parts[1])}, true
	}
	return window{}, false
}

func clampInt(s string) int {
	return int(min(max(intval(s), 0), 1<<31))
}

// apply cuts a list to the window.
func (w window) apply(ids []int) []int {
	from := min(w.offset, len(ids))
	return ids[from:min(from+w.count, len(ids))]
}

// closest finds the known word nearest to a wrong one; of several equally near
// the last is taken, which is why "foo" suggests "zones" (017).
func closest(word string, words []string) string {
	best, shortest := "", -1
	for _, w := range words {
		d := levenshtein(word, w)
		if d == 0 {
			return w
		}
		if shortest < 0 || d <= shortest {
			best, shortest = w, d
		}
	}
	return best
}

func levenshtein(a, b string) int {
	if len(a) > 255 {
		a = a[:255] // the work must not grow with what a client sends
	}
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur := make([]int, len(b)+1)
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j]+cost, prev[j+1]+1, cur[j]+1)
		}
		prev = cur
	}
	return prev[len(b)]
}

// quoteList renders a list for the "did you mean" messages.
func quoteList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = `"` + w + `"`
	}
	return strings.Join(quoted, ", ")
}
