package durability

import (
	"context"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
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

func (l mortalLedger) Journal(ctx context.Context, c bridge.Claim, e bridge.Entry) error {
	what := entryOf(e.Steps, e.Unlock)
	return l.through("journal "+what, "journalled "+what, func() error { return l.Ledger.Journal(ctx, c, e) })
}

// entryOf names what a write holds.
func entryOf(steps []bridge.StepRecord, unlock []string) string {
	var names []string
	for _, s := range steps {
		state := string(s.State)
		if s.State == bridge.StepSending && s.DoneAt != nil {
			state = "unanswered"
		}
		names = append(names, state+" "+s.Unit+s.Name)
	}
	for _, target := range unlock {
		names = append(names, "unlock "+target)
	}
	return strings.Join(names, ", ")
}

func (l mortalLedger) Release(ctx context.Context, c bridge.Claim, r bridge.Release) error {
	return l.through("release", "released", func() error { return l.Ledger.Release(ctx, c, r) })
}

func (l mortalLedger) Finish(ctx context.Context, c bridge.Claim, e bridge.Ending) error {
	what := " " + entryOf(e.Steps, nil)
	return l.through("finish"+what, "finished"+what, func() error { return l.Ledger.Finish(ctx, c, e) })
}
