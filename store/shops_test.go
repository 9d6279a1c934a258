package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// of makes a job of one shop.
func of(shop string, targets ...string) bridge.Job {
	j := job(targets...)
	j.Shop = shop
	return j
}

// shopNamed registers a shop.
func (r rig) shopNamed(name string) {
	r.Helper()
	if err := r.AmendShop(r.Context(), decision("shop-add", name), func(*bridge.RegisteredShop, func() (bridge.ShopUse, error)) (bridge.RegisteredShop, error) {
		return bridge.RegisteredShop{Name: name, URL: "https://" + name + ".example.com", EmployeeID: 7, SealedKey: "sealed", CreatedAt: fromMicros(1)}, nil
	}); err != nil {
		r.Fatal(err)
	}
}

func decision(action, subject string) bridge.Decision {
	return bridge.Decision{Operator: "ada", Action: action, Subject: subject, Reason: "why", At: time.UnixMicro(1)}
}

// TestTargetsBelongToTheirShop: the same target in two shops is two targets, in
// queues and in locks; in one shop it is one.
func TestTargetsBelongToTheirShop(t *testing.T) {
	onEach(t, func(r rig) {
		here, there, behind := of("", "product:7"), of("outlet", "product:7"), of("outlet", "product:7")
		for _, j := range []bridge.Job{here, there, behind} {
			r.accept(j)
		}
		r.claimed(here)
		c := r.claimed(there)
		if c.Job.Shop != "outlet" || c.Job.Targets[0] != "product:7" {
			r.Errorf("the claimed job is of %q, for %v", c.Job.Shop, c.Job.Targets)
		}
		if _, err := r.Claim(r.Context(), behind.ID, "node", someLease); !errors.Is(err, bridge.ErrNotClaimable) {
			r.Errorf("the same product of the same shop was claimed twice: %v", err)
		}
		r.finish(c)
		r.claimed(behind)
	})
}

// TestTargetsFoundByReadingBelongToTheirShop is the same for LockTarget.
func TestTargetsFoundByReadingBelongToTheirShop(t *testing.T) {
	onEach(t, func(r rig) {
		jobs := []bridge.Job{of("", "reference:a"), of("outlet", "reference:a"), of("outlet", "reference:b")}
		for _, j := range jobs {
			r.accept(j)
		}
		lock := func(c bridge.Claim, want bool) {
			r.Helper()
			if got, err := r.LockTarget(r.Context(), c, "product:7"); got != want || err != nil {
				r.Errorf("product:7 of %q: %t, %v; want %t", c.Job.Shop, got, err, want)
			}
		}
		here, there, later := r.claimed(jobs[0]), r.claimed(jobs[1]), r.claimed(jobs[2])
		lock(here, true)
		lock(there, true)
		lock(later, false)
		if err := r.Journal(r.Context(), there, bridge.Entry{Unlock: []string{"product:7"}}); err != nil {
			r.Fatal(err)
		}
		lock(later, true)
	})
}

func TestDueLeavesShopsOut(t *testing.T) {
	onEach(t, func(r rig) {
		here, there, far := of("", "product:1"), of("outlet", "product:1"), of("archive", "product:1")
		for _, j := range []bridge.Job{here, there, far} {
			r.accept(j)
		}
		for _, look := range []struct {
			but  []string
			want []string
		}{
			{nil, []string{here.ID, there.ID, far.ID}},
			{[]string{"outlet"}, []string{here.ID, far.ID}},
			{[]string{"", "outlet"}, []string{far.ID}},
		} {
			if got, err := r.Due(r.Context(), 10, look.but...); err != nil || !slices.Equal(got, look.want) {
				r.Errorf("without %q: %v, %v; want %v", look.but, got, err, look.want)
			}
		}
		if shop, err := r.ShopOf(r.Context(), there.ID); shop != "outlet" || err != nil {
			r.Errorf("ShopOf gave %q, %v", shop, err)
		}
		if _, err := r.ShopOf(r.Context(), "nobody"); code(err) != bridge.CodeNotFound {
			r.Errorf("ShopOf of no job: %v", err)
		}
		outlet := "outlet"
		if list, err := r.Jobs(r.Context(), bridge.JobFilter{Shop: &outlet}); err != nil || len(list) != 1 || list[0].ID != there.ID || list[0].Shop != outlet {
			r.Errorf("the outlet's jobs: %v, %v", list, err)
		}
	})
}

