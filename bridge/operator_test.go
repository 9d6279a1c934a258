package bridge_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/schemas"
)

// operatorOf is an operator on the bench's store.
func operatorOf(t *testing.T, b *bench) *bridge.Operator {
	t.Helper()
	q, err := queue.Open(t.Context(), "", queue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() })
	return &bridge.Operator{Docket: b.store, Transport: q, Now: b.clock.Now}
}

func TestRetryKeepsWhatWasApplied(t *testing.T) {
	b := newBench(t, &countingShop{steps: []string{"price_seo", "stock"}, faults: map[string]fault{"stock#1": refused}})
	if job := b.finish(t); job.Status != schemas.Failed {
		t.Fatalf("job %s", job.Status)
	}
	if _, err := operatorOf(t, b).Retry(t.Context(), "ada", b.jobID, "the shop's rights were corrected"); err != nil {
		t.Fatal(err)
	}
	job := b.finish(t)
	if job.Status != schemas.Succeeded || b.shop.effects["price_seo"] != 1 || b.shop.effects["stock"] != 1 {
		t.Fatalf("job %s, effects %v", job.Status, b.shop.effects)
	}
}

func TestResolve(t *testing.T) {
	for _, applied := range []bool{true, false} {
		b := newBench(t, &countingShop{steps: []string{"price_seo", "stock"}, faults: map[string]fault{"price_seo#1": unreadable}})
		if job := b.finish(t); job.Status != schemas.NeedsReview {
			t.Fatalf("job %s", job.Status)
		}
		if _, err := operatorOf(t, b).Resolve(t.Context(), "ada", b.jobID, applied, "looked into the back office"); err != nil {
			t.Fatal(err)
		}
		job := b.finish(t)
		want := 2 // the person said that the first call had no effect
		if applied {
			want = 1
		}
		if job.Status != schemas.Succeeded || b.shop.effects["price_seo"] != want || b.shop.effects["stock"] != 1 {
			t.Errorf("resolved applied=%t: job %s, effects %v", applied, job.Status, b.shop.effects)
		}
	}
}

func TestCancelOnlyBeforeAnythingWasSent(t *testing.T) {
	waiting := newBench(t, &countingShop{steps: []string{"stock"}})
	job, err := operatorOf(t, waiting).Cancel(t.Context(), "ada", waiting.jobID, "ordered by mistake")
	if err != nil || job.Status != schemas.Cancelled {
		t.Fatalf("job %s, %v", job.Status, err)
	}
	waiting.run(t, 0)
	if waiting.shop.sends["stock"] != 0 {
		t.Error("a cancelled job was sent")
	}

	sent := newBench(t, &countingShop{steps: []string{"stock"}, faults: map[string]fault{"stock#1": notReached}})
	sent.run(t, 0)
	if _, err := operatorOf(t, sent).Cancel(t.Context(), "ada", sent.jobID, "too late"); codeOf(err) != bridge.CodeUnprocessable {
		t.Errorf("a job with a call in flight was cancelled: %v", err)
	}
}

func TestDecisionsThatDoNotFit(t *testing.T) {
	b := newBench(t, &countingShop{steps: []string{"stock"}})
	o := operatorOf(t, b)
	b.finish(t)
	unknown := uuid.Must(uuid.NewV7()).String()
	for name, c := range map[string]struct {
		decide func() error
		want   bridge.Code
	}{
		"retry of a success":   {func() error { _, err := o.Retry(t.Context(), "ada", b.jobID, "again"); return err }, bridge.CodeUnprocessable},
		"resolve of a success": {func() error { _, err := o.Resolve(t.Context(), "ada", b.jobID, true, "sure"); return err }, bridge.CodeUnprocessable},
		"cancel of a success":  {func() error { _, err := o.Cancel(t.Context(), "ada", b.jobID, "no"); return err }, bridge.CodeUnprocessable},
		"no reason":            {func() error { _, err := o.Retry(t.Context(), "ada", b.jobID, "  "); return err }, bridge.CodeInvalidRequest},
		"unknown job":          {func() error { _, err := o.Retry(t.Context(), "ada", unknown, "why"); return err }, bridge.CodeNotFound},
	} {
		if err := c.decide(); codeOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n, err := bridge.WalkAudit(t.Context(), b.store, func(bridge.AuditEntry) error { return nil }); n != 0 || err != nil {
		t.Errorf("refused decisions left %d entries, %v", n, err)
	}
}

func TestAuditChain(t *testing.T) {
	var log []bridge.AuditEntry
	last := bridge.AuditEntry{}
	for _, action := range []string{bridge.ActionRetry, bridge.ActionCancel, bridge.ActionResolveApplied} {
		last = bridge.NextAuditEntry(last, bridge.Decision{Operator: "ada", Action: action, Subject: "j", Reason: "r", At: newClock().Now()})
		log = append(log, last)
	}
	verify := func(log []bridge.AuditEntry) error {
		previous := bridge.AuditEntry{}
		for _, e := range log {
			if err := e.Follows(previous); err != nil {
				return err
			}
			previous = e
		}
		return nil
	}
	if err := verify(log); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func([]bridge.AuditEntry) []bridge.AuditEntry{
		"an entry was changed": func(l []bridge.AuditEntry) []bridge.AuditEntry { l[1].Reason = "another"; return l },
		"an entry was removed": func(l []bridge.AuditEntry) []bridge.AuditEntry { return append(l[:1:1], l[2]) },
		"an entry was replaced": func(l []bridge.AuditEntry) []bridge.AuditEntry {
			l[1] = bridge.NextAuditEntry(l[0], bridge.Decision{Operator: "eve", Action: bridge.ActionCancel, Subject: "j", Reason: "x", At: l[1].At})
			return l
		},
		"the first was removed": func(l []bridge.AuditEntry) []bridge.AuditEntry { return l[1:] },
	} {
		if err := verify(spoil(append([]bridge.AuditEntry(nil), log...))); err == nil || !strings.Contains(err.Error(), "entr") {
			t.Errorf("%s: not noticed (%v)", name, err)
		}
	}
}

func TestDecisionsAreAudited(t *testing.T) {
	b := newBench(t, &countingShop{steps: []string{"stock"}, faults: map[string]fault{"stock#1": refused, "stock#2": refused}})
	o := operatorOf(t, b)
	for _, reason := range []string{"first", "second"} {
		b.finish(t)
		if _, err := o.Retry(t.Context(), "ada", b.jobID, reason); err != nil {
			t.Fatal(err)
		}
	}
	var reasons []string
	n, err := bridge.WalkAudit(t.Context(), b.store, func(e bridge.AuditEntry) error {
		reasons = append(reasons, e.Operator+" "+e.Action+" "+e.Reason)
		return nil
	})
	if want := "ada retry first,ada retry second"; err != nil || n != 2 || strings.Join(reasons, ",") != want {
		t.Errorf("%d entries %v, %v; want %s", n, reasons, err, want)
	}
}
