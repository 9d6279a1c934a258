package bridge

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Event is something that happened, as receivers of webhooks are told it. It
// is written in the transaction that makes it true.
type Event struct {
	ID   string // UUID v7; the webhook-id of every delivery of it
	Shop string // "" for the only shop
	// ClientID is the one client that may be told, "" for every client of the shop.
	ClientID  string
	Topic     Topic
	Object    string          // "product:7", "job:…": its events reach a webhook in order
	Body      json.RawMessage // the bare object
	Private   json.RawMessage // the same with personal data, for clients with bridge:pii; nil where it has none
	CreatedAt time.Time
}

// ImportProgress is the body of imports/progress.
type ImportProgress struct {
	JobID       string           `json:"job_id"`
	BatchID     string           `json:"batch_id"`
	Progress    schemas.Progress `json:"progress"`
	TrackingURL string           `json:"tracking_url"`
}

// WebhookTarget names a webhook as the object of an event and of a decision.
func WebhookTarget(id int64) string { return "webhook:" + strconv.FormatInt(id, 10) }

// DeliveryTarget names a delivery as the object of a decision.
func DeliveryTarget(id int64) string { return "delivery:" + strconv.FormatInt(id, 10) }

// The content types a delivery can have. The form is the default, as it is the
// vendor's.
const (
	ContentForm = "application/x-www-form-urlencoded"
	ContentJSON = "application/json"
	ContentText = "text/plain"
)

// ContentTypes are all of them.
var ContentTypes = []string{ContentForm, ContentJSON, ContentText}

// Webhook is a client's wish to be told of one topic at one address.
type Webhook struct {
	ID           int64 // never used twice, whoever it belonged to
	ClientID     string
	Shop         string
	Topic        Topic
	Address      string
	ContentType  string
	PII          bool // its client held bridge:pii when it set the address
	SealedSecret string
	SealedOld    string // the secret before, "" for none
	OldUntil     *time.Time
	RequestID    string // of the request that made it, "" for none
	Intention    string
	CreatedAt    time.Time
	UpdatedAt    time.Time
	FailingSince *time.Time // the first failure since the last success
	DisabledAt   *time.Time
	DisabledFor  string
}

