package main

import (
	"fmt"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The faults a storm can find.
const (
	faultDuplicate = "duplicate effect"
	faultMissing   = "missing effect"
	faultLost      = "lost job"
	faultStray     = "job nobody asked for"
	faultOverlap   = "overlap of writes"
	faultReplay    = "wrong replay"
	faultCrash     = "crash or data race"
	faultRefused   = "unexpected refusal"
)

// finding is one thing that must not be.
type finding struct {
	fault string
	in    *intention // nil when it belongs to none
	text  string
}

// span is how often an effect may be at the shop.
type span struct{ least, most int }

var (
	never  = span{0, 0}
	once   = span{1, 1}
	atMost = span{0, 1}
)

// promised is what a job's end says about the effect of one of its steps. A
// job that succeeded promises it, one that failed says by its steps what it had
// done before; what needs review may be there or not. An intention that was
// refused or never answered must have done nothing.
func promised(in *intention, step string) span {
	switch {
	case in.jobID == "":
		return never
	case in.job.Status == schemas.Succeeded:
		return once
	case !in.job.Status.Terminal():
		return atMost
	}
	for _, s := range in.job.Steps {
		if s.Name != step {
			continue
		}
		switch s.State {
		case "applied":
			return once
		case "failed":
			return never
		}
		// Unknown; or skipped, because the shop was found to be so.
		return atMost
	}
	return never
}

// tally compares the shop with what the jobs say.
type tally struct {
	shop     *sandbox.Shop
	findings []finding
}

func (t *tally) find(fault string, in *intention, format string, args ...any) {
	t.findings = append(t.findings, finding{fault, in, fmt.Sprintf(format, args...)})
}

// expect compares how often an effect is there with how often it may be.
func (t *tally) expect(in *intention, what string, found int, allowed span) {
	switch {
	case found > allowed.most:
		t.find(faultDuplicate, in, "%s: found %d, at most %d may be", what, found, allowed.most)
	case found < allowed.least:
		t.find(faultMissing, in, "%s: found %d, at least %d must be", what, found, allowed.least)
	}
}

// stock reads the final quantity in base four: digit by digit, each difference
// says how often it was applied.
func (t *tally) stock(s stock) {
	now, _ := t.shop.Stock(s.product, 0)
	rest := now - startStock
	for at, d := range s.deltas {
		digit := ((rest % stockBase) + stockBase) % stockBase
		if d.units < 0 && digit > 0 {
			digit = stockBase - digit
			rest += digit
		} else {
			rest -= digit
		}
		rest /= stockBase
		t.expect(d.intention, fmt.Sprintf("stock_delta %+d (number %d) of product %d", d.units, at, s.product), digit, promised(d.intention, "stock"))
	}
	if rest != 0 && len(s.deltas) > 0 {
		t.find(faultDuplicate, s.deltas[0].intention, "product %d has the stock %d, which no number of its differences explains", s.product, now)
	}
}

// order compares history, mails and shipment of an order.
func (t *tally) order(o order, mails map[string]int) {
	now, _ := t.shop.Order(o.id)
	for _, c := range o.changes {
		rows := 0
		for _, h := range now.Histories {
			if h.State == c.status.id {
				rows++
			}
		}
		effect := promised(c.intention, "status")
		t.expect(c.intention, fmt.Sprintf("history row %s of order %d", c.word, o.id), rows, effect)
		if c.mail != "" {
			t.expect(c.intention, fmt.Sprintf("mail %s of order %d", c.mail, o.id), mails[mailKey(o.id, c.mail)], c.mailPromised(effect))
		}
		if c.tracking != "" {
			kept := 0
			for _, s := range now.Shipments {
				if s.Tracking == c.tracking {
					kept++
				}
			}
			t.expect(c.intention, fmt.Sprintf("tracking number of order %d", o.id), kept, promised(c.intention, "tracking"))
		}
	}
}

// mailPromised: a mail that was not asked for must not leave, one reported as
// sent must have left once, and one whose answer was lost may have.
func (c change) mailPromised(effect span) span {
	switch {
	case !c.notify || effect.most == 0:
		return never
	case c.outcome().Mail == "sent":
		return once
	}
	return atMost
}

func mailKey(order int, template string) string { return fmt.Sprint(order, " ", template) }

func mailsByOrder(effects sandbox.Effects) map[string]int {
	mails := map[string]int{}
	for _, m := range effects.Mails {
		mails[mailKey(m.OrderID, m.Template)]++
	}
	return mails
}

// everything goes through the whole work of a storm.
func (t *tally) everything(w *workload) {
	effects := t.shop.Effects()
	for _, s := range w.stocks {
		t.stock(s)
	}
	mails := mailsByOrder(effects)
	for _, o := range w.orders {
		t.order(o, mails)
	}
	t.imports(w.batches, shelfOf(t.shop, w, effects))
	for _, o := range effects.Overlaps {
		t.find(faultOverlap, nil, "two writes to %s at once, at %s", o.Target, o.Time.Format("15:04:05.000"))
	}
	for _, in := range w.intentions {
		t.fate(in)
	}
}

// fate: every intention was answered, with a job that has ended.
func (t *tally) fate(in *intention) {
	switch {
	case in.refusal != "":
		t.find(faultRefused, in, "%s", in.refusal)
	case in.jobID == "":
		t.find(faultLost, in, "never answered")
	case !in.job.Status.Terminal():
		t.find(faultLost, in, "accepted and never ended: %q", in.job.Status)
	}
}
