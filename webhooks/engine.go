package webhooks

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/egress"
	"github.com/prestashop-bridge/bridge/policies"
)

const (
	// Lease covers one attempt and its writing down. It is never renewed: an
	// attempt has an end of its own.
	Lease     = 2 * Timeout
	pollEvery = time.Second
	// maxRunning bounds the attempts under way in this process. It is far above
	// what healthy receivers need, so that hundreds of silent ones, which hold
	// one place each for the whole timeout, leave room for the others.
	maxRunning = 512
)

// Engine sends what is due. All fields but the last two are required.
type Engine struct {
	Outbox bridge.Outbox
	Client *egress.Client
	Sealer *auth.Sealer
	Node   string // who holds a lease, for the database
	Now    func() time.Time
	Log    *slog.Logger
	// Observe hears of each attempt that was written down; nil for nobody.
	Observe func(Outcome, time.Duration)
	// Retries are the pauses between attempts; nil means the package's. Poll is
	// how often an idle node asks the database for deliveries that another one
	// wrote, or whose pause is over; 0 means a second.
	Retries []time.Duration
	Poll    time.Duration

	receivers receivers
	running   sync.WaitGroup
	places    chan struct{}
	freed     chan struct{}    // has room for one
	origins   map[int64]string // of webhooks whose receiver was busy; the loop's alone
}

// Outcome is what became of an attempt.
type Outcome string

// The outcomes: a failed delivery is given up, a gone one disables its webhook.
const (
	Delivered Outcome = "delivered"
	Retrying  Outcome = "retrying"
	Failed    Outcome = "failed"
	Gone      Outcome = "gone"
)

// NewClient makes the client that an engine calls with, and that admits
// addresses at registration. hosts are private or plain http receivers the
// operator allows by name; plainHTTP lets any receiver do without TLS.
func NewClient(hosts []string, plainHTTP bool) *egress.Client {
	return egress.NewClient(policies.Book{AllowedHosts: hosts}, egress.Options{Timeout: Timeout, PlainHTTP: plainHTTP})
}

// Run delivers until ctx ends, and returns when the attempts under way have
// been written down.
func (e *Engine) Run(ctx context.Context) error {
	if e.Retries == nil {
		e.Retries = Retries
	}
	e.receivers = receivers{now: e.Now, known: map[string]*receiver{}}
	e.places, e.freed, e.origins = make(chan struct{}, maxRunning), make(chan struct{}, 1), map[int64]string{}
	defer e.Client.CloseIdleConnections()
	defer e.running.Wait()
	tick := time.NewTicker(cmp.Or(e.Poll, pollEvery))
	defer tick.Stop()
	for {
		begun, err := e.round(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			e.Log.WarnContext(ctx, "webhooks: the database was not asked; trying again", "error", err)
		case begun > 0:
			continue // each webhook shows one delivery at a time
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.Outbox.EventsWritten():
		case <-e.freed:
		case <-tick.C:
		}
	}
}

// round claims the next delivery of every webhook that has one due and whose
// receiver can take it, and begins to send them.
func (e *Engine) round(ctx context.Context) (int, error) {
	lanes, err := e.Outbox.Lanes(ctx, e.occupied())
	if err != nil {
		return 0, err
	}
	// Where not all find a place, it must not be the same ones each time.
	rand.Shuffle(len(lanes), func(i, k int) { lanes[i], lanes[k] = lanes[k], lanes[i] })
	var ids []int64
	entered := map[int64]func(health){}
	for _, lane := range lanes {
		to := origin(lane.Address)
		e.origins[lane.WebhookID] = to
		if len(e.places)+len(ids) >= maxRunning {
			break
		}
		if leave, ok := e.receivers.enter(to); ok {
			ids, entered[lane.DeliveryID] = append(ids, lane.DeliveryID), leave
		}
	}
	if len(ids) == 0 {
		return 0, nil
	}
	claimed, err := e.Outbox.ClaimDeliveries(ctx, ids, e.Node, Lease)
	for _, d := range claimed {
		leave := entered[d.ID]
		delete(entered, d.ID)
		e.places <- struct{}{}
		e.running.Go(func() {
			defer e.release()
			leave(e.deliver(context.WithoutCancel(ctx), d))
		})
	}
	for _, leave := range entered { // another node was faster
		leave(untold)
	}
	return len(claimed), err
}

// occupied are the webhooks whose receivers can take nothing now.
func (e *Engine) occupied() []int64 {
	var list []int64
	for id, origin := range e.origins {
		if !e.receivers.free(origin) {
			list = append(list, id)
		} else {
			delete(e.origins, id) // it is learnt anew when it has something due
		}
	}
	return list
}

func (e *Engine) release() {
	<-e.places
	select {
	case e.freed <- struct{}{}:
	default:
	}
}

// settleTimeout bounds the writing down of an attempt.
const settleTimeout = 4 * time.Second

// deliver makes one attempt and writes down what came of it. What cannot be
// written down is sent again when the lease ends: at least once.
func (e *Engine) deliver(ctx context.Context, d bridge.Delivery) health {
	log := e.Log.With("webhook", d.Webhook.ID, "delivery", d.ID, "event", d.Event.ID, "topic", string(d.Event.Topic))
	if !e.Now().Before(d.Until.Add(-Timeout)) {
		// The process was stopped since the claim, and another may have it now.
		return untold
	}
	a, err := e.call(ctx, d)
	if err != nil {
		a.At, a.Error = e.Now().UTC(), "The delivery could not be written."
		log.ErrorContext(ctx, "a delivery could not be written", "error", err)
	}
	end := e.end(d, a)
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	disabled, err := e.Outbox.Settle(ctx, d, end)
	switch {
	case errors.Is(err, bridge.ErrFenced):
		log.InfoContext(ctx, "a delivery was settled elsewhere meanwhile")
		return a.health()
	case err != nil:
		log.WarnContext(ctx, "an attempt was not written down; the delivery is sent again", "error", err)
		return a.health()
	case disabled:
		log.WarnContext(ctx, "webhook disabled", "status", a.Status)
	}
	if e.Observe != nil {
		e.Observe(outcome(end), a.Took)
	}
	return a.health()
}

func outcome(end bridge.AttemptEnd) Outcome {
	switch {
	case end.Gone:
		return Gone
	case end.State == bridge.DeliveryDelivered:
		return Delivered
	case end.State == bridge.DeliveryWaiting:
		return Retrying
	}
	return Failed
}
