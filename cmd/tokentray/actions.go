package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"tokentray/cmd/internal/browser"
	"tokentray/cmd/internal/transfer"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/provider"
	"tokentray/engine/settings"
	"tokentray/ui"
)

// accounts fills in what can be done with the accounts of app.
func (d *desk) accounts(a *ui.Actions, app *wiring.App) {
	background := context.Background()
	a.Add = func(n engine.NewAccount) error {
		err := app.Keeps(n.Store, n.Provider)
		if err == nil && n.Provider == engine.Generic {
			n.OAuth, err = app.Discovered(background, n.OAuth, n.Proxy)
		}
		if err == nil {
			_, err = app.Add(background, n)
		}
		return err
	}
	a.Client = func(key engine.Key, o provider.OAuth) error {
		account, err := app.Load(background, key)
		if err != nil {
			return err
		}
		oauth, err := app.Discovered(background, o.Draft(), account.Proxy)
		if err == nil {
			_, err = app.Edit(background, key, engine.Edit{OAuth: &oauth})
		}
		return err
	}
	a.SignIn = func(again engine.Key, n engine.NewAccount) (*ui.SignIn, error) { return signIn(app, again, n) }
	a.Edit = func(key engine.Key, name, proxy *string, active *bool) error {
		edit := engine.Edit{Name: name, Active: active}
		if proxy != nil {
			setting, err := provider.ParseProxy(*proxy)
			if err != nil {
				return err
			}
			edit.Proxy = &setting
		}
		_, err := app.Edit(background, key, edit)
		return err
	}
	a.Remove = func(key engine.Key) error { return app.Remove(background, key) }
	a.Choose = func(change func(*engine.Choice), keys ...engine.Key) error {
		return app.Choose(background, change, keys...)
	}
	a.TestProxy = func(key engine.Key) error { return app.TestProxy(background, key) }
	a.Import = func(kind, path, passphrase string) (int, error) {
		path, err := inHome(path)
		if err != nil {
			return 0, err
		}
		f, err := os.Open(path)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		accounts, problems := transfer.Read(kind, f, d.set.Load().EncryptionKey, engine.NewSecret(passphrase))
		added, err := transfer.Add(background, app, accounts)
		return len(added), errors.Join(problems, err)
	}
	a.Export = func(path, passphrase string) (int, error) {
		path, err := inHome(path)
		if err != nil {
			return 0, err
		}
		accounts, err := transfer.Collect(background, app, nil)
		if err != nil {
			return 0, err
		}
		return len(accounts), transfer.WriteFile(path, accounts, engine.NewSecret(passphrase))
	}
	a.Setup = recipes
	a.OpenURL = browser.Open
	a.Disconnect = d.disconnect
	a.SendTest = func() []string { return d.sendTest(app) }
}

// notInDemo stands in for what made-up accounts have no use for.
func (d *desk) notInDemo(a *ui.Actions, e *engine.Engine) {
	no := errors.New(d.texts.Load().Get("not in the demo"))
	a.Add = func(engine.NewAccount) error { return no }
	a.SignIn = func(engine.Key, engine.NewAccount) (*ui.SignIn, error) { return nil, no }
	a.Client = func(engine.Key, provider.OAuth) error { return no }
	a.Edit = func(engine.Key, *string, *string, *bool) error { return no }
	a.Remove = func(engine.Key) error { return no }
	a.Choose = func(change func(*engine.Choice), keys ...engine.Key) error {
		return e.Choose(context.Background(), change, keys...)
	}
	a.TestProxy = func(engine.Key) error { return no }
	a.Import = func(string, string, string) (int, error) { return 0, no }
	a.Export = func(string, string) (int, error) { return 0, no }
	a.Setup = recipes
	a.OpenURL = browser.Open
}

