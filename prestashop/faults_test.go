package prestashop_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Each kind of step meets each kind of trouble. The verdict of Check must be
// what the sandbox knows, and in the end the shop has the effect once.

// scene is a fresh sandbox with a client.
type scene struct {
	stand   *sandbox.Shop
	shop    *prestashop.Shop
	address string
	images  string
}

func newScene(t *testing.T) scene {
	t.Helper()
	stand, address := startSandbox(t)
	images := imageServer(t)
	return scene{stand: stand, address: address, images: images, shop: connect(t, address, sandboxKey, images, func(o *prestashop.Options) { o.EmployeeID = 7 })}
}

// stepCase is a kind of step with a job that has it, and the call it makes.
type stepCase struct {
	name, step       string
	kind             string
	payload          func(t *testing.T, s scene) any
	method, resource string
}

const fresh = "BR-FAULT-1" // a reference the sandbox does not have

var stepCases = []stepCase{
	{"price and texts", "price_seo", bridge.OpUpdateProduct, func(t *testing.T, _ scene) any {
		return schemas.UpdateProduct{ProductID: 1, Updates: schemas.ProductUpdates{PriceHT: money(t, "8.5"), SEO: schemas.LocalizedSEO{"fr": {MetaTitle: pointer("Carnet")}}}}
	}, http.MethodPatch, "products"},
	{"stock difference", "stock", bridge.OpUpdateProduct, func(*testing.T, scene) any {
		return schemas.UpdateProduct{ProductID: 1, Updates: schemas.ProductUpdates{StockDelta: pointer(int64(5))}}
	}, http.MethodPatch, "stock_availables"},
	{"create", "product", bridge.OpImportProducts, anImport(fresh), http.MethodPost, "products"},
	{"update by import", "product", bridge.OpImportProducts, anImport("LUNE-MUG-01"), http.MethodPatch, "products"},
	{"stock of import", "stock", bridge.OpImportProducts, anImport(fresh), http.MethodPatch, "stock_availables"},
	{"image", "image_1", bridge.OpImportProducts, anImport(fresh), http.MethodPost, "images"},
	{"tracking", "tracking", bridge.OpUpdateOrderStatus, shipment, http.MethodPatch, "order_carriers"},
	{"status", "status", bridge.OpUpdateOrderStatus, shipment, http.MethodPost, "order_histories"},
}

func anImport(reference string) func(*testing.T, scene) any {
	return func(t *testing.T, s scene) any {
		return schemas.ImportProducts{BatchID: "faults", Items: []schemas.ImportItem{{
			Reference: reference, Name: schemas.LocalizedName{"en": "Fault"}, PriceHT: *money(t, "3"), StockQuantity: 17, Images: []string{s.images + "/1.png"},
		}}}
	}
}

func shipment(*testing.T, scene) any {
	return schemas.UpdateOrderStatus{OrderID: 3, NewStatus: "shipped", TrackingNumber: "CR 1", NotifyCustomer: true}
}

// reach performs the unit up to the case's step and gives the step with its
// baseline.
func (c stepCase) reach(t *testing.T, s scene) (bridge.Step, bridge.Journal, bridge.Baseline) {
	t.Helper()
	unit := planFor(t, s.shop, c.kind, c.payload(t, s)).Units[0]
	var done bridge.Journal
	for _, step := range unit.Steps {
		if step.Name != c.step {
			rec, _ := performStep(t, unit.Key, step, done)
			done = append(done, rec)
			continue
		}
		s.stand.ResetEffects()
		return step, done, baselineOf(t, step, done)
	}
	t.Fatalf("no step %s", c.step)
	return bridge.Step{}, nil, bridge.Baseline{}
}

func baselineOf(t *testing.T, step bridge.Step, done bridge.Journal) bridge.Baseline {
	t.Helper()
	b, err := step.Baseline(t.Context(), done)
	if err != nil || b.Skip != "" || b.Target == "" {
		t.Fatalf("baseline %+v, %v", b, err)
	}
	return b
}

// once demands that the shop was changed exactly once by the step's call.
func (c stepCase) once(t *testing.T, s scene) {
	t.Helper()
	effects := s.stand.Effects()
	got := effects.Count(c.method, c.resource, 0)
	if c.resource == "images" {
		got = effects.Images
	}
	if got != 1 {
		t.Errorf("the shop was changed %d times, want once: %+v", got, effects.Writes)
	}
	if len(effects.Overlaps) > 0 {
		t.Errorf("overlapping writes: %v", effects.Overlaps)
	}
	if c.step == "status" && len(effects.Mails) != 1 {
		t.Errorf("mails %v, want one", effects.Mails)
	}
}

