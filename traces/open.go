package traces

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// prefix begins the variables that switch traces on; OpenTelemetry's own
// packages read them, and OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES besides.
const prefix = "OTEL_EXPORTER_OTLP_"

// Open makes a tracer when environment, a list of NAME=value, names a
// collector; nil otherwise. Spans go out as OTLP over HTTP.
func Open(ctx context.Context, environment []string, version string, log *slog.Logger) (*Tracer, error) {
	if !wanted(environment) {
		return nil, nil
	}
	if protocol := protocolOf(environment); protocol != "" && protocol != "http/protobuf" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q; the bridge sends http/protobuf only (collectors take it on port 4318)", protocol)
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("the OTEL_EXPORTER_OTLP_* variables cannot be used: %w", err)
	}
	described, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "bridge"), attribute.String("service.version", version)),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	// The library has one handler for the whole process and prints to stderr
	// otherwise, where the MCP door's host shows it to people.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces are not sent", "error", err) }))
	return newTracer(sdk.WithBatcher(exporter), sdk.WithResource(described)), nil
}

// wanted follows the specification: an empty variable counts as unset, and two
// others switch traces off.
func wanted(environment []string) bool {
	found := false
	for _, entry := range environment {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case value == "":
		case name == "OTEL_SDK_DISABLED" && strings.EqualFold(value, "true"), name == "OTEL_TRACES_EXPORTER" && value == "none":
			return false
		case strings.HasPrefix(name, prefix):
			found = true
		}
	}
	return found
}

// protocolOf is the protocol asked for; the variable for traces goes first.
func protocolOf(environment []string) (protocol string) {
	for _, entry := range environment {
		switch name, value, _ := strings.Cut(entry, "="); name {
		case prefix + "TRACES_PROTOCOL":
			if value != "" {
				return value
			}
		case prefix + "PROTOCOL":
			protocol = value
		}
	}
	return protocol
}
