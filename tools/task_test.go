package tools

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/mark3labs/mcp-go/mcp"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
	"github.com/prestashop-bridge/bridge/store/storetest"
)

// declaring and modest are the _meta of a client with and without the tasks
// extension.
const (
	declaring = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}`
	modest    = modernMeta
)

// taskBench is a door on a real store, whose worker is the test.
type taskBench struct {
	*testing.T
	*world
	url  string
	db   *store.Store
	door *Door
	log  *auditLog
}

func newTaskBench(t *testing.T) *taskBench {
	t.Helper()
	empty, err := storetest.Empty()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bridge.db")
	if err := os.WriteFile(file, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	b := &taskBench{T: t, world: newWorld(), url: "sqlite:" + file, log: &auditLog{}}
	b.open()
	t.Cleanup(func() { _ = b.db.Close() })
	return b
}

// open starts the program anew on the same database.
func (b *taskBench) open() {
	b.Helper()
	db, err := store.Open(b.Context(), b.url, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.db, b.door = db, b.world.door()
	b.door.TaskTTL = 30 * 24 * time.Hour
	desk := b.door.Desk.(*bridge.Desk)
	desk.Intake, desk.Jobs, desk.Docket = db, db, db
	desk.NewID = func() string { return uuid.Must(uuid.NewV7()).String() }
	desk.Log = slog.New(slog.NewJSONHandler(b.log, nil))
}

// taskAnswer is an answer of the extension as its client reads it.
type taskAnswer struct {
	status int // of HTTP; 200 over stdio
	Result map[string]json.RawMessage
	Error  *struct {
		Code    int
		Message string
		Data    map[string]any
	}
}

func (a taskAnswer) text(member string) string {
	var text string
	_ = json.Unmarshal(a.Result[member], &text)
	return text
}

// final is the result of a completed task.
func (a taskAnswer) final(t *testing.T) outcome {
	t.Helper()
	return readOutcome(t, `{"result":`+string(a.Result["result"])+`}`)
}

// ask sends a request of revision 2026-07-28 as an actor over a transport.
func (b *taskBench) ask(transport string, actor bridge.Actor, method, meta, params string) taskAnswer {
	b.Helper()
	line := fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":%q,"params":{%s,%s}}`, method, params, meta)
	answer, raw := taskAnswer{status: http.StatusOK}, ""
	if transport == "stdio" {
		p := openPipe(b.T, b.door, actor)
		raw = p.ask(line)
		if _, err := p.close(); err != nil {
			b.Fatal(err)
		}
	} else {
		w := post(b.T, b.door.Handler(), line, b.headers(actor, method, params))
		answer.status, raw = w.Code, w.Body.String()
	}
	if err := json.Unmarshal([]byte(raw), &answer); err != nil {
		b.Fatalf("%v in %s", err, raw)
	}
	return answer
}

func (b *taskBench) headers(actor bridge.Actor, method, params string) map[string]string {
	b.Helper()
	header := bearer(b.T, withGate(b.T, b.door), actor)
	header[mcp.HeaderProtocolVersion], header[mcp.HeaderMethod] = "2026-07-28", method
	var named struct{ Name, TaskID string }
	if err := json.Unmarshal([]byte("{"+params+"}"), &named); err != nil {
		b.Fatal(err)
	}
	if name := named.Name + named.TaskID; name != "" {
		header[mcp.HeaderName] = name
	}
	return header
}

func byID(id string) string { return fmt.Sprintf(`"taskId":%q`, id) }

func stockCall(requestID string) string {
	return fmt.Sprintf(`"name":"update_product","arguments":{"request_id":%q,"product_id":1,"updates":{"stock_delta":1}}`, requestID)
}

// create makes a task of a tool call.
func (b *taskBench) create(transport string, actor bridge.Actor) string {
	b.Helper()
	answer := b.ask(transport, actor, "tools/call", declaring, stockCall(uuid.NewString()))
	if answer.text("resultType") != "task" || answer.text("taskId") == "" {
		b.Fatalf("answered %s, want a task", answer.Result)
	}
	return answer.text("taskId")
}

