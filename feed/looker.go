package feed

import (
	"context"
	"errors"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

const (
	// lookTimeout bounds the reading of one object, lookLease that and its
	// writing down.
	lookTimeout, lookLease = time.Minute, 2 * time.Minute
	// maxLooking bounds the looks under way in this process, maxLookingAtShop
	// those at one shop: the shop's time belongs to the jobs.
	maxLooking, maxLookingAtShop = 16, 2
	// missPause is the time between two answers that there is no such object.
	missPause = time.Minute
	// longestPause bounds the pause before a failed look is tried again. It is
	// tried for ever: nothing else remembers the change.
	longestPause = 5 * time.Minute
)

type looker struct {
	*Feed
	at *places
}

func newLooker(f *Feed) *looker { return &looker{Feed: f, at: newPlaces(maxLooking, maxLookingAtShop)} }

func (k *looker) places() *places { return k.at }

// begin starts looks until nothing is due or no place is left. A shop that is
// full is left out, so that the others' looks come to the front.
func (k *looker) begin(ctx context.Context) error {
	for {
		list, err := k.Store.DueLooks(ctx, maxLooking, k.at.full()...)
		if err != nil {
			return err
		}
		begun := 0
		for _, head := range list {
			if !k.at.take(head.Shop) {
				continue
			}
			claimed, err := k.Store.ClaimLook(ctx, head, k.Node, lookLease)
			if err == nil {
				begun++
				k.at.use(head.Shop, func() bool { return k.look(ctx, claimed) })
				continue
			}
			k.at.leave(head.Shop)
			if !errors.Is(err, bridge.ErrNotClaimable) {
				return err
			}
		}
		if begun == 0 {
			return nil
		}
	}
}

// look looks at one object and writes down what came of it, and tells whether
// that was done. What cannot be written down is looked at again when the lease
// ends.
func (k *looker) look(ctx context.Context, l bridge.Look) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	log := k.Log.With("shop", bridge.ShopLabel(l.Shop), "object", l.Target())
	told, err := k.settle(ctx, l)
	switch {
	case errors.Is(err, bridge.ErrFenced):
		log.InfoContext(ctx, "feed: another node looks at it now")
	case err != nil:
		log.WarnContext(ctx, "feed: the object was not looked at; trying again", "attempt", l.Attempts+1, "error", err)
		writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
		defer cancel()
		_ = k.Store.PutOffLook(writing, l, pauseAfter(l.Attempts))
	case k.Observe != nil:
		k.Observe(l.Kind, told)
	}
	return err == nil
}

// pauseAfter doubles from a second.
func pauseAfter(attempts int) time.Duration {
	if attempts > 8 {
		return longestPause
	}
	return time.Second << attempts
}

func (k *looker) settle(ctx context.Context, l bridge.Look) ([]bridge.Topic, error) {
	interest, err := k.Store.Interest(ctx, l.Shop)
	if err != nil {
		return nil, err
	}
	private, wanted := interest[l.Kind]
	if !wanted {
		return nil, k.Store.DropLook(ctx, l)
	}
	shop, err := k.Shop(ctx, l.Shop)
	if err != nil {
		return nil, err
	}
	seen, err := shop.Sight(ctx, l.Object, private)
	if err == nil {
		return k.Store.SettleLook(ctx, l, seen)
	}
	var fault *bridge.ShopError
	switch {
	case errors.Is(err, bridge.ErrNoRight) && l.Kind == bridge.KindCustomer:
		k.sayOnce(ctx, l.Shop, l.Kind, err)
		return nil, k.Store.DropLook(ctx, l)
	case errors.As(err, &fault) && fault.Fault == bridge.NotFound && l.Kind != bridge.KindShop:
		return k.missed(ctx, l, shop)
	}
	return nil, err
}

// missed believes that an object is gone only when the shop's list does not
// show it either.
func (k *looker) missed(ctx context.Context, l bridge.Look, shop bridge.WatchedShop) ([]bridge.Topic, error) {
	listed, err := shop.Lists(ctx, l.Object)
	if err != nil {
		return nil, err
	}
	if listed {
		return nil, errContradiction
	}
	return k.Store.MissLook(ctx, l, missPause)
}

var errContradiction = errors.New("the shop lists the object and says that it has none")
