package tools

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

const listTools = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`

type listed struct {
	Name, Title, Description  string
	InputSchema, OutputSchema json.RawMessage
	Annotations               map[string]bool
}

func toolsFor(t *testing.T, actor bridge.Actor) (raw string, tools []listed) {
	t.Helper()
	raw = openPipe(t, newWorld().door(), actor).ask(listTools)
	var answer struct {
		Result struct{ Tools []listed }
	}
	if err := json.Unmarshal([]byte(raw), &answer); err != nil {
		t.Fatal(err)
	}
	return raw, answer.Result.Tools
}

// Every conversation pays for the tool list.
func TestToolListStaysWithinItsBudget(t *testing.T) {
	legacy, _ := toolsFor(t, writer)
	modern := openPipe(t, newWorld().door(), writer).ask(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{` + modernMeta + `}}`)
	for era, raw := range map[string]string{"legacy": legacy, "2026-07-28": modern} {
		if len(raw) >= 12_000 {
			t.Errorf("%s: tools/list has %d bytes, want less than 12000", era, len(raw))
		}
	}
	if len(instructions) > 600 {
		t.Errorf("the instructions have %d bytes, want at most 600", len(instructions))
	}
}

func TestToolsComeFromTheOperationTable(t *testing.T) {
	_, tools := toolsFor(t, writer)
	if len(tools) != len(bridge.Operations) {
		t.Fatalf("%d tools, want %d", len(tools), len(bridge.Operations))
	}
	for i, op := range bridge.Operations {
		tool := tools[i]
		if tool.Name != op.Name || tool.Title != op.Title || tool.Description != op.Summary {
			t.Errorf("tool %d is %q %q %q, want the operation %+v", i, tool.Name, tool.Title, tool.Description, op)
		}
		want := map[string]bool{
			"readOnlyHint": !op.Write, "destructiveHint": op.Destructive,
			"idempotentHint": true, "openWorldHint": op.Name != bridge.OpGetJobStatus,
		}
		if diff := cmp.Diff(want, tool.Annotations); diff != "" {
			t.Errorf("%s: hints (-want +got):\n%s", op.Name, diff)
		}
	}
}

func TestSchemasAreTheGeneratedOnes(t *testing.T) {
	_, tools := toolsFor(t, writer)
	for i, op := range bridge.Operations {
		input := schemas.Input(op.Name)
		if op.Write {
			var err error
			if input, err = input.WithRequestID(); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(indented(t, input.JSON())), string(indented(t, tools[i].InputSchema))); diff != "" {
			t.Errorf("%s: input schema:\n%s", op.Name, diff)
		}
		var outline, output map[string]any
		for raw, into := range map[*map[string]any][]byte{&outline: schemas.Output(op.Output).Outline(), &output: tools[i].OutputSchema} {
			if err := json.Unmarshal(into, raw); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(outline["properties"], output["properties"]); diff != "" {
			t.Errorf("%s: output properties:\n%s", op.Name, diff)
		}
		wantAnyOf := []any{map[string]any{"required": outline["required"]}, map[string]any{"required": []any{"error_code"}}}
		if diff := cmp.Diff(wantAnyOf, output["anyOf"]); diff != "" {
			t.Errorf("%s: output alternatives:\n%s", op.Name, diff)
		}
	}
}

// Clients that check structuredContent also when isError is true must find
// refusals conforming; mcp-go's own validator stands for them.
func TestAnswersAndRefusalsMatchTheOutputSchema(t *testing.T) {
	refusal := refused(&bridge.Error{
		Code: bridge.CodeKnownFailedReplay, Message: "m", Rule: "r", RetryAfter: 1, Job: json.RawMessage(`{"job_id":"x"}`),
		Fields: []schemas.FieldError{{Pointer: "/a", Message: "b"}},
	})
	refusal.IsError = false
	acceptance := &schemas.Acceptance{JobID: "j", Status: schemas.Accepted}
	w := newWorld()
	product, _ := w.Product(t.Context(), 1)
	order, _ := w.Order(t.Context(), 5, false)
	answers := map[string]any{"product": product, "order": order, "job": w.jobs[runningJob].View(), "acceptance": acceptance}
	for _, op := range bridge.Operations {
		good := answered(bridge.Answer{Body: answers[op.Output]})
		for what, result := range map[string]*mcp.CallToolResult{"answer": good, "refusal": refusal} {
			if text := conforms(t, op, result); text != "" {
				t.Errorf("%s: the %s does not match: %s", op.Name, what, text)
			}
		}
		if text := conforms(t, op, &mcp.CallToolResult{StructuredContent: map[string]any{"strange": 1}}); text == "" {
			t.Errorf("%s: anything matches the output schema", op.Name)
		}
		doc, err := schemas.DocumentOf(answers[op.Output])
		if err != nil {
			t.Fatal(err)
		}
		if faults := schemas.Output(op.Output).Validate(doc); faults != nil {
			t.Errorf("%s: %v", op.Output, faults)
		}
	}
}

func conforms(t *testing.T, op bridge.Operation, result *mcp.CallToolResult) string {
	t.Helper()
	s := server.NewMCPServer("test", "1", server.WithOutputSchemaValidation())
	tool := newTool(op)
	tool.RawInputSchema = json.RawMessage(`{"type":"object"}`)
	s.AddTool(tool, func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) { return result, nil })
	raw, err := json.Marshal(s.HandleMessage(t.Context(), []byte(callLine(1, op.Name, `{}`))))
	if err != nil {
		t.Fatal(err)
	}
	answer := readOutcome(t, string(raw))
	if answer.Error != nil {
		return answer.Error.Message
	}
	if answer.Result.IsError {
		return answer.Result.Content[0].Text
	}
	return ""
}

func TestScopesDecideWhatIsSeenAndCalled(t *testing.T) {
	_, tools := toolsFor(t, reader)
	var names []string
	for _, tool := range tools {
		names = append(names, tool.Name)
	}
	if want := []string{bridge.OpGetProduct, bridge.OpGetOrder, bridge.OpGetJobStatus}; !slices.Equal(names, want) {
		t.Errorf("a reader sees %v, want %v", names, want)
	}
	p := openPipe(t, newWorld().door(), reader)
	answer := readOutcome(t, p.ask(callLine(1, bridge.OpUpdateProduct, `{}`)))
	if answer.Error == nil || answer.Error.Code != mcp.INVALID_PARAMS {
		t.Errorf("a hidden tool answers %+v, want -32602 like an unknown one", answer)
	}
	if _, tools := toolsFor(t, bridge.Actor{ClientID: "x", Scopes: []string{auth.ScopePII}}); len(tools) != 0 {
		t.Errorf("a client without scopes sees %d tools", len(tools))
	}
	const listPrompts = `{"jsonrpc":"2.0","id":2,"method":"prompts/list"}`
	if answer := p.ask(listPrompts); strings.Count(answer, `"title"`) != 1 || !strings.Contains(answer, "explain_failed_job") {
		t.Errorf("a reader's prompts: %s", answer)
	}
	if answer := openPipe(t, newWorld().door(), bridge.Actor{ClientID: "x"}).ask(listPrompts); answer != `{"jsonrpc":"2.0","id":2,"result":{"prompts":[]}}` {
		t.Errorf("the prompts of a client without scopes: %s", answer)
	}
}
