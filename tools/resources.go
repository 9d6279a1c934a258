package tools

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The addresses of the resources (CONTRACT: MCP door).
const (
	policiesURI = "bridge://policies"
	schemaURI   = "bridge://schemas/{name}"
	jobURI      = "bridge://jobs/{id}"
	productURI  = "bridge://products/{id}"
	orderURI    = "bridge://orders/{id}"
)

const jsonType = "application/json"

// addResources serves what a host may attach to a conversation by itself. Jobs,
// products and orders go the way of the tools of the same content: same scope,
// same window, same verdicts, and customer data for the same clients only.
func (d *Door) addResources(s *server.MCPServer) {
	s.AddResource(mcp.NewResource(policiesURI, "policies",
		mcp.WithResourceTitle("Refusal rules"), mcp.WithMIMEType(jsonType),
		mcp.WithResourceDescription("What the bridge refuses, and what to do instead.")), readPolicies)
	s.AddResourceTemplate(mcp.NewResourceTemplate(schemaURI, "schemas",
		mcp.WithTemplateTitle("JSON Schemas"), mcp.WithTemplateMIMEType("application/schema+json"),
		mcp.WithTemplateDescription("The exact schema of a payload (update_product, ...) or answer (product, order, job, acceptance).")), readSchema)
	s.AddResourceTemplate(mcp.NewResourceTemplate(jobURI, "jobs",
		mcp.WithTemplateTitle("A job"), mcp.WithTemplateMIMEType(jsonType),
		mcp.WithTemplateDescription("A job's present state.")), d.reader(bridge.OpGetJobStatus, "job_id"))
	s.AddResourceTemplate(mcp.NewResourceTemplate(productURI, "products",
		mcp.WithTemplateTitle("A product"), mcp.WithTemplateMIMEType(jsonType),
		mcp.WithTemplateDescription("A product as the shop has it now.")), d.reader(bridge.OpGetProduct, "product_id"))
	s.AddResourceTemplate(mcp.NewResourceTemplate(orderURI, "orders",
		mcp.WithTemplateTitle("An order"), mcp.WithTemplateMIMEType(jsonType),
		mcp.WithTemplateDescription("An order as the shop has it now.")), d.reader(bridge.OpGetOrder, "order_id"))
}

func readPolicies(_ context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
	type rule struct {
		ID       string `json:"id"`
		Sentence string `json:"rule"`
		Fix      string `json:"fix"`
	}
	var list []rule
	for _, r := range policies.Rules {
		list = append(list, rule{ID: r.ID, Sentence: r.Sentence, Fix: r.Fix})
	}
	raw, err := encode(list)
	return contents(req, jsonType, raw), err
}

func readSchema(_ context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
	name := variable(req, "name")
	for _, schema := range []schemas.Schema{schemas.Input(name), schemas.Output(name)} {
		if schema.Name() != "" {
			return contents(req, "application/schema+json", schema.JSON()), nil
		}
	}
	return nil, unreadable(bridge.Fault(bridge.CodeNotFound, nil, "There is no schema %.40q.", name))
}

// reader serves a resource through the operation that reads the same thing.
func (d *Door) reader(operation, argument string) server.ResourceTemplateHandlerFunc {
	op, _ := bridge.FindOperation(operation)
	return func(ctx context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		arguments, err := json.Marshal(map[string]any{argument: idArgument(variable(req, "id"))})
		if err != nil {
			return nil, unreadable(bridge.Fault(bridge.CodeInternal, err, "The address cannot be read."))
		}
		answer, err := d.carryOut(ctx, op, call{arguments: arguments})
		if err != nil {
			return nil, unreadable(bridge.AsError(err))
		}
		raw, err := encode(answer.Body)
		return contents(req, jsonType, raw), err
	}
}

// idArgument is a URI's id as an argument: a number where it is one, so that
// the hub's schema judges the rest.
func idArgument(id string) any {
	if raw := json.RawMessage(id); json.Valid(raw) && validID(raw) {
		return raw
	}
	return id
}

// unreadable is a refusal as a protocol error, the only form a resource has.
// mcp-go shows the error's text under the code -32603, whatever it is, so the
// text must be the public one and begin with our code.
func unreadable(fault *bridge.Error) error { return errors.New(refusalLine(fault)) }

// variable is a part of the address that the template matched.
func variable(req mcp.ReadResourceRequest, name string) string {
	if values, ok := req.Params.Arguments[name].([]string); ok && len(values) == 1 {
		return values[0]
	}
	return ""
}

func contents(req mcp.ReadResourceRequest, mediaType string, raw json.RawMessage) []mcp.ResourceContents {
	return []mcp.ResourceContents{mcp.TextResourceContents{URI: req.Params.URI, MIMEType: mediaType, Text: string(raw)}}
}
