package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The extension io.modelcontextprotocol/tasks (SEP-2663, revision 2026-07-28):
// a job is a task, the job's id the task's. It is served here, in front of
// mcp-go, whose own tasks live in memory. Who does not declare the extension
// gets the job's handle as ever.

// taskStatus is a task's status on the wire.
type taskStatus string

// input_required and failed are not ours: nothing is ever asked of a client,
// and a job that ends badly is a tool result with isError, which the extension
// calls completed (Task Status: failed is for JSON-RPC errors only).
const (
	taskWorking   taskStatus = "working"
	taskCompleted taskStatus = "completed"
	taskCancelled taskStatus = "cancelled"
)

// taskStatuses says what a job's state is to the client of its task.
var taskStatuses = map[schemas.JobStatus]taskStatus{
	schemas.AwaitingApproval: taskWorking,
	schemas.Accepted:         taskWorking,
	schemas.Processing:       taskWorking,
	schemas.Retrying:         taskWorking,
	schemas.Succeeded:        taskCompleted,
	schemas.Failed:           taskCompleted,
	schemas.NeedsReview:      taskCompleted,
	schemas.Cancelled:        taskCancelled,
}

// taskPoll is the polling advice. It is longer than that of a single job: a
// client has its 100 reads a minute for all its tasks.
const taskPoll = 2 * time.Second

// resultTypeTask marks the answer that stands for a task (Polymorphic Results).
const resultTypeTask mcp.ResultType = "task"

// task is a task as it goes out: as the answer to a tool call, and to
// tasks/get, where a completed one has its result.
type task struct {
	mcp.Result
	ID            string              `json:"taskId"`
	Status        taskStatus          `json:"status"`
	StatusMessage string              `json:"statusMessage"`
	CreatedAt     time.Time           `json:"createdAt"`
	LastUpdatedAt time.Time           `json:"lastUpdatedAt"`
	TTLMs         *int64              `json:"ttlMs"`
	PollMs        int64               `json:"pollIntervalMs"`
	Final         *mcp.CallToolResult `json:"result,omitempty"`
}

func (d *Door) newTask(job schemas.Job) *task {
	t := &task{
		ID: job.JobID, Status: taskStatuses[job.Status],
		StatusMessage: fmt.Sprintf("%s, %d of %d", job.Status, job.Progress.Done, job.Progress.Total),
		CreatedAt:     job.AcceptedAt, LastUpdatedAt: job.AcceptedAt, PollMs: taskPoll.Milliseconds(),
	}
	for _, at := range []*time.Time{job.StartedAt, job.FinishedAt} {
		if at != nil {
			t.LastUpdatedAt = *at
		}
	}
	if d.TaskTTL > 0 {
		t.TTLMs = new(d.TaskTTL.Milliseconds())
	}
	return t
}

// final is the result of a job that has ended: what the tool would answer to
// the same request now.
func final(job schemas.Job) *mcp.CallToolResult {
	view, err := encode(job)
	if err != nil {
		return refused(bridge.Fault(bridge.CodeInternal, err, "The job cannot be written."))
	}
	answer, err := bridge.Ended(job.JobID, job.Status, view)
	if err != nil {
		return refused(bridge.AsError(err))
	}
	result := answered(answer)
	result.Content[0] = mcp.NewTextContent(jobLine(job))
	return result
}

// complete gives a result the members that every result of the revision has.
func (d *Door) complete(r *mcp.Result, kind mcp.ResultType) {
	r.SetResultType(kind)
	r.EnsureResultMeta().SetServerInfo(mcp.Implementation{Name: d.Name, Version: d.Version})
}

// handle serves a request on a server, by the tasks extension where it is the
// extension's matter.
func (d *Door) handle(ctx context.Context, s *server.MCPServer, m message) mcp.JSONRPCMessage {
	if m.extended() {
		return d.serveExtended(ctx, s, m)
	}
	return s.HandleMessage(ctx, m.envelope)
}

// serveExtended answers a message that is the extension's matter, on either
// transport.
func (d *Door) serveExtended(ctx context.Context, s *server.MCPServer, m message) mcp.JSONRPCMessage {
	switch t := m.tasking; {
	case !t.capable:
		return taskRefused(ctx, m, bridge.Fault(bridge.CodeInvalidRequest, nil, "_meta has no %s.", mcp.MetaKeyClientCapabilities))
	case !t.declared:
		return undeclared(ctx, m)
	case t.wrong != nil:
		return taskRefused(ctx, m, bridge.Fault(bridge.CodeInvalidRequest, t.wrong, "Invalid params: %v.", t.wrong))
	}
	switch m.method {
	case methodTasksGet:
		return d.getTask(ctx, m)
	case methodTasksUpdate:
		return d.updateTask(ctx, m)
	case methodTasksCancel:
		return d.cancelTask(ctx, m)
	case string(mcp.MethodToolsCall):
		return d.createTask(ctx, s, m)
	}
	return s.HandleMessage(ctx, m.envelope) // a subscription; none of tasks is established
}

// undeclared refuses a client that did not declare the extension on this
// request (Capability Negotiation).
func undeclared(ctx context.Context, m message) mcp.JSONRPCMessage {
	receiptFrom(ctx).Refuse(bridge.Fault(bridge.CodeInvalidRequest, nil, "The tasks extension is not declared."))
	return (&fault{
		id: m.id, code: mcp.MISSING_REQUIRED_CLIENT_CAPABILITY,
		text: "Missing required client capability: declare " + tasksExtension + " in the request's _meta",
		data: map[string]any{"requiredCapabilities": map[string]any{"extensions": map[string]any{tasksExtension: struct{}{}}}},
	}).response()
}

