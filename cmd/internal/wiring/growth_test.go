package wiring

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
)

// BenchmarkGrowth is what more accounts cost on a relay's Redis: the time from
// the start to the first list, that of each later scan, and the memory that one
// account takes when it was refreshed sixteen times or more, beyond what the
// program takes with one. Journal and Redis are real.
func BenchmarkGrowth(b *testing.B) {
	filled := func(accounts int) keeper {
		server := redistest.Start(b)
		if err := redistest.NewSim(b, server, encryptionKey, "").Fill(b.Context(), accounts, 8*time.Hour); err != nil {
			b.Fatal(err)
		}
		return keeper{Redis: server.Addr, Home: b.TempDir()}
	}
	// taken opens k with all its accounts rotated, and returns the memory it takes.
	taken := func(k keeper) (app *App, memory int64) {
		before := heap()
		app = k.open(b)
		scan(b, app)
		var keys []engine.Key
		for _, v := range app.Snapshot() {
			keys = append(keys, v.Key)
		}
		rotated := func(_ engine.Key, r *engine.Record) {
			r.Used = nil
			for range 16 {
				r.Used = append(r.Used, engine.NewSecret(rand.Text()).Fingerprint())
			}
			r.Settled = rand.Text()
		}
		if err := (journal{app}).Update(b.Context(), rotated, keys...); err != nil {
			b.Fatal(err)
		}
		scan(b, app)
		keys = nil
		return app, heap() - before
	}
	one, fixed := taken(filled(1))
	one.Close()
	for _, accounts := range []int{1_000, 10_000, 100_000} {
		k := filled(accounts)
		b.Run(fmt.Sprintf("of=start/accounts=%d", accounts), func(b *testing.B) {
			for b.Loop() {
				app := k.open(b)
				scan(b, app)
				if n := len(app.Snapshot()); n != accounts {
					b.Fatal(n, "accounts")
				}
				app.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(accounts), "ns/account")
		})
		b.Run(fmt.Sprintf("of=scan/accounts=%d", accounts), func(b *testing.B) {
			app, memory := taken(k)
			defer app.Close()
			for b.Loop() {
				scan(b, app)
			}
			b.ReportMetric(float64(memory-fixed)/float64(accounts), "memory-B/account")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(accounts), "ns/account")
		})
	}
}

func scan(t testing.TB, app *App) {
	t.Helper()
	if err := app.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Minute-long tokens, refreshed over and over: neither memory nor goroutines
// grow with the refreshes.
func TestSoak(t *testing.T) {
	if !long() {
		t.Skip("takes minutes: make test-long")
	}
	const accounts = 100
	exchanges, endpoint := answers(t, time.Minute, 0)
	server := redistest.Start(t)
	k := keeper{Redis: server.Addr, Home: t.TempDir(), TokenURL: endpoint, Proactive: true, Interval: 10 * time.Second, Window: 5 * time.Minute}
	app := k.open(t)
	defer app.Close()
	if err := redistest.NewSim(t, server, encryptionKey, "").Fill(t.Context(), accounts, time.Second); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	running.Go(func() { app.Run(ctx) })
	wait := func(n int64) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Minute); exchanges.Load() < n; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d refreshes, not %d, in 10 minutes", exchanges.Load(), n)
			}
		}
	}
	wait(4 * accounts) // all is in its stride
	began, memory, goroutines := exchanges.Load(), heap(), runtime.NumGoroutine()
	wait(12 * accounts)
	refreshes, grown, more := exchanges.Load()-began, heap()-memory, runtime.NumGoroutine()-goroutines
	t.Logf("%d refreshes: memory grew by %d B, by %d B each; %d goroutines, %d before", refreshes, grown, grown/refreshes, goroutines+more, goroutines)
	if grown/refreshes > 256 { // a token that is used up leaves its fingerprint
		t.Errorf("memory grows: by %d B a refresh", grown/refreshes)
	}
	if more > accounts { // each account may have a read-back that waits
		t.Errorf("goroutines grow: by %d", more)
	}
}

// answers is a provider that answers after a while with tokens that live so long,
// and how often it did.
func answers(t testing.TB, lifetime, after time.Duration) (exchanges *atomic.Int64, url string) {
	exchanges = new(atomic.Int64)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(after)
		w.Header().Set("Content-Type", "application/json")
		n := exchanges.Add(1)
		fmt.Fprintf(w, `{"access_token":"access-%d","refresh_token":"refresh-%d","expires_in":%d,"token_type":"Bearer"}`, n, n, int(lifetime.Seconds()))
	}))
	t.Cleanup(endpoint.Close)
	return exchanges, endpoint.URL
}

// heap is the memory in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
