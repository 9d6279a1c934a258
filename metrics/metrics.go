package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Metrics are the counters of one process, in a registry of their own.
type Metrics struct {
	registry *prometheus.Registry

	requests  *prometheus.HistogramVec
	decisions *prometheus.CounterVec
	accepted  *prometheus.CounterVec
	ended     *prometheus.CounterVec
	life      *prometheus.HistogramVec
	wait      *prometheus.HistogramVec
	attempts  *prometheus.CounterVec
	releases  *prometheus.CounterVec
	steps     *prometheus.CounterVec
	shopCalls *prometheus.HistogramVec
	jobsTaken *prometheus.CounterVec
	delivered *prometheus.HistogramVec
	looked    *prometheus.CounterVec
}

var _ bridge.Observer = (*Metrics)(nil)

// Bucket bounds in seconds: of a request or shop call, which ends within its
// timeout of 30 s, and of a job, which may wait for a shop for hours.
var (
	quick = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	slow  = []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400}
)

// New makes the metrics of a program of that version.
func New(version string) *Metrics {
	m := &Metrics{
		registry:  prometheus.NewRegistry(),
		requests:  histogram("bridge_request_duration_seconds", "Requests by what was asked and how it ended; outcome is ok or the error code.", quick, "door", "operation", "outcome"),
		decisions: counter("bridge_decisions_total", "What became of the requests to operations, with the rule that refused.", "door", "operation", "decision", "rule"),
		accepted:  counter("bridge_jobs_accepted_total", "Jobs made by this process.", "kind"),
		ended:     counter("bridge_jobs_ended_total", "Jobs brought to their end by this process.", "shop", "kind", "status"),
		life:      histogram("bridge_job_duration_seconds", "From acceptance to the end of a job.", slow, "kind", "status"),
		wait:      histogram("bridge_job_wait_seconds", "From acceptance to the first claim of a job, told when it ends.", slow, "kind"),
		attempts:  counter("bridge_job_attempts_total", "Claims of jobs by this process.", "kind"),
		releases:  counter("bridge_job_releases_total", "Attempts that ended with the job put back; counted says whether one of its attempts was used up.", "kind", "counted"),
		steps:     counter("bridge_steps_total", "Journalled outcomes of shop calls that change the shop.", "kind", "step", "state"),
		shopCalls: histogram("bridge_shop_call_duration_seconds", "Calls to the webservice of a shop.", quick, "shop", "method", "resource", "outcome"),
		delivered: histogram("bridge_webhook_attempt_duration_seconds", "Attempts to deliver to a webhook by what became of them.", quick, "outcome"),
		looked:    counter("bridge_feed_looks_total", "Objects of the shops this process looked at, and whether a look found something to tell.", "kind", "told"),
		jobsTaken: counter("bridge_runner_jobs_total", "Job ids given to workers, by where they came from.", "source"),
	}
	m.registry.MustRegister(
		m.requests, m.decisions, m.accepted, m.ended, m.life, m.wait, m.attempts, m.releases, m.steps, m.shopCalls, m.jobsTaken, m.delivered, m.looked,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "bridge_info", Help: "Always 1; the version is in the label.", ConstLabels: prometheus.Labels{"version": version}}, func() float64 { return 1 }),
	)
	return m
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Request implements bridge.Observer.
func (m *Metrics) Request(r bridge.Receipt, took time.Duration) {
	door := string(r.Door)
	m.requests.WithLabelValues(door, operation(r), r.Outcome()).Observe(took.Seconds())
	if r.Operation == "" {
		return
	}
	decision := r.Decision()
	m.decisions.WithLabelValues(door, asked(r.Operation), string(decision), rule(r.Rule())).Inc()
	if decision == bridge.RequestAccepted {
		m.accepted.WithLabelValues(kind(r.Operation)).Inc()
	}
}

// Attempt implements bridge.Observer.
func (m *Metrics) Attempt(of string) { m.attempts.WithLabelValues(kind(of)).Inc() }

// Step implements bridge.Observer.
func (m *Metrics) Step(of string, rec bridge.StepRecord) {
	m.steps.WithLabelValues(kind(of), step(rec.Name), string(rec.State)).Inc()
}

// Released implements bridge.Observer.
func (m *Metrics) Released(of string, counted bool) {
	m.releases.WithLabelValues(kind(of), strconv.FormatBool(counted)).Inc()
}

// Ended implements bridge.Observer.
func (m *Metrics) Ended(job bridge.Job, status schemas.JobStatus, took time.Duration) {
	of := kind(job.Kind)
	m.ended.WithLabelValues(bridge.ShopLabel(job.Shop), of, string(status)).Inc()
	m.life.WithLabelValues(of, string(status)).Observe(took.Seconds())
	if job.StartedAt != nil { // by the database's clock, hence max
		m.wait.WithLabelValues(of).Observe(max(job.StartedAt.Sub(job.AcceptedAt), 0).Seconds())
	}
}

// ShopCall counts one call to a shop, "" for that of the settings. The words
// are the shop client's own, the name one that an operator gave.
func (m *Metrics) ShopCall(shop, method, resource, outcome string, took time.Duration) {
	m.shopCalls.WithLabelValues(bridge.ShopLabel(shop), method, resource, outcome).Observe(took.Seconds())
}

// JobTaken counts a job id that was given to a worker.
func (m *Metrics) JobTaken(source string) { m.jobsTaken.WithLabelValues(source).Inc() }

// DeliveryAttempt counts one attempt to deliver to a webhook. The outcomes are
// the engine's own words.
func (m *Metrics) DeliveryAttempt(outcome string, took time.Duration) {
	m.delivered.WithLabelValues(outcome).Observe(took.Seconds())
}

// Look counts an object that was looked at. The kinds are the hub's own words.
func (m *Metrics) Look(kind string, told bool) {
	m.looked.WithLabelValues(kind, strconv.FormatBool(told)).Inc()
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}
