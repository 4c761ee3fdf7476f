package main

import (
	"errors"
	"slices"
	"strings"

	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/settings"
	"tokentray/ui/view"
)

// wrongValue says of a value that was typed what it must be, as err does for the
// log.
func wrongValue(t view.Texts, name string, err error) error {
	specs := settings.Specs()
	i := slices.IndexFunc(specs, func(s settings.Spec) bool { return s.Name == name })
	if i >= 0 && strings.HasSuffix(err.Error(), ": it must be "+specs[i].Allowed) {
		return errors.New(t.Get("It must be %s.", t.Get(specs[i].Allowed)))
	}
	return errors.New(strings.Replace(err.Error(), " from environment", "", 1))
}

// placeOf says which store has the account and where that is; name is what it is
// called in the log.
func placeOf(t view.Texts, key engine.Key, name, database string) string {
	if key.Store == wiring.Embedded {
		return t.Get("the embedded store %s", database)
	}
	if at, redis := strings.CutPrefix(name, "Redis at "); redis {
		return t.Get("Redis at %s", at)
	}
	return name
}
