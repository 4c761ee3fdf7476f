package wiring

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/settings"
	"tokentray/engine/store/relay/redistest"
)

// Redis fails while a token is at the provider. Nothing is lost, and all is
// well again by itself.
func TestRedisInTrouble(t *testing.T) {
	for name, trouble := range map[string]struct {
		begin func(t *testing.T, s *redistest.Server)
		end   func(t *testing.T, s *redistest.Server)
	}{
		"frozen": {func(_ *testing.T, s *redistest.Server) { s.Freeze() }, func(_ *testing.T, s *redistest.Server) { s.Thaw() }},
		"gone":   {func(_ *testing.T, s *redistest.Server) { s.Kill() }, func(t *testing.T, s *redistest.Server) { s.Restart(t) }},
		"out of memory, so that scripts fail": {
			func(t *testing.T, s *redistest.Server) { s.Client.ConfigSet(t.Context(), "maxmemory", "1") },
			func(t *testing.T, s *redistest.Server) { s.Client.ConfigSet(t.Context(), "maxmemory", "0") }},
		"read only": {
			func(t *testing.T, s *redistest.Server) { s.Client.Do(t.Context(), "REPLICAOF", "127.0.0.1", "1") },
			func(t *testing.T, s *redistest.Server) { s.Client.Do(t.Context(), "REPLICAOF", "NO", "ONE") }},
		"without a right, so that a script fails in its midst": {
			func(t *testing.T, s *redistest.Server) {
				s.Client.Do(t.Context(), "ACL", "SETUSER", "default", "-hset")
			},
			func(t *testing.T, s *redistest.Server) {
				s.Client.Do(t.Context(), "ACL", "SETUSER", "default", "+hset")
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			provider, app, login, a := loggedIn(t, keeper{Redis: server.Addr, Home: t.TempDir()})
			server.Snapshot(t) // what a server that dies comes back with
			provider.Fail(engine.Claude, strict.Fault{Delay: time.Second})
			ended := run(app)
			asked := make(chan error)
			go func() {
				access, err := app.ValidAccessToken(t.Context(), a.Key)
				if err == nil && access.Reveal() != provider.Look(login).Access {
					err = fmt.Errorf("served an old token")
				}
				asked <- err
			}()
			requests(t, provider, 1)
			trouble.begin(t, server)
			length := 2 * time.Second
			if long() {
				length = 30 * time.Second
			}
			time.Sleep(length)
			trouble.end(t, server)
			if err := <-asked; err != nil { // it has the token, stored or not
				t.Error(err)
			}
			stands(t, app, provider, login, a.Key)
			ended()
			if l := provider.Look(login); l.Exchanges != 1 || l.Replays != 0 {
				t.Errorf("%d exchanges, %d replays", l.Exchanges, l.Replays)
			}
		})
	}
}

// A server that dies after a save was acknowledged, and comes back without it:
// the keeper that runs heals it within moments, and before any use.
func TestRedisForgetsTheLastSecond(t *testing.T) {
	server := redistest.Start(t)
	provider, app, login, a := loggedIn(t, keeper{Redis: server.Addr, Home: t.TempDir()})
	server.Snapshot(t)
	ended := run(app)
	if _, err := app.ValidAccessToken(t.Context(), a.Key); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	server.Restart(t)
	stands(t, app, provider, login, a.Key)
	until(t, "the restore is counted", func() bool { return app.Snapshot()[0].Restored == 1 })
	ended()
	if l := provider.Look(login); l.Exchanges != 1 || l.Replays != 0 {
		t.Errorf("%d exchanges, %d replays", l.Exchanges, l.Replays)
	}
}

