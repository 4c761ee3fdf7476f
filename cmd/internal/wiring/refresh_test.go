package wiring

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider"
	"tokentray/engine/store/relay/redistest"
)

// BenchmarkRefresh is the whole numbered transaction against a provider that
// answers after 50 ms, beside the bare exchange, alone and as many at once as an
// engine lets be. The journal is on disk. The metrics are in ms: the medians of
// bare and ours, and what is added; and the means of where that goes.
func BenchmarkRefresh(b *testing.B) {
	_, endpoint := answers(b, 8*time.Hour, 50*time.Millisecond)
	type variant struct {
		store  string
		atOnce int
	}
	for _, v := range []variant{{"embedded", 1}, {"relay", 1}, {"embedded", engine.Concurrency}, {"relay", engine.Concurrency}} {
		b.Run(fmt.Sprintf("at-once=%d/store=%s", v.atOnce, v.store), func(b *testing.B) {
			address, atOnce := "", v.atOnce
			if v.store == "relay" {
				address = redistest.Start(b).Addr
			}
			k := keeper{Redis: address, Home: b.TempDir(), TokenURL: endpoint}
			app := k.open(b)
			defer app.Close()
			providers := provider.New(app.providers)
			steps := &steps{spent: map[string][]time.Duration{}}
			places := app.places()
			for name, at := range places {
				places[name] = engine.Place{Store: stepStore{at.Store, steps}, Locker: stepLocker{at.Locker, steps}}
			}
			timed := engine.New(engine.Params{Places: places, Journal: stepJournal{journal{app}, steps}, Providers: providers, Policy: Policy(k.settings())})
			defer timed.Close()
			var keys []engine.Key
			for i := range atOnce {
				a, err := app.Add(b.Context(), engine.NewAccount{Provider: engine.Claude, Name: fmt.Sprint(i),
					RefreshToken: engine.NewSecret(fmt.Sprint("first-", i)), ExpiresAt: time.Now().Add(time.Hour)})
				if err != nil {
					b.Fatal(err)
				}
				keys = append(keys, a.Key)
			}
			var bare, ours []time.Duration
			for b.Loop() {
				began := time.Now()
				var wg sync.WaitGroup
				var mu sync.Mutex
				for range atOnce {
					wg.Go(func() {
						began := time.Now()
						_, err := providers[engine.Claude].Exchange(b.Context(), engine.ExchangeRequest{RefreshToken: engine.NewSecret("bare")})
						took := time.Since(began)
						if err != nil {
							b.Error(err)
						}
						mu.Lock()
						bare = append(bare, took)
						mu.Unlock()
					})
				}
				wg.Wait()
				steps.on.Store(true)
				summary, err := timed.Pass(b.Context(), engine.PassParams{Keys: keys, Once: true})
				steps.on.Store(false)
				if err != nil || summary.Refreshed != atOnce {
					b.Fatal(err, summary.Results)
				}
				for _, r := range summary.Results {
					ours = append(ours, r.Took)
				}
				// No faster than an engine lets a provider be asked.
				time.Sleep(time.Until(began.Add(time.Duration(atOnce) * time.Second / engine.RatePerSecond)))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms(median(bare)), "bare-ms")
			b.ReportMetric(ms(median(ours)), "ours-ms")
			b.ReportMetric(ms(median(ours)-median(bare)), "added-ms")
			for step, spent := range steps.spent {
				b.ReportMetric(ms(sum(spent))/float64(len(ours)), step+"-ms")
			}
		})
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func sum(all []time.Duration) (total time.Duration) {
	for _, d := range all {
		total += d
	}
	return total
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// steps are how long the parts of a refresh took.
type steps struct {
	on    atomic.Bool
	mu    sync.Mutex
	spent map[string][]time.Duration
}

func (s *steps) took(step string, began time.Time) {
	if s.on.Load() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.spent[step] = append(s.spent[step], time.Since(began))
	}
}

type stepStore struct {
	engine.Store
	*steps
}

func (s stepStore) Load(ctx context.Context, key engine.Key) (engine.Account, error) {
	defer s.took("read", time.Now())
	return s.Store.Load(ctx, key)
}

func (s stepStore) Write(ctx context.Context, old engine.Account, c engine.Change) (engine.Account, error) {
	defer s.took("write", time.Now())
	return s.Store.Write(ctx, old, c)
}

type stepLocker struct {
	engine.Locker
	*steps
}

func (l stepLocker) TryLock(ctx context.Context, key engine.Key) (engine.Lease, error) {
	defer l.took("lock", time.Now())
	lease, err := l.Locker.TryLock(ctx, key)
	return stepLease{lease, l.steps}, err
}

type stepLease struct {
	engine.Lease
	*steps
}

func (l stepLease) Release(ctx context.Context) error {
	defer l.took("lock", time.Now())
	return l.Lease.Release(ctx)
}

type stepJournal struct {
	engine.Journal
	*steps
}

func (j stepJournal) Update(ctx context.Context, change func(engine.Key, *engine.Record), keys ...engine.Key) error {
	defer j.took("journal", time.Now())
	return j.Journal.Update(ctx, change, keys...)
}

func (j stepJournal) UpdateSoon(ctx context.Context, change func(engine.Key, *engine.Record), keys ...engine.Key) error {
	defer j.took("journal", time.Now())
	return j.Journal.UpdateSoon(ctx, change, keys...)
}
