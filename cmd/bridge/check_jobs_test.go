package main

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
)

// A running bridge beside the check is the usual case: the same database, the
// same files, workers that sweep the database all the time. None of them must
// ever get hold of the check's jobs, nor the check disturb theirs.
func TestACheckBesideARunningBridge(t *testing.T) {
	r := newRig(t, map[string]string{"SHOP_SETTLE_SECONDS": "5"})
	g := ground{newShell(t), r.builtIn.shop}
	for _, from := range []map[string]string{r.builtIn.settings(), testSecrets, {"BRIDGE_BASE_URL": r.base}} {
		for name, value := range from {
			g.env[name] = value
		}
	}
	stop, caught := greedyWorker(t, r.parts.store)
	for range 2 {
		status, out := g.check("--write-test", "1")
		if status != 0 {
			t.Errorf("exit %d\n%s", status, out)
		}
	}
	stop()
	if n := caught.Load(); n > 0 {
		t.Errorf("a worker got hold of %d jobs of the check", n)
	}
	if left, err := r.parts.store.Jobs(t.Context(), bridge.JobFilter{Kind: checkKind}); err != nil || len(left) > 0 {
		t.Errorf("%d jobs left, %v", len(left), err)
	}
	answer, err := r.parts.desk.Do(t.Context(), r.parts.actor(), bridge.Request{Operation: bridge.OpUpdateProduct, RequestID: uuid.NewString(), Arguments: []byte(`{"product_id":2,"updates":{"price_ht":7}}`)})
	if err != nil {
		t.Fatal(err)
	}
	r.row(t, answer.Acceptance.JobID, true)
	if got := stockOf(t, g.shop, 1); got != 120 {
		t.Errorf("a stock of %d was left", got)
	}
}

// greedyWorker claims whatever of the check's kind it can get, without a
// pause, and counts it.
func greedyWorker(t *testing.T, db *store.Store) (stop func(), caught *atomic.Int64) {
	caught = new(atomic.Int64)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for ctx.Err() == nil {
			list, err := db.Jobs(ctx, bridge.JobFilter{Kind: checkKind})
			if err != nil {
				continue
			}
			for _, job := range list {
				if _, err := db.Claim(ctx, job.ID, "greedy", jobLease); err == nil {
					caught.Add(1)
				}
			}
		}
	}()
	return func() { cancel(); <-stopped }, caught
}

// A check that was killed leaves a job. The next check removes it, unless it
// may belong to a check that still runs.
func TestTheNextCheckRemovesWhatAKilledOneLeft(t *testing.T) {
	g := newGround(t)
	g.must("migrate")
	c, err := load(t, g.env, "")
	if err != nil {
		t.Fatal(err)
	}
	db, err := openStore(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	old, fresh := rehearsedJob(), rehearsedJob()
	old.AcceptedAt = time.Now().Add(-2 * abandoned)
	for _, job := range []bridge.Job{old, fresh} {
		if _, err := db.Accept(t.Context(), job, checkIntention); err != nil {
			t.Fatal(err)
		}
	}
	g.expect("polling", passed, "", "")
	if _, err := db.Job(t.Context(), old.ID); bridge.AsError(err).Code != bridge.CodeNotFound {
		t.Errorf("the old job is still there: %v", err)
	}
	if _, err := db.Job(t.Context(), fresh.ID); err != nil {
		t.Errorf("another check's job was removed: %v", err)
	}
}

// Should a worker meet a job of a killed check all the same, it ends the job as
// failed and goes on.
func TestAWorkerEndsAJobOfTheCheckThatNobodyClaimed(t *testing.T) {
	r := newRig(t, nil)
	job := rehearsedJob()
	job.NextAttemptAt = nil
	if _, err := r.parts.store.Accept(t.Context(), job, checkIntention); err != nil {
		t.Fatal(err)
	}
	r.parts.runner.Kick()
	deadline := time.Now().Add(20 * time.Second)
	for !job.Status.Terminal() && time.Now().Before(deadline) {
		answer, err := r.parts.desk.Do(t.Context(), bridge.Actor{ClientID: checkClient, Scopes: []string{"bridge:read"}},
			bridge.Request{Operation: bridge.OpGetJobStatus, Arguments: []byte(`{"job_id":"` + job.ID + `","wait_seconds":5}`)})
		if err != nil {
			t.Fatal(err)
		}
		job.Status = answer.Body.(schemas.Job).Status
	}
	if job.Status != schemas.Failed {
		t.Errorf("the job is %s", job.Status)
	}
}

func TestDoubleDeliveryFailsWhereAnEffectHappensTwice(t *testing.T) {
	g := newGround(t)
	g.must("migrate")
	c, err := load(t, g.env, "")
	if err != nil {
		t.Fatal(err)
	}
	db, err := openStore(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r, err := newRehearsal(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	r.effects.Add(1) // as if another worker had been at it, too
	if f := r.clean(t.Context(), r.contend(t.Context())); f.state != failed || !strings.Contains(f.detail, "had 2 effects") {
		t.Errorf("%+v", f)
	}
	if n, err := r.made(t.Context()); n != 0 || err != nil {
		t.Errorf("%d jobs left, %v", n, err)
	}
}

func TestUnlessTaken(t *testing.T) {
	other := errors.New("x")
	if unlessTaken(nil) != nil || unlessTaken(bridge.ErrNotClaimable) != nil || !errors.Is(unlessTaken(other), other) {
		t.Error("only a job that is taken is no fault")
	}
}
