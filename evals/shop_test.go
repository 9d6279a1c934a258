package evals

import (
	"net/http"
	"sync"
	"testing"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

const shopKey = "EVALSEVALSEVALSEVALSEVALSEVALS01"

// shop is the stand-in shop of one task, outside the program under test.
type shop struct {
	*sandbox.Shop
	url string
	hold
}

// hold keeps the shop's writes waiting, so that a job is surely under way.
type hold struct {
	arrived chan struct{} // closed when the first write waits
	release chan struct{}
	remove  func()
}

func openShop(t *testing.T, seeds []seed) *shop {
	t.Helper()
	catalogue := sandbox.DemoCatalogue()
	for _, s := range seeds {
		s.plant(catalogue)
	}
	made, err := sandbox.New(sandbox.Options{Key: shopKey, Catalogue: catalogue})
	if err != nil {
		t.Fatal(err)
	}
	url, closeShop, err := made.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeShop)
	return &shop{Shop: made, url: url}
}

// plant puts the text where orders find it too.
func (s seed) plant(in *sandbox.Catalogue) {
	for i := range in.Products {
		item := &in.Products[i]
		if item.ID != s.Product {
			continue
		}
		if s.Name != "" {
			item.Name = sandbox.Texts{1: s.Name, 2: s.Name}
		}
		if s.MetaTitle != "" {
			item.MetaTitle = sandbox.Texts{1: s.MetaTitle, 2: s.MetaTitle}
		}
	}
	for i := range in.Carriers {
		if in.Carriers[i].ID == s.Carrier {
			in.Carriers[i].Name = s.Name
		}
	}
}

func isWrite(r sandbox.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// happens lets something happen to the shop between two calls.
func (s *shop) happens(t *testing.T, what string) {
	t.Helper()
	switch what {
	case "holds writes":
		s.hold = hold{arrived: make(chan struct{}), release: make(chan struct{})}
		arrived := sync.OnceFunc(func() { close(s.arrived) })
		match := func(r sandbox.Request) bool {
			if !isWrite(r) {
				return false
			}
			arrived()
			return true
		}
		s.remove = s.Inject(sandbox.Fault{Match: match, Act: sandbox.DelayThenApply(sandbox.Until(s.release))})
	case "has a write waiting":
		<-s.arrived
	case "lets writes go on":
		s.remove()
		close(s.release)
	case "refuses writes":
		s.remove = s.Inject(sandbox.Fault{Match: isWrite, Act: sandbox.Refuse(http.StatusBadRequest, 90)})
	case "loses the answer of a write":
		s.remove = s.Inject(sandbox.Fault{Match: isWrite, Nth: 1, Act: sandbox.ApplyThenCut()})
	default:
		t.Fatalf("nothing is known of a shop that %q", what)
	}
}

// check compares the shop with what a task says it is in the end.
func (s *shop) check(t *testing.T, want after) {
	t.Helper()
	done := s.Effects()
	if got := len(done.Writes); got != want.Writes {
		t.Errorf("the shop was changed %d times, want %d: %+v", got, want.Writes, done.Writes)
	}
	if len(done.Mails) != want.Mails {
		t.Errorf("%d mails were sent, want %d", len(done.Mails), want.Mails)
	}
	for id, price := range want.Prices {
		if product, _ := s.Product(id); product.Price != price {
			t.Errorf("product %d costs %s, want %s", id, product.Price, price)
		}
	}
	for id, quantity := range want.Stock {
		if got, _ := s.Stock(id, 0); got != quantity {
			t.Errorf("product %d has stock %d, want %d", id, got, quantity)
		}
	}
	for id, state := range want.States {
		if order, _ := s.Order(id); order.State != state {
			t.Errorf("order %d is in state %d, want %d", id, order.State, state)
		}
	}
}
