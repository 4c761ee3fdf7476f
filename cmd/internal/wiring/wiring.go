// Package wiring is the composition root: it makes the engine and its
// subscribers of the settings.
package wiring

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"iter"
	"log/slog"
	"os"
	"sync"

	"tokentray/engine"
	"tokentray/engine/guidelog"
	"tokentray/engine/notify"
	"tokentray/engine/provider"
	"tokentray/engine/settings"
	"tokentray/engine/store/local"
	"tokentray/engine/store/relay"
)

// Store is what keeps the accounts.
type Store interface {
	engine.Store
	engine.Locker
	Name() string // where it is, for people
	Close() error
}

// App is a wired engine. Close it when done.
type App struct {
	*engine.Engine
	Store Store

	subscribers sync.WaitGroup
	database    string // the embedded store's file, which has journal and history
	warn        func(error)

	mu   sync.Mutex   // guards file
	file *local.Store // opened when it is needed, where it is not the store itself
	// dropped were file before they were set aside.
	dropped []*local.Store
}

// Open wires an engine on the store that the settings choose: a relay's Redis,
// to which it does not connect yet, or else the embedded store.
func Open(s settings.Settings, log *slog.Logger) (*App, error) {
	store, err := openStore(s)
	if err != nil {
		return nil, err
	}
	warn := func(err error) { log.Warn("⚠️ " + err.Error()) }
	app := &App{Store: store, database: s.Paths.Database, warn: warn}
	app.file, _ = store.(*local.Store)
	app.Engine = engine.New(engine.Params{
		Store: store, Locker: store, Journal: journal{app}, Providers: provider.New(Providers(s)), Policy: Policy(s),
	})
	app.subscribe(func(events iter.Seq[engine.Event]) { guidelog.Run(events, log) })
	app.subscribe(func(events iter.Seq[engine.Event]) { app.recordHistory(events, warn) })
	if !s.WebhookURL.Empty() {
		app.subscribe(func(events iter.Seq[engine.Event]) {
			notify.Webhook{URL: s.WebhookURL, Failed: warn}.Run(app.once(events, warn))
		})
	}
	return app, nil
}

func (a *App) subscribe(run func(iter.Seq[engine.Event])) {
	events := a.Watch(context.Background())
	a.subscribers.Go(func() { run(events) })
}

// Close finishes what is in flight, lets the subscribers take the last event,
// and closes the store.
func (a *App) Close() {
	a.Engine.Close()
	a.subscribers.Wait()
	a.Store.Close()
	for _, file := range append(a.dropped, a.file) {
		if file != nil && Store(file) != a.Store {
			file.Close()
		}
	}
}

func openStore(s settings.Settings) (Store, error) {
	if s.Redis == nil {
		return local.Open(s.Paths.Database)
	}
	cfg, err := redisConfig(s)
	if err != nil {
		return nil, err
	}
	return relay.Open(cfg), nil
}

// recordHistory keeps the refreshes of any store's accounts in the embedded
// store's file, which it opens when there is something to keep.
func (a *App) recordHistory(events iter.Seq[engine.Event], failed func(error)) {
	for ev := range events {
		if ev.Kind != engine.EventRefreshed {
			continue
		}
		file, err := a.localFile()
		if err == nil {
			err = file.Record(a.Store.Name(), ev)
		}
		if err != nil {
			failed(err)
		}
	}
}

// once leaves out the expiries that another process has told of: every short
// command that fails on an expired token would tell again.
func (a *App) once(events iter.Seq[engine.Event], failed func(error)) iter.Seq[engine.Event] {
	return func(yield func(engine.Event) bool) {
		for ev := range events {
			if ev.Kind == engine.EventExpired {
				first := true
				file, err := a.localFile()
				if err == nil {
					first, err = file.FirstTold(context.Background(), a.Store.Name(), ev.Account.Key, "expired "+ev.Account.ExpiresAt.UTC().String())
				}
				if err != nil { // better told twice than not at all
					failed(err)
				} else if !first {
					continue
				}
			}
			if !yield(ev) {
				return
			}
		}
	}
}

// History returns an account's latest refreshes, the newest first.
func (a *App) History(ctx context.Context, key engine.Key) ([]local.Entry, error) {
	file, err := a.localFile()
	if err != nil {
		return nil, err
	}
	return file.History(ctx, a.Store.Name(), key, historyShown)
}

// historyShown is how many entries of an account's history people see.
const historyShown = 50

// Policy is the settings' policy.
func Policy(s settings.Settings) engine.Policy {
	return engine.Policy{Proactive: s.Proactive, Interval: s.Interval, Window: s.Window}
}

// Providers is the settings' part for the providers.
func Providers(s settings.Settings) provider.Config {
	cfg := provider.Config{URLs: s.TokenURLs, Google: map[string]provider.Client{}}
	for name, c := range s.Google {
		cfg.Google[name] = provider.Client{ID: c.ID, Secret: c.Secret}
	}
	return cfg
}

func redisConfig(s settings.Settings) (relay.Config, error) {
	r := s.Redis
	cfg := relay.Config{
		Addrs: r.Addrs, SentinelMaster: r.SentinelMaster, Cluster: r.Cluster,
		Username: r.Username, Password: r.Password, DB: r.DB, EncryptionKey: s.EncryptionKey,
	}
	if !r.TLS {
		return cfg, nil
	}
	cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if r.TLSCAFile != "" {
		pem, err := os.ReadFile(r.TLSCAFile)
		if err != nil {
			return cfg, engine.Errorf(engine.KindSettings, "REDIS_TLS_CA_FILE cannot be read", err)
		}
		cfg.TLS.RootCAs = x509.NewCertPool()
		if !cfg.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return cfg, engine.Errorf(engine.KindSettings, "REDIS_TLS_CA_FILE holds no certificate", errors.New(r.TLSCAFile))
		}
	}
	return cfg, nil
}
