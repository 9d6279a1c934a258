package sandbox

import (
	"fmt"
	"slices"
	"testing"
)

// An index may only leave out rows that no filter would pass.
func TestAnIndexFindsWhatAScanFinds(t *testing.T) {
	table := newTable()
	for i := range 400 {
		table.insert(row{"id_product": int64(i % 37), "reference": fmt.Sprintf("Réf-%d", i%53)})
	}
	for i := range 40 {
		table.put(400+i, row{"id_product": int64(i), "reference": []string{"7", "7.0", "07", "REF-7 ", "a%b", "a_b", `a\b`}[i%7]})
	}
	for id := 3; id < 400; id += 5 {
		table.remove(id)
	}
	table.put(10, row{"id_product": int64(99), "reference": "moved"})
	filters := map[string][]string{
		"id":         {"[10]", "10", "[10|11|999]", "10abc", "[3]", "[-1]", "[10.5]", "![10]", ">[390]", "[5,9]", "%[1]%"},
		"id_product": {"[7]", "7", "[7|8]", "[07]", "[7.0]", "[7abc]", "99", "[]", "[|7]", "<[3]"},
		"reference":  {"[ref-7]", "[RÉF-7]", "[réf-7|moved]", "7", "7.0", "[7]", "[a%b]", "a%b", "[a_b]", `[a\b]`, "[ref-7 ]", "moved", "[ref-1]%", "![moved]"},
	}
	narrowedOnce := map[string]bool{}
	for column, values := range filters {
		f := field{name: column, kind: kindInt}
		if column == "reference" {
			f.kind = kindText
		}
		for _, value := range values {
			m := parseFilter(value)
			passes := func(ids []int) []int {
				return slices.DeleteFunc(ids, func(id int) bool { return !m.match(f, table.rows[id][column]) })
			}
			scanned := passes(table.ids())
			found, narrowed := table.narrowed(f, m)
			if !narrowed {
				continue
			}
			narrowedOnce[column] = true
			if got := passes(found); !slices.Equal(got, scanned) {
				t.Errorf("%s=%s: the index finds %v, a scan %v", column, value, got, scanned)
			}
		}
	}
	if len(narrowedOnce) != len(filters) {
		t.Errorf("indexes were used for %v only", narrowedOnce)
	}
}

func TestPlacesOnAShelf(t *testing.T) {
	s := &shelf{places: map[int]int{}}
	for _, product := range []int{5, 3, 9, 7} {
		s.add(product)
	}
	s.remove(3)
	s.add(3)
	if got := s.inOrder(); !slices.Equal(got, []int{5, 9, 7, 3}) || s.place(3) != 5 {
		t.Errorf("a gap is not closed: %v, %d", got, s.place(3))
	}
	s.remove(3)
	s.add(11)
	if s.place(11) != 5 {
		t.Errorf("the place of the last one is given again: %d", s.place(11))
	}
	s.move(7, 1)
	s.add(4)
	if got := s.inOrder(); !slices.Equal(got, []int{7, 5, 9, 11, 4}) || s.place(4) != 5 {
		t.Errorf("%v, %d", got, s.place(4))
	}
}
