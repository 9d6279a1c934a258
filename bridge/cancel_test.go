package bridge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

func TestAClientCancelsItsOwnJobBeforeAnythingIsSent(t *testing.T) {
	desk, db := newDesk(t, quietShop{})
	req := priceOf(firstID, `{"product_id":1,"updates":{"price_ht":25.5}}`)
	id := mustAccept(t, desk, req).JobID

	// Upper case is the same id.
	if done, err := desk.Cancel(t.Context(), writer, strings.ToUpper(id)); !done || err != nil {
		t.Fatalf("Cancel gave %t, %v", done, err)
	}
	job, err := db.Job(t.Context(), id)
	if err != nil || job.Status != schemas.Cancelled || job.Error.Code != "cancelled" || job.FinishedAt == nil {
		t.Errorf("job %+v, %v", job, err)
	}
	if _, err := db.Claim(t.Context(), id, "test", time.Minute); err == nil {
		t.Error("a worker took a cancelled job")
	}
	if _, err := desk.Do(t.Context(), writer, req); codeOf(err) != bridge.CodeKnownFailedReplay {
		t.Errorf("the request again: %v", err)
	}
	if done, err := desk.Cancel(t.Context(), writer, id); done || err != nil {
		t.Errorf("the second time: %t, %v", done, err)
	}
	entries, err := db.Audit(t.Context(), 0, 10)
	if err != nil || len(entries) != 1 || entries[0].Operator != "client:agent" || entries[0].Subject != id || entries[0].Reason == "" {
		t.Errorf("audit log %+v, %v", entries, err)
	}
}

func TestWhatAClientCannotCancel(t *testing.T) {
	desk, db := newDesk(t, quietShop{})
	id := mustAccept(t, desk, priceOf(firstID, `{"product_id":1,"updates":{"price_ht":25.5}}`)).JobID
	for name, c := range map[string]struct {
		actor bridge.Actor
		id    string
		want  bridge.Code
	}{
		"another's job":  {bridge.Actor{ClientID: "other", Scopes: writer.Scopes}, id, bridge.CodeNotFound},
		"no job":         {writer, uuid.Must(uuid.NewV7()).String(), bridge.CodeNotFound},
		"no job id":      {writer, "job", bridge.CodeSchemaViolation},
		"with no rights": {bridge.Actor{ClientID: writer.ClientID, Scopes: []string{auth.ScopeRead}}, id, bridge.CodeInsufficientScope},
	} {
		if done, err := desk.Cancel(t.Context(), c.actor, c.id); done || codeOf(err) != c.want {
			t.Errorf("%s: %t, %v", name, done, err)
		}
	}
	claim, err := db.Claim(t.Context(), id, "test", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := desk.Cancel(t.Context(), writer, id); done || err != nil {
		t.Errorf("a job at work: %t, %v", done, err)
	}
	sent := time.Now().UTC()
	step := bridge.StepRecord{Name: "price_seo", Target: "product:1", State: bridge.StepSending, SentAt: &sent}
	if err := db.Journal(t.Context(), claim, bridge.Entry{Steps: []bridge.StepRecord{step}, Progress: schemas.Progress{Total: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Release(t.Context(), claim, bridge.Release{At: time.Now(), Counted: true}); err != nil {
		t.Fatal(err)
	}
	if done, err := desk.Cancel(t.Context(), writer, id); done || err != nil {
		t.Errorf("a job with a call on its way: %t, %v", done, err)
	}
	if job, err := db.Job(t.Context(), id); err != nil || job.Status != schemas.Retrying {
		t.Errorf("job %s, %v", job.Status, err)
	}
	if entries, err := db.Audit(t.Context(), 0, 10); err != nil || len(entries) != 0 {
		t.Errorf("cancellations that were none are in the audit log: %+v, %v", entries, err)
	}
}
