package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// save answers POST, PUT and PATCH.
//
// A PATCH looks narrow but is not: the shop reads the row, changes the fields
// that were sent, and writes every column back. Between reading and writing
// the sandbox gives up its lock for as long as the latency of the request, so
// two saves of one product at a time lose an update here as they do there.
func (r *run) save() {
	root, ok := r.parse()
	if !ok || !r.checkIDs(root) {
		return
	}
	r.single = true
	r.display = display{full: true}
	for _, e := range root.children {
		if !r.saveOne(e) {
			return
		}
	}
	if len(r.troubles) > 0 {
		return
	}
	if len(r.objects) == 0 {
		// Nothing was sent and nothing went wrong: the shop shows its root.
		r.res = nil
		r.root()
		return
	}
	if r.method == http.MethodPost {
		r.status = http.StatusCreated
	}
}

// parse reads the body, which is XML whatever its Content-Type says (111, 161).
func (r *run) parse() (*element, bool) {
	body := strings.TrimPrefix(string(r.req.body), "xml=") // (168)
	root, err := parseMarkup(body)
	if err == nil {
		return root, true
	}
	fault, _ := err.(*markupError)
	for _, f := range fault.faults {
		for _, line := range []string{f.message, f.line, strings.Repeat(" ", f.column) + "^"} {
			r.warn("SimpleXMLElement::__construct(): "+line, "webservice/WebserviceRequest.php", 1530)
		}
	}
	r.fail(http.StatusInternalServerError, 127,
		fmt.Sprintf("XML error : %s\nXML length : %d\nOriginal XML : %s", err, len(body), body))
	return nil, false
}

// checkIDs checks the ids in the body. The id in the URL is never looked at:
// a PATCH of /products/6 with id 7 in its body changes product 7 (107).
func (r *run) checkIDs(root *element) bool {
	var ids []int64
	for _, e := range root.children {
		if id := e.child("id"); id != nil && id.content != "" {
			ids = append(ids, intval(id.content))
		}
	}
	if r.method == http.MethodPost {
		if len(ids) > 0 {
			r.fail(http.StatusBadRequest, 91, "id is forbidden when adding a new resource")
			return false
		}
		return true
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(ids)))
	switch {
	case len(distinct) != len(ids):
		r.fail(http.StatusBadRequest, 89, "id is duplicate in request")
	case len(ids) != len(root.children):
		r.fail(http.StatusBadRequest, 90, "id is required when modifying a resource")
	default:
		return true
	}
	return false
}

// saveOne saves one entity of the body. It reports false when the entities
// after it must not be touched; those before stay saved.
func (r *run) saveOne(e *element) bool {
	o := &object{res: r.res, values: row{}}
	if r.method != http.MethodPost {
		id := int(intval(e.child("id").content))
		if o = r.load(id); o == nil {
			r.fail(http.StatusNotFound, 92, "Invalid ID")
			return false
		}
	}
	r.objects = append(r.objects, o)
	r.betweenReadAndWrite()
	if !r.assign(o, e) {
		return false
	}
	acts := r.res.acts()
	if r.method == http.MethodPost && acts.prepare != nil {
		acts.prepare(r, o)
	}
	if len(r.troubles) > 0 {
		return true // a warning keeps the entity from being saved (402)
	}
	if !r.validate(o) {
		return false
	}
	if !r.store(o, acts) {
		if !r.fatal {
			r.fail(http.StatusInternalServerError, 46, "Unable to save resource")
		}
		return !r.fatal
	}
	return r.relate(o, e, acts)
}

// betweenReadAndWrite is the time in which another save can read the same row.
func (r *run) betweenReadAndWrite() {
	wait := r.s.latency[Op{r.method, r.path[0]}]
	if wait == 0 && r.slow == nil {
		return
	}
	r.s.mu.Unlock()
	defer r.s.mu.Lock()
	r.s.quit.sleep(wait)
	if r.slow != nil {
		r.slow()
	}
}

