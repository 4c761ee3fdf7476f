package instance

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/memory"
)

// Secrets of the tests' accounts: none may cross.
const (
	plantedRefresh = "planted-refresh-token"
	plantedAccess  = "planted-access-token"
)

// issuer is a provider that answers when it is let.
type issuer struct{ asked, answer chan struct{} }

func (p issuer) Exchange(context.Context, engine.ExchangeRequest) (engine.Token, error) {
	p.asked <- struct{}{}
	<-p.answer
	return engine.Token{AccessToken: engine.NewSecret(plantedAccess + "-new"), RefreshToken: engine.NewSecret(plantedRefresh + rand.Text()),
		ExpiresAt: time.Now().Add(time.Hour)}, nil
}
func (p issuer) Reach(context.Context, engine.Secret) error        { return nil }
func (p issuer) Settings(string, engine.Secret) engine.Fingerprint { return engine.Fingerprint{1} }

// place is an engine on accounts in memory, and an instance that serves it.
type place struct {
	*engine.Engine
	store    *memory.Store
	provider issuer
	instance *Instance
	client   *Client
}

// serve serves an engine with the accounts named, whose tokens expire in left.
func serve(t *testing.T, left time.Duration, names ...string) *place {
	t.Helper()
	store := memory.New()
	for _, name := range names {
		_, err := store.Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: name, RefreshToken: engine.NewSecret(plantedRefresh + name),
			AccessToken: engine.NewSecret(plantedAccess), ExpiresAt: time.Now().Add(left)})
		if err != nil {
			t.Fatal(err)
		}
	}
	p := &place{store: store, provider: issuer{make(chan struct{}, 10), make(chan struct{}, 10)}}
	p.Engine = engine.New(engine.Params{Places: map[string]engine.Place{"": {Store: store, Locker: store}}, Journal: new(memory.Journal), Policy: engine.Policy{Interval: time.Hour, Window: time.Minute},
		Providers: map[string]engine.Provider{engine.Claude: p.provider}})
	t.Cleanup(p.Engine.Close)
	dir := t.TempDir()
	p.instance, p.client = claim(t, dir, nil), NewClient(dir, "ours")
	p.instance.Serve(Served{Engine: p.Engine, Identity: "ours", Store: "a test's store"})
	return p
}

// claim makes an instance that serves the folder.
func claim(t *testing.T, dir string, show func()) *Instance {
	t.Helper()
	i := New(dir, show)
	if err := i.Claim(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Release)
	return i
}

// eventually waits for what comes of another goroutine's work.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
