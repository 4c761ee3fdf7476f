package wiring

import (
	"fmt"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/relay/redistest"
)

// A relay under load writes whole hashes back, and with them tokens that were
// used up meanwhile. After every refresh the newest token stands again within
// 2 s of the last of it, and no used-up token is sent.
func TestRelayUnderLoad(t *testing.T) {
	rotations, atOnce := 8, 4
	if long() {
		rotations, atOnce = 60, 4
	}
	server := redistest.Start(t)
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	sim := redistest.NewSim(t, server, encryptionKey, provider.URL(engine.Claude))
	app := keeper{Redis: server.Addr, Home: t.TempDir(), TokenURL: provider.URL(engine.Claude)}.open(t)
	defer app.Close()

	stale := make(chan int, atOnce)
	for i := range atOnce {
		login := provider.SignIn(engine.Claude, "")
		a := addLogin(t, app, login, time.Hour)
		go func() {
			n := 0
			defer func() { stale <- n }()
			for range rotations / atOnce {
				stop := sim.Load(a.ID, 4)
				time.Sleep(30 * time.Millisecond) // the callers are under way
				summary, err := app.Pass(t.Context(), engine.PassParams{Keys: []engine.Key{a.Key}, Once: true})
				if err != nil || summary.Failed > 0 {
					t.Errorf("account %d: %v %+v", i, err, summary.Results)
					stop()
					return
				}
				saved := time.Now()
				time.Sleep(200 * time.Millisecond) // and go on for a while
				last := stop()
				limit := 2 * time.Second
				if last.Sub(saved) > 900*time.Millisecond { // this machine stood still: the second look, after 5 s, finds it
					limit = 6 * time.Second
				}
				if last.IsZero() {
					last = time.Now()
				} else {
					n++
				}
				for sim.RefreshToken(a.ID) != provider.Look(login).Refresh {
					if time.Since(last) > limit {
						t.Errorf("account %d: the newest token does not stand %v after the last stale write", i, time.Since(last))
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			}
		}()
	}
	wrote := 0
	for range atOnce {
		wrote += <-stale
	}
	if provider.Replays() > 0 {
		t.Errorf("%d replays", provider.Replays())
	}
	if wrote == 0 {
		t.Error("the relay wrote no old token back: this shows nothing")
	}
	restored := 0
	for _, v := range app.Snapshot() {
		restored += v.Restored
	}
	t.Logf("%d rotations, after %d of them the relay wrote the old token back; restored %d times, 0 replays", rotations, wrote, restored)
	if restored == 0 {
		t.Error("nothing was restored")
	}
}

// The same while no keeper runs: the next to start heals, with this machine's
// journal or with none.
func TestWrittenBackWhileNobodyRuns(t *testing.T) {
	rotations := 2
	if long() {
		rotations = 30
	}
	server := redistest.Start(t)
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	sim := redistest.NewSim(t, server, encryptionKey, provider.URL(engine.Claude))
	k := keeper{Redis: server.Addr, Home: t.TempDir(), TokenURL: provider.URL(engine.Claude)}
	for name, home := range map[string]func() string{
		"this machine's":   func() string { return k.Home },
		"an empty journal": t.TempDir,
	} {
		app := k.open(t)
		login := provider.SignIn(engine.Claude, "")
		a := addLogin(t, app, login, -time.Minute)
		app.Close()
		for n := range rotations {
			hash := sim.Hash(a.ID)
			app := k.open(t)
			if summary, err := app.Pass(t.Context(), engine.PassParams{Keys: []engine.Key{a.Key}, Once: true}); err != nil || summary.Refreshed != 1 {
				t.Fatalf("%s, %d: %v %+v", name, n, err, summary.Results)
			}
			app.Close()
			if err := sim.WriteBack(a.ID, hash); err != nil { // the relay had read it before
				t.Fatal(err)
			}
			next := k
			next.Home = home()
			app = next.open(t)
			if err := app.Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			app.Close() // waits for what was begun
			if sim.RefreshToken(a.ID) != provider.Look(login).Refresh {
				t.Fatalf("%s, %d: not healed", name, n)
			}
			if hash := sim.Hash(a.ID); hash["lastUsedAt"] == "" {
				t.Errorf("the relay's own field is gone")
			}
		}
	}
	if provider.Replays() > 0 {
		t.Errorf("%d replays", provider.Replays())
	}
}

// addLogin adds an account with the login's tokens, which live on for left.
func addLogin(t *testing.T, app *App, login *strict.Login, left time.Duration) engine.Account {
	t.Helper()
	a, err := app.Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: fmt.Sprint("account of ", login.Access[len(login.Access)-6:]),
		RefreshToken: engine.NewSecret(login.Refresh), AccessToken: engine.NewSecret(login.Access), ExpiresAt: time.Now().Add(left)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}
