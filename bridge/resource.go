package bridge

import (
	"net/http"
	"net/url"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Resource is one thing that can be done with the webhooks of a client: what
// is the bridge's own is read and changed at once, without a job. This table
// feeds the routes, OpenAPI and the documentation, as Operations does for what
// is the shop's.
type Resource struct {
	Operation
	// Query names the parameters it takes; any other is refused.
	Query []string
	// Takes says that the request has a body.
	Takes bool
	// Answers is a value of the answer's type.
	Answers any
}

// The names of the resource's operations.
const (
	OpListWebhooks     = "list_webhooks"
	OpCountWebhooks    = "count_webhooks"
	OpGetWebhook       = "get_webhook"
	OpCreateWebhook    = "create_webhook"
	OpUpdateWebhook    = "update_webhook"
	OpDeleteWebhook    = "delete_webhook"
	OpGetWebhookSecret = "get_webhook_secret"
	OpListDeliveries   = "list_webhook_deliveries"
)

const (
	webhooksPath = "/v1/webhooks"
	webhookPath  = webhooksPath + "/{webhook_id}"
	webhookKey   = "webhook_id"
)

// Resources are what the REST door serves beside the six operations. A fixed
// path stands before a pattern that would match it too.
var Resources = []Resource{
	{Operation{
		Name: OpListWebhooks, Title: "List webhooks", Scope: auth.ScopeRead, Method: http.MethodGet, Path: webhooksPath,
		Summary: "The client's webhooks by id, a page at a time.",
	}, []string{"limit", "page", "since_id", "topic", "ids", "fields"}, false, schemas.WebhookList{}},
	{Operation{
		Name: OpCountWebhooks, Title: "Count webhooks", Scope: auth.ScopeRead, Method: http.MethodGet, Path: webhooksPath + "/count",
		Summary: "How many webhooks the same list has on all its pages.",
	}, []string{"since_id", "topic", "ids"}, false, schemas.Count{}},
	{Operation{
		Name: OpGetWebhook, Title: "Read a webhook", Scope: auth.ScopeRead, Method: http.MethodGet, Path: webhookPath, PathKey: webhookKey,
		Summary: "One webhook.",
	}, []string{"fields"}, false, schemas.WebhookEnvelope{}},
	{Operation{
		Name: OpCreateWebhook, Title: "Register a webhook", Scope: auth.ScopeWrite, Write: true, Method: http.MethodPost, Path: webhooksPath,
		Summary: "Have events of one topic posted to an address. The same X-Request-ID with the same content makes one webhook however often it is sent.",
	}, nil, true, schemas.WebhookEnvelope{}},
	{Operation{
		Name: OpUpdateWebhook, Title: "Change a webhook", Scope: auth.ScopeWrite, Write: true, Method: http.MethodPut, Path: webhookPath, PathKey: webhookKey,
		Summary: "Change what is given and nothing else. A webhook that was disabled is enabled by it.",
	}, nil, true, schemas.WebhookEnvelope{}},
	{Operation{
		Name: OpDeleteWebhook, Title: "Remove a webhook", Scope: auth.ScopeWrite, Write: true, Method: http.MethodDelete, Path: webhookPath, PathKey: webhookKey,
		Summary: "End a webhook; what waits for it is not sent.",
	}, nil, false, schemas.Nothing{}},
	{Operation{
		Name: OpGetWebhookSecret, Title: "Read a webhook's secrets", Scope: auth.ScopeWrite, Method: http.MethodGet, Path: webhookPath + "/secret", PathKey: webhookKey,
		Summary: "What its deliveries are verified with. Needs bridge:write, so that a client that may only read cannot forge deliveries.",
	}, nil, false, schemas.WebhookSecrets{}},
	{Operation{
		Name: OpListDeliveries, Title: "Read the delivery log", Scope: auth.ScopeRead, Method: http.MethodGet, Path: webhookPath + "/deliveries", PathKey: webhookKey,
		Summary: "The newest deliveries to a webhook with every attempt.",
	}, []string{"limit", "state"}, false, schemas.DeliveryList{}},
}

// FindResource looks one up by name.
func FindResource(name string) (Resource, bool) {
	for _, r := range Resources {
		if r.Name == name {
			return r, true
		}
	}
	return Resource{}, false
}

// ResourceRequest is one call as a door received it.
type ResourceRequest struct {
	Name      string
	ID        string // of the path, "" where it names none
	Query     url.Values
	Body      []byte
	RequestID string // UUID v4 that makes a POST repeatable, "" for none
	// Lenient passes over members and parameters that are not known, for
	// clients written for the vendor's API.
	Lenient bool
}
