package webhooks_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/webhooks"
)

// secrets reads what a client verifies with, as a client would.
func (r *rig) secrets(id int64) schemas.WebhookSecrets {
	r.Helper()
	answer, err := r.resource.Do(r.Context(), bridge.Actor{ClientID: clientID}, bridge.ResourceRequest{Name: bridge.OpGetWebhookSecret, ID: fmt.Sprint(id)})
	if err != nil {
		r.Fatal(err)
	}
	return answer.Body.(schemas.WebhookSecrets)
}

// Each content type carries the same object, signed in both dialects over the
// bytes that were sent; the published library of Standard Webhooks verifies it.
func TestDeliveryVerifies(t *testing.T) {
	r := newRig(t)
	r.run(r.engine())
	for _, contentType := range bridge.ContentTypes {
		rc := r.receiver(nil)
		id := r.subscribe(bridge.TopicJobAccepted, rc.URL+"/hook?x=1", contentType)
		jobID := r.accept()
		d := rc.next(t)
		shown := r.secrets(id)
		verifier, err := standard.NewWebhook(shown.Secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify([]byte(d.body), d.header); err != nil {
			t.Errorf("%s: %v", contentType, err)
		}
		if err := verifier.Verify([]byte(d.body+" "), d.header); err == nil {
			t.Errorf("%s: an altered body verifies", contentType)
		}
		if got := d.header.Get("X-YHSD-HMAC-SHA256"); got != webhooks.TokenSignature(shown.WebhookToken, []byte(d.body)) {
			t.Errorf("%s: token signature %s", contentType, got)
		}
		if topic := d.header.Get("X-YHSD-EVENT"); topic != "jobs/accepted" || !strings.HasPrefix(d.header.Get("Content-Type"), contentType) {
			t.Errorf("%s: topic %s, type %s", contentType, topic, d.header.Get("Content-Type"))
		}
		if contentType == bridge.ContentForm {
			form, err := url.ParseQuery(d.body)
			if err != nil || form.Get("job_id") != jobID || form.Get("progress[total]") != "0" || form.Get("terminal") != "false" {
				t.Errorf("form %v, %v", form, err)
			}
			continue
		}
		var job schemas.Job
		if err := json.Unmarshal([]byte(d.body), &job); err != nil || job.JobID != jobID || job.Status != schemas.Accepted {
			t.Errorf("%s: body %s, %v", contentType, d.body, err)
		}
	}
}

// While a secret is rotated, deliveries carry both signatures; after a day only
// the new one.
func TestRotationSignsWithBoth(t *testing.T) {
	r := newRig(t)
	r.run(r.engine())
	rc := r.receiver(nil)
	id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
	before := r.secrets(id).Secret
	fresh, err := r.operator.Rotate(t.Context(), "me", "leaked", id)
	if err != nil {
		t.Fatal(err)
	}
	if shown := r.secrets(id); shown.Secret != fresh || shown.PreviousSecret != before {
		t.Errorf("shown %+v", shown)
	}
	// The library trusts its own clock, so only the signatures are compared once
	// the rig's clock has been moved.
	r.accept()
	d := rc.next(t)
	for _, secret := range []string{before, fresh} {
		verifier, err := standard.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify([]byte(d.body), d.header); err != nil {
			t.Error(err)
		}
	}
	r.ahead.Store(int64(25 * time.Hour))
	r.accept()
	if signatures := strings.Fields(rc.next(t).header.Get("webhook-signature")); len(signatures) != 1 {
		t.Errorf("after the rotation: %v", signatures)
	}
	if shown := r.secrets(id); shown.PreviousSecret != "" {
		t.Error("the old secret is still shown")
	}
}

// A failing receiver is tried as often as promised and then given up; the log
// keeps every attempt with the head of its answer.
func TestRetriesThenGivesUp(t *testing.T) {
	r := newRig(t)
	rc := r.receiver(func(w http.ResponseWriter, _ int64) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, strings.Repeat("x", 5000))
	})
	r.run(r.engine())
	id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
	r.accept()
	d := r.settled(id)
	log := r.attempts(d.ID)
	if d.State != bridge.DeliveryFailed || d.Attempts != len(webhooks.Retries)+1 || len(log) != d.Attempts {
		t.Fatalf("%s after %d attempts, %d in the log", d.State, d.Attempts, len(log))
	}
	for _, a := range log {
		if a.Status != 400 || len(a.Response) != 1024 || a.Took <= 0 {
			t.Errorf("attempt %+v", a)
		}
	}
	first := rc.next(t).id()
	for range len(log) - 1 {
		if again := rc.next(t).id(); again != first || again != d.Event.ID {
			t.Errorf("webhook-id %s then %s", first, again)
		}
	}
	if w := r.webhook(id); w.FailingSince == nil || w.DisabledAt != nil {
		t.Errorf("webhook %+v", w)
	}
}

