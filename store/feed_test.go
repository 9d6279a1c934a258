package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// wish registers a webhook for each topic in a shop.
func (r rig) wish(shop string, topics ...bridge.Topic) {
	r.Helper()
	for _, topic := range topics {
		w := bridge.Webhook{ClientID: "client", Shop: shop, Topic: topic, Address: "https://receiver.example", ContentType: bridge.ContentJSON, CreatedAt: time.Now(), UpdatedAt: time.Now()}
		if _, _, err := r.AddWebhook(r.Context(), w); err != nil {
			r.Fatal(err)
		}
	}
}

func atOnce(now time.Time) time.Time { return now }

func (r rig) watch(shop string) bridge.Watch {
	r.Helper()
	if err := r.AddWatch(r.Context(), shop, atOnce); err != nil {
		r.Fatal(err)
	}
	w, err := r.ClaimWatch(r.Context(), shop, "node", someLease)
	if err != nil {
		r.Fatal(err)
	}
	return w
}

func (r rig) notice(w bridge.Watch, list ...bridge.Notice) {
	r.Helper()
	if err := r.Notice(r.Context(), w, someLease, w.Now, list); err != nil {
		r.Fatal(err)
	}
}

func seen(id int64, mark string) bridge.Notice {
	return bridge.Notice{Object: bridge.Object{Kind: bridge.KindProduct, ID: id}, Mark: mark}
}

func (r rig) dueLooks(but ...string) (targets []string) {
	r.Helper()
	list, err := r.DueLooks(r.Context(), 100, but...)
	if err != nil {
		r.Fatal(err)
	}
	for _, head := range list {
		targets = append(targets, targetOf(head.Shop, head.Target()))
	}
	slices.Sort(targets)
	return targets
}

func (r rig) wantDue(targets ...string) {
	r.Helper()
	if got := r.dueLooks(); !slices.Equal(got, targets) {
		r.Errorf("due are %q, want %q", got, targets)
	}
}

func (r rig) look(shop string, id int64) bridge.Look {
	r.Helper()
	l, err := r.ClaimLook(r.Context(), bridge.LookHead{Shop: shop, Object: bridge.Object{Kind: bridge.KindProduct, ID: id}}, "node", someLease)
	if err != nil {
		r.Fatal(err)
	}
	return l
}

func sighting(l bridge.Look, digest string) bridge.Sighting {
	return bridge.Sighting{Object: l.Object, Digest: digest, Mark: l.Mark, Age: bridge.Unknown, Rest: bridge.Unknown, Body: json.RawMessage(`{"id":7}`)}
}

func (r rig) settle(l bridge.Look, digest string) []bridge.Topic {
	r.Helper()
	told, err := r.SettleLook(r.Context(), l, sighting(l, digest))
	if err != nil {
		r.Fatal(err)
	}
	return told
}

// A look is there once, is not due before a save in the same second would show,
// and is not asked for again by what it has already answered.
func TestLooks(t *testing.T) {
	onEach(t, func(r rig) {
		r.wish("", "products/update")
		w := r.watch("")
		r.notice(w, seen(7, "A"), seen(8, "A"), seen(7, "A"))
		r.wantDue()
		r.advance(bridge.SettleAfter)
		r.wantDue("product:7", "product:8")
		l := r.look("", 7)
		r.wantDue("product:8")
		if _, err := r.ClaimLook(r.Context(), bridge.LookHead{Object: l.Object}, "other", someLease); !errors.Is(err, bridge.ErrNotClaimable) {
			r.Errorf("a look was claimed twice: %v", err)
		}
		if told := r.settle(l, "one"); !slices.Equal(told, []bridge.Topic{"products/update"}) {
			r.Errorf("told %q", told)
		}
		if _, err := r.SettleLook(r.Context(), l, sighting(l, "two")); !errors.Is(err, bridge.ErrFenced) {
			r.Errorf("a look was settled twice: %v", err)
		}
		w = r.renewed(w)
		r.notice(w, seen(7, "A")) // settled
		r.advance(bridge.SettleAfter)
		r.wantDue("product:8")
		r.notice(w, seen(7, "B"))
		r.advance(bridge.SettleAfter)
		r.wantDue("product:7", "product:8")
		if told := r.settle(r.look("", 7), "one"); told != nil {
			r.Errorf("told %q of what was known", told)
		}
		if n := r.count("SELECT COUNT(*) FROM events"); n != 1 {
			r.Errorf("%d events", n)
		}
	})
}