// end brings a job to a terminal status the way a worker does.
func (b *taskBench) end(id string, status schemas.JobStatus) {
	b.Helper()
	claim, err := b.db.Claim(b.Context(), id, "test", time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	ending := bridge.Ending{Status: status, Progress: schemas.Progress{Done: 1, Total: 1}, Result: json.RawMessage(`{"stock":{"after":301}}`)}
	if status != schemas.Succeeded {
		ending.Error = &schemas.JobError{Code: "shop_refused", Message: "no", Fix: "ask"}
	}
	if err := b.db.Finish(b.Context(), claim, ending); err != nil {
		b.Fatal(err)
	}
}

var transports = []string{"stdio", "http"}

func onBoth(t *testing.T, test func(b *taskBench, transport string)) {
	t.Helper()
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) { test(newTaskBench(t), transport) })
	}
}

func TestAWriteOfADeclaringClientIsATask(t *testing.T) {
	onBoth(t, func(b *taskBench, transport string) {
		created := b.ask(transport, writer, "tools/call", declaring, stockCall(requestOne))
		id := created.text("taskId")
		job, err := b.db.Job(b.Context(), id)
		if err != nil || job.ClientID != writer.ClientID || job.RequestID != requestOne {
			b.Fatalf("no such job: %+v, %v", job, err)
		}
		delete(created.Result, "_meta")
		at, _ := json.Marshal(job.AcceptedAt)
		want := map[string]json.RawMessage{
			"resultType": json.RawMessage(`"task"`), "taskId": json.RawMessage(`"` + id + `"`), "status": json.RawMessage(`"working"`),
			"statusMessage": json.RawMessage(`"accepted, 0 of 0"`), "createdAt": at, "lastUpdatedAt": at,
			"ttlMs": json.RawMessage(`2592000000`), "pollIntervalMs": json.RawMessage(`2000`),
		}
		if diff := cmp.Diff(want, created.Result); diff != "" {
			b.Errorf("the task (-want +got):\n%s", diff)
		}
		want["resultType"] = json.RawMessage(`"complete"`)
		polled := b.ask(transport, writer, "tasks/get", declaring, byID(id))
		if meta := string(polled.Result["_meta"]); meta != `{"io.modelcontextprotocol/serverInfo":{"name":"prestashop-bridge","version":"1.0.0"}}` {
			b.Errorf("_meta of tasks/get: %s", meta)
		}
		delete(polled.Result, "_meta")
		if diff := cmp.Diff(want, polled.Result); diff != "" {
			b.Errorf("the task right after (-want +got):\n%s", diff)
		}
	})
}

func TestOnlyWritesAreTasks(t *testing.T) {
	onBoth(t, func(b *taskBench, transport string) {
		for _, call := range []string{`"name":"get_product","arguments":{"product_id":1}`, `"name":"update_product","arguments":{}`} {
			answer := b.ask(transport, writer, "tools/call", declaring, call+`,"task":{"ttl":1}`)
			if answer.text("resultType") != "complete" || answer.Result["taskId"] != nil || answer.Result["content"] == nil {
				b.Errorf("%s answers %s, want a tool result", call, answer.Result)
			}
		}
	})
}

