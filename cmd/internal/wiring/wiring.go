// Package wiring is the composition root: it makes the engine and its
// subscribers of the settings.
package wiring

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"tokentray/engine"
	"tokentray/engine/guidelog"
	"tokentray/engine/notify"
	"tokentray/engine/provider"
	"tokentray/engine/settings"
	"tokentray/engine/store/local"
	"tokentray/engine/store/logins"
	"tokentray/engine/store/relay"
)

// Store is what keeps the accounts.
type Store interface {
	engine.Store
	engine.Locker
	Name() string // where it is, for people
	Close() error
}

// The engine's names of the stores. A further relay's is "relay:" and its name.
// The journal has them too.
const (
	Embedded = "embedded"
	Relay    = "relay"
	Logins   = "logins"
)

// App is a wired engine. Close it when done.
type App struct {
	*engine.Engine
	// Store is the one that the settings choose, and that new accounts go to;
	// Main is the engine's name of it.
	Store Store
	Main  string
	// Stores are all of them, by the engine's names.
	Stores map[string]Store

	providers   provider.Config
	signIns     sync.WaitGroup // whose code is being exchanged
	subscribers sync.WaitGroup
	logins      *logins.Store // nil: none are looked for
	database    string        // the embedded store's file, which has journal and history
	warn        func(error)

	channels func(context.Context) ([]notify.Channel, error) // but the webhook
	webhook  engine.Secret
	text     atomic.Pointer[Text]

	mu   sync.Mutex   // guards file
	file *local.Store // opened when it is needed, where it is not the store itself
	// dropped were file before they were set aside.
	dropped []*local.Store
}

// Open wires an engine on the stores that the settings choose: a relay's Redis,
// to which it does not connect yet, or else the embedded store; and beside it
// further relays, the logins of tools on this machine, and what the embedded
// store has.
func Open(s settings.Settings, log *slog.Logger) (*App, error) {
	app := &App{database: s.Paths.Database, providers: Providers(s), warn: func(err error) { log.Warn("⚠️ " + err.Error()) }}
	if err := app.openStores(s); err != nil {
		return nil, err
	}
	app.Engine = engine.New(engine.Params{
		Places: app.places(), Journal: journal{app}, Providers: provider.New(app.providers), Policy: Policy(s),
	})
	app.subscribe(func(events iter.Seq[engine.Event]) { guidelog.Run(events, log) })
	app.subscribe(func(events iter.Seq[engine.Event]) { app.recordHistory(events) })
	app.tellAlerts(s)
	return app, nil
}

func (a *App) openStores(s settings.Settings) error {
	a.Stores = map[string]Store{}
	if s.Redis == nil {
		file, err := local.Open(s.Paths.Database)
		if err != nil {
			return err
		}
		a.Main, a.Store, a.file = Embedded, file, file
	} else {
		cfg, err := redisConfig(s.Redis, s.EncryptionKey)
		if err != nil {
			return err
		}
		a.Main, a.Store = Relay, relay.Open(cfg)
		a.Stores[Embedded] = besides{a}
	}
	a.Stores[a.Main] = a.Store
	for _, r := range s.Relays {
		cfg, err := redisConfig(r.Redis, r.EncryptionKey)
		if err != nil {
			a.closeStores()
			return fmt.Errorf("%s: %w", r.File, err)
		}
		a.Stores[Relay+":"+r.Name] = relay.Open(cfg)
	}
	if s.Home == "" {
		return nil
	}
	var err error
	places := logins.Find(s.Home, func(name string) string { return s.ToolFolders[name] })
	if a.logins, err = logins.Open(logins.Config{Places: places, LockDir: s.Paths.Database + ".locks"}); err != nil {
		a.closeStores()
		return err
	}
	a.Stores[Logins] = a.logins
	return nil
}

// Run is the engine's, with an eye on the tools' logins: what a tool writes
// shows at once.
func (a *App) Run(ctx context.Context) {
	var watching sync.WaitGroup
	defer watching.Wait()
	if a.logins != nil {
		watching.Go(func() {
			if err := a.logins.Watch(ctx, func() { a.ScanStore(ctx, Logins) }); err != nil && ctx.Err() == nil {
				a.warn(fmt.Errorf("the tools' logins are not watched, and are looked at with the scans alone: %w", err))
			}
		})
	}
	a.Engine.Run(ctx)
}

