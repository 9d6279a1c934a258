package sandbox

import (
	"fmt"
	"net/http"
	"regexp"
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

// read answers GET and HEAD.
func (r *run) read() {
	if len(r.path) > 1 && r.path[1] != "" {
		r.readOne()
		return
	}
	r.readList()
}

// readOne shows one object. What follows the id in the path is ignored, and an
// id list is read as its first number (014, 015).
func (r *run) readOne() {
	r.single = true
	if !r.chooseDisplay() {
		return
	}
	if !r.query.has("display") {
		r.display = display{full: true}
	}
	o := r.load(int(intval(r.path[1])))
	if o == nil {
		r.status, r.silent = http.StatusNotFound, true // no body at all (010)
		return
	}
	r.objects = []*object{o}
}

// load makes an object of a stored row.
func (r *run) load(id int) *object {
	stored, ok := r.s.data.of(r.res).rows[id]
	if !ok {
		return nil
	}
	return &object{res: r.res, key: id, values: stored.clone()}
}

// readList shows a filtered list.
func (r *run) readList() {
	ids, ok := r.filtered()
	if !ok {
		r.warnList()
		return
	}
	if r.schema != "" {
		r.single = true
		return
	}
	for _, id := range ids {
		r.objects = append(r.objects, r.load(id))
	}
}

// warnList adds the warnings the real shop raises after refusing a filter,
// display or sort: it goes on with "false" where it expects an array, and so
// answers 500 instead of 400 (031, 044, 047, 050).
func (r *run) warnList() {
	for line := 1319; line <= 1322; line++ {
		r.warn("Trying to access array offset on value of type bool", "webservice/WebserviceRequest.php", line)
	}
}

// filtered gives the ids of the rows that pass filter, in sort order, cut to
// the limit.
func (r *run) filtered() ([]int, bool) {
	if schema, asked := r.query.plain["schema"]; asked {
		r.schema = schema
		if schema != "blank" && schema != "synopsis" {
			r.schema = ""
			r.fail(http.StatusBadRequest, 28, "Please select a schema of type 'synopsis' to get the whole schema informations (which fields are required, which kind of content...) or 'blank' to get an empty schema to fill before using POST request")
			return nil, false
		}
		r.display = display{full: true}
		return nil, true
	}
	tests, ok := r.conditions()
	if !ok || !r.chooseDisplay() {
		return nil, false
	}
	sorts, ok := r.sorts()
	if !ok {
		return nil, false
	}
	t := r.s.data.of(r.res)
	ids := slices.DeleteFunc(t.ids(), func(id int) bool {
		return slices.ContainsFunc(tests, func(passes func(row) bool) bool { return !passes(t.rows[id]) })
	})
	slices.SortStableFunc(ids, func(a, b int) int { return sorts(t.rows[a], t.rows[b]) })
	if !r.query.has("limit") {
		return ids, true
	}
	w, ok := parseLimit(r.query.plain["limit"])
	if !ok {
		r.fail(http.StatusBadRequest, 39, "The \"limit\" value has to be formed as this example: \"5,25\" or \"10\"")
		return nil, false
	}
	return w.apply(ids), true
}

// filterable lists the fields a filter or sort may name: plain ones, and
// those with a value per language. Dates need date=1 (030, 031).
func (r *run) filterable() (plain, perLanguage []string) {
	dates := r.query.truthy("date")
	for _, f := range r.res.fields {
		switch {
		case f.hidden:
		case f.lang:
			perLanguage = append(perLanguage, f.name)
		case (f.name == "date_add" || f.name == "date_upd") && !dates:
		default:
			plain = append(plain, f.name)
		}
	}
	return plain, perLanguage
}

// conditions reads the filters.
func (r *run) conditions() ([]func(row) bool, bool) {
	if r.query.filterText {
		// A filter that is not a list is only warned about (052).
		r.warn("foreach() argument must be of type array|object, string given", "webservice/WebserviceRequest.php", 1170)
	}
	plain, perLanguage := r.filterable()
	var tests []func(row) bool
	for _, c := range r.query.filters {
		if c.field == "sort" || c.field == "limit" {
			continue
		}
		f, _ := r.res.lookup(c.field)
		switch {
		case slices.Contains(plain, c.field) && c.sub == "":
			if !r.mayFilter(f, c) {
				return nil, false
			}
			m := parseFilter(c.value)
			tests = append(tests, func(stored row) bool { return m.match(f, stored[f.name]) })
		case slices.Contains(perLanguage, c.field) && c.value != "":
			tests = append(tests, r.translatedTest(f, c))
		case c.sub != "":
			r.fail(http.StatusBadRequest, 31, "There is no existing linked table for this resource")
			return nil, false
		default:
			r.didYouMean(http.StatusBadRequest, 32, "This filter does not exist", c.field, plain)
			return nil, false
		}
	}
	return tests, true
}

func (r *run) mayFilter(f field, c condition) bool {
	switch {
	case c.value == "":
		r.fail(http.StatusBadRequest, 33, fmt.Sprintf("The filter \"%s\" is malformed.", f.name))
	case f.computed:
		r.fail(http.StatusBadRequest, 34, fmt.Sprintf("The field \"%s\" is dynamic. It is not possible to filter GET query with this field.", f.name))
	default:
		return true
	}
	return false
}

// translatedTest passes a row when one of its languages passes.
func (r *run) translatedTest(f field, c condition) func(row) bool {
	m := parseFilter(c.value)
	return func(stored row) bool {
		values, _ := stored[f.name].(texts)
		return slices.ContainsFunc(r.languages, func(id int) bool { return m.match(f, values[id]) })
	}
}

var inBrackets = regexp.MustCompile(`(?i)^\[(.*?)\]$`)

// sorts reads the sort parameter into a comparison; without it the order is
// that of the table's index.
func (r *run) sorts() (func(a, b row) int, bool) {
	value, asked := r.query.plain["sort"]
	if !asked {
		natural := r.res.acts().order
		if natural == nil {
			natural = func(a, b row) int { return 0 }
		}
		return natural, true
	}
	parts := []string{value}
	if m := inBrackets.FindStringSubmatch(value); m != nil {
		parts = strings.Split(m[1], ",")
	}
	plain, perLanguage := r.filterable()
	var steps []func(a, b row) int
	for _, part := range parts {
		at := strings.LastIndexByte(part, '_')
		direction := strings.ToUpper(part[at+1:])
		if at < 0 || direction != "ASC" && direction != "DESC" {
			r.fail(http.StatusBadRequest, 37, "The \"sort\" value has to be formed as this example: \"field_ASC\" or '[field_1_DESC,field_2_ASC,field_3_ASC,...]' (\"field\" has to be an available field)")
			return nil, false
		}
		name := part[:at]
		if !slices.Contains(plain, name) && !slices.Contains(perLanguage, name) {
			r.fail(http.StatusBadRequest, 38, fmt.Sprintf("Unable to filter by this field. However, these are available: %s, for i18n fields:%s",
				strings.Join(plain, ", "), strings.Join(perLanguage, ", ")))
			return nil, false
		}
		f, _ := r.res.lookup(name)
		steps = append(steps, r.step(f, direction == "DESC"))
	}
	return func(a, b row) int {
		for _, step := range steps {
			if c := step(a, b); c != 0 {
				return c
			}
		}
		return 0
	}, true
}

func (r *run) step(f field, down bool) func(a, b row) int {
	value := func(stored row) any {
		if values, ok := stored[f.name].(texts); ok {
			return values[r.languages[0]]
		}
		return stored[f.name]
	}
	return func(a, b row) int {
		c := comparerFor(f, value(a))(str(value(b)))
		if down {
			return -c
		}
		return c
	}
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
	m := inBrackets.FindStringSubmatch(value)
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
