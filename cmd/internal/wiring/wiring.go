// Package wiring is the composition root: it makes the engine and its
// subscribers of the settings.
package wiring

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"sync"

	"tokentray/engine"
	"tokentray/engine/guidelog"
	"tokentray/engine/notify"
	"tokentray/engine/provider"
	"tokentray/engine/settings"
	"tokentray/engine/store/relay"
)

// ErrNoStore says that no store is configured.
var ErrNoStore = engine.Errorf(engine.KindSettings, "no store is configured: set REDIS_HOST (or REDIS_URL) and ENCRYPTION_KEY "+
	"to those of your claude-relay-service, in the environment or an env file; to look around first: tokentrayctl demo", nil)

// App is a wired engine. Close it when done.
type App struct {
	*engine.Engine
	Store *relay.Store

	subscribers sync.WaitGroup
}

// Open wires an engine on the store that the settings choose. It does not
// connect yet.
func Open(s settings.Settings, log *slog.Logger) (*App, error) {
	if s.Redis == nil {
		return nil, ErrNoStore
	}
	cfg, err := redisConfig(s)
	if err != nil {
		return nil, err
	}
	store := relay.Open(cfg)
	app := &App{Store: store, Engine: engine.New(engine.Params{
		Store: store, Locker: store, Providers: provider.New(Providers(s)), Policy: Policy(s),
	})}
	events := app.Watch(context.Background())
	app.subscribers.Go(func() { guidelog.Run(events, log) })
	if !s.WebhookURL.Empty() {
		hook := notify.Webhook{URL: s.WebhookURL, Failed: func(err error) { log.Warn("⚠️ " + err.Error()) }}
		events := app.Watch(context.Background())
		app.subscribers.Go(func() { hook.Run(events) })
	}
	return app, nil
}

// Close finishes what is in flight, lets the subscribers take the last event,
// and ends the store's connections.
func (a *App) Close() {
	a.Engine.Close()
	a.subscribers.Wait()
	a.Store.Close()
}

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