func TestImagesBelongToTheirShop(t *testing.T) {
	onEach(t, func(r rig) {
		for shop, id := range map[string]int64{"": 11, "outlet": 12} {
			if err := r.Images(shop).RememberImage(r.Context(), 7, someIntention, id); err != nil {
				r.Fatal(err)
			}
		}
		for shop, want := range map[string]int64{"": 11, "outlet": 12, "archive": 0} {
			if got, err := r.Images(shop).Image(r.Context(), 7, someIntention); got != want || err != nil {
				r.Errorf("image of %q: %d, %v; want %d", shop, got, err, want)
			}
		}
	})
}

// TestUseOfAShop counts what keeps a shop: its clients and the jobs that have
// not ended, not those of other shops.
func TestUseOfAShop(t *testing.T) {
	onEach(t, func(r rig) {
		r.shopNamed("outlet")
		add := func(id, shop string) error {
			return r.AmendClient(r.Context(), decision("client-add", id), func(*bridge.RegisteredClient) (bridge.RegisteredClient, error) {
				return bridge.RegisteredClient{ID: id, Shop: shop}, nil
			})
		}
		if err := errors.Join(add("a", "outlet"), add("b", "")); err != nil {
			r.Fatal(err)
		}
		if c, err := r.RegisteredClient(r.Context(), "a"); err != nil || c.Shop != "outlet" {
			r.Errorf("%+v, %v", c, err)
		}
		if err := add("c", "nowhere"); code(err) != bridge.CodeShopUnknown {
			r.Errorf("a client of no shop: %v", err)
		}
		waiting, ended, held := of("outlet", "product:1"), of("outlet", "product:2"), of("outlet", "product:3")
		held.Status = schemas.AwaitingApproval
		for _, j := range []bridge.Job{waiting, ended, held, of("", "product:1")} {
			r.accept(j)
		}
		r.finish(r.claimed(ended))
		if err := r.Images("outlet").RememberImage(r.Context(), 7, someIntention, 1); err != nil {
			r.Fatal(err)
		}
		at := fromMicros(2)
		err := r.AmendShop(r.Context(), decision("shop-remove", "outlet"), func(known *bridge.RegisteredShop, use func() (bridge.ShopUse, error)) (bridge.RegisteredShop, error) {
			got, err := use()
			if got != (bridge.ShopUse{Clients: 1, Jobs: 2}) || err != nil {
				r.Errorf("%+v, %v", got, err)
			}
			if known.URL != "https://outlet.example.com" || known.EmployeeID != 7 || known.SealedKey != "sealed" || !known.CreatedAt.Equal(fromMicros(1)) {
				r.Errorf("%+v", known)
			}
			known.RemovedAt = &at
			return *known, nil
		})
		if err != nil {
			r.Fatal(err)
		}
		if err := add("d", "outlet"); code(err) != bridge.CodeShopUnknown {
			r.Errorf("a client of a removed shop: %v", err)
		}
		list, err := r.RegisteredShops(r.Context())
		if err != nil || len(list) != 1 || list[0].RemovedAt == nil || r.count("SELECT COUNT(*) FROM images") != 0 {
			r.Errorf("%+v, %v", list, err)
		}
	})
}

// TestAClientAndARemovalMeet: a client is added while its shop is being
// removed. Whichever comes second sees the first.
func TestAClientAndARemovalMeet(t *testing.T) {
	onEach(t, func(r rig) {
		for range 8 {
			name := "shop" + job().ID[24:]
			r.shopNamed(name)
			var added, removed error
			together(2, func(i int) {
				if i == 0 {
					added = r.AmendClient(r.Context(), decision("client-add", name), func(*bridge.RegisteredClient) (bridge.RegisteredClient, error) {
						return bridge.RegisteredClient{ID: name, Shop: name}, nil
					})
					return
				}
				removed = r.AmendShop(r.Context(), decision("shop-remove", name), func(known *bridge.RegisteredShop, use func() (bridge.ShopUse, error)) (bridge.RegisteredShop, error) {
					if used, err := use(); err != nil || used.Clients > 0 {
						return *known, errors.Join(err, bridge.Fault(bridge.CodeUnprocessable, nil, "in use"))
					}
					known.RemovedAt = &known.CreatedAt
					return *known, nil
				})
			})
			if (added == nil) == (removed == nil) {
				r.Errorf("added: %v; removed: %v", added, removed)
			}
		}
	})
}
