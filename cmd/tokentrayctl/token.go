package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tokentray/cmd/internal/instance"
	"tokentray/engine"
)

type tokenCmd struct {
	Name string        `arg:"" name:"account" help:"Name or id of the account."`
	Wait time.Duration `placeholder:"DURATION" help:"Wait no longer than this, such as 500ms or 5s. A refresh under way is not given up by it."`
}

func (c *tokenCmd) Run(s *session) error {
	if c.Wait < 0 {
		return fault{exitUsage, fmt.Errorf("--wait is %v: it must be a time such as 500ms or 5s", c.Wait)}
	}
	ctx := s.ctx
	if c.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Wait)
		defer cancel()
	}
	set, err := s.settings()
	if err != nil {
		return err
	}
	if live := s.live(set); live != nil {
		a, access, err := live.Token(ctx, c.Name)
		if err != nil && ctx.Err() != nil {
			return c.late(s, "; a refresh under way is finished by the running instance")
		}
		if !errors.Is(err, instance.ErrAway) {
			return c.print(s, a, access, err)
		}
	}
	app, _, done, err := s.open(false)
	if err != nil {
		return err
	}
	defer done()
	var a engine.Account
	var access engine.Secret
	accounts, err := s.find(ctx, app.Engine, c.Name)
	if err == nil {
		a = accounts[0]
		access, err = app.ValidAccessToken(ctx, a.Key)
	}
	if err != nil && ctx.Err() != nil && s.ctx.Err() == nil {
		finishing := ""
		if names := app.InFlight(); len(names) > 0 {
			finishing = fmt.Sprintf("; finishing the refresh of %s first, so that no token is lost", strings.Join(names, ", "))
		}
		return c.late(s, finishing)
	}
	return c.print(s, a, access, err)
}

// late says that the wait is over, at once: what has to be finished before the
// program ends is finished after it.
func (c *tokenCmd) late(s *session, more string) error {
	why := fmt.Sprintf("within %v", c.Wait)
	if s.ctx.Err() != nil {
		why = "before the interrupt"
	}
	s.report(fmt.Errorf("no token for %s %s%s", engine.Clean(c.Name), why, more))
	return fault{exitFail, nil}
}

// print prints a's token, or tells why there is none. a has no id where it
// was not found.
func (c *tokenCmd) print(s *session, a engine.Account, access engine.Secret, err error) error {
	if err == nil && access.Empty() {
		err = engine.Errorf(engine.KindUnreadable, "the account has no access token", nil)
	}
	if err != nil {
		if a.ID == "" || engine.KindOf(err) == engine.KindStore {
			return err
		}
		return fault{exitFail, fmt.Errorf("no token for %s (%s): %w%s", a.Name, engine.Clean(a.ID), err, c.advice(err, a))}
	}
	_, err = fmt.Fprintln(s.stdout, access.Reveal())
	return err
}

// advice completes an error about an account by what to do about it, where the
// error itself does not say.
func (c *tokenCmd) advice(err error, a engine.Account) string {
	name := quoted(c.Name)
	switch engine.KindOf(err) {
	case engine.KindLoginDead:
		how := signInAgain(a, name)
		if !strings.HasPrefix(how, "tokentrayctl") {
			return ": " + how
		}
		if strings.HasSuffix(err.Error(), "sign in again") {
			return " with " + how
		}
		return ": sign in again with " + how
	case engine.KindInactive:
		return ": tokentrayctl enable " + name
	case engine.KindNoRefreshToken:
		return " and its access token has expired: " + signInAgain(a, name)
	case engine.KindObserved:
		return ", or use its own program: it has let the token expire"
	case engine.KindShared:
		return ": ask for that one's token, or remove one of the two"
	case engine.KindTransient, engine.KindRateLimited:
		return ": try again later"
	}
	return ""
}
