package prestashop

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The steps of update_order_status. Tracking comes first, because the status
// mail reads it.
const (
	stepTracking = "tracking"
	stepStatus   = "status"
)

// The states of the status mail. It can leave at most once, and nothing in the
// shop tells whether it did.
const (
	mailNotRequested  = "not_requested"
	mailSent          = "sent"
	mailNotSentByShop = "not_sent_by_shop" // the state has no mail (recording 507)
	mailFailed        = "failed"           // 500/46 with the row written (recording 508)
	mailUnknown       = "unknown"          // the answer was lost
)

// statusUpdate is one update_order_status job.
type statusUpdate struct {
	shop *Shop
	in   schemas.UpdateOrderStatus
}

func (s *Shop) planUpdateOrderStatus(payload json.RawMessage) (bridge.Plan, error) {
	u := statusUpdate{shop: s}
	if err := json.Unmarshal(payload, &u.in); err != nil {
		return bridge.Plan{}, bridge.Fault(bridge.CodeInternal, err, "The job's payload cannot be read.")
	}
	unit := bridge.Unit{}
	if u.in.TrackingNumber != "" {
		unit.Steps = append(unit.Steps, bridge.Step{Name: stepTracking, Baseline: u.trackingBaseline, Send: u.sendTracking, Check: u.checkTracking})
	}
	unit.Steps = append(unit.Steps, bridge.Step{Name: stepStatus, Baseline: u.statusBaseline, Send: u.sendStatus, Check: u.checkStatus})
	return bridge.Plan{Units: []bridge.Unit{unit}, Result: u.result}, nil
}

// orderMove is a change of state as it stands now.
type orderMove struct {
	from, to int64
	known    statuses
}

// move reads the order's state, finds the wanted one and asks whether the step
// between them is possible.
func (u statusUpdate) move(ctx context.Context) (orderMove, error) {
	found, err := row[orderRow](ctx, u.shop.client, "orders", u.in.OrderID)
	if err != nil {
		return orderMove{}, err
	}
	known, err := u.shop.statusesWith(ctx, found, nil)
	if err != nil {
		return orderMove{}, err
	}
	to, err := known.resolve(u.in.NewStatus)
	if err != nil {
		if known, err = u.shop.settings.freshStatuses(ctx); err == nil {
			to, err = known.resolve(u.in.NewStatus)
		}
		if err != nil {
			return orderMove{}, err
		}
	}
	m := orderMove{from: int64(found.State), to: to, known: known}
	return m, known.checkMove(u.in.OrderID, m.from, m.to)
}

// statusNote is a status step in the journal.
type statusNote struct {
	From     int64 `json:"from"`
	To       int64 `json:"to"`
	LastRow  int64 `json:"last_history"` // highest id_order_history before
	ToMails  bool  `json:"to_mails"`     // whether the state has a mail
	Employee int64 `json:"employee,omitempty"`
}

type statusFacts struct {
	Status    schemas.OrderStatus `json:"status"`
	HistoryID int64               `json:"history_id,omitempty"`
	Mail      string              `json:"mail,omitempty"`
}

func (u statusUpdate) statusBaseline(ctx context.Context, _ bridge.Journal) (b bridge.Baseline, err error) {
	b.Target = bridge.OrderTarget(u.in.OrderID)
	m, err := u.move(ctx)
	if err != nil {
		return b, err
	}
	b.Before = pack(statusFacts{Status: m.known.status(m.from)})
	if m.from == m.to {
		// The shop would write a second row and send a second mail (recording 323).
		b.Skip, b.After = "already_in_status", b.Before
		return b, nil
	}
	past, err := u.shop.history(ctx, u.in.OrderID)
	if err != nil {
		return b, err
	}
	to, _ := m.known.state(m.to)
	note := statusNote{From: m.from, To: m.to, ToMails: bool(to.Mails), Employee: u.shop.employeeID}
	for _, h := range past {
		note.LastRow = max(note.LastRow, int64(h.ID))
	}
	b.Data = pack(note)
	return b, nil
}

func (u statusUpdate) sendStatus(ctx context.Context, b bridge.Baseline) (effect bridge.Effect, err error) {
	note, err := unpack[statusNote](b.Data)
	if err != nil {
		return effect, err
	}
	e := newEntity("order_history").number("id_order", u.in.OrderID).number("id_order_state", note.To)
	if note.Employee != 0 {
		e.number("id_employee", note.Employee)
	}
	var query url.Values
	mail := mailNotRequested
	if u.in.NotifyCustomer {
		query = url.Values{"sendemail": {"1"}} // only in the URL (recording 340)
		mail = mailSent
		if !note.ToMails {
			mail = mailNotSentByShop
		}
	}
	id, err := u.shop.client.post(ctx, "order_histories", query, e)
	if err != nil {
		return u.mailTrouble(ctx, note, err)
	}
	if seen, err := u.look(ctx, note); err == nil && seen.repeated {
		return effect, twice("the status change")
	}
	return u.done(ctx, note, id, mail, ""), nil
}

