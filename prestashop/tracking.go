package prestashop

import (
	"context"

	"github.com/prestashop-bridge/bridge/bridge"
)

// trackingNote is a tracking step in the journal.
type trackingNote struct {
	Carrier int64  `json:"order_carrier"`
	Before  string `json:"before"`
}

type trackingFacts struct {
	TrackingNumber string `json:"tracking_number"`
}

func (u statusUpdate) trackingBaseline(ctx context.Context, _ bridge.Journal) (b bridge.Baseline, err error) {
	b.Target = bridge.OrderTarget(u.in.OrderID)
	// An impossible move is refused before the tracking number is stored.
	if _, err := u.move(ctx); err != nil {
		return b, err
	}
	carrier, err := u.shop.carrierOf(ctx, u.in.OrderID)
	if err != nil {
		return b, err
	}
	if carrier.ID == 0 {
		return b, noCarrier(u.in.OrderID)
	}
	b.Data = pack(trackingNote{Carrier: int64(carrier.ID), Before: string(carrier.Tracking)})
	b.Before = pack(trackingFacts{string(carrier.Tracking)})
	if string(carrier.Tracking) == u.in.TrackingNumber {
		b.Skip, b.After = "already_so", b.Before
	}
	return b, nil
}

// noCarrier is an order of virtual goods: there is nowhere to keep a number.
func noCarrier(orderID int64) error {
	return declined("/tracking_number", "order %d has no carrier, so it cannot hold a tracking number", orderID)
}

// sendTracking never asks for the shop's in-transit mail: it would go out at
// every repeat (recordings 355, 502).
func (u statusUpdate) sendTracking(ctx context.Context, b bridge.Baseline) (effect bridge.Effect, err error) {
	note, err := unpack[trackingNote](b.Data)
	if err != nil {
		return effect, err
	}
	e := newEntity("order_carrier").number("id", note.Carrier).field("tracking_number", u.in.TrackingNumber)
	effect.After = pack(trackingFacts{u.in.TrackingNumber})
	return effect, u.shop.client.patch(ctx, "order_carriers", note.Carrier, e)
}

func (u statusUpdate) checkTracking(ctx context.Context, b bridge.Baseline) (bridge.Finding, error) {
	note, err := unpack[trackingNote](b.Data)
	if err != nil {
		return bridge.Finding{}, err
	}
	carrier, err := row[carrierRow](ctx, u.shop.client, "order_carriers", note.Carrier)
	if err != nil {
		return bridge.Finding{}, err
	}
	switch string(carrier.Tracking) {
	case u.in.TrackingNumber:
		return applied(trackingFacts{u.in.TrackingNumber}, "found applied"), nil
	case note.Before:
		return notApplied(), nil
	}
	return cannotKnow("order %d now has the tracking number %q, which is neither the one before nor the one sent", u.in.OrderID, carrier.Tracking), nil
}
