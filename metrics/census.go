package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Parts are asked at each scrape. All fields are required.
type Parts struct {
	Census   func(context.Context) (bridge.Census, error)
	Redis    func() bool              // whether Redis answers
	Breakers func() map[string]string // by shop: closed, half-open or open
	Running  func() int               // jobs in work in this process
	Backlog  func(context.Context) (bridge.WebhookBacklog, error)
	Watches  func(context.Context) ([]bridge.WatchState, error)
}

// censusTimeout keeps a scrape from hanging on a database that hangs.
const censusTimeout = 2 * time.Second

// breakerStates are the values of the breaker's label; one of them is 1.
var breakerStates = []string{"closed", "half-open", "open"}

// liveStatuses are the statuses a census knows.
var liveStatuses = []schemas.JobStatus{schemas.Accepted, schemas.Processing, schemas.Retrying}

// Watch adds what is read from the parts at each scrape. Once per Metrics.
func (m *Metrics) Watch(p Parts) {
	m.registry.MustRegister(&watch{
		parts:   p,
		jobs:    prometheus.NewDesc("bridge_jobs", "Jobs in the database that have not ended; the same on every node.", []string{"status"}, nil),
		waiting: prometheus.NewDesc("bridge_queue_age_seconds", "For how long the oldest due job has waited for a worker; the same on every node.", nil, nil),
		store:   prometheus.NewDesc("bridge_store_up", "1 when the database answered this scrape.", nil, nil),
		redis:   prometheus.NewDesc("bridge_redis_up", "1 when Redis answered when last asked.", nil, nil),
		breaker: prometheus.NewDesc("bridge_shop_breaker", "1 for the state the circuit breaker of a shop is in.", []string{"shop", "state"}, nil),
		pending: prometheus.NewDesc("bridge_webhook_waiting_deliveries", "Deliveries in the database that have not ended; the same on every node.", nil, nil),
		oldest:  prometheus.NewDesc("bridge_webhook_oldest_seconds", "For how long the oldest of them has waited; the same on every node.", nil, nil),
		lag:     prometheus.NewDesc("bridge_feed_lag_seconds", "Since the moment up to which the changes of a watched shop were seen; the same on every node.", []string{"shop"}, nil),
		looks:   prometheus.NewDesc("bridge_feed_waiting_looks", "Objects of a shop that may have changed and are to be looked at; the same on every node.", []string{"shop"}, nil),
		running: prometheus.NewDesc("bridge_runner_running_jobs", "Jobs in work in this process.", nil, nil),
	})
}

// watch is the collector of the parts' state.
type watch struct {
	parts                                                                      Parts
	jobs, waiting, store, redis, breaker, running, pending, oldest, lag, looks *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (w *watch) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{w.jobs, w.waiting, w.store, w.redis, w.breaker, w.running, w.pending, w.oldest, w.lag, w.looks} {
		out <- desc
	}
}

// Collect implements prometheus.Collector. A database that is away leaves its
// gauges out, since a zero would look like an empty queue.
func (w *watch) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), censusTimeout)
	defer cancel()
	census, err := w.parts.Census(ctx)
	out <- gauge(w.store, truth(err == nil))
	if err == nil {
		for _, status := range liveStatuses {
			out <- gauge(w.jobs, float64(census.Jobs[status]), string(status))
		}
		out <- gauge(w.waiting, census.Waiting.Seconds())
	}
	if backlog, err := w.parts.Backlog(ctx); err == nil {
		out <- gauge(w.pending, float64(backlog.Waiting))
		out <- gauge(w.oldest, backlog.Oldest.Seconds())
	}
	if watches, err := w.parts.Watches(ctx); err == nil {
		for _, state := range watches {
			out <- gauge(w.looks, float64(state.Waiting), bridge.ShopLabel(state.Shop))
			if state.Cursor != nil {
				out <- gauge(w.lag, state.Lag.Seconds(), bridge.ShopLabel(state.Shop))
			}
		}
	}
	out <- gauge(w.redis, truth(w.parts.Redis()))
	for shop, now := range w.parts.Breakers() {
		for _, state := range breakerStates {
			out <- gauge(w.breaker, truth(state == now), shop, state)
		}
	}
	out <- gauge(w.running, float64(w.parts.Running()))
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
