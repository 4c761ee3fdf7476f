package wiring

import (
	"context"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/relay/redistest"
)

// Ten accounts of which none is due cost two commands a scan, and nothing
// between the scans: at the default interval, 192 a day.
func TestCommandsWithNothingDue(t *testing.T) {
	server := redistest.Start(t)
	if err := redistest.NewSim(t, server, encryptionKey, "").Fill(t.Context(), 10, 8*time.Hour); err != nil {
		t.Fatal(err)
	}
	app := keeper{Redis: server.Addr, Home: t.TempDir(), Proactive: true, Interval: time.Second, Window: 5 * time.Minute}.open(t)
	defer app.Close()
	ctx, stop := context.WithCancel(t.Context())
	scanned, events := make(chan bool), app.Watch(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { app.Run(ctx) })
	running.Go(func() {
		for ev := range events {
			if ev.Kind == engine.EventScanned {
				select {
				case scanned <- true:
				case <-ctx.Done():
				}
			}
		}
	})
	wait := func(n int) {
		for range n {
			<-scanned
		}
	}
	wait(2) // the first has the scripts to send, and looks for accounts without an index
	const scans = 5
	if got := server.Commands(t, func() { wait(scans) }); got > 2*(scans+1) { // the next may have begun
		t.Errorf("%d commands for %d scans", got, scans)
	}
}

// A refresh costs at most ten commands, with all that comes after it.
func TestCommandsOfARefresh(t *testing.T) {
	if !long() {
		t.Skip("it waits 30 s for the last read-back: make test-long")
	}
	server := redistest.Start(t)
	if err := redistest.NewSim(t, server, encryptionKey, "").Fill(t.Context(), 2, time.Hour); err != nil {
		t.Fatal(err)
	}
	_, endpoint := answers(t, 8*time.Hour, 0)
	app := keeper{Redis: server.Addr, Home: t.TempDir(), TokenURL: endpoint}.open(t)
	defer app.Close()
	if err := app.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	var keys []engine.Key
	for _, v := range app.Snapshot() {
		keys = append(keys, v.Key)
	}
	refresh := func(key engine.Key) {
		if s, err := app.Pass(t.Context(), engine.PassParams{Keys: []engine.Key{key}, Force: true}); err != nil || s.Refreshed != 1 {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	refresh(keys[0]) // sends each script in full, once
	time.Sleep(31 * time.Second)
	got := server.Commands(t, func() {
		refresh(keys[1])
		time.Sleep(31 * time.Second) // longer than the last read-back
	})
	t.Logf("%d commands", got)
	if got > 10 {
		t.Errorf("a refresh costs %d commands, more than 10", got)
	}
}
