package wiring

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/settings"
	"tokentray/engine/store/relay/redistest"
)

// Many keepers beside each other on one Redis, all proactive, and callers who
// ask each of them: every refresh token is spent once, every account stays
// alive, and the newest tokens are the stored ones.
func TestKeepersBesideEachOther(t *testing.T) {
	const keepers, accounts = 4, 12
	length := 12 * time.Second
	if os.Getenv("TOKENTRAY_LONG") != "" {
		length = 2 * time.Minute
	}
	server := redistest.Start(t)
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	provider.Lifetime = 8 * time.Second

	var apps []*App
	for range keepers {
		app, err := Open(settings.Settings{
			Proactive: true, Interval: 3 * time.Second, Window: time.Minute,
			Redis:         &settings.Redis{Addrs: []string{server.Addr}},
			EncryptionKey: engine.NewSecret("a-key"), TokenURLs: provider.URLs(),
			Paths: settings.Paths{Database: filepath.Join(t.TempDir(), "tokentray.db")}, // each on a machine of its own
		}, slog.New(slog.NewTextHandler(io.Discard, nil)))
		if err != nil {
			t.Fatal(err)
		}
		apps = append(apps, app)
	}
	logins := map[engine.Key]*strict.Login{}
	for i := range accounts {
		login := provider.SignIn(engine.Claude, "")
		a, err := apps[0].Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: fmt.Sprint("account ", i),
			RefreshToken: engine.NewSecret(login.Refresh), AccessToken: engine.NewSecret(login.Access), ExpiresAt: time.Now().Add(time.Second)})
		if err != nil {
			t.Fatal(err)
		}
		logins[a.Key] = login
	}

	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var wg sync.WaitGroup
	for _, app := range apps {
		wg.Go(func() { app.Run(ctx) })
		wg.Go(func() {
			for ctx.Err() == nil {
				for key := range logins {
					if _, err := app.ValidAccessToken(ctx, key); err != nil && ctx.Err() == nil {
						t.Errorf("%s: %v", key, err)
					}
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	wg.Wait()
	for _, app := range apps {
		app.Engine.Close()
	}
	for key, login := range logins {
		l := provider.Look(login)
		if l.Dead || l.Replays > 0 {
			t.Errorf("%s: dead: %v, %d replays", key, l.Dead, l.Replays)
		}
		// Each due at half of its 8 s, minus at most a fifth of that.
		if low, high := int(length/(8*time.Second)), int(length/(3*time.Second))+1; l.Exchanges < low || l.Exchanges > high {
			t.Errorf("%s: %d refreshes in %v", key, l.Exchanges, length)
		}
		a, err := apps[0].Store.Load(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		refresh, err := a.RefreshToken.Open()
		if err != nil || refresh.Reveal() != l.Refresh {
			t.Errorf("%s: the stored refresh token is not the newest (%v)", key, err)
		}
		if a.StoreStatus != "active" {
			t.Errorf("%s: status %q", key, a.StoreStatus)
		}
	}
	if locks := server.Client.Keys(t.Context(), "token_refresh_lock:*").Val(); len(locks) > 0 {
		t.Errorf("locks left behind: %s", strings.Join(locks, " "))
	}
	for _, app := range apps {
		app.Close()
	}
}