// A read stays mcp-go's, which streams its progress.
func TestADeclaringClientStillHearsOfProgress(t *testing.T) {
	b := newTaskBench(t)
	b.onJob, b.door.Desk.(*bridge.Desk).Jobs = advance, b.world
	params := fmt.Sprintf(`"name":"get_job_status","arguments":{"job_id":%q,"wait_seconds":30}`, runningJob)
	meta := strings.Replace(declaring, `"_meta":{`, `"_meta":{"progressToken":"p",`, 1)
	w := post(t, b.door.Handler(), fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{%s,%s}}`, params, meta), b.headers(writer, "tools/call", `"name":"get_job_status"`))
	if w.Header().Get("Content-Type") != "text/event-stream" || !strings.Contains(w.Body.String(), `"progressToken":"p"`) {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

func TestHowAJobEndsIsHowItsTaskEnds(t *testing.T) {
	for status, row := range map[schemas.JobStatus]struct {
		task    string
		isError bool
		line    string
	}{
		schemas.Succeeded:   {"completed", false, "job %s: succeeded"},
		schemas.Failed:      {"completed", true, "known_failed_replay: This request was accepted as job %s, which ended failed. – Read job.error; correct the cause and send the change with a new request id."},
		schemas.NeedsReview: {"completed", true, "known_failed_replay: This request was accepted as job %s, which ended needs_review. – Read job.error; correct the cause and send the change with a new request id."},
	} {
		t.Run(string(status), func(t *testing.T) {
			onBoth(t, func(b *taskBench, transport string) {
				id := b.create(transport, writer)
				b.end(id, status)
				answer := b.ask(transport, writer, "tasks/get", declaring, byID(id))
				if answer.text("status") != row.task || answer.text("resultType") != "complete" || answer.Result["error"] != nil {
					b.Fatalf("answered %s", answer.Result)
				}
				final := answer.final(b.T).Result
				if final.IsError != row.isError || final.Content[0].Text != fmt.Sprintf(row.line, id) {
					b.Errorf("final result %+v", final)
				}
				var told struct {
					BusinessSuccess *bool `json:"business_success"`
					Job             struct {
						JobID           string `json:"job_id"`
						BusinessSuccess bool   `json:"business_success"`
					}
				}
				if err := json.Unmarshal(final.StructuredContent, &told); err != nil {
					b.Fatal(err)
				}
				// An acceptance never says success; the job in it does.
				if told.Job.JobID != id || told.Job.BusinessSuccess == row.isError || told.BusinessSuccess != nil {
					b.Errorf("structured content %s", final.StructuredContent)
				}
				op, _ := bridge.FindOperation(bridge.OpUpdateProduct)
				if text := conforms(b.T, op, &mcp.CallToolResult{StructuredContent: final.StructuredContent}); text != "" {
					b.Errorf("the result does not match the tool's output schema: %s", text)
				}
			})
		})
	}
}

// No state but a terminal one may show a result, and every state has its word.
func TestNoResultBeforeTheEnd(t *testing.T) {
	if len(taskStatuses) != len(schemas.JobStatuses) {
		t.Errorf("%d states have a task status, want %d", len(taskStatuses), len(schemas.JobStatuses))
	}
	for _, status := range schemas.JobStatuses {
		w := newWorld()
		w.onJob = func(job *bridge.Job) { job.Status = status }
		line := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{%s,%s}}`, byID(runningJob), declaring)
		var answer taskAnswer
		if err := json.Unmarshal([]byte(openPipe(t, w.door(), writer).ask(line)), &answer); err != nil {
			t.Fatal(err)
		}
		terminal := answer.text("status") != "working"
		if status.Terminal() != terminal || (answer.Result["result"] != nil) != (terminal && status != schemas.Cancelled) {
			t.Errorf("%s: %s", status, answer.Result)
		}
		if answer.Result["ttlMs"] == nil || string(answer.Result["ttlMs"]) != "null" {
			t.Errorf("without a TTL, ttlMs = %s, want null", answer.Result["ttlMs"])
		}
	}
}