// A slow line: every packet takes 150 ms each way.
func TestSlowRedis(t *testing.T) {
	server := redistest.Start(t)
	slow := slowLine(t, server.Addr, 150*time.Millisecond)
	provider, app, login, a := loggedIn(t, keeper{Redis: slow, Home: t.TempDir()})
	var callers sync.WaitGroup
	for range 5 {
		callers.Go(func() {
			if access, err := app.ValidAccessToken(t.Context(), a.Key); err != nil || access.Reveal() != provider.Look(login).Access {
				t.Errorf("%v", err)
			}
		})
	}
	callers.Wait()
	stands(t, app, provider, login, a.Key)
	if l := provider.Look(login); l.Exchanges != 1 || l.Replays != 0 {
		t.Errorf("%d exchanges, %d replays", l.Exchanges, l.Replays)
	}
}

// The master dies while a token is at the provider, and Sentinel puts its
// replica in its place.
func TestFailover(t *testing.T) {
	master := redistest.Start(t)
	replica := redistest.Start(t, "--replicaof", "127.0.0.1 "+master.Port)
	sentinels := redistest.StartSentinels(t, master, 1)
	s := keeper{Home: t.TempDir()}.settings()
	s.Redis = &settings.Redis{Addrs: sentinels, SentinelMaster: redistest.MasterName}
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	s.TokenURLs = provider.URLs()
	app, err := Open(s, discard)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	login := provider.SignIn(engine.Claude, "")
	a := addLogin(t, app, login, -time.Minute)
	until(t, "the replica has the account", func() bool {
		return replica.Client.Exists(t.Context(), "claude:account:"+a.ID).Val() == 1
	})
	ended := run(app)
	provider.Fail(engine.Claude, strict.Fault{Delay: time.Second})
	asked := make(chan error)
	go func() {
		_, err := app.ValidAccessToken(t.Context(), a.Key)
		asked <- err
	}()
	requests(t, provider, 1)
	master.Kill()
	if err := <-asked; err != nil {
		t.Error(err)
	}
	stands(t, app, provider, login, a.Key)
	ended()
	if role := replica.Client.Do(t.Context(), "ROLE").Val().([]any)[0]; role != "master" {
		t.Errorf("the replica is %v", role)
	}
	if l := provider.Look(login); l.Exchanges != 1 || l.Replays != 0 {
		t.Errorf("%d exchanges, %d replays", l.Exchanges, l.Replays)
	}
}

// loggedIn is an app with one account that is due, and its provider.
func loggedIn(t *testing.T, k keeper) (*strict.Server, *App, *strict.Login, engine.Account) {
	t.Helper()
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	k.TokenURL = provider.URL(engine.Claude)
	app := k.open(t)
	t.Cleanup(app.Close)
	login := provider.SignIn(engine.Claude, "")
	return provider, app, login, addLogin(t, app, login, -time.Minute)
}

// run runs the app's engine; ended stops it.
func run(app *App) (ended func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		app.Run(ctx)
	}()
	return func() { cancel(); <-done }
}

// requests waits until so many have arrived.
func requests(t *testing.T, provider *strict.Server, n int) {
	t.Helper()
	until(t, "a request arrives", func() bool { return len(provider.Requests()) >= n })
}

// stands waits until the store has the login's newest token.
func stands(t *testing.T, app *App, provider *strict.Server, login *strict.Login, key engine.Key) {
	t.Helper()
	until(t, "the newest token stands in the store", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a, err := app.Load(ctx, key)
		if err != nil {
			return false
		}
		refresh, err := a.RefreshToken.Open()
		return err == nil && refresh.Reveal() == provider.Look(login).Refresh
	})
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// slowLine forwards to target and lets every packet take a while, each way.
func slowLine(t *testing.T, target string, latency time.Duration) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	pass := func(to io.WriteCloser, from io.Reader) {
		defer to.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := from.Read(buffer)
			time.Sleep(latency)
			if _, werr := to.Write(buffer[:n]); err != nil || werr != nil {
				return
			}
		}
	}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				near.Close()
				continue
			}
			go pass(far, near)
			go pass(near, far)
		}
	}()
	return listener.Addr().String()
}
