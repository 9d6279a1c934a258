package bridge

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/prestashop-bridge/bridge/policies"
)

// Sighting is an object as the shop showed it when it was looked at.
type Sighting struct {
	Object
	Body    json.RawMessage // as get_product and get_order give it
	Private json.RawMessage // the same with personal data; nil where it was not read
	// Digest is a SHA-256 over everything the shop showed, but the time of the
	// last save: a save that changed nothing is not told.
	Digest string
	// Mark is the time of the last save as the shop wrote it, date_upd.
	Mark string
	// Recurs says that the shop's clock shows this time twice: it lies in the
	// hour that is set back in autumn.
	Recurs bool
	// Age is from the object's making to its last save, between two times of the
	// same clock, so that neither its zone nor its error matters. Rest is from
	// the last save to the look. Unknown where the shop does not tell.
	Age, Rest time.Duration
	Deleted   bool           // the shop keeps its row, but as deleted
	Changes   []StatusChange // of an order, oldest first
}

// Unknown is a time too long to be news.
const Unknown = time.Duration(1<<63 - 1)

// StatusChange is one move of an order into a status.
type StatusChange struct {
	ID     int64  // of the history row
	Status string // canonical word, "" for a status of the shop's own
	Paid   bool   // the status counts as paid
	// Before is from the change to the order's last save.
	Before time.Duration
}

// Known is what the last look at an object left behind. The zero value is an
// object that was never looked at.
type Known struct {
	Digest string // "" until the first look
	Mark   string
	// Settled: a later save bears another mark, so one list that shows this mark
	// again says nothing new.
	Settled    bool
	LastChange int64 // id of the newest history row
}

// News is what a look found to be told.
type News struct {
	Topic         Topic
	Body, Private json.RawMessage
}

// Look is an object somebody has to look at, because something says that it
// may have changed. There is one at most for each object.
type Look struct {
	Shop string
	Object
	// Mark is the time of the last save that a list showed, at least
	// SettleAfter before the look was claimed; "" when no list did.
	Mark string
	// Quiet: nothing says that it changed. Seen for the first time, it is learnt
	// and not told.
	Quiet bool
	// Span reaches from the claim back to before anything that may be news.
	Span time.Duration
	// Generation counts how often the look was asked for; Fence its claims.
	Generation, Fence int64
	Attempts          int
	Misses            int // how often the shop has said that there is no such object
}

// SettleAfter is how long after a list an object is looked at. A save that
// comes later than that has another time, as the shop counts whole seconds.
const SettleAfter = 2 * time.Second

// Tell compares what was seen with what was known: the topics to fire, in
// their order, and what is known from now on.
func (l Look) Tell(known Known, s Sighting) ([]News, Known) {
	next := Known{Digest: s.Digest, Mark: s.Mark, Settled: l.Mark != "" && l.Mark == s.Mark && !s.Recurs, LastChange: known.LastChange}
	for _, change := range s.Changes {
		next.LastChange = max(next.LastChange, change.ID)
	}
	first := known.Digest == ""
	if known.Digest == s.Digest || first && l.Quiet {
		return nil, next
	}
	created := known == Known{} && l.news(s, s.Age)
	var list []News
	for _, topic := range l.topics(known, s, created) {
		list = append(list, News{Topic: topic, Body: s.Body, Private: s.Private})
	}
	return list, next
}

// news reports whether something may be new that happened so long before the
// last save. A list that showed that save did so because it is new itself; else
// only the clock can tell. A change of stock moves no time of a save, so the
// last one may be years ago.
func (l Look) news(s Sighting, before time.Duration) bool {
	if before > l.Span || l.Mark != "" {
		return before <= l.Span
	}
	return s.Rest <= l.Span && before+s.Rest <= l.Span
}

func (l Look) topics(known Known, s Sighting, created bool) []Topic {
	word := "update"
	switch {
	case s.Deleted:
		word = "delete"
	case created:
		word = "create"
	}
	topics := []Topic{Topic(objectTopics[s.Kind] + word)}
	var before StatusChange
	for _, change := range s.Changes {
		fresh := change.ID > known.LastChange && (known.Digest != "" || created || l.news(s, change.Before))
		if topic := moveTopic(before, change); fresh && topic != "" && !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
		if fresh && change.Paid && !before.Paid && !slices.Contains(topics, TopicOrderPaid) {
			topics = append(topics, TopicOrderPaid)
		}
		before = change
	}
	return topics
}

// moveTopic is what an order's move from one status into another tells beyond
// its being an update; "" for nothing.
func moveTopic(from, to StatusChange) Topic {
	if from.Status == to.Status {
		return "" // the shop writes a second row when a status is set again
	}
	return statusTopics[to.Status]
}

// The topics of an order's moves.
const (
	TopicProductDelete  Topic = "products/delete"
	TopicOrderPaid      Topic = "orders/paid"
	TopicOrderCancelled Topic = "orders/cancelled"
	TopicOrderDelivered Topic = "orders/delivered"
	TopicOrderRefunded  Topic = "orders/refunded"
)

var statusTopics = map[string]Topic{
	policies.Canceled:  TopicOrderCancelled,
	policies.Delivered: TopicOrderDelivered,
	policies.Refunded:  TopicOrderRefunded,
}

// DeletedObject is the body of products/delete: nothing else of it is left.
type DeletedObject struct {
	ID int64 `json:"id"`
}

// Gone is what is told of an object that the shop no longer has; nil for a
// kind whose end is not told.
func (o Object) Gone() []News {
	if o.Kind != KindProduct {
		return nil
	}
	body, _ := json.Marshal(DeletedObject{ID: o.ID}) // an integer always can
	return []News{{Topic: TopicProductDelete, Body: body}}
}

// ShopSettings is the body of shop/update.
type ShopSettings struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Timezone string `json:"timezone"`
	Language string `json:"language"` // iso code of the default language
	Currency string `json:"currency"` // ISO 4217 code of the default currency
}
