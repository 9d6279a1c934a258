package sandbox

import (
	"maps"
	"slices"
)

// shelf is a category's products by place.
type shelf struct {
	places map[int]int // product → place
	last   int         // the highest place
}

// add puts a product at the end unless it has a place.
func (s *shelf) add(product int) {
	if _, there := s.places[product]; there {
		return
	}
	s.last++
	s.places[product] = s.last
}

// remove takes a product off. The places of the others stay: the webservice
// does not close the gap (176).
func (s *shelf) remove(product int) {
	place, there := s.places[product]
	delete(s.places, product)
	if !there || place < s.last {
		return
	}
	s.last = 0
	for place := range maps.Values(s.places) {
		s.last = max(s.last, place)
	}
}

// inOrder lists the products by place.
func (s *shelf) inOrder() []int {
	if s == nil {
		return nil
	}
	order := sortedKeys(s.places)
	slices.SortStableFunc(order, func(a, b int) int { return s.places[a] - s.places[b] })
	return order
}

// move puts a product at a place, counted from 1, and closes every gap.
func (s *shelf) move(product, place int) {
	order := slices.DeleteFunc(s.inOrder(), func(id int) bool { return id == product })
	order = slices.Insert(order, min(place-1, len(order)), product)
	for i, id := range order {
		s.places[id] = i + 1
	}
	s.last = len(order)
}

// size is how many products stand there.
func (s *shelf) size() int {
	if s == nil {
		return 0
	}
	return len(s.places)
}

// place is where a product stands, 0 for nowhere.
func (s *shelf) place(product int) int {
	if s == nil {
		return 0
	}
	return s.places[product]
}