// assign puts the fields of the body into the object, in the order of the
// webservice. A PATCH leaves absent fields alone; POST and PUT empty them (173).
func (r *run) assign(o *object, e *element) bool {
	for _, f := range r.res.fields {
		sent := e.child(f.name)
		if sent == nil && r.method == http.MethodPatch {
			continue
		}
		switch {
		case f.lang:
			o.values[f.name] = sentTexts(sent)
		case sent != nil && f.readOnly:
			r.fail(http.StatusBadRequest, 93, fmt.Sprintf("parameter \"%s\" not writable. Please remove this attribute of this XML", f.name))
			return false
		case sent != nil:
			set := r.res.acts().assign
			if set == nil || !set(r, o, f.name, sent.content) {
				o.values[f.name] = sent.content
			}
			if r.fatal {
				return false
			}
		case f.required:
			r.fail(http.StatusBadRequest, 41, fmt.Sprintf("parameter \"%s\" required", f.name))
			return false
		case f.name != "id":
			o.values[f.name] = nil
		}
	}
	return true
}

// sentTexts reads the languages of a field. Those not sent are gone from the
// object: this is how a PATCH of one language wipes the others (125).
func sentTexts(sent *element) any {
	if sent == nil {
		return ""
	}
	values := texts{}
	for _, c := range sent.children {
		if c.name == "language" {
			values[int(intval(c.attributes["id"]))] = c.content
		}
	}
	if len(values) == 0 {
		return sent.content
	}
	return values
}

// validate checks the object; only the first fault is reported (155).
func (r *run) validate(o *object) bool {
	code, message := 84, ""
	if r.res.translatable() {
		message = o.validateTexts(r.s.data.settingInt("PS_LANG_DEFAULT"))
	}
	if message == "" {
		code, message = 85, o.validateFields()
	}
	if message == "" {
		return true
	}
	r.fail(http.StatusBadRequest, code, fmt.Sprintf("Validation error: \"%s\"", message))
	return false
}

// store adds or updates the row by the resource's own way, or else the common one.
func (r *run) store(o *object, acts behaviour) bool {
	if r.method == http.MethodPost {
		if acts.add != nil {
			return acts.add(r, o)
		}
		r.insert(o)
		return true
	}
	if acts.update != nil {
		return acts.update(r, o)
	}
	r.write(o)
	return true
}

// insert adds the object as a new row. Its id shows as a string until it is
// read again (403).
func (r *run) insert(o *object) {
	now := r.s.stamp()
	for _, name := range []string{"date_add", "date_upd"} {
		if _, has := o.res.lookup(name); has {
			o.values[name] = now
		}
	}
	o.key = r.s.data.of(o.res).insert(r.columns(o))
	o.values["id"], o.created = str(o.key), true
	r.s.effects.wrote(r.method, o.res.name, o.key)
}

// write writes every column of the object back over the row.
func (r *run) write(o *object) {
	now := r.s.stamp()
	if _, has := o.res.lookup("date_upd"); has {
		o.values["date_upd"] = now // whatever was sent (156)
	}
	if _, has := o.res.lookup("date_add"); has && falsy(o.values["date_add"]) {
		o.values["date_add"] = now
	}
	t := r.s.data.of(o.res)
	if t.rows[o.key] == nil {
		return // deleted since it was read: an UPDATE of nothing is no error
	}
	t.put(o.key, r.columns(o))
	r.s.effects.wrote(r.method, o.res.name, o.key)
}

// columns gives the row an object is stored as. All languages of the shop are
// written, switched off or not.
func (r *run) columns(o *object) row {
	all := r.s.data.of(languages).ids()
	out := row{}
	for _, f := range o.res.fields {
		if f.name != "id" && !f.computed && f.kind != kindNone {
			out[f.name] = f.stored(o.values[f.name], all)
		}
	}
	return out
}

// relate stores the associations of the body. They come after the row, so an
// error here leaves the row saved.
func (r *run) relate(o *object, e *element, acts behaviour) bool {
	sent := e.child("associations")
	if sent == nil {
		return true
	}
	for _, a := range sent.children {
		if !slices.ContainsFunc(r.res.associations, func(known association) bool { return known.name == a.name }) {
			if a.name == "i18n" {
				continue
			}
			r.fail(http.StatusBadRequest, 86, fmt.Sprintf("The association \"%s\" does not exists", a.name))
			return false
		}
		var entries []row
		for _, item := range a.children {
			entry := row{}
			for _, c := range item.children {
				entry[c.name] = c.content
			}
			entries = append(entries, entry)
		}
		if acts.relate != nil {
			acts.relate(r, o, a.name, entries)
		}
	}
	return true
}
