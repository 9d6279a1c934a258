package bridge_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// writtenLedger notes what a job's attempt writes, and fails its end when told.
type writtenLedger struct {
	bridge.Ledger
	wrote   *[]string
	endings bool
}

func (l writtenLedger) Journal(ctx context.Context, c bridge.Claim, s bridge.StepRecord, p schemas.Progress) error {
	*l.wrote = append(*l.wrote, s.Name+" "+string(s.State))
	return l.Ledger.Journal(ctx, c, s, p)
}

func (l writtenLedger) UnlockTarget(ctx context.Context, c bridge.Claim, target string) error {
	*l.wrote = append(*l.wrote, "unlock")
	return l.Ledger.UnlockTarget(ctx, c, target)
}

func (l writtenLedger) Finish(ctx context.Context, c bridge.Claim, e bridge.Ending) error {
	if !l.endings {
		return errDisk
	}
	*l.wrote = append(*l.wrote, "end")
	return l.Ledger.Finish(ctx, c, e)
}

// unit makes one unit of named steps; those of skip have nothing to send.
func (c *calls) unit(target string, skip []string, names ...string) []bridge.Unit {
	units := c.items(len(names), func(int) string { return target }, func(context.Context, int) error { return nil })
	var steps []bridge.Step
	for i, name := range names {
		step := units[i].Steps[0]
		step.Name = name
		if slices.Contains(skip, name) {
			step.Baseline = func(context.Context, bridge.Journal) (bridge.Baseline, error) {
				return bridge.Baseline{Target: target, Skip: "nothing to do"}, nil
			}
		}
		steps = append(steps, step)
	}
	return []bridge.Unit{{Steps: steps}}
}

// What needs no call to the shop is written with the next write, before any
// call leaves, or with the end; and before a target is given back.
func TestASkippedStepIsWrittenWithTheNext(t *testing.T) {
	for name, test := range map[string]struct {
		target string
		want   []string
	}{
		"the job's own target": {"reference:shared", []string{"a skipped", "b sending", "b applied", "end"}},
		"one taken on the way": {"product:9", []string{"a skipped", "b sending", "b applied", "c skipped", "unlock", "end"}},
	} {
		t.Run(name, func(t *testing.T) {
			var c calls
			db, worker, id := importJob(t, c.unit(test.target, []string{"a", "c"}, "a", "b", "c"), 1)
			var wrote []string
			worker.Ledger = writtenLedger{db, &wrote, true}
			if err := worker.Run(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(wrote, test.want) {
				t.Errorf("wrote %q; want %q", wrote, test.want)
			}
			job := endOf(t, db, id)
			if job.Status != schemas.Succeeded || len(job.Steps) != 3 || job.Progress != (schemas.Progress{Done: 3, Total: 3}) {
				t.Errorf("%s, %+v, steps %+v", job.Status, job.Progress, job.Steps)
			}
		})
	}
}

// A worker that dies before the end leaves nothing of a skipped step: the next
// one decides anew.
func TestASkippedStepIsDecidedAnewAfterACrash(t *testing.T) {
	var c calls
	db, worker, id := importJob(t, c.unit("reference:shared", []string{"a"}, "a"), 1)
	var wrote []string
	worker.Ledger = writtenLedger{db, &wrote, false}
	if err := worker.Run(t.Context(), id); !errors.Is(err, errDisk) {
		t.Fatalf("got %v", err)
	}
	if job := endOf(t, db, id); job.Status != schemas.Processing || len(job.Steps) != 0 || len(wrote) != 0 {
		t.Errorf("%s with steps %+v, wrote %q", job.Status, job.Steps, wrote)
	}
}