func signIn(app *wiring.App, again engine.Key, n engine.NewAccount) (*ui.SignIn, error) {
	start := func() (*provider.SignIn, error) { return app.StartSignIn(context.Background(), n) }
	if again.ID != "" {
		start = func() (*provider.SignIn, error) { return app.StartSignInAgain(context.Background(), again) }
	}
	s, err := start()
	if err != nil {
		return nil, err
	}
	var used atomic.Bool // a code is good once (RFC 6749, 4.1.2), however it came
	finish := func(ctx context.Context, code engine.Secret) error {
		if used.Swap(true) {
			return errors.New("the sign-in is under way already")
		}
		if again.ID != "" {
			_, err := app.SignInAgain(ctx, s, code, again)
			return err
		}
		_, err := app.SignInNew(ctx, s, code, n)
		return err
	}
	return &ui.SignIn{URL: s.URL, Shown: s.Shown(), Close: s.Close,
		Wait: func(ctx context.Context) error {
			code, err := s.Wait(ctx)
			if err != nil {
				return err
			}
			return finish(ctx, code)
		},
		Paste: func(ctx context.Context, text string) (bool, error) {
			code, err := s.Pasted(text)
			if err != nil { // it was pasted wrongly, and can be again
				return false, err
			}
			return true, finish(ctx, code)
		},
	}, nil
}

// inHome is a path as people write it.
func inHome(path string) (string, error) {
	rest, ours := strings.CutPrefix(path, "~/")
	if !ours {
		return path, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, rest), err
}

// source names the store of an account.
func source(app *wiring.App, d *desk) func(engine.Key) (short, place string) {
	return func(key engine.Key) (string, string) {
		store := app.Stores[key.Store]
		if store == nil {
			return key.Store, key.Store
		}
		name, relay := strings.CutPrefix(key.Store, wiring.Relay+":")
		place := placeOf(*d.texts.Load(), key, store.Name(), d.set.Load().Paths.Database)
		switch {
		case key.Store == wiring.Embedded:
			return d.texts.Load().Get("embedded"), place
		case key.Store == wiring.Logins:
			return d.texts.Load().Get("tool's login"), key.ID
		case relay:
			return d.texts.Load().Get("relay · %s", name), place
		}
		return d.texts.Load().Get("relay · %s", d.set.Load().Redis.Addrs[0]), place
	}
}

// stores are those that accounts can be added to.
func (d *desk) stores(app *wiring.App) []ui.Store {
	if app == nil {
		return nil
	}
	title := source(app, d)
	all := []ui.Store{}
	for name := range app.Stores {
		if name == wiring.Logins {
			continue
		}
		short, _ := title(engine.Key{Store: name})
		all = append(all, ui.Store{Name: name, Title: short, Further: strings.HasPrefix(name, wiring.Relay+":"),
			Keeps: func(provider string) bool { return app.Keeps(name, provider) == nil }})
	}
	slices.SortFunc(all, func(a, b ui.Store) int {
		if (a.Name == app.Main) != (b.Name == app.Main) {
			return map[bool]int{true: -1, false: 1}[a.Name == app.Main]
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

// disconnect takes one more relay out again.
func (d *desk) disconnect(store string) error {
	if err := settings.RemoveRelay(d.set.Load().Paths, strings.TrimPrefix(store, wiring.Relay+":")); err != nil {
		return err
	}
	set, err := d.with(nil)
	if err != nil {
		return err
	}
	return d.again(set)
}

// proxyText shows a proxy without its password.
func proxyText(setting engine.Secret) string {
	u, err := provider.ProxyURL(setting)
	switch {
	case err != nil:
		return err.Error()
	case u == nil:
		return ""
	}
	return u.Redacted()
}

// addRelay keeps one more relay, after a try.
func (d *desk) addRelay(name string, values map[string]string) error {
	relay, err := settings.CheckRelay(d.set.Load().Paths, name, values)
	if err != nil {
		return err
	}
	alone := *d.set.Load()
	alone.Redis, alone.EncryptionKey, alone.Relays, alone.Home = relay.Redis, relay.EncryptionKey, nil, ""
	if err := try(alone); err != nil {
		return err
	}
	_, err = settings.SaveRelay(d.set.Load().Paths, name, values)
	return err
}