// renewed is the watch after its lease was prolonged by a claim of its own.
func (r rig) renewed(w bridge.Watch) bridge.Watch {
	r.Helper()
	r.advance(2 * someLease)
	w, err := r.ClaimWatch(r.Context(), w.Shop, "node", time.Hour)
	if err != nil {
		r.Fatal(err)
	}
	return w
}

// What was asked for again while an object was being read is looked at again:
// what was read may be the middle of a change.
func TestLookAskedForAgain(t *testing.T) {
	onEach(t, func(r rig) {
		r.wish("", "products/update")
		w := r.watch("")
		r.notice(w, seen(7, "A"))
		r.advance(bridge.SettleAfter)
		l := r.look("", 7)
		r.notice(w, seen(7, "B"))
		r.wantDue()
		if told := r.settle(l, "half"); told != nil {
			r.Errorf("told %q", told)
		}
		r.advance(bridge.SettleAfter)
		r.wantDue("product:7")
		l = r.look("", 7)
		if l.Mark != "B" {
			r.Errorf("looks for the save %q", l.Mark)
		}
		if told := r.settle(l, "whole"); len(told) != 1 {
			r.Errorf("told %q", told)
		}
		r.wantDue()
	})
}

// A node that was paused beyond its lease writes nothing, about a watch or a
// look.
func TestFeedIsFenced(t *testing.T) {
	onEach(t, func(r rig) {
		r.wish("", "products/update")
		old := r.watch("")
		r.notice(old, seen(7, "A"))
		r.advance(bridge.SettleAfter)
		l := r.look("", 7)
		r.advance(2 * someLease)
		for name, err := range map[string]error{
			"Notice":     r.Notice(r.Context(), old, someLease, old.Now, []bridge.Notice{seen(9, "A")}),
			"Learn":      r.Learn(r.Context(), old, someLease, []bridge.Notice{seen(9, "A")}),
			"TurnPage":   r.TurnPage(r.Context(), old, someLease, old.Now, bridge.Page{List: bridge.ListStock}, 1, nil),
			"Advance":    r.Advance(r.Context(), old, bridge.Cursor{Shop: old.Now, At: old.Now}, atOnce),
			"LeaveWatch": r.LeaveWatch(r.Context(), old, atOnce, "trouble"),
			"PutOffLook": r.PutOffLook(r.Context(), l, time.Second),
			"DropLook":   r.DropLook(r.Context(), l),
		} {
			if !errors.Is(err, bridge.ErrFenced) {
				r.Errorf("%s of a lease that ran out: %v", name, err)
			}
		}
		if _, err := r.MissLook(r.Context(), l, time.Second); !errors.Is(err, bridge.ErrFenced) {
			r.Errorf("MissLook: %v", err)
		}
		w, err := r.ClaimWatch(r.Context(), "", "other", someLease)
		if err != nil || w.Cursor != nil {
			r.Errorf("the heir got %+v, %v", w, err)
		}
		if n := r.count("SELECT COUNT(*) FROM feed_known") + r.count("SELECT COUNT(*) FROM feed_pages"); n != 0 {
			r.Errorf("%d rows were written", n)
		}
	})
}