// What each answer means for the delivery and for the webhook.
func TestAnswers(t *testing.T) {
	for status, want := range map[int]bridge.DeliveryState{
		200: bridge.DeliveryDelivered, 204: bridge.DeliveryDelivered, 299: bridge.DeliveryDelivered,
		301: bridge.DeliveryWaiting, 302: bridge.DeliveryWaiting, 307: bridge.DeliveryWaiting, 400: bridge.DeliveryWaiting,
		404: bridge.DeliveryWaiting, 429: bridge.DeliveryWaiting, 500: bridge.DeliveryWaiting, 503: bridge.DeliveryWaiting,
		410: bridge.DeliveryFailed,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			elsewhere := r.receiver(nil)
			rc := r.receiver(func(w http.ResponseWriter, _ int64) {
				w.Header().Set("Location", elsewhere.URL)
				w.WriteHeader(status)
			})
			r.run(r.engine(func(e *webhooks.Engine) { e.Retries = webhooks.Retries }))
			id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
			r.accept()
			d := r.eventually(id, func(d bridge.Delivery) bool { return d.Attempts == 1 })
			if d.State != want {
				t.Errorf("the delivery is %s", d.State)
			}
			if disabled := r.webhook(id).DisabledAt != nil; disabled != (status == http.StatusGone) {
				t.Errorf("disabled: %t", disabled)
			}
			if elsewhere.count.Load() != 0 {
				t.Error("a redirect was followed")
			}
		})
	}
}

// Retry-After moves the next attempt back, never forward, and not for ever.
func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{"120": 2 * time.Minute, "1": 5 * time.Second, "soon": 5 * time.Second, "999999999": 24 * time.Hour} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			rc := r.receiver(func(w http.ResponseWriter, _ int64) {
				w.Header().Set("Retry-After", value)
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			r.run(r.engine(func(e *webhooks.Engine) { e.Retries = webhooks.Retries }))
			id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
			r.accept()
			d := r.eventually(id, func(d bridge.Delivery) bool { return d.Attempts == 1 })
			pause := d.DueAt.Sub(r.attempts(d.ID)[0].At)
			if pause < want || pause > want+want/5+time.Second {
				t.Errorf("the next attempt is %v later", pause)
			}
		})
	}
}

// A receiver that goes on failing for five days is disabled, its client's
// other webhooks are told, and the audit log says why.
func TestFailingForFiveDaysDisables(t *testing.T) {
	r := newRig(t)
	rc, told := r.receiver(nil), r.receiver(nil)
	rc.status.Store(500)
	r.run(r.engine(func(e *webhooks.Engine) { e.Retries = webhooks.Retries }))
	id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
	r.subscribe(bridge.TopicWebhookDisabled, told.URL, bridge.ContentJSON)
	r.accept()
	r.eventually(id, func(d bridge.Delivery) bool { return d.Attempts == 1 })
	r.ahead.Store(int64(bridge.FailingLimit + time.Minute))
	r.accept()
	var body bridge.DisabledWebhook
	if err := json.Unmarshal([]byte(told.next(t).body), &body); err != nil || body.ID != id || body.Reason != bridge.DisabledFailing {
		t.Errorf("told %+v, %v", body, err)
	}
	entries, err := r.db.Audit(t.Context(), 0, 10)
	if err != nil || len(entries) != 1 || entries[0].Action != bridge.ActionWebhookDisable || entries[0].Subject != bridge.WebhookTarget(id) {
		t.Errorf("audit %+v, %v", entries, err)
	}
	// From now on nothing is written for it, until its client changes it.
	before := rc.count.Load()
	r.accept()
	if n := r.waiting(id); n != 0 || rc.count.Load() != before {
		t.Errorf("%d deliveries wait for a disabled webhook", n)
	}
	rc.status.Store(200)
	if _, err := r.resource.Do(t.Context(), bridge.Actor{ClientID: clientID}, bridge.ResourceRequest{Name: bridge.OpUpdateWebhook, ID: fmt.Sprint(id), Body: []byte(`{"webhook":{}}`)}); err != nil {
		t.Fatal(err)
	}
	r.accept()
	if d := r.settled(id); d.State != bridge.DeliveryDelivered {
		t.Errorf("after PUT: %s", d.State)
	}
}

