package sandbox

// renderer writes answers in one format.
type renderer interface {
	contentType() string
	// root writes the resource list.
	root() []byte
	// objects writes the objects of the run.
	objects() []byte
	// errors writes errors; what objects wrote before may stay in front.
	errors([]trouble) []byte
}

func (r *run) renderer() renderer {
	if r.json {
		return &jsonRenderer{run: r, fields: r.prefix}
	}
	return &xmlRenderer{run: r}
}

// value is what a field of an object shows.
func (r *run) value(o *object, f field) any {
	v := o.values[f.name]
	if f.computed {
		if compute := o.res.acts().compute; compute != nil {
			v = compute(r.s, o, f.name)
		}
	}
	// An id that is null shows as an empty text (363).
	if v == nil && len(f.name) > 3 && f.name[:3] == "id_" {
		return ""
	}
	return v
}

// related gives the entries of an association of an object.
func (r *run) related(o *object, a association) []row {
	if get := o.res.acts().related; get != nil {
		return get(r.s, o, a.name)
	}
	return nil
}

// showsAssociation reports whether an association is shown.
func (r *run) showsAssociation(a association) bool {
	return r.display.full || r.display.fields[a.name] != nil
}