// The cursor, the places and the pages come back as they were left.
func TestWatchGoesOn(t *testing.T) {
	onEach(t, func(r rig) {
		w := r.watch("outlet")
		rows := []bridge.Row{{ID: 3, Object: 7, Mark: "5"}, {ID: 4, Object: 8, Mark: "-1"}}
		if _, kept, err := r.KeptPage(r.Context(), w, bridge.ListStock, 2); kept || err != nil {
			r.Errorf("a page nobody kept: %v, %v", kept, err)
		}
		for range 2 {
			if err := r.TurnPage(r.Context(), w, someLease, w.Now, bridge.Page{List: bridge.ListStock, Number: 2, Rows: rows}, 3, nil); err != nil {
				r.Fatal(err)
			}
		}
		if got, kept, err := r.KeptPage(r.Context(), w, bridge.ListStock, 2); !kept || err != nil || !slices.Equal(got, rows) {
			r.Errorf("kept %+v, %v, %v", got, kept, err)
		}
		to := bridge.Cursor{Shop: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), At: w.Now}
		if err := r.Advance(r.Context(), w, to, func(now time.Time) time.Time { return now.Add(time.Hour) }); err != nil {
			r.Fatal(err)
		}
		if _, err := r.ClaimWatch(r.Context(), "outlet", "node", someLease); !errors.Is(err, bridge.ErrNotClaimable) {
			r.Errorf("claimed before its turn: %v", err)
		}
		r.advance(time.Hour)
		w, err := r.ClaimWatch(r.Context(), "outlet", "node", someLease)
		if err != nil || *w.Cursor != to || w.Places[bridge.ListStock] != 3 {
			r.Errorf("it goes on at %+v, %v", w, err)
		}
		if err := r.LeaveWatch(r.Context(), w, atOnce, "The shop cannot be reached."); err != nil {
			r.Fatal(err)
		}
		list, err := r.Watches(r.Context())
		if err != nil || len(list) != 1 || list[0].Trouble != "The shop cannot be reached." || *list[0].Cursor != to || list[0].Lag < time.Hour {
			r.Errorf("Watches: %+v, %v", list, err)
		}
	})
}

// A step that changed the shop, or may have, asks for a look in its own
// transaction, if anybody wants to hear of it. The look waits for the job to
// let go of its object, but not for ever.
func TestStepsAskForLooks(t *testing.T) {
	onEach(t, func(r rig) {
		step := func(state bridge.StepState, target string) bridge.StepRecord {
			return bridge.StepRecord{Name: string(state), Target: target, State: state, After: json.RawMessage(`{"product_id":9}`)}
		}
		journal := func(c bridge.Claim, steps ...bridge.StepRecord) {
			r.Helper()
			for i, s := range steps {
				s.Seq = i
				if err := r.Journal(r.Context(), c, bridge.Entry{Steps: []bridge.StepRecord{s}, Progress: schemas.Progress{}}); err != nil {
					r.Fatal(err)
				}
			}
		}
		unheard := r.claimed(r.accepted("product:1"))
		journal(unheard, step(bridge.StepApplied, "product:1"))
		r.finish(unheard)
		r.wantDue()

		r.wish("", "orders/paid")
		c := r.claimed(r.accepted("product:2"))
		journal(c, step(bridge.StepSending, "product:3"), step(bridge.StepSkipped, "product:4"), step(bridge.StepFailed, "product:5"))
		r.wantDue()
		journal(c, step(bridge.StepApplied, "product:2"), step(bridge.StepUnknown, "order:6"))
		r.wantDue("order:6")
		if n := r.count("SELECT COUNT(*) FROM feed_looks WHERE quiet = 1 AND target = 'order:6'"); n != 1 {
			r.Error("what may have changed is told as if it had")
		}
		made := step(bridge.StepApplied, "reference:new")
		made.Unit = "items/0"
		journal(c, made)
		r.wantDue("order:6", "product:9")
		r.finish(c)
		r.wantDue("order:6", "product:2", "product:9")

		held := r.claimed(r.accepted("product:2"))
		r.wantDue("order:6", "product:9")
		r.advance(patience)
		r.wantDue("order:6", "product:2", "product:9")
		_ = held
	})
}

