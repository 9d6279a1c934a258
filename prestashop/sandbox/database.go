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
	shelves   map[int]*shelf           // by category
	links     map[int]map[string][]row // product → other associations by name
	variants  map[int]map[string][]row // combination → associations by name
	pictures  *table                   // images of products
	files     map[int]picture          // image id → file; a row may lack one (435)
	paid      map[int]decimal.Decimal  // invoice → amount paid so far
	makers    map[int]string           // manufacturer → name
	delivered int                      // last delivery number given
	invoiced  int                      // last invoice number given
}

func newDatabase() *database {
	d := &database{
		tables:   map[string]*table{},
		shelves:  map[int]*shelf{},
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
	if d.shelves[category] == nil {
		d.shelves[category] = &shelf{places: map[int]int{}}
	}
	d.shelves[category].add(product)
}

// unshelve takes a product out of a category.
func (d *database) unshelve(category, product int) {
	if s := d.shelves[category]; s != nil {
		s.remove(product)
	}
}

// shelvesOf lists the categories of a product, ascending.
func (d *database) shelvesOf(product int) []int {
	var out []int
	for category, shelf := range d.shelves {
		if _, there := shelf.places[product]; there {
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
