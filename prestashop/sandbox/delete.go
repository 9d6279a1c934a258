package sandbox

import (
	"net/http"
	"strings"
)

// remove answers DELETE. Either all ids exist or nothing is deleted.
func (r *run) remove() {
	ids, named := r.doomed()
	t := r.s.data.of(r.res)
	var missing []string
	for _, id := range ids {
		if t.rows[int(intval(id))] == nil {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 || !named {
		r.fail(http.StatusNotFound, 87, "Id(s) not exists: "+strings.Join(missing, ", "))
		return
	}
	r.silent = true
	r.betweenReadAndWrite()
	for _, id := range ids {
		key := int(intval(id))
		r.s.effects.wrote(r.method, r.res.name, key)
		if act := r.res.acts().remove; act != nil {
			act(r, key)
		} else {
			t.remove(key)
		}
		if r.fatal {
			return
		}
	}
}

// doomed lists the ids to delete: those of id=[1,2] or the one in the path.
func (r *run) doomed() ([]string, bool) {
	if r.query.has("id") {
		m := inBrackets().FindStringSubmatch(r.query.plain["id"])
		if m == nil {
			return nil, false
		}
		return strings.Split(m[1], ","), true
	}
	if len(r.path) < 2 {
		r.warn("Undefined array key 1", "webservice/WebserviceRequest.php", 1471) // (075)
		return []string{"0"}, true
	}
	return []string{str(intval(r.path[1]))}, true
}
