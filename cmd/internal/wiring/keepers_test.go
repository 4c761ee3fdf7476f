package wiring

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/relay/redistest"
)

// Many keepers beside each other and beside a relay on one Redis, each a process
// of its own, two of a machine, all proactive, and callers who ask some of them:
// every refresh token is spent once, every account stays alive, and the newest
// tokens are the stored ones.
func TestKeepersBesideEachOther(t *testing.T) {
	keepers, accounts, length := 4, 12, 14*time.Second
	if long() {
		keepers, accounts, length = 8, 50, 30*time.Second
	}
	server := redistest.Start(t)
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	provider.Lifetime = 12 * time.Second
	k := keeper{Redis: server.Addr, Home: t.TempDir(), TokenURL: provider.URL(engine.Claude)}
	app := k.open(t)
	logins := map[engine.Key]*strict.Login{}
	for range accounts {
		login := provider.SignIn(engine.Claude, "")
		logins[addLogin(t, app, login, time.Second).Key] = login
	}
	app.Close()

	k.Proactive, k.Interval, k.Window, k.For = true, 3*time.Second, time.Minute, length
	var waits []func() (bool, string)
	for i := range keepers {
		if i%2 == 0 {
			k.Home = t.TempDir()
		}
		k.Ask = i%4 == 0
		waits = append(waits, k.start(t))
	}
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	sim := redistest.NewSim(t, server, encryptionKey, provider.URL(engine.Claude))
	var relay sync.WaitGroup
	byRelay := 0
	relay.Go(func() {
		for ctx.Err() == nil {
			for key := range logins {
				done, err := sim.Refresh(context.WithoutCancel(ctx), key.ID, 6200*time.Millisecond)
				if err != nil {
					t.Error(err)
				}
				if done {
					byRelay++
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	for _, wait := range waits {
		wait()
	}
	relay.Wait()

	refreshes := 0
	for key, login := range logins {
		l := provider.Look(login)
		refreshes += l.Exchanges
		if l.Dead || l.Replays > 0 {
			t.Errorf("%s: dead: %v, %d replays", key, l.Dead, l.Replays)
		}
		// Each due at half of its 12 s, minus at most a fifth of that.
		if low, high := int(length/(12*time.Second)), int(length/(4*time.Second))+1; l.Exchanges < low || l.Exchanges > high {
			t.Errorf("%s: %d refreshes in %v", key, l.Exchanges, length)
		}
		if sim.RefreshToken(key.ID) != l.Refresh {
			t.Errorf("%s: the stored refresh token is not the newest", key)
		}
		if status := sim.Hash(key.ID)["status"]; status != "active" {
			t.Errorf("%s: status %q", key, status)
		}
	}
	if byRelay == 0 || byRelay == refreshes {
		t.Errorf("%d of %d refreshes are the relay's: this shows nothing", byRelay, refreshes)
	}
	t.Logf("%d keepers and a relay: %d refreshes of %d accounts, %d of them the relay's, 0 replays", keepers, refreshes, accounts, byRelay)
	if locks := server.Client.Keys(t.Context(), "token_refresh_lock:*").Val(); len(locks) > 0 {
		t.Errorf("locks left behind: %s", strings.Join(locks, " "))
	}
}
