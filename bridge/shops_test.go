package bridge_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
)

var outletAccess = bridge.ShopAccess{URL: "https://outlet.example.com", Key: "a-key-of-the-outlet", EmployeeID: 7}

// shopRegistrarOf is an operator of shops, and one of clients, on one store.
func shopRegistrarOf(t *testing.T) (*bridge.ShopRegistrar, *bridge.Registrar, *store.Store) {
	t.Helper()
	db := openDatabase(t, store.Options{})
	sealer, err := auth.OpenSealer(filepath.Join(t.TempDir(), "secrets.key"))
	if err != nil {
		t.Fatal(err)
	}
	accepts := func(access bridge.ShopAccess) error {
		if !strings.HasPrefix(access.URL, "https://") || access.Key == "" {
			return errors.New("no such shop can be called")
		}
		return nil
	}
	return &bridge.ShopRegistrar{Directory: bridge.ShopDirectory{Registry: db, Sealer: sealer}, Configured: "https://first.example.com", Accepts: accepts, Now: time.Now},
		&bridge.Registrar{Registry: db, Sealer: sealer, Now: time.Now}, db
}

// accessOf is how a shop is reached, or why not.
func accessOf(t *testing.T, r *bridge.ShopRegistrar, name string) (bridge.ShopAccess, bool) {
	t.Helper()
	live, err := r.Directory.Registered(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	row, is := live[name]
	if !is {
		return bridge.ShopAccess{}, false
	}
	access, err := r.Directory.Access(row)
	if err != nil {
		t.Fatal(err)
	}
	return access, true
}

func TestShopsLife(t *testing.T) {
	r, _, db := shopRegistrarOf(t)
	expect := func(want bridge.ShopAccess) {
		t.Helper()
		if got, is := accessOf(t, r, "outlet"); !is || got != want {
			t.Errorf("got %+v, %t; want %+v", got, is, want)
		}
	}
	if err := r.Add(t.Context(), "ada", "opened", "outlet", outletAccess); err != nil {
		t.Fatal(err)
	}
	expect(outletAccess)
	if err := r.RotateKey(t.Context(), "ada", "yearly", "outlet", "another-key"); err != nil {
		t.Fatal(err)
	}
	expect(bridge.ShopAccess{URL: outletAccess.URL, Key: "another-key", EmployeeID: 7})
	if err := r.Set(t.Context(), "ada", "the same, spelt otherwise", "outlet", new(outletAccess.URL+"/"), nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Set(t.Context(), "ada", "moved", "outlet", new("https://outlet.example.org"), nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Set(t.Context(), "ada", "nobody", "outlet", nil, new(int64)); err != nil {
		t.Fatal(err)
	}
	expect(bridge.ShopAccess{URL: "https://outlet.example.org", Key: "another-key"})
	list, err := db.RegisteredShops(t.Context())
	if err != nil || len(list) != 1 || strings.Contains(list[0].SealedKey, "key") {
		t.Errorf("%+v, %v", list, err)
	}
	if err := r.Remove(t.Context(), "ada", "closed", "outlet"); err != nil {
		t.Fatal(err)
	}
	if _, is := accessOf(t, r, "outlet"); is {
		t.Error("a removed shop is still there")
	}
	if list, err := db.RegisteredShops(t.Context()); err != nil || list[0].SealedKey != "" {
		t.Errorf("the key of a removed shop is kept: %v", err)
	}
	entries := 0
	if _, err := bridge.WalkAudit(t.Context(), db, func(e bridge.AuditEntry) error {
		entries++
		if e.Subject != "outlet" || !strings.HasPrefix(e.Action, "shop-") {
			t.Errorf("%+v", e)
		}
		return nil
	}); err != nil || entries != 6 {
		t.Errorf("%d entries, %v", entries, err)
	}
}

// TestASealedKeyOpensInItsRowOnly: whoever can write to the database can still
// not have one shop's key sent to another, or to an address of their own.
func TestASealedKeyOpensInItsRowOnly(t *testing.T) {
	r, _, _ := shopRegistrarOf(t)
	if err := r.Add(t.Context(), "ada", "opened", "outlet", outletAccess); err != nil {
		t.Fatal(err)
	}
	live, err := r.Directory.Registered(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	renamed, moved := live["outlet"], live["outlet"]
	renamed.Name, moved.URL = "archive", "https://elsewhere.example.com"
	for _, row := range []bridge.RegisteredShop{renamed, moved} {
		_, err = r.Directory.Access(row)
		var fault *bridge.ShopError
		if !errors.As(err, &fault) || fault.Fault != bridge.Unreached || fault.Fix == "" {
			t.Errorf("got %v", err)
		}
	}
}

func TestShopsThatCannotBe(t *testing.T) {
	r, _, _ := shopRegistrarOf(t)
	if err := r.Add(t.Context(), "ada", "opened", "outlet", outletAccess); err != nil {
		t.Fatal(err)
	}
	gone := bridge.ShopAccess{URL: "https://gone.example.com", Key: "the-key-of-the-other"}
	if err := r.Add(t.Context(), "ada", "opened", "gone", gone); err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(t.Context(), "ada", "closed", "gone"); err != nil {
		t.Fatal(err)
	}
	add := func(name string, access bridge.ShopAccess) error {
		return r.Add(t.Context(), "ada", "why", name, access)
	}
	at := func(url string) bridge.ShopAccess { return bridge.ShopAccess{URL: url, Key: gone.Key} }
	nobody := gone
	nobody.EmployeeID = -1
	for name, try := range map[string]struct {
		err  error
		code bridge.Code
	}{
		"a name twice":            {add("outlet", gone), bridge.CodeInvalidRequest},
		"a name that was used":    {add("gone", gone), bridge.CodeInvalidRequest},
		"the name of the first":   {add("default", gone), bridge.CodeInvalidRequest},
		"no name":                 {add("", gone), bridge.CodeInvalidRequest},
		"a name like a target":    {add("product:7", gone), bridge.CodeInvalidRequest},
		"a name with a slash":     {add("a/b", gone), bridge.CodeInvalidRequest},
		"a name in capitals":      {add("Outlet", gone), bridge.CodeInvalidRequest},
		"a name too long":         {add(strings.Repeat("a", 33), gone), bridge.CodeInvalidRequest},
		"no shop's address":       {add("new", at("ftp://new")), bridge.CodeInvalidRequest},
		"another shop's address":  {add("new", at("https://outlet.example.com")), bridge.CodeInvalidRequest},
		"the same otherwise":      {add("new", at("https://OUTLET.example.com:443/")), bridge.CodeInvalidRequest},
		"the address of settings": {add("new", at("https://first.example.com/")), bridge.CodeInvalidRequest},
		"moved onto another":      {r.Set(t.Context(), "ada", "why", "outlet", new("https://first.example.com"), nil), bridge.CodeInvalidRequest},
		"no employee":             {add("new", nobody), bridge.CodeInvalidRequest},
		"nobody says why":         {r.Add(t.Context(), "ada", " ", "new", gone), bridge.CodeInvalidRequest},
		"no key":                  {r.RotateKey(t.Context(), "ada", "why", "outlet", ""), bridge.CodeInvalidRequest},
		"a shop that is not":      {r.RotateKey(t.Context(), "ada", "why", "nowhere", "key"), bridge.CodeNotFound},
		"a removed shop's key":    {r.RotateKey(t.Context(), "ada", "why", "gone", "key"), bridge.CodeNotFound},
		"a removal twice":         {r.Remove(t.Context(), "ada", "why", "gone"), bridge.CodeNotFound},
		"the shop of settings":    {r.Remove(t.Context(), "ada", "why", "default"), bridge.CodeInvalidRequest},
		"an address for no shop":  {r.Set(t.Context(), "ada", "why", "nowhere", &gone.URL, nil), bridge.CodeNotFound},
	} {
		if codeOf(try.err) != try.code {
			t.Errorf("%s: %v; want %s", name, try.err, try.code)
		}
		if try.err != nil && (strings.Contains(try.err.Error(), outletAccess.Key) || strings.Contains(try.err.Error(), gone.Key)) {
			t.Errorf("%s: the error shows the key: %v", name, try.err)
		}
	}
}

func TestAShopInUseIsNotRemoved(t *testing.T) {
	r, clients, db := shopRegistrarOf(t)
	if err := r.Add(t.Context(), "ada", "opened", "outlet", outletAccess); err != nil {
		t.Fatal(err)
	}
	if _, err := clients.Add(t.Context(), "ada", "its handler", bridge.RegisteredClient{ID: "handler", Shop: "outlet", Scopes: both}); err != nil {
		t.Fatal(err)
	}
	refused := func(what string) {
		t.Helper()
		if err := r.Remove(t.Context(), "ada", "closed", "outlet"); codeOf(err) != bridge.CodeUnprocessable || !strings.Contains(err.Error(), what) {
			t.Errorf("got %v; want %q", err, what)
		}
	}
	refused("bridge clients revoke")
	desk := deskOn(t, db, named{"outlet": quietShop{}})
	atOutlet := writer
	atOutlet.Shop = "outlet"
	answer, err := desk.Do(t.Context(), atOutlet, priceOf(firstID, `{"product_id":7,"updates":{"price_ht":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := clients.Revoke(t.Context(), "ada", "closing", "handler"); err != nil {
		t.Fatal(err)
	}
	refused("bridge jobs cancel")
	end(t, db, answer.Acceptance.JobID, schemas.Succeeded)
	if err := r.Remove(t.Context(), "ada", "closed", "outlet"); err != nil {
		t.Errorf("nobody needs it any more: %v", err)
	}
}

// named are shops by name.
type named map[string]bridge.Shop

func (n named) Shop(_ context.Context, name string) (bridge.Shop, error) {
	if shop, is := n[name]; is {
		return shop, nil
	}
	return nil, bridge.NoShop(name)
}

// TestAClientWithoutAShop: every operation that needs the shop says so; a job
// accepted before is still shown and still answers its request id.
func TestAClientWithoutAShop(t *testing.T) {
	desk, _ := newDesk(t, quietShop{})
	shops := named{"outlet": quietShop{}}
	desk.Shops = shops
	atOutlet := writer
	atOutlet.Shop = "outlet"
	write := priceOf(firstID, `{"product_id":7,"updates":{"price_ht":1}}`)
	first, err := desk.Do(t.Context(), atOutlet, write)
	if err != nil {
		t.Fatal(err)
	}
	delete(shops, "outlet")
	for _, req := range []bridge.Request{
		{Operation: bridge.OpGetProduct, Arguments: []byte(`{"product_id":7}`)},
		{Operation: bridge.OpGetOrder, Arguments: []byte(`{"order_id":7}`)},
		priceOf(secondID, `{"product_id":7,"updates":{"price_ht":1}}`),
	} {
		_, err := desk.Do(t.Context(), atOutlet, req)
		if codeOf(err) != bridge.CodeShopUnknown || !strings.Contains(bridge.AsError(err).PublicFix(), "bridge shops") {
			t.Errorf("%s: %v", req.Operation, err)
		}
	}
	if again, err := desk.Do(t.Context(), atOutlet, write); err != nil || again.Acceptance.JobID != first.Acceptance.JobID {
		t.Errorf("a retry found %+v, %v", again, err)
	}
}

// lost are shops of which nothing can be found out now, or that are gone.
type lost struct{ err error }

func (l lost) Shop(context.Context, string) (bridge.Shop, error) { return nil, l.err }

// leaving has a worker killed as its first call leaves.
func (b *bench) leaving(t *testing.T) {
	t.Helper()
	events := newBench(t, &countingShop{steps: b.shop.steps}).run(t, 0)
	b.run(t, slices.Index(events, "send "+b.shop.steps[0])+1)
}

// turnWith lets one worker with those shops have its turn.
func (b *bench) turnWith(t *testing.T, shops bridge.Shops) bridge.Job {
	t.Helper()
	worker := &bridge.Worker{
		Ledger: b.store, Shops: shops, Node: "test", Lease: testLease, AttemptTimeout: time.Minute, Settle: testSettle,
		MaxWait: 24 * time.Hour, Now: b.clock.Now, Log: slog.New(slog.DiscardHandler),
	}
	if err := worker.Run(t.Context(), b.jobID); err != nil {
		t.Fatal(err)
	}
	job, err := b.store.Job(t.Context(), b.jobID)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func TestAJobWithoutItsShop(t *testing.T) {
	t.Run("nothing was sent", func(t *testing.T) {
		b := newBench(t, &countingShop{steps: []string{"stock"}})
		job := b.turnWith(t, lost{bridge.NoShop("outlet")})
		if job.Status != schemas.Failed || job.Error == nil || job.Error.Code != string(bridge.CodeShopUnknown) || !strings.Contains(job.Error.Fix, "bridge shops") {
			t.Errorf("%s, %+v", job.Status, job.Error)
		}
	})
	t.Run("a call left unanswered", func(t *testing.T) {
		b := newBench(t, &countingShop{steps: []string{"stock"}})
		b.leaving(t)
		b.clock.advance(2 * testLease)
		job := b.turnWith(t, lost{bridge.NoShop("outlet")})
		if job.Status != schemas.NeedsReview || len(job.Steps) != 1 || job.Steps[0].State != bridge.StepUnknown {
			t.Errorf("%s, %+v", job.Status, job.Steps)
		}
	})
	t.Run("a call left unanswered, and the shop stays out of reach", func(t *testing.T) {
		b := newBench(t, &countingShop{steps: []string{"stock"}})
		b.leaving(t)
		b.clock.advance(25 * time.Hour)
		job := b.turnWith(t, lost{&bridge.ShopError{Fault: bridge.Unreached, Code: bridge.CodeShopUnavailable, Message: "sealed"}})
		if job.Status != schemas.NeedsReview || job.Steps[0].State != bridge.StepUnknown {
			t.Errorf("%s, %+v", job.Status, job.Steps)
		}
	})
	for name, err := range map[string]error{
		"the database is away": bridge.Fault(bridge.CodeStoreUnavailable, nil, "away"),
		"no key on this node":  &bridge.ShopError{Fault: bridge.Unreached, Code: bridge.CodeShopUnavailable, Message: "sealed"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, &countingShop{steps: []string{"stock"}, faults: map[string]fault{}})
			for range 2 * 3 { // more often than it has attempts
				if job := b.turnWith(t, lost{err}); job.Status != schemas.Retrying || job.Attempts != 0 {
					t.Fatalf("%s after %d attempts", job.Status, job.Attempts)
				}
				b.clock.advance(time.Minute)
			}
			if job := b.finish(t); job.Status != schemas.Succeeded || b.shop.effects["stock"] != 1 {
				t.Errorf("%s, %v", job.Status, b.shop.effects)
			}
		})
	}
}
