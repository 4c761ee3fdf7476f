// Package metrics tells how the accounts and their refreshes fare, in the form
// of Prometheus. docs/METRICS.md has each metric.
//
// What happened is counted as its events come. How things stand is read from
// the engine for each scrape, so that an account that is gone leaves no series
// behind. Accounts are told by provider alone, unless their ids are asked for:
// whoever keeps metrics then need not know whose accounts there are.
package metrics

import (
	"iter"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tokentray/engine"
)

// Params say what is told of.
type Params struct {
	Engine *engine.Engine
	// Commands count what stores were sent, by the engine's names of them.
	Commands map[string]func() uint64
	// IDs gives each account series of its own.
	IDs bool
}

// Metrics are one engine's, from its beginning on.
type Metrics struct {
	p        Params
	registry *prometheus.Registry

	refreshes *prometheus.CounterVec   // provider, result
	durations *prometheus.HistogramVec // provider
	healed    prometheus.Counter
}

// results are what a refresh can end in; resultOf gives no other.
var results = []string{engine.ResultRefreshed, engine.ResultFailed, engine.ResultSkipped, engine.ResultRestored, engine.ResultElsewhere}

// New returns the metrics of an engine, of whose events Run is to be told.
func New(p Params) *Metrics {
	m := &Metrics{p: p, registry: prometheus.NewRegistry(),
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tokentray_refresh_total",
			Help: "Refreshes that ended, by provider and result. A look that found nothing to do is none."}, []string{"provider", "result"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tokentray_refresh_duration_seconds",
			Help:    "How long refreshes took that were made or failed, the wait for the account's lock included.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, []string{"provider"}),
		healed: prometheus.NewCounter(prometheus.CounterOpts{Name: "tokentray_healed_total",
			Help: "Used-up refresh tokens that another program had put back, and in whose place the newest was stored."}),
	}
	m.registry.MustRegister(m.healed, standing{m})
	return m
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Run counts events until there are no more.
func (m *Metrics) Run(events iter.Seq[engine.Event]) {
	for ev := range events {
		r := ev.Result
		if ev.Kind != engine.EventRefreshed || r.Reason == engine.ReasonNotDue || r.Why == engine.WhySignIn {
			continue
		}
		provider, result := engine.Clean(r.Provider), resultOf(r)
		m.refreshes.WithLabelValues(provider, result).Inc()
		if result == engine.ResultRefreshed || result == engine.ResultFailed {
			m.durations.WithLabelValues(provider).Observe(r.Took.Seconds())
		}
		if r.Healed {
			m.healed.Inc()
		}
	}
}

func resultOf(r engine.Result) string {
	switch r.Reason {
	case engine.ReasonElsewhere:
		return engine.ResultElsewhere
	case engine.ReasonRestored:
		return engine.ResultRestored
	}
	return r.Outcome
}