func TestWithoutTheExtensionThereAreNoTasks(t *testing.T) {
	onBoth(t, func(b *taskBench, transport string) {
		answer := b.ask(transport, writer, "tools/call", modest, stockCall(requestOne))
		if answer.text("resultType") != "complete" || answer.Result["taskId"] != nil || answer.Result["structuredContent"] == nil {
			b.Errorf("a modest client's write answers %s", answer.Result)
		}
		id := b.create(transport, writer)
		for method, params := range map[string]string{
			"tasks/get": byID(id), "tasks/update": byID(id) + `,"inputResponses":{}`, "tasks/cancel": byID(id),
			"subscriptions/listen": `"notifications":{"taskIds":["` + id + `"]}`,
		} {
			answer := b.ask(transport, writer, method, modest, params)
			want := map[string]any{"requiredCapabilities": map[string]any{"extensions": map[string]any{"io.modelcontextprotocol/tasks": map[string]any{}}}}
			if answer.Error == nil || answer.Error.Code != -32021 || !cmp.Equal(answer.Error.Data, want) || transport == "http" && answer.status != 400 {
				b.Errorf("%s undeclared: %d %+v", method, answer.status, answer.Error)
			}
		}
		for _, method := range []string{"tasks/result", "tasks/list"} {
			if answer := b.ask(transport, writer, method, declaring, byID(id)); answer.Error == nil || answer.Error.Code != -32601 {
				b.Errorf("%s: %+v", method, answer.Error)
			}
		}
		if job, err := b.db.Job(b.Context(), id); err != nil || job.Status != schemas.Accepted {
			b.Errorf("job %s, %v", job.Status, err)
		}
	})
}

// Earlier revisions are not told of an extension they cannot declare.
func TestTheExtensionIsAdvertisedToItsRevisionOnly(t *testing.T) {
	p := openPipe(t, newWorld().door(), writer)
	modern := p.ask(`{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{` + modest + `}}`)
	legacy := p.ask(`{"jsonrpc":"2.0","id":2,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	if !strings.Contains(modern, `"capabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}},`) || strings.Contains(legacy, "extensions") {
		t.Errorf("discover: %s\ninitialize: %s", modern, legacy)
	}
	for _, method := range []string{"tasks/get", "tasks/update", "tasks/cancel"} {
		answer := p.ask(`{"jsonrpc":"2.0","id":3,"method":"` + method + `","params":{"taskId":"` + runningJob + `"}}`)
		if outcome := readOutcome(t, answer); outcome.Error == nil || outcome.Error.Code != -32601 {
			t.Errorf("%s before 2026-07-28: %s", method, answer)
		}
	}
}

// ATTACK: a client asks for, answers for or cancels the task of another one.
func TestTasksOfOthersDoNotExist(t *testing.T) {
	other := bridge.Actor{ClientID: reader.ClientID, Scopes: writer.Scopes}
	onBoth(t, func(b *taskBench, transport string) {
		id := b.create(transport, writer)
		unknown := uuid.Must(uuid.NewV7()).String()
		for _, method := range []string{"tasks/get", "tasks/update", "tasks/cancel"} {
			var messages []string
			for _, asked := range []string{id, unknown, "tasks-conformance-nonexistent", ""} {
				answer := b.ask(transport, other, method, declaring, byID(asked)+`,"inputResponses":{}`)
				if answer.Error == nil || answer.Error.Code != -32602 || transport == "http" && answer.status != 400 {
					b.Errorf("%s of %q: %d %+v", method, asked, answer.status, answer.Error)
					continue
				}
				messages = append(messages, strings.Replace(answer.Error.Message, asked, "ID", 1))
			}
			if messages[0] != messages[1] {
				b.Errorf("%s tells another's task from none: %q", method, messages)
			}
		}
		if job, err := b.db.Job(b.Context(), id); err != nil || job.Status != schemas.Accepted {
			b.Errorf("job %s, %v", job.Status, err)
		}
	})
}

