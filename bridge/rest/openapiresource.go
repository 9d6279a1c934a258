package rest

import (
	"reflect"

	"github.com/prestashop-bridge/bridge/bridge"
)

const schemeAccessToken = "access_token"

// wishes are the components of the bodies that webhooks are made and changed
// with.
const (
	newWebhook     = "NewWebhook"
	changedWebhook = "ChangedWebhook"
)

// resourceOperation describes one of the bridge's own resources behind the
// signed door.
func resourceOperation(d *Door, r bridge.Resource) apiOperation {
	operation := describedResource(r)
	operation.OperationID, operation.Tags = r.Name, []string{tagWebhooks}
	operation.Security = []map[string][]string{{schemeToken: {r.Scope}, schemeSignature: {}}}
	for _, name := range []string{"X-Request-ID", "X-Timestamp", "X-Signature", "Accept-Language"} {
		operation.Parameters = append(operation.Parameters, refer(toParameter, name))
	}
	headers := []string{"X-Request-ID", "Cache-Control", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
	where := onResource
	if r.Takes {
		operation.Parameters = append(operation.Parameters, refer(toParameter, "Content-Encoding"))
		headers = append(headers, "Warning?", "Idempotent-Replayed?")
		where |= onTaking
	}
	operation.Responses["200"] = answered("What was asked for.", refer(toSchema, answerName(r)), headers...)
	operation.refuse(where)
	return operation
}

// vendorOperation describes the same at the compatibility door.
func vendorOperation(r bridge.Resource) apiOperation {
	operation := describedResource(r)
	operation.Responses["200"] = answered("What was asked for.", refer(toSchema, answerName(r)), "X-Request-ID?", "Cache-Control", callLimitHeader)
	return atVendorDoor(operation, r.Operation)
}

func vendorShopOperation() apiOperation {
	operation := describedResource(bridge.Resource{Operation: shopOperation})
	operation.Responses["200"] = answered("The part of the vendor's shop that the bridge knows.", reflected(vendorShopEnvelope{}), "X-Request-ID?", "Cache-Control", callLimitHeader)
	return atVendorDoor(operation, shopOperation)
}

func atVendorDoor(operation apiOperation, op bridge.Operation) apiOperation {
	operation.OperationID, operation.Tags = "youhaosuda_"+op.Name, []string{tagYouhaosuda}
	operation.Security = []map[string][]string{{schemeAccessToken: {}}}
	operation.Parameters = append(operation.Parameters, refer(toParameter, "Accept-Language"))
	operation.refuse(onVendor)
	return operation
}

// describedResource is what both doors say of a resource.
func describedResource(r bridge.Resource) apiOperation {
	operation := apiOperation{Summary: r.Title, Description: r.Summary, Responses: map[string]any{}}
	if r.PathKey != "" {
		operation.Parameters = append(operation.Parameters, apiParameter{
			Name: r.PathKey, In: "path", Required: true, Description: "The webhook's id.", Schema: schema{"type": "integer", "minimum": 1}, Example: 7,
		})
	}
	for _, name := range r.Query {
		operation.Parameters = append(operation.Parameters, queryParameters[name])
	}
	if r.Takes {
		name := newWebhook
		if r.PathKey != "" {
			name = changedWebhook
		}
		operation.RequestBody = &apiBody{
			Required: true, Description: "The webhook in its envelope.",
			Content: map[string]apiMedia{jsonType: {Schema: refer(toSchema, name), Examples: map[string]apiExample{"json": {
				Summary: "Events as JSON", Value: schema{"webhook": schema{"topic": bridge.TopicJobSucceeded, "address": "https://receiver.example.com/hooks", "content_type": bridge.ContentJSON}},
			}}}},
		}
	}
	return operation
}

// queryParameters are those of all resources.
var queryParameters = map[string]apiParameter{
	"limit":    {Name: "limit", In: "query", Description: "How many at most.", Schema: schema{"type": "integer", "minimum": 1, "maximum": 50, "default": 10}, Example: 50},
	"page":     {Name: "page", In: "query", Description: "Which page, from 1.", Schema: schema{"type": "integer", "minimum": 1, "default": 1}, Example: 2},
	"since_id": {Name: "since_id", In: "query", Description: "Only ids above this one.", Schema: schema{"type": "integer", "minimum": 0}, Example: 6},
	"topic":    {Name: "topic", In: "query", Description: "Only this topic.", Schema: schema{"type": "string", "enum": topicNames()}, Example: bridge.TopicJobSucceeded},
	"ids":      {Name: "ids", In: "query", Description: "Only these ids, at most 200, with commas between; an empty element says nothing.", Schema: schema{"type": "string"}, Example: "6,,7"},
	"fields":   {Name: "fields", In: "query", Description: "Only these members, with commas between.", Schema: schema{"type": "string"}, Example: "id,address"},
	"state":    {Name: "state", In: "query", Description: "Only deliveries in this state.", Schema: schema{"type": "string", "enum": []bridge.DeliveryState{bridge.DeliveryWaiting, bridge.DeliveryDelivered, bridge.DeliveryFailed}}, Example: bridge.DeliveryFailed},
}

func topicNames() []bridge.Topic {
	var names []bridge.Topic
	for _, row := range bridge.Topics {
		names = append(names, row.Topic)
	}
	return names
}

// answerName names the component of a resource's answer after its struct.
func answerName(r bridge.Resource) string { return reflect.TypeOf(r.Answers).Name() }

// addResourceSchemas adds the bodies of the resources.
func addResourceSchemas(all map[string]any) {
	for _, r := range bridge.Resources {
		all[answerName(r)] = reflected(r.Answers)
	}
	members := schema{
		"address":      schema{"type": "string", "format": "uri", "maxLength": 2048, "description": "A public https address; not followed when it redirects."},
		"topic":        schema{"type": "string", "enum": topicNames()},
		"content_type": schema{"type": "string", "enum": bridge.ContentTypes, "default": bridge.ContentForm},
	}
	for name, required := range map[string][]string{newWebhook: {"address", "topic"}, changedWebhook: {}} {
		webhook := schema{"type": "object", "properties": members, "description": "id, created_at and updated_at may stand there and are passed over."}
		if len(required) > 0 {
			webhook["required"] = required
		}
		all[name] = schema{"type": "object", "required": []string{"webhook"}, "properties": schema{"webhook": webhook}, "description": "The envelope of the vendor's API."}
	}
}
