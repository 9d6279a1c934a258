package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// writes are all fenced methods.
var writes = map[string]func(ctx context.Context, s *Store, c bridge.Claim) error{
	"Renew": func(ctx context.Context, s *Store, c bridge.Claim) error {
		_, err := s.Renew(ctx, c, someLease)
		return err
	},
	"LockTarget": func(ctx context.Context, s *Store, c bridge.Claim) error {
		_, err := s.LockTarget(ctx, c, "product:9")
		return err
	},
	"Unlock": func(ctx context.Context, s *Store, c bridge.Claim) error {
		return s.Journal(ctx, c, bridge.Entry{Unlock: []string{"product:1"}})
	},
	"Journal": func(ctx context.Context, s *Store, c bridge.Claim) error {
		return s.Journal(ctx, c, bridge.Entry{Steps: []bridge.StepRecord{bridge.StepRecord{Name: "late"}}, Progress: schemas.Progress{Done: 9, Total: 9}})
	},
	"Release": func(ctx context.Context, s *Store, c bridge.Claim) error {
		return s.Release(ctx, c, bridge.Release{At: time.Now()})
	},
	"Finish": func(ctx context.Context, s *Store, c bridge.Claim) error {
		return s.Finish(ctx, c, bridge.Ending{Status: schemas.Failed})
	},
}

// A late worker must not touch anything, however it came to be late.
func TestALateWorkerWritesNothing(t *testing.T) {
	late := map[string]func(r rig, c bridge.Claim) bridge.Claim{
		"lease run out": func(r rig, c bridge.Claim) bridge.Claim {
			r.advance(someLease)
			return c
		},
		"claimed again": func(r rig, c bridge.Claim) bridge.Claim {
			r.advance(someLease)
			r.claimed(c.Job)
			return c
		},
		"released": func(r rig, c bridge.Claim) bridge.Claim {
			// Into the future, where only the status tells a pause from a lease.
			if err := r.Release(r.Context(), c, bridge.Release{At: time.Now().Add(time.Minute)}); err != nil {
				r.Fatal(err)
			}
			return c
		},
		"finished": func(r rig, c bridge.Claim) bridge.Claim {
			r.finish(c)
			return c
		},
		"a claim never given": func(_ rig, c bridge.Claim) bridge.Claim {
			c.Fence++
			return c
		},
		"a job never accepted": func(_ rig, c bridge.Claim) bridge.Claim {
			c.Job.ID = "nobody"
			return c
		},
	}
	for name, becomeLate := range late {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(r rig) {
				j := r.accepted("product:1")
				c := becomeLate(r, r.claimed(j))
				want, wantLocks := r.loaded(j.ID), r.count("SELECT COUNT(*) FROM turns WHERE place = ''")
				wantEnd := r.count("SELECT COALESCE(claimable_at, 0) FROM jobs")
				for method, write := range writes {
					if err := write(r.Context(), r.Store, c); !errors.Is(err, bridge.ErrFenced) {
						r.Errorf("%s gave %v; want ErrFenced", method, err)
					}
				}
				if diff := cmp.Diff(want, r.loaded(j.ID)); diff != "" {
					r.Errorf("the job was changed:\n%s", diff)
				}
				if got := r.count("SELECT COUNT(*) FROM turns WHERE place = ''"); got != wantLocks {
					r.Errorf("%d targets locked; want %d", got, wantLocks)
				}
				if got := r.count("SELECT COALESCE(claimable_at, 0) FROM jobs"); got != wantEnd {
					r.Errorf("claimable at %d; want %d", got, wantEnd)
				}
			})
		})
	}
}

func TestRenewedLeaseHolds(t *testing.T) {
	onEach(t, func(r rig) {
		j := r.accepted("product:1")
		c := r.claimed(j)
		for range 4 {
			r.advance(someLease / 2)
			if _, err := r.Renew(r.Context(), c, someLease); err != nil {
				r.Fatal(err)
			}
			r.refused(j)
		}
		r.finish(c)
	})
}

// At the very microsecond a lease ends it is over: the job may be claimed again,
// and its holder may not write. Neither both nor none.
func TestTheMomentALeaseEnds(t *testing.T) {
	onEach(t, func(r rig) {
		const start = 1_700_000_000_000_000
		r.clock = func(func() time.Time) string { return fmt.Sprint(start + r.ahead.Load()) }
		j := r.accepted("product:1")
		c := r.claimed(j)
		r.advance(someLease - time.Microsecond)
		r.refused(j)
		if err := r.Journal(r.Context(), c, bridge.Entry{Unlock: []string{"product:9"}}); err != nil {
			r.Error(err)
		}
		r.advance(time.Microsecond)
		if err := r.Journal(r.Context(), c, bridge.Entry{Unlock: []string{"product:9"}}); !errors.Is(err, bridge.ErrFenced) {
			r.Errorf("a write at the end of the lease gave %v", err)
		}
		r.claimed(j)
	})
}

// A late worker whose write meets a claim that is not committed yet must wait
// for it, and then be refused.
func TestAWriteWaitsForTheClaimBesideIt(t *testing.T) {
	r := newRig(t, mysqlURL(t))
	c := r.claimed(r.accepted("product:1"))
	claim := r.begin()
	if _, err := claim.ExecContext(t.Context(), "UPDATE jobs SET fence = fence + 1 WHERE id = ?", c.Job.ID); err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() {
		written <- r.Journal(t.Context(), c, bridge.Entry{Steps: []bridge.StepRecord{bridge.StepRecord{Name: "late"}}, Progress: schemas.Progress{}})
	}()
	r.eventually("the write does not wait", func() bool { return r.waiting(c.Job.ID) > 0 })
	if err := claim.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-written; !errors.Is(err, bridge.ErrFenced) {
		t.Errorf("the write gave %v; want ErrFenced", err)
	}
	if steps := r.loaded(c.Job.ID).Steps; len(steps) != 0 {
		t.Errorf("steps %+v were written", steps)
	}
}

// Two workers, one of them late, write the end of a job at the same moment:
// the fence lets exactly one through.
func TestOnlyOneEndingIsWritten(t *testing.T) {
	onEach(t, func(r rig) {
		j := r.accepted("product:1")
		late := r.claimed(j)
		r.advance(someLease)
		c := r.claimed(j)
		together(16, func(i int) {
			claim, status, want := c, schemas.Succeeded, error(nil)
			if i > 0 {
				claim, status, want = late, schemas.Failed, bridge.ErrFenced
			}
			if err := r.Finish(r.Context(), claim, bridge.Ending{Status: status}); !errors.Is(err, want) {
				r.Errorf("Finish gave %v; want %v", err, want)
			}
		})
		if got := r.loaded(j.ID).Status; got != schemas.Succeeded {
			r.Errorf("status %s", got)
		}
	})
}
