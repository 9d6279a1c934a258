package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// display says which fields of an object are shown.
type display struct {
	full    bool
	minimum bool                // ids only
	fields  map[string][]string // field or association → sub-fields asked for
}

// shows reports whether a field is shown.
func (d display) shows(name string) bool {
	_, asked := d.fields[name]
	return d.full || asked
}

// chooseDisplay reads the display parameter.
func (r *run) chooseDisplay() bool {
	value, asked := r.query.plain["display"]
	switch {
	case !asked, value == "minimum":
		return true
	case value == "full":
		r.display = display{full: true}
		return true
	}
	m := inBrackets().FindStringSubmatch(value)
	if m == nil {
		r.fail(http.StatusBadRequest, 36, "The 'display' syntax is wrong. You can set 'full' or '[field_1,field_2,field_3,...]'. These are available: "+r.fieldNames())
		return false
	}
	fields := parseDisplay(m[1])
	for _, name := range sortedKeys(fields) {
		if !r.displayable(name, fields[name]) {
			r.fail(http.StatusBadRequest, 35, fmt.Sprintf("Unable to display this field \"%s\". However, these are available: %s", name, r.fieldNames()))
			return false
		}
	}
	r.display = display{fields: fields}
	return true
}

func (r *run) fieldNames() string {
	all := make([]string, len(r.res.fields))
	for i, f := range r.res.fields {
		all[i] = f.name
	}
	return strings.Join(all, ", ")
}

func (r *run) displayable(name string, sub []string) bool {
	if sub == nil {
		_, ok := r.res.lookup(name)
		return ok
	}
	i := slices.IndexFunc(r.res.associations, func(a association) bool { return a.name == name })
	if i < 0 {
		return false
	}
	for _, wanted := range sub {
		if wanted != "id" && !slices.ContainsFunc(r.res.associations[i].fields, func(f field) bool { return f.name == wanted }) {
			return false
		}
	}
	return true
}

// parseDisplay splits "a,b[c,d]" into fields and their sub-fields.
func parseDisplay(s string) map[string][]string {
	fields := map[string][]string{}
	depth, start := 0, 0
	add := func(part string) {
		name, sub, found := strings.Cut(part, "[")
		name = strings.TrimSpace(name)
		if found {
			fields[name] = append(fields[name], strings.Split(strings.TrimSuffix(sub, "]"), ",")...)
		} else if _, there := fields[name]; !there {
			fields[name] = nil
		}
	}
	for i := range len(s) {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ',':
			if depth == 0 {
				add(s[start:i])
				start = i + 1
			}
		}
	}
	if start < len(s) {
		add(s[start:])
	}
	return fields
}
