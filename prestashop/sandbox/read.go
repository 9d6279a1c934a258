package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

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
	ids, tests, ok := r.conditions()
	if !ok || !r.chooseDisplay() {
		return nil, false
	}
	sorts, ok := r.sorts()
	if !ok {
		return nil, false
	}
	t := r.s.data.of(r.res)
	ids = slices.DeleteFunc(ids, func(id int) bool {
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
		case f.lang:
			perLanguage = append(perLanguage, f.name)
		case (f.name == "date_add" || f.name == "date_upd") && !dates:
		default:
			plain = append(plain, f.name)
		}
	}
	return plain, perLanguage
}

// conditions reads the filters: the ids an index leaves over, and what their
// rows must pass.
func (r *run) conditions() (ids []int, tests []func(row) bool, ok bool) {
	if r.query.filterText {
		// A filter that is not a list is only warned about (052).
		r.warn("foreach() argument must be of type array|object, string given", "webservice/WebserviceRequest.php", 1170)
	}
	plain, perLanguage := r.filterable()
	t := r.s.data.of(r.res)
	narrow := false
	for _, c := range r.query.filters {
		if c.field == "sort" || c.field == "limit" {
			continue
		}
		f, _ := r.res.lookup(c.field)
		switch {
		case slices.Contains(plain, c.field) && c.sub == "":
			if !r.mayFilter(f, c) {
				return nil, nil, false
			}
			m := parseFilter(c.value)
			if found, helps := t.narrowed(f, m); helps && (!narrow || len(found) < len(ids)) {
				ids, narrow = found, true
			}
			tests = append(tests, func(stored row) bool { return m.match(f, stored[f.name]) })
		case slices.Contains(perLanguage, c.field) && c.value != "":
			tests = append(tests, r.translatedTest(f, c))
		case c.sub != "":
			r.fail(http.StatusBadRequest, 31, "There is no existing linked table for this resource")
			return nil, nil, false
		default:
			r.didYouMean(http.StatusBadRequest, 32, "This filter does not exist", c.field, plain)
			return nil, nil, false
		}
	}
	if !narrow {
		ids = t.ids()
	}
	return ids, tests, true
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

var inBrackets = pattern(`(?i)^\[(.*?)\]$`)

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
	if m := inBrackets().FindStringSubmatch(value); m != nil {
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
