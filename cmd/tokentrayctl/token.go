package main

import (
	"fmt"

	"tokentray/engine"
)

type tokenCmd struct {
	Name string `arg:"" name:"account" help:"Name or id of the account."`
}

func (c *tokenCmd) Run(s *session) error {
	app, _, done, err := s.open(false)
	if err != nil {
		return err
	}
	defer done()
	accounts, err := s.find(app.Engine, c.Name)
	if err != nil {
		return err
	}
	a := accounts[0]
	access, err := app.ValidAccessToken(s.ctx, a.Key)
	if err == nil && access.Empty() {
		err = engine.Errorf(engine.KindUnreadable, "the account has no access token", nil)
	}
	if err != nil {
		if engine.KindOf(err) == engine.KindStore {
			return err
		}
		return fault{exitFail, fmt.Errorf("no token for %s (%s): %w%s", a.Name, engine.Clean(a.ID), err, advice(err))}
	}
	_, err = fmt.Fprintln(s.stdout, access.Reveal())
	return err
}

// advice completes an error by what to do about it, where the error itself
// does not say.
func advice(err error) string {
	switch engine.KindOf(err) {
	case engine.KindLoginDead:
		return ": sign in again where the account was made, or try once more with tokentrayctl refresh NAME"
	case engine.KindInactive:
		return ": switch it on where it is kept"
	case engine.KindNoRefreshToken:
		return " and its access token has expired: make a new one"
	case engine.KindTransient, engine.KindRateLimited:
		return ": try again later"
	}
	return ""
}
