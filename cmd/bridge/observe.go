package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/metrics"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/traces"
	"github.com/prestashop-bridge/bridge/webhooks"
)

// tracesGrace is how long the end of the program waits for the collector.
const tracesGrace = 5 * time.Second

// openTraces starts sending traces when a command that lets the environment
// take part finds a collector named there; nil otherwise.
func (p *parts) openTraces(ctx context.Context) (bridge.Tracer, error) {
	if !p.config.traced {
		return nil, nil
	}
	var err error
	if p.traces, err = traces.Open(ctx, os.Environ(), version, p.log); err != nil || p.traces == nil {
		return nil, err
	}
	return p.traces, nil
}

func (p *parts) closeTraces() {
	if p.traces == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tracesGrace)
	defer cancel()
	if err := p.traces.Close(ctx); err != nil {
		p.log.Warn("the last traces were not sent", "error", err)
	}
}

// traced lets requests go on with the traces they belong to.
func (p *parts) traced(door http.Handler) http.Handler {
	if p.traces == nil {
		return door
	}
	return p.traces.Handler(door)
}

func (p *parts) countCall(c prestashop.Call) {
	p.metrics.ShopCall(c.Shop, c.Method, c.Resource, c.Outcome, c.Took)
}

func (p *parts) countDelivery(outcome webhooks.Outcome, took time.Duration) {
	p.metrics.DeliveryAttempt(string(outcome), took)
}

func (p *parts) countLook(kind bridge.ObjectKind, told []bridge.Topic) {
	p.metrics.Look(string(kind), len(told) > 0)
}

func (p *parts) countTaken(from queue.Source) { p.metrics.JobTaken(string(from)) }

// watchParts has the metrics ask the parts at each scrape.
func (p *parts) watchParts() {
	p.metrics.Watch(metrics.Parts{
		Census: p.store.Census, Redis: p.queue.Answers, Breakers: p.shops.Breakers, Running: p.runner.Running,
		Backlog: p.store.Backlog, Watches: p.store.Watches,
	})
}

// serveMetrics answers GET /metrics on an address of its own, since metrics
// are not for those who may call the doors, until ctx ends.
func (p *parts) serveMetrics(ctx context.Context) error {
	listener, err := net.Listen("tcp", p.config.metricsListen)
	if err != nil {
		return fmt.Errorf("METRICS_LISTEN: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.metrics.Handler())
	p.log.Info("metrics", "listen", listener.Addr().String())
	return serveUntilDone(ctx, &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second}, listener)
}
