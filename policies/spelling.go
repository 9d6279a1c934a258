package policies

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxNameBytes is how much of a key or of a short value is read. No field of
// the contract is half as long, so the schema refuses what is cut off here.
const maxNameBytes = 256

// longestRun is the longest run of letters that is searched for words. Folding
// can make a name longer (one ligature, three letters), but hardly a sane one.
const longestRun = 2 * maxNameBytes

// spelling is a name with its disguises taken off: all the ways in which its
// letters can be read as words. price_ttc, priceTtc, PRICE-TTC and ｐｒｉｃｅ　ｔｔｃ
// share a reading.
type spelling struct {
	letters  string    // lower-case letters only
	readings []reading // by separators, by capitals, and as one run of known words
	kinds    kind      // of all readings together
}

// reading is one way to read a name as words.
type reading []piece

// piece is one word with what the vocabulary knows of it; kind 0 is unknown.
type piece struct {
	word string
	kind kind
}

func (r reading) kinds() kind {
	var all kind
	for _, p := range r {
		all |= p.kind
	}
	return all
}

// only reports whether every word of the reading is of one of these kinds.
func (r reading) only(kinds kind) bool {
	for _, p := range r {
		if p.kind&kinds == 0 {
			return false
		}
	}
	return true
}

// any reports whether one of the readings satisfies the question.
func (s *spelling) any(question func(reading) bool) bool {
	for _, r := range s.readings {
		if question(r) {
			return true
		}
	}
	return false
}

// read takes a name apart.
func read(name string) *spelling {
	if len(name) > maxNameBytes {
		name = name[:maxNameBytes]
	}
	folded := fold(name)
	separated := chunks(folded, false)
	letters := strings.Join(separated, "")
	s := &spelling{letters: letters}
	s.add(pieces(separated))
	if capitals := chunks(folded, true); len(capitals) != len(separated) {
		s.add(pieces(capitals))
	}
	if len(separated) > 1 {
		// p.r.i.c.e-t.t.c: only as a whole, and only if every letter is used up,
		// or att_code would be read as containing ttc.
		if whole := segment(letters); whole != nil {
			s.add(whole)
		}
	}
	return s
}

func (s *spelling) add(r reading) {
	if len(r) == 0 {
		return
	}
	s.readings = append(s.readings, r)
	s.kinds |= r.kinds()
}

// pieces looks every chunk up; a chunk that is a run of known words counts as
// these words.
func pieces(chunks []string) reading {
	var r reading
	for _, chunk := range chunks {
		if known := segment(chunk); known != nil {
			r = append(r, known...)
			continue
		}
		r = append(r, piece{word: chunk, kind: unknownKind(chunk)})
	}
	return r
}

// segment splits a run of letters into the fewest words of the vocabulary, or
// gives nil when some letters are left over.
func segment(run string) reading {
	if known, ok := vocabulary[run]; ok {
		return reading{{run, known}}
	}
	type step struct{ count, from int16 }
	if len(run) > longestRun {
		return nil
	}
	var best [longestRun + 1]step
	for end := 1; end <= len(run); end++ {
		for start := max(0, end-longestWord); start < end; start++ {
			if start > 0 && best[start].count == 0 {
				continue
			}
			if _, ok := vocabulary[run[start:end]]; !ok {
				continue
			}
			if count := best[start].count + 1; best[end].count == 0 || count < best[end].count {
				best[end] = step{count, int16(start)}
			}
		}
	}
	if best[len(run)].count == 0 {
		return nil
	}
	r := make(reading, best[len(run)].count)
	for end, i := len(run), len(r)-1; end > 0; end, i = int(best[end].from), i-1 {
		word := run[best[end].from:end]
		r[i] = piece{word, vocabulary[word]}
	}
	return r
}

// chunks cuts folded text at everything that is not a letter and, when
// capitals is true, where camelCase begins a word. It lowers the letters.
func chunks(folded string, capitals bool) []string {
	var out []string
	var chunk strings.Builder
	flush := func() {
		if chunk.Len() > 0 {
			out = append(out, chunk.String())
			chunk.Reset()
		}
	}
	text := []rune(folded)
	for i, r := range text {
		if !unicode.IsLetter(r) {
			flush()
			continue
		}
		if capitals && i > 0 && unicode.IsUpper(r) {
			afterLower := unicode.IsLower(text[i-1])
			endsAcronym := unicode.IsUpper(text[i-1]) && i+1 < len(text) && unicode.IsLower(text[i+1])
			if afterLower || endsAcronym {
				flush()
			}
		}
		chunk.WriteRune(unicode.ToLower(r))
	}
	flush()
	return out
}

// fold takes off what changes the look of letters or hides between them: full
// width and other compatibility forms (Unicode NFKD, UAX #15), accents,
// zero-width and control characters, and letters of other scripts that look
// Latin (UTS #39). Capitals stay, because camelCase is told by them.
func fold(text string) string {
	if plainASCII(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case invisible(r), unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r):
			return -1
		case r < unicode.MaxASCII:
			return r
		}
		if latin, ok := lookalikes[r]; ok {
			return latin
		}
		if latin, ok := lookalikes[unicode.ToLower(r)]; ok {
			if unicode.IsUpper(r) {
				return unicode.ToUpper(latin)
			}
			return latin
		}
		return r
	}, norm.NFKD.String(text))
}

func plainASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// invisible reports characters that show nothing: control, format, and the
// rest that renderers ignore (Default_Ignorable_Code_Point, UAX #44).
func invisible(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)
}