func (r *rig) waiting(webhookID int64) int {
	r.Helper()
	list, err := r.db.Deliveries(r.Context(), bridge.DeliveryQuery{WebhookID: webhookID, State: bridge.DeliveryWaiting})
	if err != nil {
		r.Fatal(err)
	}
	return len(list)
}

// One success in between forgets the failures.
func TestSuccessForgetsFailures(t *testing.T) {
	r := newRig(t)
	rc := r.receiver(func(w http.ResponseWriter, n int64) { w.WriteHeader(map[bool]int{true: 500, false: 200}[n == 1]) })
	r.run(r.engine())
	id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
	r.accept()
	if d := r.settled(id); d.State != bridge.DeliveryDelivered || d.Attempts != 2 || r.webhook(id).FailingSince != nil {
		t.Errorf("%s after %d attempts, failing since %v", d.State, d.Attempts, r.webhook(id).FailingSince)
	}
}

// A receiver that takes a connection and says nothing costs one place for the
// timeout, and the others nothing.
func TestSilentReceiverDelaysNobody(t *testing.T) {
	r := newRig(t)
	silent := r.receiver(nil)
	release := make(chan struct{})
	silent.answer = func(http.ResponseWriter, int64) { <-release }
	defer close(release)
	quick := r.receiver(nil)
	r.run(r.engine(func(e *webhooks.Engine) { e.Retries = webhooks.Retries }))
	for range 20 {
		r.subscribe(bridge.TopicJobAccepted, silent.URL, bridge.ContentJSON)
	}
	r.subscribe(bridge.TopicJobAccepted, quick.URL, bridge.ContentJSON)
	began := time.Now()
	for range 30 {
		r.accept()
	}
	for range 30 {
		quick.next(t)
	}
	// Behind one silent delivery each they would take thirty times as long.
	n, took := silent.count.Load(), time.Since(began)
	if took > 3*webhooks.Timeout {
		t.Errorf("30 deliveries took %v beside a silent receiver", took)
	}
	if took < webhooks.Timeout && n > 8 { // none of them has timed out yet
		t.Errorf("%d deliveries at once to the silent one", n)
	}
}

// A receiver that fails again and again is left alone for a while, although
// more is due.
func TestFailingReceiverIsLeftAlone(t *testing.T) {
	r := newRig(t)
	rc := r.receiver(nil)
	rc.status.Store(500)
	r.run(r.engine(func(e *webhooks.Engine) { e.Retries = []time.Duration{time.Hour} }))
	id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
	for range 40 {
		r.accept()
	}
	for range 5 {
		rc.next(t)
	}
	r.eventually(id, func(bridge.Delivery) bool {
		list, err := r.db.Deliveries(t.Context(), bridge.DeliveryQuery{WebhookID: id, Limit: 100})
		tried := 0
		for _, d := range list {
			tried += d.Attempts
		}
		return err == nil && tried >= 5
	})
	if n := rc.count.Load(); n > 12 { // those under way when the fifth failed
		t.Errorf("%d attempts at a dead receiver", n)
	}
	rc.status.Store(200)
	before := rc.count.Load()
	r.ahead.Store(int64(time.Minute))
	for rc.count.Load() < before+20 {
		rc.next(t)
	}
}

