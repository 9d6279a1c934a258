package tools

import (
	"context"
	"encoding/json"
	"runtime/debug"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// newTool describes an operation to clients. All four hints are set: mcp-go
// sends destructive and open-world for what is left out.
func newTool(op bridge.Operation) mcp.Tool {
	tool := mcp.NewToolWithRawSchema(op.Name, op.Summary, inputSchema(op))
	tool.Title = op.Title
	tool.RawOutputSchema = outputSchema(op)
	tool.Annotations = mcp.ToolAnnotation{
		ReadOnlyHint:    new(!op.Write),
		DestructiveHint: new(op.Destructive),
		// A write repeated with its request_id is the same job.
		IdempotentHint: new(true),
		// A job's status comes from our own database, all else from the shop.
		OpenWorldHint: new(op.Name != bridge.OpGetJobStatus),
	}
	return tool
}

func inputSchema(op bridge.Operation) json.RawMessage {
	schema := schemas.Input(op.Name)
	if op.Write {
		var err error
		if schema, err = schema.WithRequestID(); err != nil {
			panic("tools: the generated schema of " + op.Name + " cannot be extended: " + err.Error())
		}
	}
	return schema.JSON()
}

// outputSchema is the outline of an operation's answer, opened for refusals:
// up to its last release, 1.32.2, the TypeScript SDK v1 checks structuredContent
// against the tool's schema even when isError is true, and throws away what does
// not match (typescript-sdk#1943), so that its model would never read a refusal.
func outputSchema(op bridge.Operation) json.RawMessage {
	var schema struct {
		Type       json.RawMessage   `json:"type"`
		Properties json.RawMessage   `json:"properties"`
		Required   json.RawMessage   `json:"required,omitempty"`
		AnyOf      []json.RawMessage `json:"anyOf"`
	}
	if err := json.Unmarshal(schemas.Output(op.Output).Outline(), &schema); err != nil {
		panic("tools: the generated schema " + op.Output + " is no JSON: " + err.Error())
	}
	answer := append(append([]byte(`{"required":`), schema.Required...), '}')
	schema.AnyOf = []json.RawMessage{answer, json.RawMessage(`{"required":["error_code"]}`)}
	schema.Required = nil
	opened, err := json.Marshal(schema)
	if err != nil {
		panic("tools: the schema " + op.Output + " cannot be written: " + err.Error())
	}
	return opened
}

// toolHandler serves one tool. Whatever goes wrong inside a known tool is a
// tool result with isError (SEP-1303), so that the model can read it and act.
func (d *Door) toolHandler(op bridge.Operation) server.ToolHandlerFunc {
	return func(ctx context.Context, _ mcp.CallToolRequest) (result *mcp.CallToolResult, _ error) {
		defer func() {
			if trouble := recover(); trouble != nil {
				d.Log.ErrorContext(ctx, "tool panicked", "tool", op.Name, "panic", trouble, "stack", string(debug.Stack()))
				fault := bridge.AsError(nil)
				receiptFrom(ctx).Refuse(fault)
				result = refused(fault)
			}
			if callFrom(ctx).copied {
				inText(result)
			}
		}()
		answer, err := d.carryOut(ctx, op, callFrom(ctx))
		if err != nil {
			return refused(bridge.AsError(err)), nil
		}
		noteAccepted(ctx, answer)
		return answered(answer), nil
	}
}

// carryOut takes a call through the desk and fills in its receipt.
func (d *Door) carryOut(ctx context.Context, op bridge.Operation, c call) (bridge.Answer, error) {
	answer, err := d.submit(ctx, op, c)
	if err != nil {
		receiptFrom(ctx).Refuse(err)
		return answer, err
	}
	receiptFrom(ctx).Answer(answer)
	return answer, nil
}

// submit takes a call through the desk in the order of the contract.
func (d *Door) submit(ctx context.Context, op bridge.Operation, c call) (bridge.Answer, error) {
	note(ctx, op, "")
	if err := d.opened(ctx); err != nil {
		return bridge.Answer{}, err
	}
	actor := actorFrom(ctx)
	if err := d.Desk.Authorize(actor, op); err != nil {
		return bridge.Answer{}, err
	}
	if _, err := d.Desk.Meter(ctx, actor, op); err != nil {
		return bridge.Answer{}, err
	}
	req := bridge.Request{Operation: op.Name, Arguments: c.arguments, OnProgress: progressTo(ctx, c.progressToken)}
	if c.arguments == nil {
		req.Arguments = []byte("{}") // params.arguments is optional
	}
	if op.Write {
		req.RequestID, req.Arguments = d.splitRequestID(req.Arguments)
		note(ctx, op, req.RequestID)
	}
	return d.Desk.Do(ctx, actor, req)
}

// splitRequestID takes request_id, the idempotency key of this door, out of the
// arguments. What the hub will refuse anyway goes to it as it was sent, so that
// the verdict is the hub's.
func (d *Door) splitRequestID(arguments []byte) (id string, payload []byte) {
	if int64(len(arguments)) > d.maxPayload() {
		return "", arguments
	}
	doc, faults := schemas.Parse(arguments)
	if len(faults) > 0 {
		return "", arguments
	}
	value, rest, _ := doc.Take("request_id")
	id, _ = value.(string)
	return id, rest.Raw()
}
