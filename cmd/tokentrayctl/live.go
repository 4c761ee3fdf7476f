package main

import (
	"errors"

	"tokentray/cmd/internal/instance"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/settings"
)

// policyFlags decide how a command judges what is due: who gives one does not
// want a running instance's policy.
var policyFlags = []string{"ENABLE_PROACTIVE_TOKEN_REFRESH", "TOKEN_REFRESH_INTERVAL", "TOKEN_REFRESH_WINDOW"}

// live is the running instance to ask first; nil where the person wants to
// work directly. It may be away: instance.ErrAway.
func (s *session) live(set settings.Settings) *instance.Client {
	if s.cli.Direct {
		return nil
	}
	for _, name := range policyFlags {
		if _, given := s.flags[name]; given {
			return nil
		}
	}
	return instance.NewClient(set.Paths.Data, wiring.Identity(set))
}

// look reads all accounts, by the running instance or directly. Problems that
// hid some of them are said. A store that is away is an error, unless the
// instance knows the accounts from before.
func (s *session) look() (seen instance.Snapshot, err error) {
	set, err := s.settings()
	if err != nil {
		return seen, err
	}
	err = instance.ErrAway
	if live := s.live(set); live != nil {
		seen, err = live.Snapshot(s.ctx)
	}
	if errors.Is(err, instance.ErrAway) {
		seen, err = s.lookDirectly()
	}
	switch {
	case err != nil:
		return seen, err
	case engine.KindOf(seen.Problems) == engine.KindStore && len(seen.Views) == 0:
		return seen, seen.Problems
	case seen.Problems != nil && engine.KindOf(seen.Problems) != engine.KindStore:
		s.report(seen.Problems)
	}
	return seen, nil
}

func (s *session) lookDirectly() (instance.Snapshot, error) {
	app, _, done, err := s.open(false)
	if err != nil {
		return instance.Snapshot{}, err
	}
	defer done()
	problems := app.Scan(s.ctx)
	return instance.Snapshot{Views: app.Snapshot(), Policy: app.Policy(), Store: app.Store.Name(), Problems: problems}, nil
}