func (a *App) places() map[string]engine.Place {
	places := map[string]engine.Place{}
	for name, store := range a.Stores {
		places[name] = engine.Place{Store: store, Locker: store}
	}
	return places
}

// Load reads one account, with both its tokens.
func (a *App) Load(ctx context.Context, key engine.Key) (engine.Account, error) {
	store := a.Stores[key.Store]
	if store == nil {
		return engine.Account{}, engine.Errorf(engine.KindNotFound, "there is no such store: "+engine.Clean(key.Store), nil)
	}
	account, err := store.Load(ctx, engine.Key{Provider: key.Provider, ID: key.ID})
	account.Key.Store = key.Store
	return account, err
}

// Add is the engine's, into the main store where the account names none.
func (a *App) Add(ctx context.Context, account engine.NewAccount) (engine.Account, error) {
	account.Store, account.ID = cmp.Or(account.Store, a.Main), cmp.Or(account.ID, uuid.NewString())
	return a.Engine.Add(ctx, account)
}

// Keeps says whether a store, the main one where it is "", can have accounts of
// a provider: before a person goes to a browser for nothing.
func (a *App) Keeps(store, name string) error {
	known := name == engine.Generic || slices.ContainsFunc(provider.All(), func(k provider.Known) bool { return k.Name == name })
	if _, ok := a.Stores[cmp.Or(store, a.Main)].(*relay.Store); ok && known && !relay.Keeps(name) {
		return relay.NotKept(name)
	}
	return nil
}

func (a *App) closeStores() {
	for _, store := range a.Stores {
		store.Close()
	}
}

func (a *App) subscribe(run func(iter.Seq[engine.Event])) {
	events := a.Watch(context.Background())
	a.subscribers.Go(func() { run(events) })
}

// Close finishes what is in flight, lets the subscribers take the last event,
// and closes the stores.
func (a *App) Close() {
	a.signIns.Wait()
	a.Engine.Close()
	a.subscribers.Wait()
	a.closeStores()
	for _, file := range append(a.dropped, a.file) {
		if file != nil && Store(file) != a.Store {
			file.Close()
		}
	}
}

// recordHistory keeps the refreshes of any store's accounts in the embedded
// store's file, which it opens when there is something to keep.
func (a *App) recordHistory(events iter.Seq[engine.Event]) {
	for ev := range events {
		if ev.Kind != engine.EventRefreshed || ev.Result.Reason == engine.ReasonNotDue { // the second was a look
			continue
		}
		file, err := a.localFile()
		if err == nil {
			err = file.Record(ev)
		}
		if err != nil {
			a.warn(err)
		}
	}
}

// History returns an account's latest refreshes, the newest first.
func (a *App) History(ctx context.Context, key engine.Key) ([]local.Entry, error) {
	file, err := a.localFile()
	if err != nil {
		return nil, err
	}
	return file.History(ctx, key, historyShown)
}

// dayShown is how many of the last refreshes of all accounts people see.
const dayShown = 5000

// HistorySince returns the refreshes of all accounts since then, the oldest
// first.
func (a *App) HistorySince(ctx context.Context, since time.Time) ([]local.Entry, error) {
	file, err := a.localFile()
	if err != nil {
		return nil, err
	}
	return file.HistorySince(ctx, since, dayShown)
}

// historyShown is how many entries of an account's history people see.
const historyShown = 50

// Policy is the settings' policy.
func Policy(s settings.Settings) engine.Policy {
	return engine.Policy{Proactive: s.Proactive, Interval: s.Interval, Window: s.Window}
}

// Providers is the settings' part for the providers.
func Providers(s settings.Settings) provider.Config {
	cfg := provider.Config{URLs: s.TokenURLs, AuthorizeURLs: s.AuthorizeURLs, Google: map[string]provider.Client{}}
	for name, c := range s.Google {
		cfg.Google[name] = provider.Client{ID: c.ID, Secret: c.Secret}
	}
	return cfg
}

func redisConfig(r *settings.Redis, key engine.Secret) (relay.Config, error) {
	cfg := relay.Config{
		Addrs: r.Addrs, SentinelMaster: r.SentinelMaster, Cluster: r.Cluster,
		Username: r.Username, Password: r.Password, DB: r.DB, EncryptionKey: key,
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