// Events of one object reach a webhook in their order, whatever happens to the
// first of them; other objects do not wait.
func TestOrderOfOneObject(t *testing.T) {
	r := newRig(t)
	rc := r.receiver(func(w http.ResponseWriter, n int64) { w.WriteHeader(map[bool]int{true: 400, false: 200}[n <= 2]) })
	id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
	for range 5 { // five events of the webhook's own object
		if _, err := r.operator.Test(t.Context(), "me", "order", id); err != nil {
			t.Fatal(err)
		}
	}
	r.run(r.engine())
	r.settled(id)
	var ids []string
	for range 7 {
		ids = append(ids, rc.next(t).id())
	}
	list, err := r.db.Deliveries(t.Context(), bridge.DeliveryQuery{WebhookID: id})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := len(list) - 1; i >= 0; i-- {
		want = append(want, list[i].Event.ID)
	}
	want = append([]string{want[0], want[0]}, want...)
	if strings.Join(ids, " ") != strings.Join(want, " ") {
		t.Errorf("order %v, want %v", ids, want)
	}
}

// Two engines on one database share the work: every event arrives, none twice.
func TestTwoNodesShareTheWork(t *testing.T) {
	r := newRig(t)
	rc := r.receiver(nil)
	r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
	other := r.open()
	r.run(r.engine())
	r.run(r.engine(func(e *webhooks.Engine) { e.Outbox, e.Node = other, "other" }))
	for range 100 {
		r.accept()
	}
	seen := map[string]bool{}
	for range 100 {
		id := rc.next(t).id()
		if seen[id] {
			t.Errorf("%s came twice", id)
		}
		seen[id] = true
	}
}

// A node that was stopped after its claim sends nothing when it wakes: another
// may have the delivery by then. The lease brings it back.
func TestStoppedNodeDoesNotSend(t *testing.T) {
	r := newRig(t)
	rc := r.receiver(nil)
	id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
	r.accept()
	lanes, err := r.db.Lanes(t.Context(), nil)
	if err != nil || len(lanes) != 1 {
		t.Fatalf("%v, %v", lanes, err)
	}
	held, err := r.db.ClaimDeliveries(t.Context(), []int64{lanes[0].DeliveryID}, "dead", webhooks.Lease)
	if err != nil || len(held) != 1 {
		t.Fatalf("%v, %v", held, err)
	}
	r.run(r.engine())
	r.ahead.Store(int64(webhooks.Lease + time.Second))
	if d := r.settled(id); d.State != bridge.DeliveryDelivered || rc.count.Load() != 1 {
		t.Errorf("%s after %d", d.State, rc.count.Load())
	}
	if _, err := r.db.Settle(t.Context(), held[0], bridge.AttemptEnd{State: bridge.DeliveryFailed}); err != bridge.ErrFenced {
		t.Errorf("the dead node's word was taken: %v", err)
	}
}

// A delivery that was given up can be repeated, with the same id.
func TestReplay(t *testing.T) {
	r := newRig(t)
	rc := r.receiver(nil)
	rc.status.Store(400)
	r.run(r.engine())
	id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
	r.accept()
	d := r.settled(id)
	rc.status.Store(200)
	for {
		select {
		case <-rc.got:
			continue
		default:
		}
		break
	}
	if n, err := r.operator.Replay(t.Context(), "me", "mended", bridge.DeliveryQuery{WebhookID: id, State: bridge.DeliveryFailed}); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if again := rc.next(t); again.id() != d.Event.ID {
		t.Errorf("id %s, want %s", again.id(), d.Event.ID)
	}
	if d := r.settled(id); d.State != bridge.DeliveryDelivered {
		t.Errorf("%s", d.State)
	}
	if _, err := r.operator.Replay(t.Context(), "me", "again", bridge.DeliveryQuery{WebhookID: id, State: bridge.DeliveryFailed}); err == nil {
		t.Error("a replay of nothing succeeds")
	}
}

// The guard stands at every connection: an address that was fine when it was
// registered is not called once it is not.
func TestGuardAtEveryCall(t *testing.T) {
	r := newRig(t)
	rc := r.receiver(nil)
	id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
	r.run(r.engine(func(e *webhooks.Engine) { e.Client = webhooks.NewClient(nil, true) }))
	r.accept()
	d := r.eventually(id, func(d bridge.Delivery) bool { return d.Attempts > 0 })
	log := r.attempts(d.ID)
	if rc.count.Load() != 0 || !strings.Contains(log[0].Error, "address refused") {
		t.Errorf("%d calls, %+v", rc.count.Load(), log[0])
	}
}
