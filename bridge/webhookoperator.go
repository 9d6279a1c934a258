package bridge

import (
	"context"
	"encoding/json"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
)

// rotationPeriod is how long the secret before a rotation goes on signing
// beside the new one.
const rotationPeriod = 24 * time.Hour

// WebhookOperator is the merchant's own hand on webhooks and deliveries of all
// clients. Each change needs a reason, which the audit log keeps.
type WebhookOperator struct {
	Store  WebhookStore
	Log    DeliveryLog
	Sealer *auth.Sealer
	Now    func() time.Time
}

// Disable stops a webhook; what waits for it is given up.
func (o *WebhookOperator) Disable(ctx context.Context, operator, reason string, id int64) (Webhook, error) {
	return o.amend(ctx, Decision{Operator: operator, Action: ActionWebhookDisable, Reason: reason}, id, func(w *Webhook) {
		at := o.Now().UTC()
		w.DisabledAt, w.DisabledFor = &at, "Disabled by an operator: "+reason
	})
}

// Enable lets a disabled webhook be told again, from now on; Replay brings back
// what it missed since it was given up.
func (o *WebhookOperator) Enable(ctx context.Context, operator, reason string, id int64) (Webhook, error) {
	return o.amend(ctx, Decision{Operator: operator, Action: ActionWebhookEnable, Reason: reason}, id, (*Webhook).enable)
}

// Rotate gives a webhook a new secret. For a day both sign, so that its
// receiver can change over.
func (o *WebhookOperator) Rotate(ctx context.Context, operator, reason string, id int64) (string, error) {
	fresh := NewWebhookSecret()
	_, err := o.amend(ctx, Decision{Operator: operator, Action: ActionWebhookRotate, Reason: reason}, id, func(w *Webhook) {
		until := o.Now().UTC().Add(rotationPeriod)
		w.SealedSecret, w.SealedOld, w.OldUntil = o.Sealer.Seal(fresh, sealedForWebhooks(w.ClientID)), w.SealedSecret, &until
	})
	if err != nil {
		return "", err
	}
	return fresh, nil
}

// RotateToken gives a client a new webhook token. Its header carries one value,
// so receivers must know the new one at once.
func (o *WebhookOperator) RotateToken(ctx context.Context, operator, reason, clientID string) (string, error) {
	d := Decision{Operator: operator, Action: ActionWebhookToken, Subject: clientID, Reason: reason}
	if err := d.complete(o.Now()); err != nil {
		return "", err
	}
	fresh := auth.NewSecret()[:tokenLength]
	return fresh, o.Store.ReplaceWebhookToken(ctx, d, clientID, o.Sealer.Seal(fresh, sealedForWebhooks(clientID)))
}

// Replay lets settled deliveries wait again and counts them.
func (o *WebhookOperator) Replay(ctx context.Context, operator, reason string, q DeliveryQuery) (int, error) {
	subject := WebhookTarget(q.WebhookID)
	if q.ID != 0 {
		subject = DeliveryTarget(q.ID)
	}
	d := Decision{Operator: operator, Action: ActionWebhookReplay, Subject: subject, Reason: reason}
	if err := d.complete(o.Now()); err != nil {
		return 0, err
	}
	n, err := o.Log.Replay(ctx, d, q)
	if err == nil && n == 0 {
		err = Fault(CodeUnprocessable, nil, "Nothing to replay: no such delivery has ended, or its webhook is disabled.")
	}
	return n, err
}

// Test posts an event of the webhook's topic that says it is none.
func (o *WebhookOperator) Test(ctx context.Context, operator, reason string, id int64) (int64, error) {
	d := Decision{Operator: operator, Action: ActionWebhookTest, Subject: WebhookTarget(id), Reason: reason}
	if err := d.complete(o.Now()); err != nil {
		return 0, err
	}
	body, err := json.Marshal(map[string]any{"test": true, "webhook_id": id, "sent_at": d.At})
	if err != nil {
		return 0, Fault(CodeInternal, err, "The test cannot be written.")
	}
	return o.Log.TestDelivery(ctx, d, id, body)
}

func (o *WebhookOperator) amend(ctx context.Context, d Decision, id int64, change func(*Webhook)) (Webhook, error) {
	d.Subject = WebhookTarget(id)
	if err := d.complete(o.Now()); err != nil {
		return Webhook{}, err
	}
	return o.Store.AmendWebhook(ctx, id, &d, func(w *Webhook) error {
		change(w)
		w.UpdatedAt = o.Now().UTC()
		return nil
	})
}
