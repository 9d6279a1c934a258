package schemas

import (
	"cmp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxEcho is how many characters of what was sent may come back in an answer:
// enough to recognise a value, too little to carry one out.
const maxEcho = 40

// clip shortens text to maxEcho characters.
func clip(text string) string {
	if utf8.RuneCountInString(text) <= maxEcho {
		return text
	}
	cut := 0
	for range maxEcho - 1 {
		_, size := utf8.DecodeRuneInString(text[cut:])
		cut += size
	}
	return text[:cut] + "…"
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// pointerTo spells a JSON pointer (RFC 6901). Member names come from the
// sender, so they are clipped like every other echo.
func pointerTo(tokens ...string) string {
	var out strings.Builder
	for _, token := range tokens {
		out.WriteByte('/')
		out.WriteString(pointerEscapes.Replace(clip(token)))
	}
	return out.String()
}

// comparePointers orders pointers member by member, array positions by number:
// /items/2 comes before /items/10.
func comparePointers(a, b string) int {
	for a != "" && b != "" {
		var left, right string
		left, a = firstToken(a)
		right, b = firstToken(b)
		if order := compareTokens(left, right); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(a), len(b))
}

func firstToken(pointer string) (token, rest string) {
	pointer = pointer[1:]
	if slash := strings.IndexByte(pointer, '/'); slash >= 0 {
		return pointer[:slash], pointer[slash:]
	}
	return pointer, ""
}

func compareTokens(left, right string) int {
	m, errLeft := strconv.Atoi(left)
	n, errRight := strconv.Atoi(right)
	if errLeft == nil && errRight == nil {
		return cmp.Compare(m, n)
	}
	return strings.Compare(left, right)
}