func TestEachStepMeetsEachFault(t *testing.T) {
	for _, trouble := range []struct {
		name    string
		act     sandbox.Action
		fault   bridge.ShopFault
		verdict bridge.Verdict
	}{
		{"not reached", sandbox.NotReached(), bridge.Unclear, bridge.NotApplied},
		{"applied, then cut", sandbox.ApplyThenCut(), bridge.Unclear, bridge.Applied},
		{"applied, then 500", sandbox.ApplyThenStatus(500), bridge.Unclear, bridge.Applied},
		{"applied, then 502", sandbox.ApplyThenStatus(502), bridge.Unclear, bridge.Applied},
		{"applied, then truncated", sandbox.ApplyThenTruncate(), bridge.Unclear, bridge.Applied},
		{"500 instead", sandbox.Status(500), bridge.Unclear, bridge.NotApplied},
		{"redirect instead", sandbox.Status(302), bridge.Unclear, bridge.NotApplied},
		{"a page instead", sandbox.Garbage(), bridge.Unclear, bridge.NotApplied},
		{"refused", sandbox.Refuse(400, 84), bridge.Refused, bridge.NotApplied},
		{"no right", sandbox.Refuse(401, 26), bridge.Refused, bridge.NotApplied},
		{"webservice off", sandbox.Refuse(503, 22), bridge.Unreached, bridge.NotApplied},
	} {
		for _, c := range stepCases {
			t.Run(c.name+"/"+trouble.name, func(t *testing.T) {
				s := newScene(t)
				step, done, b := c.reach(t, s)
				remove := s.stand.Inject(sandbox.Fault{Method: c.method, Resource: c.resource, Act: trouble.act})
				_, err := step.Send(t.Context(), b)
				remove()
				if err == nil || faultOf(t, err) != trouble.fault {
					t.Fatalf("send: %v, want fault %d", err, trouble.fault)
				}
				finding := checkStep(t, step, b)
				if finding.Verdict != trouble.verdict {
					t.Fatalf("verdict %d (%s), want %d", finding.Verdict, finding.Reason, trouble.verdict)
				}
				if finding.Verdict == bridge.NotApplied {
					if _, err := step.Send(t.Context(), baselineOf(t, step, done)); err != nil {
						t.Fatalf("sent again: %v", err)
					}
				}
				c.once(t, s)
			})
		}
	}
}

// A call the shop carries out after the client gave up: Check says not applied
// while that is true, and applied once it is.
func TestEachStepIsAppliedLate(t *testing.T) {
	for _, c := range stepCases {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			step, _, b := c.reach(t, s)
			release := make(chan struct{})
			remove := s.stand.Inject(sandbox.Fault{Method: c.method, Resource: c.resource, Act: sandbox.DelayThenApply(sandbox.Until(release))})
			defer remove()
			ctx, giveUp := context.WithCancel(t.Context())
			sent := make(chan error, 1)
			go func() { _, err := step.Send(ctx, b); sent <- err }()
			eventually(t, "the call arrives", func() bool { return s.stand.Effects().Received(c.method, c.resource) == 1 })
			giveUp()
			if err := <-sent; faultOf(t, err) != bridge.Unclear {
				t.Fatalf("send: %v, want Unclear", err)
			}
			if finding := checkStep(t, step, b); finding.Verdict != bridge.NotApplied {
				t.Errorf("before: %+v, want not applied", finding)
			}
			close(release)
			eventually(t, "the call is applied", func() bool { return checkStep(t, step, b).Verdict == bridge.Applied })
			c.once(t, s)
		})
	}
}

// eventually polls; the sandbox works in goroutines of its own.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

// Something on the way repeats a POST. It cannot be undone, but it must not
// pass for a success.
func TestARepeatedPostIsNoticed(t *testing.T) {
	for _, c := range stepCases {
		if c.method != http.MethodPost {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			step, _, b := c.reach(t, s)
			s.stand.Inject(sandbox.Fault{Method: c.method, Resource: c.resource, Act: sandbox.Duplicate()})
			if _, err := step.Send(t.Context(), b); err == nil || faultOf(t, err) != bridge.Unclear {
				t.Fatalf("send: %v, want Unclear", err)
			}
			if finding := checkStep(t, step, b); finding.Verdict != bridge.CannotKnow {
				t.Errorf("check: %+v, want cannot know", finding)
			}
		})
	}
}

// A shop that is down is not a failed step: nothing was sent.
func TestAShopThatIsDownIsUnreached(t *testing.T) {
	for _, c := range stepCases {
		t.Run(c.name, func(t *testing.T) {
			stand, address, closeShop := closableSandbox(t)
			images := imageServer(t)
			s := scene{stand: stand, images: images, shop: connect(t, address, sandboxKey, images, nil)}
			step, done, b := c.reach(t, s)
			closeShop()
			s.shop.Close() // a kept connection would look like a call cut on its way
			if _, err := step.Send(t.Context(), b); err == nil || faultOf(t, err) != bridge.Unreached {
				t.Errorf("send: %v, want Unreached", err)
			}
			if _, err := step.Check(t.Context(), b); err == nil || faultOf(t, err) != bridge.Unreached {
				t.Errorf("check: %v, want Unreached", err)
			}
			if _, err := step.Baseline(t.Context(), done); err == nil || faultOf(t, err) != bridge.Unreached {
				t.Errorf("baseline: %v, want Unreached", err)
			}
			if got := stand.Effects().Count(c.method, c.resource, 0); got != 0 {
				t.Errorf("%d writes", got)
			}
		})
	}
}

func closableSandbox(t *testing.T) (*sandbox.Shop, string, func()) {
	t.Helper()
	stand, err := sandbox.New(sandbox.Options{Key: sandboxKey})
	if err != nil {
		t.Fatal(err)
	}
	address, closeShop, err := stand.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeShop)
	return stand, address, closeShop
}
