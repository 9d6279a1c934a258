package tools

import (
	"context"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// completer suggests values for the arguments of prompts and resource
// templates (2025-11-25, Completion): the names of schemas, and the client's
// own newest jobs. What it does not know, a hidden prompt among it, has no
// suggestions, which is no error.
type completer struct{ door *Door }

var (
	_ server.PromptCompletionProvider   = completer{}
	_ server.ResourceCompletionProvider = completer{}
)

// maxSuggestions bounds one answer; the protocol allows a hundred.
const maxSuggestions = 50

// CompletePromptArgument implements server.PromptCompletionProvider.
func (c completer) CompletePromptArgument(ctx context.Context, name string, argument mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	p, known := findPrompt(name)
	if !known || !actorFrom(ctx).Holds(p.scope) || argument.Name != "job_id" {
		return nil, nil
	}
	return c.jobs(ctx, argument.Value, func(at bridge.JobState) bool {
		return at.Status == schemas.Failed || at.Status == schemas.NeedsReview
	})
}

// CompleteResourceArgument implements server.ResourceCompletionProvider.
func (c completer) CompleteResourceArgument(ctx context.Context, uri string, argument mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	switch {
	case uri == schemaURI && argument.Name == "name":
		return suggest(slices.Concat(schemas.InputNames(), schemas.OutputNames()), argument.Value), nil
	case uri == jobURI && argument.Name == "id":
		return c.jobs(ctx, argument.Value, func(bridge.JobState) bool { return true })
	}
	return nil, nil
}

// jobs suggests jobs of the client's own. It reads the database, so it is
// metered as the tool that reads jobs is.
func (c completer) jobs(ctx context.Context, typed string, fitting func(bridge.JobState) bool) (*mcp.Completion, error) {
	states, err := c.recent(ctx)
	if err != nil {
		receiptFrom(ctx).Refuse(err)
		return nil, unreadable(bridge.AsError(err))
	}
	var ids []string
	for _, at := range states {
		if fitting(at) {
			ids = append(ids, at.ID)
		}
	}
	return suggest(ids, typed), nil
}

func (c completer) recent(ctx context.Context) ([]bridge.JobState, error) {
	op, _ := bridge.FindOperation(bridge.OpGetJobStatus)
	note(ctx, op, "")
	if err := c.door.opened(ctx); err != nil {
		return nil, err
	}
	actor := actorFrom(ctx)
	if err := c.door.Desk.Authorize(actor, op); err != nil {
		return nil, err
	}
	if _, err := c.door.Desk.Meter(ctx, actor, op); err != nil {
		return nil, err
	}
	return c.door.Desk.RecentJobs(ctx, actor, maxSuggestions)
}

// suggest gives the values that begin with what was typed, in their order.
func suggest(values []string, typed string) *mcp.Completion {
	fitting := []string{}
	for _, value := range values {
		if strings.HasPrefix(value, strings.ToLower(typed)) {
			fitting = append(fitting, value)
		}
	}
	return &mcp.Completion{Values: fitting, Total: len(fitting)}
}
