package bridge_test

import (
	"context"
	"errors"
	"slices"
	"strings"
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

func (l writtenLedger) Journal(ctx context.Context, c bridge.Claim, e bridge.Entry) error {
	var given []string
	for _, target := range e.Unlock {
		given = append(given, target+" given back")
	}
	*l.wrote = append(*l.wrote, told(e.Steps, given...))
	return l.Ledger.Journal(ctx, c, e)
}

// told names the steps of a write and what else it does.
func told(steps []bridge.StepRecord, more ...string) string {
	var names []string
	for _, s := range steps {
		names = append(names, s.Name+" "+string(s.State))
	}
	return strings.Join(append(names, more...), ", ")
}

func (l writtenLedger) Finish(ctx context.Context, c bridge.Claim, e bridge.Ending) error {
	if !l.endings {
		return errDisk
	}
	*l.wrote = append(*l.wrote, told(e.Steps, "end"))
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

// What needs no call to the shop is written with the next write, before any call
// leaves; the last record of a unit with the unit's conclusion or the job's end.
func TestWhatIsWrittenTogether(t *testing.T) {
	skipped := []string{"a", "c"}
	for name, test := range map[string]struct {
		target string
		steps  []string
		want   []string
	}{
		"a skipped step last":  {"reference:shared", []string{"a", "b", "c"}, []string{"a skipped, b sending", "b applied", "c skipped, end"}},
		"an applied step last": {"reference:shared", []string{"a", "b"}, []string{"a skipped, b sending", "b applied, end"}},
		"two applied":          {"reference:shared", []string{"b", "d"}, []string{"b sending", "b applied", "d sending", "d applied, end"}},
		// The end gives back what was taken on the way, too.
		"a target taken on the way": {"product:9", []string{"a", "b"}, []string{"a skipped, b sending", "b applied, end"}},
	} {
		t.Run(name, func(t *testing.T) {
			var c calls
			db, worker, id := importJob(t, c.unit(test.target, skipped, test.steps...), 1)
			var wrote []string
			worker.Ledger = writtenLedger{db, &wrote, true}
			if err := worker.Run(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(wrote, test.want) {
				t.Errorf("wrote %q; want %q", wrote, test.want)
			}
			job, all := endOf(t, db, id), len(test.steps)
			if job.Status != schemas.Succeeded || len(job.Steps) != all || job.Progress != (schemas.Progress{Done: all, Total: all}) {
				t.Errorf("%s, %+v, steps %+v", job.Status, job.Progress, job.Steps)
			}
		})
	}
}

// The last record of an item is written with the release of its targets.
func TestAnItemsConclusion(t *testing.T) {
	var c calls
	units := c.items(2, func(i int) string { return bridge.ProductTarget(int64(i + 1)) }, func(context.Context, int) error { return nil })
	db, worker, id := importJob(t, units, 1)
	var wrote []string
	worker.Ledger = writtenLedger{db, &wrote, true}
	if err := worker.Run(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	want := []string{"product sending", "product applied, product:1 given back", "product sending", "product applied, product:2 given back", "end"}
	if !slices.Equal(wrote, want) {
		t.Errorf("wrote %q; want %q", wrote, want)
	}
}

// An end that cannot be summed up leaves what was done in the journal.
func TestASummaryThatFailsLosesNoRecord(t *testing.T) {
	var c calls
	db, worker, id := importJob(t, c.unit("reference:shared", nil, "a"), 1)
	shop, err := worker.Shops.Shop(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	worker.Shops = bridge.OneShop(brokenSummary{shop})
	var wrote []string
	worker.Ledger = writtenLedger{db, &wrote, true}
	if err := worker.Run(t.Context(), id); err == nil {
		t.Error("the job ended")
	}
	if want := []string{"a sending", "a applied"}; !slices.Equal(wrote, want) {
		t.Errorf("wrote %q; want %q", wrote, want)
	}
}

// brokenSummary panics where it should say what was done.
type brokenSummary struct{ bridge.Shop }

func (s brokenSummary) Plan(ctx context.Context, job bridge.Job) (bridge.Plan, error) {
	plan, err := s.Shop.Plan(ctx, job)
	plan.Result = func(bridge.Outcome) any { panic("broken") }
	return plan, err
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
