package rest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudgetServesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		first, err := b.take(t.Context(), 8)
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan int64, 3)
		for _, share := range []int64{10, 1, 2} {
			go func() {
				held, err := b.take(t.Context(), share)
				if err != nil {
					t.Error(err)
					return
				}
				served <- share
				held.release()
			}()
			synctest.Wait() // it is in the queue, though 1 and 2 would fit
			if len(served) != 0 {
				t.Fatalf("share %d overtook the one before it", share)
			}
		}
		first.release()
		if got := <-served; got != 10 {
			t.Errorf("served %d first", got)
		}
		synctest.Wait()
		if b.free != 10 || len(b.waiting) != 0 || len(served) != 2 {
			t.Errorf("%d free, %d waiting, %d served", b.free, len(b.waiting), len(served))
		}
	})
}

func TestBudgetWaiterThatGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		first, _ := b.take(t.Context(), 10)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := b.take(ctx, 5); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		first.shrink(4)
		if held, err := b.take(t.Context(), 6); err != nil {
			t.Error(err)
		} else {
			held.release()
			held.release() // a second time gives nothing back
		}
		first.release()
		if b.free != 10 {
			t.Errorf("%d free", b.free)
		}
	})
}

// A share above the whole budget waits for all of it instead of for ever.
func TestBudgetLargerThanItself(t *testing.T) {
	b := newBudget(10)
	held, err := b.take(t.Context(), 50)
	if err != nil || held.share != 10 {
		t.Fatalf("%+v, %v", held, err)
	}
	held.release()
}

func TestBudgetIsNeverOverdrawn(t *testing.T) {
	b := newBudget(100)
	var used, most atomic.Int64
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			share := int64(i%60 + 1)
			held, err := b.take(t.Context(), share)
			if err != nil {
				t.Error(err)
				return
			}
			now := used.Add(share)
			for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
			}
			used.Add(-share)
			held.release()
		})
	}
	all.Wait()
	if most.Load() > 100 || b.free != 100 {
		t.Errorf("%d in use at once, %d free at the end", most.Load(), b.free)
	}
}
