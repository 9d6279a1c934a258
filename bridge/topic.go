package bridge

import (
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/schemas"
)

// Topic names a kind of event. Each webhook is for one.
type Topic string

// The topics that jobs and webhooks themselves make.
const (
	TopicJobAccepted     Topic = "jobs/accepted"
	TopicJobSucceeded    Topic = "jobs/succeeded"
	TopicJobFailed       Topic = "jobs/failed"
	TopicJobNeedsReview  Topic = "jobs/needs_review"
	TopicJobCancelled    Topic = "jobs/cancelled"
	TopicImportProgress  Topic = "imports/progress"
	TopicWebhookDisabled Topic = "webhooks/disabled"
)

// TopicSource says what can make a topic fire.
type TopicSource string

// A topic without a source is taken, because clients of the vendor's API
// subscribe to it, and stays silent.
const (
	FromJobs TopicSource = "jobs" // the bridge's own work
	FromFeed TopicSource = "feed" // changes in the shop, whoever made them
	FromNone TopicSource = "none"
)

// TopicRow is one topic of the table that validation, docs/webhooks.md and the
// doors are made from.
type TopicRow struct {
	Topic  Topic
	Vendor bool // one of the 26 of Youhaosuda's open API
	Source TopicSource
	// Fires says what makes the topic fire, or why nothing does.
	Fires string
}

// Topics are all topics a webhook can be for: Youhaosuda's 26 in the order of
// their documentation, then ours.
var Topics = []TopicRow{
	{"products/create", true, FromFeed, "A product appeared in the shop, or a job made one."},
	{"products/update", true, FromFeed, "A product, its stock or its images changed, whoever changed them."},
	{"products/delete", true, FromFeed, "A product is gone: twice in a minute the shop neither shows nor lists it."},
	{"orders/create", true, FromFeed, "An order was placed."},
	{"orders/update", true, FromFeed, "An order, its status, its lines or its tracking number changed. A tracking number that somebody else wrote is seen with the order's next save."},
	{"orders/cancelled", true, FromFeed, "An order moved to a status that means cancelled."},
	{"orders/request_refund", true, FromNone, "The webservice does not show return requests."},
	{"orders/refunded", true, FromFeed, "An order moved to a status that means refunded."},
	{"orders/refuse_refund", true, FromNone, "PrestaShop knows no refusal of a refund."},
	{"orders/paid", true, FromFeed, "An order moved to a status that counts as paid."},
	{"orders/delivered", true, FromFeed, "An order moved to a status that means delivered."},
	{"orders/partially_delivered", true, FromNone, "An order is delivered as a whole in PrestaShop."},
	{"orders/achieved", true, FromNone, "No status of PrestaShop comes after delivered; use orders/delivered."},
	{"payments/create", true, FromNone, "Nothing watches payments; use orders/paid."},
	{"payments/update", true, FromNone, "PrestaShop keeps no time of a payment's change."},
	{"payments/unusual", true, FromNone, "Nothing watches payments; a payment error shows in orders/update."},
	{"shipments/create", true, FromNone, "Nothing watches shipments; a tracking number shows in orders/update."},
	{"shipments/update", true, FromNone, "Nothing watches shipments; a tracking number shows in orders/update."},
	{"shipments/delete", true, FromNone, "PrestaShop keeps no trace of a removed shipment."},
	{"customers/create", true, FromFeed, "A customer registered, or a guest ordered. Needs bridge:pii, and the key's right to read customers."},
	{"customers/update", true, FromFeed, "A customer's account was saved with another name or address of mail."},
	{"customers/delete", true, FromFeed, "A customer was removed and barred from registering again. Of one removed altogether PrestaShop keeps no trace."},
	{"shop/update", true, FromFeed, "The shop's name, mail address, time zone, default language or default currency changed."},
	{"after_sales/create", true, FromNone, "The webservice does not show after-sales cases."},
	{"after_sales/cancel", true, FromNone, "The webservice does not show after-sales cases."},
	{"after_sales/update", true, FromNone, "The webservice does not show after-sales cases."},

	{TopicJobAccepted, false, FromJobs, "A job was accepted, or an operator let an ended one run again."},
	{TopicJobSucceeded, false, FromJobs, "A job ended with the shop changed."},
	{TopicJobFailed, false, FromJobs, "A job ended without success."},
	{TopicJobNeedsReview, false, FromJobs, "A job ended and a person must look into the shop."},
	{TopicJobCancelled, false, FromJobs, "An operator or its client ended a job before anything was sent."},
	{TopicImportProgress, false, FromJobs, "An import has one more item behind it."},
	{TopicWebhookDisabled, false, FromJobs, "Another webhook of the same client was disabled."},
}

// KnownTopic reports whether a webhook can be for it.
func KnownTopic(t Topic) bool {
	return slices.ContainsFunc(Topics, func(row TopicRow) bool { return row.Topic == t })
}

// Personal reports whether events of the topic are about a person, so that
// only a client with the scope bridge:pii may ask for them.
func (t Topic) Personal() bool { return strings.HasPrefix(string(t), "customers/") }

// JobTopic is what a job's move into a status tells; "" for nothing.
func JobTopic(status schemas.JobStatus) Topic {
	switch status {
	case schemas.Accepted:
		return TopicJobAccepted
	case schemas.Succeeded:
		return TopicJobSucceeded
	case schemas.Failed:
		return TopicJobFailed
	case schemas.NeedsReview:
		return TopicJobNeedsReview
	case schemas.Cancelled:
		return TopicJobCancelled
	}
	return ""
}

// ProgressTopic is what a running job of that kind tells on its way; "" for
// nothing.
func ProgressTopic(kind string) Topic {
	if kind == OpImportProducts {
		return TopicImportProgress
	}
	return ""
}

// JobTarget names a job as the object of its events, as ProductTarget names a
// product.
func JobTarget(id string) string { return "job:" + id }