// Secrets gives the live secrets that sign deliveries, newest first.
func (w Webhook) Secrets(sealer *auth.Sealer, now time.Time) ([]string, error) {
	sealed := []string{w.SealedSecret}
	if w.SealedOld != "" && w.OldUntil != nil && now.Before(*w.OldUntil) {
		sealed = append(sealed, w.SealedOld)
	}
	var secrets []string
	for _, s := range sealed {
		secret, err := sealer.Open(s, sealedForWebhooks(w.ClientID))
		if err != nil {
			return nil, Fault(CodeInternal, err, "The webhook's secret cannot be read.")
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// Token opens the token that keys X-YHSD-HMAC-SHA256.
func (d Delivery) Token(sealer *auth.Sealer) (string, error) {
	token, err := sealer.Open(d.SealedToken, sealedForWebhooks(d.Webhook.ClientID))
	if err != nil {
		return "", Fault(CodeInternal, err, "The webhook token cannot be read.")
	}
	return token, nil
}

// sealedForWebhooks ties secrets of webhooks to their client.
func sealedForWebhooks(clientID string) string { return "webhooks of " + clientID }

// DisabledWebhook is the body of webhooks/disabled.
type DisabledWebhook struct {
	ID         int64     `json:"id"`
	Topic      Topic     `json:"topic"`
	Address    string    `json:"address"`
	DisabledAt time.Time `json:"disabled_at"`
	Reason     string    `json:"reason"`
}

// Disabled tells of a webhook that was disabled.
func (w Webhook) Disabled() DisabledWebhook {
	told := DisabledWebhook{ID: w.ID, Topic: w.Topic, Address: w.Address, Reason: w.DisabledFor}
	if w.DisabledAt != nil {
		told.DisabledAt = *w.DisabledAt
	}
	return told
}

// WebhookQuery narrows a list to a client's webhooks in a shop, by id.
type WebhookQuery struct {
	ClientID, Shop string
	Topic          Topic   // "" for all
	IDs            []int64 // nil for all
	SinceID        int64   // ids above it
	Limit, Offset  int
}

// WebhookStore is the store as the webhook resource uses it. A webhook of
// another client is as good as none.
type WebhookStore interface {
	Webhooks(ctx context.Context, q WebhookQuery) ([]Webhook, error)
	CountWebhooks(ctx context.Context, q WebhookQuery) (int, error)
	// Webhook loads one; CodeNotFound when there is none.
	Webhook(ctx context.Context, id int64) (Webhook, error)
	// AddWebhook writes a new one and gives it with its id. When its request id
	// is taken, nothing is written and the webhook that has it comes back.
	AddWebhook(ctx context.Context, w Webhook) (_ Webhook, added bool, _ error)
	// AmendWebhook loads a webhook under a lock and stores what change makes of
	// it, with the decision when there is one.
	AmendWebhook(ctx context.Context, id int64, d *Decision, change func(*Webhook) error) (Webhook, error)
	// RemoveWebhook removes a client's webhook with its deliveries; CodeNotFound
	// when there is none.
	RemoveWebhook(ctx context.Context, clientID string, id int64) error
	// WebhookToken gives the sealed token of a client in its shop, storing the
	// one offered when there is none yet.
	WebhookToken(ctx context.Context, clientID, shop, offered string) (string, error)
	// ReplaceWebhookToken stores another one, with the decision; CodeNotFound
	// when the client has none.
	ReplaceWebhookToken(ctx context.Context, d Decision, clientID, sealed string) error
}

// DeliveryState is where one event is on its way to one webhook.
type DeliveryState string

// A delivery waits until it was answered 2xx or given up. Replaying one lets
// it wait again.
const (
	DeliveryWaiting   DeliveryState = "waiting"
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryFailed    DeliveryState = "failed"
)

// Delivery is one event for one webhook.
type Delivery struct {
	ID        int64
	Webhook   Webhook
	Event     Event
	State     DeliveryState
	Attempts  int
	DueAt     *time.Time
	CreatedAt time.Time
	SettledAt *time.Time
	// SealedToken is the webhook token of the client in the shop.
	SealedToken string
	// Fence is the number of the claim; Until the end of its lease, local time.
	Fence int64
	Until time.Time
}

// Attempt is one try to deliver.
type Attempt struct {
	At       time.Time
	Took     time.Duration
	Status   int    // HTTP status, 0 when there was no answer
	Response string // its first kilobyte
	Error    string // why there was no answer; says nothing of our network
}

// AttemptEnd is what an attempt means for its delivery.
type AttemptEnd struct {
	Attempt
	State DeliveryState
	Pause time.Duration // until the next attempt, of a delivery that waits on
	// Gone: the receiver wants no more, whatever comes.
	Gone bool
}

// Lane is one webhook's next delivery that is due.
type Lane struct {
	WebhookID  int64
	DeliveryID int64
	Address    string
}

// FailingLimit is how long an address may fail before it is disabled.
const FailingLimit = 5 * 24 * time.Hour

// The reasons for which the bridge itself disables a webhook.
const (
	DisabledGone    = "The receiver answered 410 Gone."
	DisabledFailing = "Every delivery has failed for five days."
)

// ActionWebhookDisable and the others are decisions about webhooks.
const (
	ActionWebhookDisable = "webhook-disable"
	ActionWebhookEnable  = "webhook-enable"
	ActionWebhookRotate  = "webhook-rotate"
	ActionWebhookToken   = "webhook-token"
	ActionWebhookReplay  = "webhook-replay"
	ActionWebhookTest    = "webhook-test"
)

// Outbox is the store as the delivery engine uses it.
type Outbox interface {
	// Lanes gives the next delivery of each webhook that has one due, leaving
	// out some webhooks. A delivery is not due while an earlier one of the same
	// object waits for the same webhook.
	Lanes(ctx context.Context, without []int64) ([]Lane, error)
	// ClaimDeliveries takes those of the deliveries that are still due.
	ClaimDeliveries(ctx context.Context, ids []int64, node string, lease time.Duration) ([]Delivery, error)
	// Settle writes down an attempt and what follows from it, and tells whether
	// the webhook was disabled by it. A claim that is not the newest writes
	// nothing: ErrFenced.
	Settle(ctx context.Context, d Delivery, end AttemptEnd) (disabled bool, err error)
	// EventsWritten receives after a commit in this process that made deliveries.
	EventsWritten() <-chan struct{}
}

// DeliveryQuery narrows the delivery log; zero values match all.
type DeliveryQuery struct {
	ID           int64
	WebhookID    int64
	State        DeliveryState
	Since, Until time.Time // of the event: from, and before
	Limit        int       // newest first
}

// DeliveryLog is the store as the operator sees and repeats deliveries.
type DeliveryLog interface {
	Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error)
	// Attempts lists the tries of a delivery, oldest first.
	Attempts(ctx context.Context, deliveryID int64) ([]Attempt, error)
	// Replay lets settled deliveries wait again, with all attempts, and counts
	// them. Deliveries to webhooks that are disabled or gone stay as they are.
	Replay(ctx context.Context, d Decision, q DeliveryQuery) (int, error)
	// TestDelivery writes an event for one webhook alone.
	TestDelivery(ctx context.Context, d Decision, webhookID int64, body json.RawMessage) (int64, error)
}

// WebhookBacklog is how far the deliveries are behind.
type WebhookBacklog struct {
	Waiting int
	Oldest  time.Duration // for how long the oldest has waited
}
