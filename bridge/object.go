package bridge

import (
	"encoding/json"
	"strconv"
	"strings"
)

// ObjectKind is a kind of thing in the shop whose changes are told.
type ObjectKind string

// The kinds. A shop has one object of KindShop: its own settings.
const (
	KindProduct  ObjectKind = "product"
	KindOrder    ObjectKind = "order"
	KindCustomer ObjectKind = "customer"
	KindShop     ObjectKind = "shop"
)

// ShopSettingsID is the id of the one object of KindShop.
const ShopSettingsID = 1

// objectTopics ties the kinds to the first word of their topics.
var objectTopics = map[ObjectKind]string{
	KindProduct: "products/", KindOrder: "orders/", KindCustomer: "customers/", KindShop: "shop/",
}

// Object is one thing in a shop.
type Object struct {
	Kind ObjectKind
	ID   int64
}

// Target spells the object as jobs and events do: "product:7".
func (o Object) Target() string { return string(o.Kind) + ":" + strconv.FormatInt(o.ID, 10) }

// ObjectOf reads a target; false for one that is no object of the shop, such
// as a reference.
func ObjectOf(target string) (Object, bool) {
	kind, id, _ := strings.Cut(target, ":")
	if _, known := objectTopics[ObjectKind(kind)]; !known {
		return Object{}, false
	}
	n, err := strconv.ParseInt(id, 10, 64)
	return Object{ObjectKind(kind), n}, err == nil && n > 0
}

// KindOf is the kind of thing a topic is about; "" when it is none of the
// shop's.
func (t Topic) KindOf() ObjectKind {
	for kind, prefix := range objectTopics {
		if strings.HasPrefix(string(t), prefix) {
			return kind
		}
	}
	return ""
}

// Touched is the object that a step may have changed, and whether it certainly
// has. A product that was made by the step is named by its outcome only: before
// it, there was nothing but its reference.
func (s StepRecord) Touched() (o Object, certainly, any bool) {
	if s.State != StepApplied && s.State != StepUnknown {
		return o, false, false
	}
	if o, any = ObjectOf(s.Target); !any {
		var made struct {
			ProductID int64 `json:"product_id"`
		}
		if json.Unmarshal(s.After, &made) == nil && made.ProductID > 0 {
			o, any = Object{KindProduct, made.ProductID}, true
		}
	}
	return o, s.State == StepApplied, any
}
