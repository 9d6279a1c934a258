// Package traces sends OpenTelemetry traces when the standard variables
// OTEL_EXPORTER_OTLP_* name a collector, and is not there otherwise: the hub
// then has no tracer at all.
//
// A request's trace goes from the door's call of the hub to the calls it makes
// to the shop. A job has a trace of its own, for it may be carried out hours
// later, on another node and in several attempts, and its row keeps no trace
// context. The trace's id is made from the job's id, so every attempt finds it
// without being told, and the span that accepted the job is linked with it in
// both directions; all spans of a job carry its job_id.
//
// Nothing of a request's content is sent: names, ids, codes. It knows the hub's
// Tracer port and errors, and none of the other parts. Read tracer.go for the
// spans, open.go for the collector.
package traces
