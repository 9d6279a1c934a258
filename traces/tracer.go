package traces

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/prestashop-bridge/bridge/bridge"
)

// jobAttribute is what the spans of a job are found by.
const jobAttribute = "job_id"

// Tracer opens spans.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

var _ bridge.Tracer = (*Tracer)(nil)

func newTracer(options ...sdk.TracerProviderOption) *Tracer {
	provider := sdk.NewTracerProvider(append(options, sdk.WithIDGenerator(ids{}))...)
	return &Tracer{provider: provider, tracer: provider.Tracer("github.com/prestashop-bridge/bridge")}
}

// Span implements bridge.Tracer.
func (t *Tracer) Span(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, func(error)) {
	ctx, span := t.tracer.Start(ctx, name, trace.WithAttributes(attributes(attrs)...))
	return ctx, func(err error) { end(span, err) }
}

// Job implements bridge.Tracer.
func (t *Tracer) Job(ctx context.Context, jobID, name string, attrs ...slog.Attr) (context.Context, func(error)) {
	asked := trace.SpanFromContext(ctx)
	ctx, span := t.tracer.Start(context.WithValue(ctx, jobKey{}, jobID), name,
		trace.WithNewRoot(),
		trace.WithAttributes(append(attributes(attrs), attribute.String(jobAttribute, jobID))...))
	if asked.SpanContext().IsValid() {
		span.AddLink(trace.Link{SpanContext: asked.SpanContext()})
		asked.AddLink(trace.Link{SpanContext: span.SpanContext(), Attributes: []attribute.KeyValue{attribute.String(jobAttribute, jobID)}})
	}
	return ctx, func(err error) { end(span, err) }
}

// Handler goes on with the trace a request says it belongs to (W3C Trace
// Context). No span begins here: a request that the door refuses leaves none,
// so that nobody without a token can fill the collector.
func (t *Tracer) Handler(next http.Handler) http.Handler {
	var context propagation.TraceContext
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.Extract(r.Context(), propagation.HeaderCarrier(r.Header))))
	})
}

// Close sends what is left.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// end closes a span. Of an error only its code is told: the text may quote
// what a client or the shop has sent.
func end(span trace.Span, err error) {
	if err != nil {
		code := codeOf(err)
		span.SetAttributes(attribute.String("error.type", code))
		span.SetStatus(codes.Error, code)
	}
	span.End()
}

func codeOf(err error) string {
	var fault *bridge.ShopError
	var public *bridge.Error
	switch {
	case errors.As(err, &public):
		return string(public.Code)
	case errors.As(err, &fault):
		return string(fault.Code)
	}
	return string(bridge.CodeInternal)
}

func attributes(attrs []slog.Attr) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, len(attrs)+1)
	for _, a := range attrs {
		if a.Value.Kind() == slog.KindInt64 {
			out = append(out, attribute.Int64(a.Key, a.Value.Int64()))
			continue
		}
		out = append(out, attribute.String(a.Key, a.Value.String()))
	}
	return out
}

// jobKey carries a job's id to the generator of its trace's id.
type jobKey struct{}

// ids makes random ids, but a job's trace has one that every node can work
// out. It is a hash, because samplers take a trace's id for evenly spread, and
// a UUID v7 is not.
type ids struct{}

// NewIDs implements sdk.IDGenerator.
func (g ids) NewIDs(ctx context.Context) (id trace.TraceID, _ trace.SpanID) {
	if jobID, ok := ctx.Value(jobKey{}).(string); ok {
		sum := sha256.Sum256([]byte(jobID))
		copy(id[:], sum[:])
	} else {
		binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
		binary.NativeEndian.PutUint64(id[8:], rand.Uint64()|1) // zero is no id
	}
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements sdk.IDGenerator.
func (ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	binary.NativeEndian.PutUint64(id[:], rand.Uint64()|1)
	return id
}
