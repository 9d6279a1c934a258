package sandbox

import (
	"net/url"
	"strings"
)

// query is a query string read the way PHP reads it.
type query struct {
	plain   map[string]string // the last of each name counts
	filters []condition
	// filterText is set when filter is a plain value and not a list (052).
	filterText bool
}

// condition is one filter[field]=value or filter[field][sub]=value.
type condition struct {
	field string
	sub   string
	value string
}

// mostParameters is how many parameters PHP reads; those after it are dropped.
const mostParameters = 1000

func parseQuery(raw string) query {
	q := query{plain: map[string]string{}}
	read := 0
	for pair := range strings.SplitSeq(raw, "&") {
		if read++; read > mostParameters {
			break
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescapeQuery(name), unescapeQuery(value)
		base, keys := subscripts(name)
		switch {
		case base == "":
		case len(keys) == 0:
			q.plain[base] = value
			if base == "filter" {
				q.filterText, q.filters = true, nil
			}
		case base == "filter":
			q.filterText = false
			c := condition{field: keys[0], value: value}
			if len(keys) > 1 {
				c.sub = keys[1]
			}
			q.set(c)
		}
	}
	return q
}

// set adds a condition; a second one of the same name replaces the first.
func (q *query) set(c condition) {
	for i, old := range q.filters {
		if old.field == c.field && old.sub == c.sub {
			q.filters[i] = c
			return
		}
	}
	q.filters = append(q.filters, c)
}

// unescapeQuery decodes leniently: a broken escape stays as it is.
func unescapeQuery(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// subscripts splits a[b][c] into a and b, c.
func subscripts(name string) (string, []string) {
	base, rest, found := strings.Cut(name, "[")
	if !found {
		return name, nil
	}
	var keys []string
	for {
		key, after, closed := strings.Cut(rest, "]")
		if !closed {
			if len(keys) == 0 {
				return base + "_" + rest, nil // PHP's repair of an unclosed bracket
			}
			return base, keys
		}
		keys = append(keys, key)
		next, ok := strings.CutPrefix(after, "[")
		if !ok {
			return base, keys
		}
		rest = next
	}
}

// has reports whether a plain parameter was sent.
func (q query) has(name string) bool {
	_, ok := q.plain[name]
	return ok
}

// truthy reports whether a parameter is set to something PHP takes for true.
func (q query) truthy(name string) bool { return !falsy(q.plain[name]) }
