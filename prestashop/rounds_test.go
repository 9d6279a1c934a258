package prestashop

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// A hundred who ask while one is answered share the next answer.
func TestReadersShareTheNextRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rounds[int, int]
		loads := 0
		load := func(context.Context) (int, error) {
			loads++
			time.Sleep(time.Second)
			return loads, nil
		}
		var all sync.WaitGroup
		ask := func(want int) {
			all.Go(func() {
				if got, err := r.get(t.Context(), 7, load); got != want || err != nil {
					t.Errorf("got %d, %v, want %d", got, err, want)
				}
			})
		}
		ask(1)
		synctest.Wait()
		for range 100 {
			ask(2)
		}
		time.Sleep(1500 * time.Millisecond) // into the second round
		ask(3)
		all.Wait()
		synctest.Wait()
		if loads != 3 || len(r.open) != 0 {
			t.Errorf("%d loads, %d keys still open", loads, len(r.open))
		}
	})
}

// Whoever has seen a change be made is never shown what was read before it.
func TestNobodyIsGivenAnOlderAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rounds[int, int]
		shop := 1
		load := func(context.Context) (int, error) {
			read := shop
			time.Sleep(time.Second) // the answer is on its way
			return read, nil
		}
		var early sync.WaitGroup
		early.Go(func() { _, _ = r.get(t.Context(), 7, load) })
		synctest.Wait()
		shop = 2
		if got, err := r.get(t.Context(), 7, load); got != 2 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		early.Wait()
	})
}

func TestARoundOutlivesWhoeverBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rounds[int, int]
		load := func(ctx context.Context) (int, error) {
			time.Sleep(time.Second)
			return 1, ctx.Err()
		}
		gone, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := r.get(gone, 7, load); !errors.Is(err, context.Canceled) {
				t.Errorf("the one who left: %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if got, err := r.get(t.Context(), 7, load); got != 1 || err != nil {
				t.Errorf("the one who stayed: %d, %v", got, err)
			}
		})
		synctest.Wait()
		cancel()
		all.Wait()
	})
}

func TestAPanicOfAReadIsAnError(t *testing.T) {
	var r rounds[int, int]
	_, err := r.get(t.Context(), 7, func(context.Context) (int, error) { panic("a bug") })
	if bridge.AsError(err).Code != bridge.CodeInternal {
		t.Errorf("got %v", err)
	}
	if got, err := r.get(t.Context(), 7, func(context.Context) (int, error) { return 5, nil }); got != 5 || err != nil {
		t.Errorf("afterwards: %d, %v", got, err)
	}
}
