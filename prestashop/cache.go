package prestashop

import (
	"cmp"
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// cacheLifetime is how long lists are believed that change when somebody
// works on the shop's configuration. What is not found in one drops it early.
const cacheLifetime = 5 * time.Minute

// cached is one list of the shop, loaded once for all who wait for it.
type cached[T any] struct {
	load     func(ctx context.Context) (T, error)
	lifetime time.Duration // cacheLifetime when zero
	flight   singleflight.Group

	mu    sync.Mutex
	value T
	until time.Time
}

// get gives the list, loading it when it is old. The load survives the caller
// who began it; the client's own deadline ends it.
func (c *cached[T]) get(ctx context.Context) (T, error) {
	value, fresh := c.atHand()
	if fresh {
		return value, nil
	}
	loading := c.flight.DoChan("", func() (any, error) {
		loaded, err := c.load(context.WithoutCancel(ctx))
		if err == nil {
			c.mu.Lock()
			c.value, c.until = loaded, time.Now().Add(cmp.Or(c.lifetime, cacheLifetime))
			c.mu.Unlock()
		}
		return loaded, err
	})
	select {
	case <-ctx.Done():
		return value, unreached("The shop's settings could not be read in time.", ctx.Err())
	case done := <-loading:
		if done.Err != nil {
			return value, done.Err
		}
		return done.Val.(T), nil
	}
}

func (c *cached[T]) atHand() (value T, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.value, time.Now().Before(c.until)
}

// into is a read for together: nil with the list in place when it is at hand.
func (c *cached[T]) into(ctx context.Context, place *T) func() error {
	value, fresh := c.atHand()
	if fresh {
		*place = value
		return nil
	}
	return func() (err error) {
		*place, err = c.get(ctx)
		return err
	}
}

// drop makes the next get load again.
func (c *cached[T]) drop() {
	c.mu.Lock()
	c.until = time.Time{}
	c.mu.Unlock()
}

// lookUp finds something in the list; what is not there may be new in the
// shop, so the list is read once more before the answer is no.
func lookUp[T, V any](ctx context.Context, c *cached[T], find func(T) (V, bool)) (found V, ok bool, err error) {
	list, err := c.get(ctx)
	if err != nil {
		return found, false, err
	}
	if found, ok = find(list); ok {
		return found, true, nil
	}
	c.drop()
	if list, err = c.get(ctx); err != nil {
		return found, false, err
	}
	found, ok = find(list)
	return found, ok, nil
}
