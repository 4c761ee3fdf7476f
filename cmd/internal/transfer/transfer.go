// Package transfer brings accounts in from files, and out to one.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/bundle"
	"tokentray/engine/store/logins"
	"tokentray/engine/store/relay"
)

// The kinds of files beside the tools' own.
const (
	RelayJSON = "relay-json"
	Tokentray = "tokentray"
)

// Read reads the accounts of a file of a kind; what could not be read of it is
// the error beside the rest. A tool's login is named as the tool.
func Read(kind string, r io.Reader, encryptionKey, passphrase engine.Secret) ([]engine.NewAccount, error) {
	switch kind {
	case RelayJSON:
		return relay.ReadJSON(r, encryptionKey)
	case Tokentray:
		return bundle.Import(r, passphrase)
	}
	n, err := logins.Read(kind, r)
	if err != nil {
		return nil, err
	}
	n.Name = kind
	return []engine.NewAccount{n}, nil
}

// Add adds accounts and returns how many it could. A name that is taken gets a
// number.
func Add(ctx context.Context, app *wiring.App, accounts []engine.NewAccount) (added []engine.Account, err error) {
	taken := map[string]bool{}
	existing, _ := app.Accounts(ctx)
	for _, a := range existing {
		taken[a.Name] = true // in any store: commands go by names
	}
	var failed []error
	for _, n := range accounts {
		name := n.Name
		for i := 2; taken[n.Name]; i++ {
			n.Name = fmt.Sprintf("%s %d", name, i)
		}
		a, err := app.Add(ctx, n)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", n.Name, err))
			continue
		}
		taken[n.Name] = true
		added = append(added, a)
	}
	return added, errors.Join(failed...)
}

// Collect reads accounts with their tokens; nil: all but the tools' own logins
// and what has no token. It is all or an error: a file with less than was asked
// for would pass for the whole.
func Collect(ctx context.Context, app *wiring.App, accounts []engine.Account) ([]engine.NewAccount, error) {
	if accounts == nil {
		var err error
		if accounts, err = app.Accounts(ctx); err != nil {
			return nil, err
		}
		accounts = slices.DeleteFunc(accounts, func(a engine.Account) bool { return a.Observed })
	}
	var all []engine.NewAccount
	for _, a := range accounts {
		whole, err := app.Load(ctx, a.Key)
		if err != nil {
			return nil, err
		}
		n, err := bundle.Open(whole)
		if err != nil {
			return nil, fmt.Errorf("%s (%s) cannot be exported: %w", a.Name, engine.Clean(a.ID), err)
		}
		all = append(all, n)
	}
	return all, nil
}

// WriteFile writes an export to a file that is not there yet, for its owner
// only.
func WriteFile(path string, accounts []engine.NewAccount, passphrase engine.Secret) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return engine.Errorf(engine.KindSettings, "the file cannot be made", err)
	}
	err = bundle.Export(f, accounts, passphrase)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}

// Shared tells of logins that are in two places, for people.
func Shared(app *wiring.App) []string {
	var told []string
	for _, v := range app.Snapshot() {
		if v.Rival.Name != "" && !v.Rival.Leads {
			told = append(told, fmt.Sprintf("shared login: %s is in %s and, as %s, in %s, and two programs will fight over it: remove one",
				v.Name, app.Stores[v.Store].Name(), v.Rival.Name, app.Stores[v.Rival.Store].Name()))
		}
	}
	slices.Sort(told)
	return told
}

// Stores are the names of the stores that accounts can be added to.
func Stores(app *wiring.App) string {
	var names []string
	for name := range app.Stores {
		if name != wiring.Logins {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