// mailTrouble looks into a 500/46: the shop says so when only the mail failed,
// after the row was written (recording 508).
func (u statusUpdate) mailTrouble(ctx context.Context, note statusNote, err error) (bridge.Effect, error) {
	var answered *statusError
	if !u.in.NotifyCustomer || !errors.As(err, &answered) || answered.code != codeNotSaved {
		return bridge.Effect{}, err
	}
	seen, readErr := u.look(ctx, note)
	if readErr != nil || seen.verdict != bridge.Applied {
		return bridge.Effect{}, err
	}
	return u.done(ctx, note, seen.row, mailFailed, "mail_failed"), nil
}

// done describes a change that is known to have happened.
func (u statusUpdate) done(ctx context.Context, note statusNote, row int64, mail, detail string) bridge.Effect {
	known, err := u.shop.settings.statuses(ctx)
	if err != nil {
		known = statuses{} // the change stands; only the state's name is missing
	}
	facts := statusFacts{Status: known.status(note.To), HistoryID: row, Mail: mail}
	return bridge.Effect{After: pack(facts), Detail: detail}
}

// sighting is what the order's history says about a status change.
type sighting struct {
	verdict  bridge.Verdict
	row      int64
	repeated bool
	reason   string
}

// look compares the history with the note: the one row since then in the
// wanted state and of our employee is ours. Anything else in it is a person at
// work. With no row at all the order's state must still be the old one, or the
// shop died between the state and the row.
func (u statusUpdate) look(ctx context.Context, note statusNote) (sighting, error) {
	past, err := u.shop.history(ctx, u.in.OrderID)
	if err != nil {
		return sighting{}, err
	}
	var ours []int64
	for _, h := range past {
		if int64(h.ID) <= note.LastRow {
			continue
		}
		if int64(h.State) != note.To || int64(h.Employee) != note.Employee {
			return sighting{reason: "somebody else has changed the order since (see its history)"}, nil
		}
		ours = append(ours, int64(h.ID))
	}
	switch len(ours) {
	case 1:
		return sighting{verdict: bridge.Applied, row: ours[0]}, nil
	case 0:
		return u.lookAtState(ctx, note)
	}
	return sighting{repeated: true, reason: "the history holds the change more than once"}, nil
}

func (u statusUpdate) lookAtState(ctx context.Context, note statusNote) (sighting, error) {
	found, err := row[orderRow](ctx, u.shop.client, "orders", u.in.OrderID)
	switch {
	case err != nil:
		return sighting{}, err
	case int64(found.State) == note.From:
		return sighting{verdict: bridge.NotApplied}, nil
	case int64(found.State) == note.To:
		return sighting{reason: "the order is in the wanted state, but its history has no row for it: stock, invoice and payment may be done, the mail is not"}, nil
	}
	return sighting{reason: "the order is in a third state, and its history does not say how"}, nil
}

func (u statusUpdate) checkStatus(ctx context.Context, b bridge.Baseline) (bridge.Finding, error) {
	note, err := unpack[statusNote](b.Data)
	if err != nil {
		return bridge.Finding{}, err
	}
	seen, err := u.look(ctx, note)
	switch {
	case err != nil:
		return bridge.Finding{}, err
	case seen.verdict == bridge.CannotKnow:
		return cannotKnow("order %d: %s", u.in.OrderID, seen.reason), nil
	case seen.verdict == bridge.NotApplied:
		return notApplied(), nil
	}
	mail, detail := mailNotRequested, "found applied"
	if u.in.NotifyCustomer {
		mail, detail = mailUnknown, "found applied; whether the mail left cannot be known"
		if !note.ToMails {
			mail = mailNotSentByShop
		}
	}
	return bridge.Finding{Verdict: bridge.Applied, Effect: u.done(ctx, note, seen.row, mail, detail)}, nil
}

// statusResult is the result of an update_order_status job.
type statusResult struct {
	OrderID        int64         `json:"order_id"`
	Status         *statusChange `json:"status,omitempty"`
	TrackingNumber string        `json:"tracking_number,omitempty"`
	Mail           string        `json:"mail,omitempty"`
}

type statusChange struct {
	Before schemas.OrderStatus `json:"before"`
	After  schemas.OrderStatus `json:"after"`
}

func (u statusUpdate) result(o bridge.Outcome) any {
	result := statusResult{OrderID: u.in.OrderID}
	for _, unit := range o.Units {
		if rec, ok := took(unit.Journal, "", stepTracking); ok {
			facts, _ := unpack[trackingFacts](rec.After)
			result.TrackingNumber = facts.TrackingNumber
		}
		if rec, ok := took(unit.Journal, "", stepStatus); ok {
			before, _ := unpack[statusFacts](rec.Before)
			after, _ := unpack[statusFacts](rec.After)
			result.Status = &statusChange{Before: before.Status, After: after.Status}
			result.Mail = after.Mail
			if result.Mail == "" {
				result.Mail = mailNotRequested // skipped: nothing was sent
			}
		}
	}
	return result
}
