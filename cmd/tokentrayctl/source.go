package main

import (
	"fmt"
	"slices"

	"tokentray/cmd/internal/transfer"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
)

// sourceOf is where an account lies, in a table.
func sourceOf(store string) string {
	if store == wiring.Logins {
		return "tool's login"
	}
	return store
}

// several reports whether the accounts lie in more than one store: only then
// tables have a column for it.
func several(stores []string) bool {
	return slices.ContainsFunc(stores, func(store string) bool { return store != stores[0] })
}

// checkStore checks the store that a new account is to go to; "" is that of
// the settings.
func checkStore(app *wiring.App, name string) error {
	if name == "" || name != wiring.Logins && app.Stores[name] != nil {
		return nil
	}
	return fault{exitUsage, fmt.Errorf("there is no store %q to add to: there are %s", engine.Clean(name), transfer.Stores(app))}
}
