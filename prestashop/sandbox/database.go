package sandbox

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

// database holds the rows of the shop. It has no lock of its own: Shop.mu
// guards it.
type database struct {
	tables    map[string]*table
	shelves   map[int]map[int]int      // category → product → position
	links     map[int]map[string][]row // product → other associations by name
	variants  map[int]map[string][]row // combination → associations by name
	pictures  *table                   // images of products
	files     map[int]picture          // image id → file; a row may lack one (435)
	paid      map[int]decimal.Decimal  // invoice → amount paid so far
	makers    map[int]string           // manufacturer → name
	delivered int                      // last delivery number given
	invoiced  int                      // last invoice number given
}

// table is one table: rows by id and the next id to give.
type table struct {
	rows map[int]row
	next int
}

func newTable() *table { return &table{rows: map[int]row{}, next: 1} }

func newDatabase() *database {
	d := &database{
		tables:   map[string]*table{},
		shelves:  map[int]map[int]int{},
		links:    map[int]map[string][]row{},
		variants: map[int]map[string][]row{},
		pictures: newTable(),
		files:    map[int]picture{},
		paid:     map[int]decimal.Decimal{},
		makers:   map[int]string{},
	}
	for name := range resources {
		d.tables[name] = newTable()
	}
	return d
}

// of gives the table of a resource; one the sandbox keeps no rows of is empty.
func (d *database) of(res *resource) *table {
	if t := d.tables[res.name]; t != nil {
		return t
	}
	return newTable()
}

// ids lists the ids of a table in ascending order.
func (t *table) ids() []int { return slices.Sorted(maps.Keys(t.rows)) }

// insert stores a row under the next id and gives that id.
func (t *table) insert(r row) int {
	id := t.next
	t.put(id, r)
	return id
}

// put stores a row under a given id.
func (t *table) put(id int, r row) {
	r["id"] = int64(id)
	t.rows[id] = r
	t.next = max(t.next, id+1)
}

// where lists the ids of rows in which a column has a value, ascending.
func (t *table) where(column string, value int) []int {
	var out []int
	for _, id := range t.ids() {
		if t.rows[id].int(column) == value {
			out = append(out, id)
		}
	}
	return out
}

// languages lists the ids of active languages.
func (d *database) languages() []int {
	var out []int
	for _, id := range d.of(languages).ids() {
		if d.of(languages).rows[id].int("active") == 1 {
			out = append(out, id)
		}
	}
	return out
}

// setting gives a configuration value by key, "" if there is none.
func (d *database) setting(key string) string {
	for _, r := range d.of(configurations).rows {
		if r["name"] == key {
			return r.str("value")
		}
	}
	return ""
}

// settingInt gives a configuration value as a number.
func (d *database) settingInt(key string) int { return int(intval(d.setting(key))) }

// seed stores a record given by a catalogue: fields it leaves out get the
// default of their column.
func (d *database) seed(res *resource, id int, values row) {
	r := row{}
	all := slices.Sorted(maps.Keys(d.of(languages).rows))
	for _, f := range res.fields {
		if f.name == "id" || f.computed || f.kind == kindNone {
			continue
		}
		v, given := values[f.name]
		if f.nullable && !given {
			v = int64(0)
		}
		r[f.name] = f.stored(v, all)
	}
	d.of(res).put(id, r)
}

// shelve puts a product into a category, at the end unless it has a place.
func (d *database) shelve(category, product int) {
	shelf := d.shelves[category]
	if shelf == nil {
		shelf = map[int]int{}
		d.shelves[category] = shelf
	}
	if _, there := shelf[product]; there {
		return
	}
	last := 0
	for _, p := range shelf {
		last = max(last, p)
	}
	shelf[product] = last + 1
}

// unshelve takes a product out of a category. The places of the others stay:
// the webservice does not close the gap (176).
func (d *database) unshelve(category, product int) {
	delete(d.shelves[category], product)
}

// shelvesOf lists the categories of a product, ascending.
func (d *database) shelvesOf(product int) []int {
	var out []int
	for category, shelf := range d.shelves {
		if _, there := shelf[product]; there {
			out = append(out, category)
		}
	}
	slices.Sort(out)
	return out
}

// stockRow finds the stock row of a product or combination, 0 if there is none.
func (d *database) stockRow(product, attribute int) int {
	t := d.of(stockAvailables)
	for _, id := range t.where("id_product", product) {
		if t.rows[id].int("id_product_attribute") == attribute {
			return id
		}
	}
	return 0
}