func TestParamsOfTasksAreHeldToTheirShape(t *testing.T) {
	onBoth(t, func(b *taskBench, transport string) {
		id := b.create(transport, writer)
		for _, tc := range []struct{ method, params, meta string }{
			{"tasks/get", `"other":1`, declaring},
			{"tasks/get", `"taskId":7`, declaring},
			{"tasks/cancel", `"taskId":null`, declaring},
			{"tasks/update", byID(id), declaring},
			{"tasks/update", byID(id) + `,"inputResponses":[]`, declaring},
			{"tasks/get", byID(id), `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}`},
			{"tasks/get", byID(id), strings.Replace(declaring, `"extensions"`, `"extensions":{},"extensions"`, 1)},
		} {
			header := b.headers(writer, tc.method, byID(id))
			line := fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":%q,"params":{%s,%s}}`, tc.method, tc.params, tc.meta)
			raw := ""
			if transport == "http" {
				raw = post(b.T, b.door.Handler(), line, header).Body.String()
			} else {
				raw = openPipe(b.T, b.door, writer).ask(line)
			}
			if answer := readOutcome(b.T, raw); answer.Error == nil || answer.Error.Code != mcp.INVALID_PARAMS {
				b.Errorf("%s %s: %s", tc.method, tc.params, raw)
			}
		}
		if answer := b.ask(transport, writer, "tasks/update", declaring, byID(id)+`,"inputResponses":{"never-asked":{"action":"accept"}}`); answer.text("resultType") != "complete" || len(answer.Result) != 2 {
			b.Errorf("an answer to no question: %s %+v", answer.Result, answer.Error)
		}
	})
}

