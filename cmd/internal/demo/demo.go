// Package demo is the engine on accounts in memory and the strict provider on
// the loopback interface: the real thing, but for where it keeps accounts and
// whom it asks.
package demo

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/memory"
)

// Demo is a running demo. Close it when done.
type Demo struct {
	*engine.Engine
	store  *memory.Store
	server *strict.Server
	ended  login // signed out elsewhere, for good
	stop   context.CancelFunc
	done   sync.WaitGroup
}

type login struct {
	*strict.Login
	key engine.Key
}

// Start begins the demo: tokens live 16 seconds, so that within a minute all
// of them are refreshed, a provider fails and recovers, and a login dies and
// is signed in again.
func Start() (*Demo, error) {
	server, err := strict.New()
	if err != nil {
		return nil, err
	}
	server.Lifetime = 16 * time.Second
	d := &Demo{store: memory.New(), server: server}
	d.Engine = engine.New(engine.Params{
		Places: map[string]engine.Place{"": {Store: d.store, Locker: d.store}}, Journal: new(memory.Journal),
		Providers: provider.New(provider.Config{URLs: server.URLs(), Google: map[string]provider.Client{
			engine.GeminiCLI:   {Secret: engine.NewSecret(strict.ClientSecret)},
			engine.Antigravity: {Secret: engine.NewSecret(strict.ClientSecret)},
		}}),
		Policy: engine.Policy{Proactive: true, Interval: 20 * time.Second, Window: 5 * time.Second},
	})
	d.add(engine.Claude, "", "MyAccount", 9*time.Second)
	d.add(engine.Gemini, engine.GeminiCLI, "gemini-main", 13*time.Second)
	d.add(engine.Gemini, engine.Antigravity, "antigravity 账户", 21*time.Second)
	d.add(engine.OpenAI, "", "codex", 17*time.Second)
	d.ended = d.add(engine.Claude, "", "团队账户", 25*time.Second)
	d.add(engine.Droid, "", "factory", 30*time.Minute)

	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	d.done.Go(func() { d.Run(ctx) })
	d.done.Go(func() { d.script(ctx) })
	return d, nil
}

func (d *Demo) add(provider, client, name string, left time.Duration) login {
	l := d.server.SignIn(provider, "")
	a, err := d.store.Add(context.Background(), engine.NewAccount{Provider: provider, Client: client, Name: name,
		RefreshToken: engine.NewSecret(l.Refresh), AccessToken: engine.NewSecret(l.Access), ExpiresAt: time.Now().Add(left)})
	if err != nil {
		panic(err) // memory takes everything
	}
	return login{l, a.Key}
}

// script is what goes wrong in the demo, and right again.
func (d *Demo) script(ctx context.Context) {
	busy := slices.Repeat([]strict.Fault{{Status: http.StatusServiceUnavailable}}, 100)
	for _, step := range []struct {
		after time.Duration
		do    func()
	}{
		{5 * time.Second, func() { d.server.Fail(engine.OpenAI, busy...) }},
		{5 * time.Second, func() { d.server.Kill(d.ended.Login) }},
		{8 * time.Second, func() { d.server.Heal(engine.OpenAI) }},
		{17 * time.Second, d.signInAgain},
	} {
		select {
		case <-time.After(step.after):
			step.do()
		case <-ctx.Done():
			return
		}
	}
}

// signInAgain is the person who signs in to the login that died.
func (d *Demo) signInAgain() {
	l := d.server.SignIn(d.ended.key.Provider, "")
	d.store.Change(d.ended.key, func(a *engine.Account, refresh, access *engine.Secret) {
		*refresh, *access = engine.NewSecret(l.Refresh), engine.NewSecret(l.Access)
		a.StoreStatus, a.StoreError = "active", ""
	})
	d.Scan(context.Background())
}

// Close ends the demo.
func (d *Demo) Close() {
	d.stop()
	d.done.Wait()
	d.Engine.Close()
	d.server.Close()
}
