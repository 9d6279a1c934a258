package traces

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/prestashop-bridge/bridge/bridge"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const someJob = "018f0000-0000-7000-8000-0000000000aa"

// node is the tracer of one process, with what it sent.
func node(t *testing.T) (*Tracer, *tracetest.InMemoryExporter) {
	t.Helper()
	sent := tracetest.NewInMemoryExporter()
	tracer := newTracer(sdk.WithSyncer(sent))
	t.Cleanup(func() {
		if err := tracer.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tracer, sent
}

func find(t *testing.T, spans tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	for _, s := range spans {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no span %q in %v", name, spans)
	return tracetest.SpanStub{}
}

func TestOneTraceFromTheRequestToTheShop(t *testing.T) {
	tracer, sent := node(t)
	ctx, endRequest := tracer.Span(t.Context(), "update_product")
	_, endCall := tracer.Span(ctx, "GET products", slog.Int64("id", 7))
	endCall(nil)
	endRequest(nil)
	request, call := find(t, sent.GetSpans(), "update_product"), find(t, sent.GetSpans(), "GET products")
	if call.Parent.SpanID() != request.SpanContext.SpanID() || call.SpanContext.TraceID() != request.SpanContext.TraceID() {
		t.Errorf("the call %+v does not belong to the request %+v", call, request)
	}
}

// Every attempt of a job, on any node, is in the trace of its acceptance, and
// that is linked with the request in both directions.
func TestAJobHasOneTraceOnAllNodes(t *testing.T) {
	door, fromDoor := node(t)
	ctx, endRequest := door.Span(t.Context(), "update_product")
	_, endAccepted := door.Job(ctx, someJob, "accepted")
	endAccepted(nil)
	endRequest(nil)
	worker, fromWorker := node(t)
	for range 2 {
		ctx, endAttempt := worker.Job(t.Context(), someJob, "attempt")
		_, endStep := worker.Span(ctx, "step stock")
		endStep(nil)
		endAttempt(nil)
	}
	request, accepted := find(t, fromDoor.GetSpans(), "update_product"), find(t, fromDoor.GetSpans(), "accepted")
	trace := accepted.SpanContext.TraceID()
	if request.SpanContext.TraceID() == trace {
		t.Error("the job is in the request's trace, which its attempts cannot find")
	}
	if len(accepted.Links) != 1 || accepted.Links[0].SpanContext.SpanID() != request.SpanContext.SpanID() {
		t.Errorf("the job does not lead to its request: %+v", accepted.Links)
	}
	if len(request.Links) != 1 || request.Links[0].SpanContext.SpanID() != accepted.SpanContext.SpanID() {
		t.Errorf("the request does not lead to its job: %+v", request.Links)
	}
	if n := len(fromWorker.GetSpans()); n != 4 {
		t.Fatalf("%d spans from the worker, want 4", n)
	}
	for _, s := range fromWorker.GetSpans() {
		if s.SpanContext.TraceID() != trace {
			t.Errorf("%s is in trace %s, the job's is %s", s.Name, s.SpanContext.TraceID(), trace)
		}
	}
	if other, sent := node(t); true {
		_, end := other.Job(t.Context(), strings.Replace(someJob, "aa", "ab", 1), "attempt")
		end(nil)
		if sent.GetSpans()[0].SpanContext.TraceID() == trace {
			t.Error("two jobs share a trace")
		}
	}
}

func TestErrorsAreToldByCodeOnly(t *testing.T) {
	tracer, sent := node(t)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"public": {bridge.Fault(bridge.CodeNotFound, errors.New("hunter2"), "There is no hunter2."), "not_found"},
		"shop":   {fmt.Errorf("x: %w", &bridge.ShopError{Code: bridge.CodeUnprocessable, Message: "hunter2"}), "unprocessable"},
		"bug":    {errors.New("hunter2"), "internal_error"},
	} {
		_, end := tracer.Span(t.Context(), name)
		end(c.err)
		span := find(t, sent.GetSpans(), name)
		if span.Status.Description != c.want || strings.Contains(fmt.Sprint(span), "hunter2") {
			t.Errorf("%s: %+v", name, span)
		}
	}
}

func TestRequestsGoOnWithTheirCallersTrace(t *testing.T) {
	tracer, _ := node(t)
	var found trace.SpanContext
	door := tracer.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { found = trace.SpanContextFromContext(r.Context()) }))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	door.ServeHTTP(httptest.NewRecorder(), r)
	if got := found.TraceID().String(); got != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("trace %s", got)
	}
	r.Header.Set("Traceparent", "00-not a trace")
	door.ServeHTTP(httptest.NewRecorder(), r)
	if found.IsValid() {
		t.Errorf("a header that is no trace became %v", found)
	}
}

func TestOffUnlessACollectorIsNamed(t *testing.T) {
	for _, c := range []struct {
		name        string
		environment []string
		on          bool
		fails       string
	}{
		{name: "nothing set", environment: []string{"PATH=/bin", "OTEL_SERVICE_NAME=x"}},
		{name: "set to nothing", environment: []string{"OTEL_EXPORTER_OTLP_ENDPOINT="}},
		{name: "a collector", environment: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"}, on: true},
		{name: "one for traces", environment: []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1"}, on: true},
		{name: "switched off", environment: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_SDK_DISABLED=true"}},
		{name: "no traces wanted", environment: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_TRACES_EXPORTER=none"}},
		{name: "another protocol", environment: []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, fails: "http/protobuf"},
		{name: "the traces' own protocol goes first", environment: []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, on: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			tracer, err := Open(t.Context(), c.environment, "v", slog.New(slog.DiscardHandler))
			if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Fatalf("error %v, want %q", err, c.fails)
			}
			if (tracer != nil) != c.on {
				t.Errorf("tracer %v, want one: %v", tracer, c.on)
			}
			if tracer != nil {
				if err := tracer.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