func TestCancellingATask(t *testing.T) {
	acknowledged := func(b *taskBench, transport, id string) {
		b.Helper()
		answer := b.ask(transport, writer, "tasks/cancel", declaring, byID(id))
		if answer.text("resultType") != "complete" || len(answer.Result) != 2 {
			b.Fatalf("answered %s %+v, want an empty result", answer.Result, answer.Error)
		}
	}
	onBoth(t, func(b *taskBench, transport string) {
		waiting := b.create(transport, writer)
		acknowledged(b, transport, waiting)
		if last := b.log.last(b.T); last != "tasks/cancel|cancel_job|writer|200|ok|cancelled" {
			b.Errorf("audit line %s", last)
		}
		acknowledged(b, transport, waiting) // again: nothing more happens
		if last := b.log.last(b.T); last != "tasks/cancel|cancel_job|writer|200|ok|read" {
			b.Errorf("audit line %s", last)
		}
		answer := b.ask(transport, writer, "tasks/get", declaring, byID(waiting))
		if answer.text("status") != "cancelled" || answer.Result["result"] != nil {
			b.Errorf("after the cancellation: %s", answer.Result)
		}
		entries, err := b.db.Audit(b.Context(), 0, 10)
		if err != nil || len(entries) != 1 || entries[0].Operator != "client:writer" || entries[0].Action != bridge.ActionCancel || entries[0].Subject != waiting {
			b.Errorf("audit log %+v, %v", entries, err)
		}

		running := b.create(transport, writer)
		claim, err := b.db.Claim(b.Context(), running, "test", time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		acknowledged(b, transport, running)
		if err := b.db.Finish(b.Context(), claim, bridge.Ending{Status: schemas.Succeeded}); err != nil {
			b.Errorf("the worker lost a job that was too late to cancel: %v", err)
		}
		acknowledged(b, transport, running)
		if answer := b.ask(transport, writer, "tasks/get", declaring, byID(running)); answer.text("status") != "completed" {
			b.Errorf("a cancellation that came too late: %s", answer.Result)
		}
	})
}

func TestScopesOfTasks(t *testing.T) {
	readOnly := bridge.Actor{ClientID: writer.ClientID, Scopes: []string{auth.ScopeRead}}
	writeOnly := bridge.Actor{ClientID: writer.ClientID, Scopes: []string{auth.ScopeWrite}}
	onBoth(t, func(b *taskBench, transport string) {
		id := b.create(transport, writer)
		if answer := b.ask(transport, readOnly, "tasks/get", declaring, byID(id)); answer.text("status") != "working" {
			b.Errorf("tasks/get with bridge:read: %+v", answer.Error)
		}
		for _, tc := range []struct {
			actor  bridge.Actor
			method string
		}{{readOnly, "tasks/cancel"}, {writeOnly, "tasks/get"}, {writeOnly, "tasks/update"}} {
			answer := b.ask(transport, tc.actor, tc.method, declaring, byID(id)+`,"inputResponses":{}`)
			if answer.Error == nil || answer.Error.Code != mcp.INVALID_REQUEST || answer.Error.Data["error_code"] != "insufficient_scope" {
				b.Errorf("%s with %v: %+v", tc.method, tc.actor.Scopes, answer.Error)
			}
		}
		// Who could not poll a task gets the handle.
		if answer := b.ask(transport, writeOnly, "tools/call", declaring, stockCall(uuid.NewString())); answer.Result["taskId"] != nil || answer.Result["structuredContent"] == nil {
			b.Errorf("a write without bridge:read: %s", answer.Result)
		}
	})
}

func TestTheSameRequestIsTheSameTask(t *testing.T) {
	onBoth(t, func(b *taskBench, transport string) {
		again := func() taskAnswer { return b.ask(transport, writer, "tools/call", declaring, stockCall(requestOne)) }
		first := again().text("taskId")
		if second := again(); second.text("taskId") != first || second.text("status") != "working" {
			b.Errorf("a replay is another task: %s", second.Result)
		}
		b.end(first, schemas.Succeeded)
		ended := again()
		if ended.text("taskId") != first || ended.text("status") != "completed" || ended.Result["result"] != nil {
			b.Errorf("a replay of what has succeeded: %s", ended.Result)
		}
		if last := b.log.last(b.T); last != "tools/call|update_product|writer|200|ok|replayed" {
			b.Errorf("audit line %s", last)
		}
		other := b.ask(transport, writer, "tools/call", declaring, strings.Replace(stockCall(requestOne), `"stock_delta":1`, `"stock_delta":2`, 1))
		if string(other.Result["isError"]) != "true" || other.Result["taskId"] != nil {
			b.Errorf("another intention: %s", other.Result)
		}
	})
}

func TestTasksOutliveTheProcess(t *testing.T) {
	onBoth(t, func(b *taskBench, transport string) {
		id := b.create(transport, writer)
		if err := b.db.Close(); err != nil {
			b.Fatal(err)
		}
		b.open()
		if answer := b.ask(transport, writer, "tasks/get", declaring, byID(id)); answer.text("taskId") != id || answer.text("status") != "working" {
			b.Errorf("after a restart: %s %+v", answer.Result, answer.Error)
		}
	})
}

func TestHeadersOfTasksMustMatch(t *testing.T) {
	b := newTaskBench(t)
	id := b.create("http", writer)
	get := fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"tasks/get","params":{%s,%s}}`, byID(id), declaring)
	call := fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{%s,%s}}`, stockCall(requestOne), declaring)
	listen := `{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{},` + modest + `}}`
	for _, tc := range []struct{ line, method, params, header, value string }{
		{get, "tasks/get", byID(id), mcp.HeaderName, runningJob},
		{get, "tasks/get", byID(id), mcp.HeaderName, ""},
		{get, "tasks/get", byID(id), mcp.HeaderName, "=?base64?*?="},
		{get, "tasks/get", byID(id), mcp.HeaderMethod, "tasks/cancel"},
		{get, "tasks/get", byID(id), mcp.HeaderProtocolVersion, "2025-11-25"},
		{get, "tasks/get", byID(id), mcp.HeaderProtocolVersion, ""},
		{call, "tools/call", `"name":"update_product"`, mcp.HeaderName, "get_product"},
		{call, "tools/call", `"name":"update_product"`, mcp.HeaderMethod, ""},
		{listen, "subscriptions/listen", `"a":1`, mcp.HeaderMethod, "tools/list"},
	} {
		header := b.headers(writer, tc.method, tc.params)
		header[tc.header] = tc.value
		w := post(t, b.door.Handler(), tc.line, header)
		if answer := readOutcome(t, w.Body.String()); w.Code != 400 || answer.Error == nil || answer.Error.Code != mcp.HEADER_MISMATCH {
			t.Errorf("%s with %s: %q answers %d %s", tc.method, tc.header, tc.value, w.Code, w.Body)
		}
	}
	if job, err := b.db.Recall(t.Context(), writer.ClientID, requestOne, ""); err != nil || job != nil {
		t.Errorf("a mismatched call was accepted: %+v, %v", job, err)
	}
}