// acceptedKey is how the handler of a tool tells createTask of the job it made.
type acceptedKey struct{}

// noteAccepted remembers the job that a call came to.
func noteAccepted(ctx context.Context, answer bridge.Answer) {
	if made, ok := ctx.Value(acceptedKey{}).(*string); ok && answer.Acceptance != nil {
		*made = answer.Acceptance.JobID
	}
}

// createTask lets mcp-go serve a tool call and answers the task in place of an
// acceptance. The job is read back first: a task MUST be durable before it is
// shown. Who may not read jobs could not poll it and gets the handle, as does
// everyone when the job cannot be read just now.
func (d *Door) createTask(ctx context.Context, s *server.MCPServer, m message) mcp.JSONRPCMessage {
	var made string
	answer := s.HandleMessage(context.WithValue(ctx, acceptedKey{}, &made), m.envelope)
	if made == "" || !actorFrom(ctx).Holds(auth.ScopeRead) {
		return answer
	}
	seed, err := d.Desk.Do(ctx, actorFrom(ctx), bridge.Request{Operation: bridge.OpGetJobStatus, Arguments: jobArguments(made)})
	if err != nil {
		d.Log.WarnContext(ctx, "accepted job not read back; answering its handle", "job_id", made, "error", err)
		return answer
	}
	t := d.newTask(seed.Body.(schemas.Job))
	d.complete(&t.Result, resultTypeTask)
	return mcp.NewJSONRPCResultResponse(requestID(m.id), t)
}

// jobArguments are the arguments of get_job_status for a job.
func jobArguments(id string) json.RawMessage {
	raw, _ := json.Marshal(map[string]string{"job_id": id}) // a map of strings always marshals
	return raw
}

// getTask reads a job by the way of get_job_status: same scope, same window,
// same verdicts.
func (d *Door) getTask(ctx context.Context, m message) mcp.JSONRPCMessage {
	job, err := d.taskJob(ctx, m)
	if err != nil {
		return taskRefused(ctx, m, err)
	}
	t := d.newTask(job)
	d.complete(&t.Result, mcp.ResultTypeComplete)
	if t.Status == taskCompleted {
		t.Final = final(job)
		t.Final.SetResultType(mcp.ResultTypeComplete)
	}
	return mcp.NewJSONRPCResultResponse(requestID(m.id), t)
}

func (d *Door) taskJob(ctx context.Context, m message) (schemas.Job, error) {
	op, _ := bridge.FindOperation(bridge.OpGetJobStatus)
	answer, err := d.carryOut(ctx, op, call{arguments: jobArguments(m.tasking.id)})
	if err != nil {
		return schemas.Job{}, err
	}
	return answer.Body.(schemas.Job), nil
}

// updateTask takes answers to questions. A job never asks any, and answers to
// what was not asked SHOULD be ignored (Task Update Requests).
func (d *Door) updateTask(ctx context.Context, m message) mcp.JSONRPCMessage {
	if _, err := d.taskJob(ctx, m); err != nil {
		return taskRefused(ctx, m, err)
	}
	return d.acknowledge(m)
}

// cancelTask ends a job of which nothing was sent. The acknowledgement is the
// same when it goes on (Task Cancellation: not obligated to stop the work);
// tasks/get tells.
func (d *Door) cancelTask(ctx context.Context, m message) mcp.JSONRPCMessage {
	actor := actorFrom(ctx)
	note(ctx, bridge.CancelJob, "")
	err := d.opened(ctx)
	if err == nil {
		err = d.Desk.Authorize(actor, bridge.CancelJob)
	}
	if err == nil {
		_, err = d.Desk.Meter(ctx, actor, bridge.CancelJob)
	}
	cancelled := false
	if err == nil {
		cancelled, err = d.Desk.Cancel(ctx, actor, m.tasking.id)
	}
	if err != nil {
		return taskRefused(ctx, m, err)
	}
	if cancelled {
		receiptFrom(ctx).Answered = bridge.RequestCancelled
	}
	receiptFrom(ctx).Status = http.StatusOK
	return d.acknowledge(m)
}

// acknowledge is the empty result of tasks/update and tasks/cancel.
func (d *Door) acknowledge(m message) mcp.JSONRPCMessage {
	empty := new(mcp.Result)
	d.complete(empty, mcp.ResultTypeComplete)
	return mcp.NewJSONRPCResultResponse(requestID(m.id), empty)
}

// taskRefused is a refusal as the extension wants it: a protocol error, -32602
// for whatever is wrong with the task id (Protocol Errors). The data is that of
// a tool's refusal.
func taskRefused(ctx context.Context, m message, err error) mcp.JSONRPCMessage {
	receiptFrom(ctx).Refuse(err)
	refusal := bridge.AsError(err)
	code := mcp.INTERNAL_ERROR
	switch refusal.Code {
	case bridge.CodeNotFound, bridge.CodeSchemaViolation, bridge.CodeInvalidRequest:
		code = mcp.INVALID_PARAMS
	case bridge.CodeInsufficientScope:
		code = mcp.INVALID_REQUEST
	}
	return (&fault{id: m.id, code: code, text: refusalLine(refusal), data: newRefusal(refusal)}).response()
}

// hideExtension keeps the extension out of the handshake of earlier revisions,
// whose clients cannot declare it.
func hideExtension(_ context.Context, _ any, _ *mcp.InitializeRequest, result *mcp.InitializeResult) {
	result.Capabilities.Extensions = nil
}
