package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// chooseLanguages applies the language parameter (009).
func (r *run) chooseLanguages() bool {
	r.languages = r.s.data.languages()
	if !r.query.has("language") {
		return true
	}
	asked, ok := parseLanguages(r.query.plain["language"])
	if !ok {
		r.fail(http.StatusBadRequest, 79, "language value is wrong")
		return false
	}
	r.languages = slices.DeleteFunc(asked, func(id int) bool { return r.s.data.of(languages).rows[id] == nil })
	if len(r.languages) == 0 {
		r.fail(http.StatusBadRequest, 81, "language is not available")
		return false
	}
	return true
}

var languageList = pattern(`^\[(\d{1,6})(?:([,|])(\d{1,6}))*\]$`)

// parseLanguages reads "1", "[1|2]" or the range "[1,2]".
func parseLanguages(s string) ([]int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return []int{n}, true
	}
	if !languageList().MatchString(s) {
		return nil, false
	}
	inner := s[1 : len(s)-1]
	var out []int
	if first, last, isRange := strings.Cut(inner, ","); isRange {
		from, to := int(intval(first)), int(intval(last))
		for id := from; id <= to && id-from < 1000; id++ {
			out = append(out, id)
		}
		return out, true
	}
	for part := range strings.SplitSeq(inner, "|") {
		out = append(out, int(intval(part)))
	}
	return out, true
}
