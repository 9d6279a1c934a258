package bridge

import (
	"fmt"
	"testing"
	"time"
)

// What an object's looks have seen decides what is told.
func TestTell(t *testing.T) {
	long := time.Hour
	order := func(changes ...StatusChange) Sighting {
		return Sighting{Object: Object{KindOrder, 4}, Digest: "new", Age: long, Rest: long, Changes: changes}
	}
	product := Sighting{Object: Object{KindProduct, 7}, Digest: "new", Age: long, Rest: long}
	young := product
	young.Age, young.Rest = time.Second, time.Second
	listed := Look{Mark: "A", Span: time.Minute}
	for name, c := range map[string]struct {
		look  Look
		known Known
		seen  Sighting
		want  string
	}{
		"known content":                  {listed, Known{Digest: "new"}, product, "[]"},
		"other content":                  {listed, Known{Digest: "old"}, product, "[products/update]"},
		"first seen, saved lately":       {listed, Known{}, product, "[products/update]"},
		"first seen, made lately":        {listed, Known{}, young, "[products/create]"},
		"made lately, but learnt before": {listed, Known{Mark: "A"}, young, "[products/update]"},
		"quiet and first seen":           {Look{Quiet: true, Span: time.Minute}, Known{}, young, "[]"},
		"quiet and changed":              {Look{Quiet: true}, Known{Digest: "old"}, product, "[products/update]"},
		"no list, made lately":           {Look{Span: time.Minute}, Known{}, young, "[products/create]"},
		"no list, never saved since":     {Look{Span: time.Minute}, Known{}, Sighting{Object: product.Object, Digest: "new", Rest: long}, "[products/update]"},
		"no list, no clock":              {Look{Span: time.Minute}, Known{}, Sighting{Object: product.Object, Digest: "new", Rest: Unknown}, "[products/update]"},
		"deleted":                        {listed, Known{Digest: "old"}, Sighting{Object: Object{KindCustomer, 2}, Digest: "new", Deleted: true, Age: Unknown}, "[customers/delete]"},
		"a new row":                      {listed, Known{Digest: "old", LastChange: 1}, order(StatusChange{1, "", true, long}, StatusChange{2, "delivered", true, 0}), "[orders/update orders/delivered]"},
		"no new row":                     {listed, Known{Digest: "old", LastChange: 2}, order(StatusChange{1, "", false, long}, StatusChange{2, "canceled", false, 0}), "[orders/update]"},
		"the same status again":          {listed, Known{Digest: "old", LastChange: 1}, order(StatusChange{1, "refunded", false, long}, StatusChange{2, "refunded", false, 0}), "[orders/update]"},
		"old rows of one first seen":     {listed, Known{}, order(StatusChange{1, "payment_accepted", true, long}, StatusChange{2, "canceled", false, 0}), "[orders/update orders/cancelled]"},
	} {
		list, next := c.look.Tell(c.known, c.seen)
		topics := []Topic{}
		for _, n := range list {
			topics = append(topics, n.Topic)
		}
		if got := fmt.Sprint(topics); got != c.want {
			t.Errorf("%s: told %s, want %s", name, got, c.want)
		}
		if again, _ := c.look.Tell(next, c.seen); again != nil {
			t.Errorf("%s: the same is told twice", name)
		}
	}
	for _, s := range []Sighting{{Mark: "A", Recurs: true}, {Mark: "B"}} {
		if _, next := listed.Tell(Known{}, s); next.Settled {
			t.Errorf("%+v counts as settled", s)
		}
	}
	if _, next := listed.Tell(Known{}, Sighting{Mark: "A"}); !next.Settled {
		t.Error("a save that was listed and seen is not settled")
	}
}

// Every topic that the feed is said to fire is of a kind that is watched, and
// can come out of a look.
func TestTopicsOfTheFeed(t *testing.T) {
	can := map[Topic]bool{TopicOrderPaid: true, TopicProductDelete: true}
	for _, topic := range statusTopics {
		can[topic] = true
	}
	for kind, prefix := range objectTopics {
		can[Topic(prefix+"update")] = true
		can[Topic(prefix+"create")] = kind != KindShop
	}
	can["customers/delete"] = true
	for _, row := range Topics {
		if fires := row.Source == FromFeed; fires != can[row.Topic] {
			t.Errorf("%s: the table says that the feed fires it: %v", row.Topic, fires)
		}
	}
}
