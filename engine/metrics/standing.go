package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tokentray/engine"
)

// standing is the prometheus.Collector of how things stand when it is asked,
// and of the counters, which it begins at 0 for every provider that it meets:
// the first failure of all is an increase then.
type standing struct{ *Metrics }

// moment is a time of an account; of those with the same labels, the one that
// matters most.
type moment struct {
	name, help string
	of         func(engine.Account) time.Time // zero: nothing
	matters    func(a, b time.Time) bool      // whether a does more
}

var moments = []moment{
	{"tokentray_token_expiry_timestamp_seconds", "When access tokens expire, of the accounts that are refreshed here: the first of those with the same labels.",
		func(a engine.Account) time.Time {
			if !a.Refreshable() {
				return time.Time{}
			}
			return a.ExpiresAt
		}, time.Time.Before},
	{"tokentray_login_deadline_timestamp_seconds", "When logins end and a person must sign in again, where that is known: the first of those with the same labels.",
		func(a engine.Account) time.Time {
			if !a.Active || a.Problem != nil || a.Static() || a.Rival.Leads {
				return time.Time{}
			}
			return a.LoginExpiresAt
		}, time.Time.Before},
	{"tokentray_last_success_timestamp_seconds", "When tokens were last refreshed, by whatever program: the last of those with the same labels.",
		func(a engine.Account) time.Time { return a.LastRefreshAt }, time.Time.After},
}

var (
	accountsDesc = prometheus.NewDesc("tokentray_accounts", "Accounts by provider and status.", []string{"provider", "status"}, nil)
	storeDesc    = prometheus.NewDesc("tokentray_store_up", "Whether a store can be used: 1, or 0 while it is away or was not read so far.",
		[]string{"store"}, nil)
	commandsDesc = prometheus.NewDesc("tokentray_store_commands_total", "Commands that were sent to a relay's Redis.", []string{"store"}, nil)
)

var statuses = []engine.Status{engine.StatusDisabled, engine.StatusUnreadable, engine.StatusNeedsLogin, engine.StatusStatic,
	engine.StatusFailing, engine.StatusExpired, engine.StatusExpiring, engine.StatusValid}

// Describe implements prometheus.Collector: nothing, as the labels depend on
// the parameters.
func (standing) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s standing) Collect(to chan<- prometheus.Metric) {
	views := s.p.Engine.Snapshot()
	for _, m := range moments {
		s.moment(to, m, views)
	}
	s.accounts(to, views)
	s.stores(to)
	s.refreshes.Collect(to)
	s.durations.Collect(to)
}

// labels are of fixed length so that they can be a map's key: where accounts
// are not told apart, the provider's alone is used.
type labels [4]string

func (s standing) labels() []string {
	if s.p.IDs {
		return []string{"provider", "store", "id", "name"}
	}
	return []string{"provider"}
}

func (s standing) labelled(a engine.Account) labels {
	l := labels{engine.Clean(a.Provider)}
	if s.p.IDs {
		l[1], l[2], l[3] = engine.Clean(a.Store), engine.Clean(a.ID), engine.Clean(a.Name)
	}
	return l
}

func (s standing) moment(to chan<- prometheus.Metric, m moment, views []engine.View) {
	most := map[labels]time.Time{}
	for _, v := range views {
		at, l := m.of(v.Account), s.labelled(v.Account)
		if other, is := most[l]; !at.IsZero() && (!is || m.matters(at, other)) {
			most[l] = at
		}
	}
	desc := prometheus.NewDesc(m.name, m.help, s.labels(), nil)
	for l, at := range most {
		gauge(to, desc, float64(at.UnixMilli())/1000, l[:len(s.labels())]...)
	}
}

func (s standing) accounts(to chan<- prometheus.Metric, views []engine.View) {
	counts := map[string]map[engine.Status]int{}
	for _, v := range views {
		provider := engine.Clean(v.Provider)
		if counts[provider] == nil {
			counts[provider] = map[engine.Status]int{}
		}
		counts[provider][v.Status]++
	}
	for provider, count := range counts {
		for _, status := range statuses {
			gauge(to, accountsDesc, float64(count[status]), provider, string(status))
		}
		for _, result := range results {
			s.refreshes.WithLabelValues(provider, result)
		}
		s.durations.WithLabelValues(provider)
	}
}

func (s standing) stores(to chan<- prometheus.Metric) {
	health := s.p.Engine.Health()
	for _, name := range health.Stores {
		up := 1.
		if slices.Contains(health.Away, name) || slices.Contains(health.Unread, name) {
			up = 0
		}
		gauge(to, storeDesc, up, engine.Clean(name))
	}
	for name, sent := range s.p.Commands {
		to <- prometheus.MustNewConstMetric(commandsDesc, prometheus.CounterValue, float64(sent()), engine.Clean(name))
	}
}

func gauge(to chan<- prometheus.Metric, desc *prometheus.Desc, value float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}