func TestTasksCountAgainstTheWindows(t *testing.T) {
	onBoth(t, func(b *taskBench, transport string) {
		id := b.create(transport, writer)
		b.ask(transport, writer, "tasks/get", declaring, byID(id))
		b.ask(transport, writer, "tasks/update", declaring, byID(id)+`,"inputResponses":{}`)
		b.ask(transport, writer, "tasks/cancel", declaring, byID(id))
		if want := map[bridge.RateClass]int{bridge.RateRead: 2, bridge.RateWrite: 2}; !cmp.Equal(want, b.taken) {
			b.Errorf("counted %v, want %v", b.taken, want)
		}
		b.limiterErr = bridge.Fault(bridge.CodeRateLimited, nil, "Enough.")
		for _, method := range []string{"tasks/get", "tasks/cancel"} {
			answer := b.ask(transport, writer, method, declaring, byID(id))
			if answer.Error == nil || answer.Error.Code != mcp.INTERNAL_ERROR || answer.Error.Data["error_code"] != "rate_limited" {
				b.Errorf("%s over the limit: %+v", method, answer.Error)
			}
		}
	})
}

func FuzzTasking(f *testing.F) {
	f.Add("tasks/get", `{`+byID(runningJob)+`,`+declaring+`}`)
	f.Add("tasks/update", `{"taskId":"x","inputResponses":{},`+modest+`}`)
	f.Add("subscriptions/listen", `{"notifications":{"taskIds":[]},`+declaring+`}`)
	f.Add("tools/call", `{"name":"a",`+strings.Replace(declaring, `{}`, `null`, 1)+`}`)
	f.Fuzz(func(t *testing.T, method, params string) {
		if !json.Valid([]byte(params)) || !strings.HasPrefix(params, "{") {
			return
		}
		read, err := taskingOf(method, json.RawMessage(params))
		if err != nil || read.version == "" {
			return
		}
		// Another reader of JSON comes to the same.
		in := func(object json.RawMessage, name string) json.RawMessage {
			var members map[string]json.RawMessage
			_ = json.Unmarshal(object, &members) // whatever is no object has no members
			return members[name]
		}
		settings := in(in(in(in(json.RawMessage(params), "_meta"), mcp.MetaKeyClientCapabilities), "extensions"), tasksExtension)
		if declared := settings != nil && settings[0] == '{'; declared != read.declared {
			t.Errorf("%s: declared %t, want %t", params, read.declared, declared)
		}
		var id any
		_ = json.Unmarshal(in(json.RawMessage(params), "taskId"), &id)
		if _, isText := id.(string); isTaskMethod(method) && read.wrong == nil && (!isText || id != read.id) {
			t.Errorf("%s: task id %q, want %v", params, read.id, id)
		}
	})
}

func TestDocsOfTasks(t *testing.T) {
	page, err := os.ReadFile("../docs/tasks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range schemas.JobStatuses {
		if row := fmt.Sprintf("\n| `%s` | `%s` | ", status, taskStatuses[status]); !strings.Contains(string(page), row) {
			t.Errorf("docs/tasks.md has no row %q", row)
		}
	}
	if poll := fmt.Sprintf("`pollIntervalMs` is %d.", taskPoll.Milliseconds()); !strings.Contains(string(page), poll) {
		t.Errorf("docs/tasks.md does not say: %s", poll)
	}
}
