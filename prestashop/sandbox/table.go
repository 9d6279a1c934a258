package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

// indexed are the columns that rows are found by. An indexed column changes
// only through put, never in a row in place.
var indexed = []string{"id_product", "id_order", "id_parent", "reference"}

// table is one table: rows by id and the next id to give. Like the shop's own
// it keeps an index on the columns that are searched for, so that a catalogue
// of a hundred thousand products answers as fast as a small one.
type table struct {
	rows  map[int]row
	next  int
	order []int                       // the ids, ascending
	index map[string]map[string][]int // column → indexKey → ids, ascending
}

func newTable() *table {
	t := &table{rows: map[int]row{}, next: 1, index: map[string]map[string][]int{}}
	for _, column := range indexed {
		t.index[column] = map[string][]int{}
	}
	return t
}

// ids lists the ids of a table in ascending order.
func (t *table) ids() []int { return slices.Clone(t.order) }

// insert stores a row under the next id and gives that id.
func (t *table) insert(r row) int {
	id := t.next
	t.put(id, r)
	return id
}

// put stores a row under a given id.
func (t *table) put(id int, r row) {
	t.remove(id)
	r["id"] = int64(id)
	t.rows[id] = r
	t.next = max(t.next, id+1)
	t.order = with(t.order, id)
	for column, ids := range t.index {
		if v, has := r[column]; has {
			key := indexKey(v)
			ids[key] = with(ids[key], id)
		}
	}
}

// remove deletes a row if it is there.
func (t *table) remove(id int) {
	old, there := t.rows[id]
	if !there {
		return
	}
	delete(t.rows, id)
	t.order = without(t.order, id)
	for column, ids := range t.index {
		if v, has := old[column]; has {
			key := indexKey(v)
			if ids[key] = without(ids[key], id); len(ids[key]) == 0 {
				delete(ids, key)
			}
		}
	}
}

// where lists the ids of rows in which an indexed column has a value,
// ascending.
func (t *table) where(column string, value int) []int {
	return slices.Clone(t.index[column][strconv.Itoa(value)])
}

// narrowed lists the ids that an index leaves over for a condition, ascending;
// false where no index helps. Every one of them is still to be matched.
func (t *table) narrowed(f field, m matcher) ([]int, bool) {
	ids, has := t.index[f.name]
	if !has && f.name != "id" {
		return nil, false
	}
	switch m.op {
	case opEqual, opOneOf:
	case opText:
		if strings.ContainsAny(m.values[0], `%_\`) {
			return nil, false
		}
	default:
		return nil, false
	}
	var found []int
	for _, value := range m.values {
		key := wantedKey(f, value)
		if has {
			found = append(found, ids[key]...)
			continue
		}
		if id, err := strconv.Atoi(key); err == nil && t.rows[id] != nil {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), true
}

// indexKey is a stored value as equality of the database sees it.
func indexKey(v any) string { return fold(strings.TrimRight(str(v), " ")) }

// wantedKey is the indexKey of what a filter value equals.
func wantedKey(f field, value string) string {
	switch f.kind {
	case kindInt, kindBool, kindDecimal:
		return leadingNumber(value).String()
	}
	return indexKey(value)
}

// with puts an id into an ascending list; most are higher than all before.
func with(ids []int, id int) []int {
	at, there := slices.BinarySearch(ids, id)
	if there {
		return ids
	}
	return slices.Insert(ids, at, id)
}

func without(ids []int, id int) []int {
	if at, there := slices.BinarySearch(ids, id); there {
		return slices.Delete(ids, at, at+1)
	}
	return ids
}