// An operator who says that a step was applied asks for the look.
func TestResolvedStepIsLookedAt(t *testing.T) {
	onEach(t, func(r rig) {
		r.wish("", "products/update")
		job := r.accepted("product:7")
		c := r.claimed(job)
		if err := r.Finish(r.Context(), c, bridge.Ending{Status: schemas.NeedsReview}); err != nil {
			r.Fatal(err)
		}
		_, err := r.Amend(r.Context(), bridge.Decision{Operator: "op", Action: bridge.ActionResolveApplied, Subject: job.ID, Reason: "seen", At: time.Now()}, func(j *bridge.Job) error {
			j.Status, j.Steps = schemas.Accepted, []bridge.StepRecord{{Name: "price", Target: "product:7", State: bridge.StepApplied}}
			return nil
		})
		if err != nil {
			r.Fatal(err)
		}
		r.wantDue("product:7")
	})
}

// An object is gone when it was missed twice, and not if it was seen between.
func TestMissedTwice(t *testing.T) {
	onEach(t, func(r rig) {
		r.wish("", "products/delete")
		w := r.watch("")
		r.notice(w, seen(7, ""))
		r.advance(bridge.SettleAfter)
		for i, want := range []int{0, 1} {
			l := r.look("", 7)
			told, err := r.MissLook(r.Context(), l, time.Minute)
			if err != nil || len(told) != want || l.Misses != i {
				r.Fatalf("miss %d: %+v, told %q, %v", i, l, told, err)
			}
			r.advance(time.Minute)
		}
		if n := r.count("SELECT COUNT(*) FROM events WHERE topic = 'products/delete' AND object_key = 'product:7'"); n != 1 || r.dueLooks() != nil {
			r.Errorf("%d events, due %q", n, r.dueLooks())
		}
	})
}

// Shops do not mix, and a shop that is full is left out.
func TestFeedOfSeveralShops(t *testing.T) {
	onEach(t, func(r rig) {
		r.wish("outlet", "products/update", "customers/update")
		interest, err := r.Interest(r.Context(), "outlet")
		if _, customers := interest[bridge.KindCustomer]; err != nil || len(interest) != 1 || customers {
			r.Errorf("interest is %+v, %v", interest, err)
		}
		if interest, err := r.Interest(r.Context(), ""); err != nil || len(interest) != 0 {
			r.Errorf("interest in the other shop is %+v, %v", interest, err)
		}
		r.notice(r.watch(""), seen(7, "A"))
		r.notice(r.watch("outlet"), seen(7, "A"))
		r.advance(bridge.SettleAfter)
		if got := r.dueLooks("outlet"); !slices.Equal(got, []string{"product:7"}) {
			r.Errorf("due without the outlet: %q", got)
		}
		r.settle(r.look("", 7), "x")
		if n := r.count("SELECT COUNT(*) FROM events"); n != 0 {
			r.Error("the outlet's webhook was told of the other shop")
		}
		r.settle(r.look("outlet", 7), "x")
		if n := r.count("SELECT COUNT(*) FROM events WHERE shop = 'outlet'"); n != 1 {
			r.Errorf("%d events of the outlet", n)
		}
	})
}

// Many ask for the same looks at the same time, and nobody fails for it.
func TestAskedForByMany(t *testing.T) {
	onEach(t, func(r rig) {
		r.wish("", "products/update")
		var claims []bridge.Claim
		for i := range 8 {
			claims = append(claims, r.claimed(r.accepted(fmt.Sprintf("reference:%d", i))))
		}
		w := r.watch("")
		var failed atomic.Int64
		together(len(claims)+1, func(i int) {
			for id := range int64(20) {
				var err error
				if i == len(claims) {
					err = r.Notice(r.Context(), w, someLease, w.Now, []bridge.Notice{seen(id%5+1, fmt.Sprint(id))})
				} else {
					err = r.Journal(r.Context(), claims[i], bridge.Entry{Steps: []bridge.StepRecord{bridge.StepRecord{Name: fmt.Sprint(id), Target: bridge.ProductTarget(id%5 + 1), State: bridge.StepApplied}}, Progress: schemas.Progress{}})
				}
				if err != nil {
					failed.Add(1)
					r.Log(err)
				}
			}
		})
		if failed.Load() > 0 {
			r.Errorf("%d of the calls failed", failed.Load())
		}
		if n := r.count("SELECT COUNT(*) FROM feed_looks"); n != 5 {
			r.Errorf("%d looks at five products", n)
		}
	})
}
