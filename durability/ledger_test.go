package durability

import (
	"context"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// mortalLedger is the real ledger in the hands of a process that may die before
// or after each write: from then on nothing gets through any more.
type mortalLedger struct {
	bridge.Ledger
	life *life
}

// through makes one write with an event on each side.
func (l mortalLedger) through(before, after string, write func() error) error {
	if l.life.dies(before) {
		return errKilled
	}
	if err := write(); err != nil {
		return err
	}
	if l.life.dies(after) {
		return errKilled
	}
	return nil
}

func (l mortalLedger) Claim(ctx context.Context, jobID, node string, lease time.Duration) (c bridge.Claim, err error) {
	err = l.through("claim", "claimed", func() (err error) {
		c, err = l.Ledger.Claim(ctx, jobID, node, lease)
		l.life.mu.Lock()
		defer l.life.mu.Unlock()
		l.life.claim = c
		return err
	})
	return c, err
}

func (l mortalLedger) Renew(ctx context.Context, c bridge.Claim, lease time.Duration) (until time.Time, err error) {
	if l.life.over() {
		return until, errKilled
	}
	return l.Ledger.Renew(ctx, c, lease)
}

func (l mortalLedger) LockTarget(ctx context.Context, c bridge.Claim, target string) (free bool, err error) {
	err = l.through("lock "+target, "locked "+target, func() (err error) {
		free, err = l.Ledger.LockTarget(ctx, c, target)
		return err
	})
	return free, err
}

func (l mortalLedger) UnlockTarget(ctx context.Context, c bridge.Claim, target string) error {
	return l.through("unlock "+target, "unlocked "+target, func() error { return l.Ledger.UnlockTarget(ctx, c, target) })
}

func (l mortalLedger) Journal(ctx context.Context, c bridge.Claim, s bridge.StepRecord, p schemas.Progress) error {
	what := string(s.State) + " " + s.Unit + s.Name
	if s.State == bridge.StepSending && s.DoneAt != nil {
		what = "unanswered " + s.Unit + s.Name
	}
	return l.through("journal "+what, "journalled "+what, func() error { return l.Ledger.Journal(ctx, c, s, p) })
}

func (l mortalLedger) Release(ctx context.Context, c bridge.Claim, r bridge.Release) error {
	return l.through("release", "released", func() error { return l.Ledger.Release(ctx, c, r) })
}

func (l mortalLedger) Finish(ctx context.Context, c bridge.Claim, e bridge.Ending) error {
	return l.through("finish", "finished", func() error { return l.Ledger.Finish(ctx, c, e) })
}
