package wiring

import (
	"crypto/rand"
	"fmt"
	"runtime"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
)

// BenchmarkGrowth is what more accounts cost on a relay's Redis: the time from
// the start to the first list, that of each later scan, and the memory that one
// account takes when it was refreshed sixteen times or more. Journal and Redis
// are real.
func BenchmarkGrowth(b *testing.B) {
	for _, accounts := range []int{1_000, 10_000, 100_000} {
		server := redistest.Start(b)
		sim := redistest.NewSim(b, server, encryptionKey, "")
		if err := sim.Fill(b.Context(), accounts, 8*time.Hour); err != nil {
			b.Fatal(err)
		}
		home := b.TempDir()
		k := keeper{Redis: server.Addr, Home: home}
		b.Run(fmt.Sprintf("of=start/accounts=%d", accounts), func(b *testing.B) {
			for b.Loop() {
				app := k.open(b)
				if err := app.Scan(b.Context()); err != nil {
					b.Fatal(err)
				}
				if n := len(app.Snapshot()); n != accounts {
					b.Fatal(n, "accounts")
				}
				app.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(accounts), "ns/account")
		})
		b.Run(fmt.Sprintf("of=scan/accounts=%d", accounts), func(b *testing.B) {
			before := heap()
			app := k.open(b)
			defer app.Close()
			if err := app.Scan(b.Context()); err != nil {
				b.Fatal(err)
			}
			var keys []engine.Key
			for _, v := range app.Snapshot() {
				keys = append(keys, v.Key)
			}
			rotated := func(_ engine.Key, r *engine.Record) {
				for range 16 {
					r.Used = append(r.Used, engine.NewSecret(rand.Text()).Fingerprint())
				}
				r.Settled = rand.Text()
			}
			if err := (journal{app}).Update(b.Context(), rotated, keys...); err != nil {
				b.Fatal(err)
			}
			if err := app.Scan(b.Context()); err != nil {
				b.Fatal(err)
			}
			keys = nil
			memory := heap() - before
			for b.Loop() {
				if err := app.Scan(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(memory)/float64(accounts), "memory-B/account")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(accounts), "ns/account")
		})
	}
}

// heap is the memory in use.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
