package schemas

import "encoding/json"

// Webhook is the resource as Youhaosuda's open API shows it. A member that
// fields= left out is not there.
type Webhook struct {
	ID          int64  `json:"id,omitempty" jsonschema:"minimum=1,description=Never used twice."`
	Address     string `json:"address,omitempty" jsonschema:"format=uri,description=Where events are posted."`
	Topic       string `json:"topic,omitempty" jsonschema:"description=The one kind of event it is for."`
	ContentType string `json:"content_type,omitempty" jsonschema:"enum=application/x-www-form-urlencoded,enum=application/json,enum=text/plain"`
	CreatedAt   string `json:"created_at,omitempty" jsonschema:"format=date-time,description=ISO 8601 with milliseconds and zone offset."`
	UpdatedAt   string `json:"updated_at,omitempty" jsonschema:"format=date-time"`
}

// WebhookTime is the layout of the resource's times: ISO 8601 with
// milliseconds and a numeric offset, never Z.
const WebhookTime = "2006-01-02T15:04:05.000-07:00"

// WebhookEnvelope is one webhook on the wire.
type WebhookEnvelope struct {
	Webhook Webhook `json:"webhook"`
}

// WebhookList is a page of webhooks on the wire.
type WebhookList struct {
	Webhooks []Webhook `json:"webhooks"`
}

// Count is how many there are.
type Count struct {
	Count int `json:"count" jsonschema:"minimum=0"`
}

// Nothing is the answer to a DELETE: {}.
type Nothing struct{}

// WebhookSecrets are what a receiver verifies deliveries with.
type WebhookSecrets struct {
	ID             int64  `json:"id" jsonschema:"minimum=1"`
	Secret         string `json:"secret" jsonschema:"pattern=^whsec_,description=Of webhook-signature (Standard Webhooks)."`
	PreviousSecret string `json:"previous_secret,omitempty" jsonschema:"pattern=^whsec_,description=Signs beside it until a rotation is over."`
	WebhookToken   string `json:"webhook_token" jsonschema:"description=Key of X-YHSD-HMAC-SHA256; the same for all webhooks of the client."`
}

// Delivery is one event on its way to one webhook, with every attempt.
type Delivery struct {
	ID            int64             `json:"id" jsonschema:"minimum=1"`
	EventID       string            `json:"event_id" jsonschema:"description=The webhook-id header."`
	Topic         string            `json:"topic"`
	Object        string            `json:"object" jsonschema:"description=Such as job:… or product:7; its deliveries come in order."`
	State         string            `json:"state" jsonschema:"enum=waiting,enum=delivered,enum=failed"`
	CreatedAt     string            `json:"created_at" jsonschema:"format=date-time"`
	SettledAt     string            `json:"settled_at,omitempty" jsonschema:"format=date-time"`
	NextAttemptAt string            `json:"next_attempt_at,omitempty" jsonschema:"format=date-time"`
	Attempts      []DeliveryAttempt `json:"attempts"`
}

// DeliveryAttempt is one try.
type DeliveryAttempt struct {
	At           string `json:"at" jsonschema:"format=date-time"`
	Milliseconds int64  `json:"ms"`
	Status       int    `json:"status" jsonschema:"description=HTTP status; 0 when there was no answer."`
	Response     string `json:"response" jsonschema:"description=The first kilobyte of the answer."`
	Error        string `json:"error,omitempty"`
}

// DeliveryList is a part of the delivery log, newest first.
type DeliveryList struct {
	Deliveries []Delivery `json:"deliveries"`
}

// MarshalJSON writes a list also when it is empty.
func (l WebhookList) MarshalJSON() ([]byte, error) {
	type plain WebhookList
	l.Webhooks = nonNil(l.Webhooks)
	return json.Marshal(plain(l))
}

// MarshalJSON writes a list also when it is empty.
func (l DeliveryList) MarshalJSON() ([]byte, error) {
	type plain DeliveryList
	l.Deliveries = nonNil(l.Deliveries)
	return json.Marshal(plain(l))
}

// MarshalJSON writes a list also when it is empty.
func (d Delivery) MarshalJSON() ([]byte, error) {
	type plain Delivery
	d.Attempts = nonNil(d.Attempts)
	return json.Marshal(plain(d))
}
