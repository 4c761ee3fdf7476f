package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
)

type editCmd struct {
	Names     []string `arg:"" name:"account" help:"Names or ids of the accounts."`
	Name      *string  `placeholder:"N" help:"Call the one account so."`
	Proxy     *string  `placeholder:"URL" help:"Reach the provider through socks5://, http:// or https://host:port; none for no proxy of its own; - reads it from standard input, for one with a password."`
	Proactive string   `enum:",true,false" default:"" placeholder:"BOOL" help:"Whether it is refreshed ahead of expiry in proactive mode: true, the default, or false."`
	IdleDays  *int     `placeholder:"DAYS" help:"Not ahead of expiry while it has not been used for so many days; 0: always."`
	Muted     string   `enum:",true,false" default:"" placeholder:"BOOL" help:"Whether its alerts are told to nobody: true, or false, the default."`

	oauthFlags
}

func (c *editCmd) Help() string {
	return `Name and proxy lie with the account, for everybody who shares its store. The others are this machine's own.`
}

func (c *editCmd) Run(s *session) error {
	usage := func(format string, args ...any) error { return fault{exitUsage, fmt.Errorf(format, args...)} }
	if c.Name == nil && c.Proxy == nil && c.Proactive == "" && c.IdleDays == nil && c.Muted == "" && !c.given() {
		return usage("nothing to change: give --name, --proxy, --proactive, --idle-days or --muted, or of a generic account --client-secret and the like")
	}
	if c.Name != nil && len(c.Names) > 1 {
		return usage("--name is for one account alone")
	}
	if c.given() && len(c.Names) > 1 {
		return usage("--client-secret and the like are for one account alone")
	}
	if c.IdleDays != nil && (*c.IdleDays < 0 || *c.IdleDays > 3650) {
		return usage("--idle-days must be from 0 to 3650")
	}
	edit := engine.Edit{}
	if c.Name != nil {
		name, err := nameOf(*c.Name)
		if err != nil {
			return err
		}
		edit.Name = &name
	}
	if c.Proxy != nil {
		proxy, err := s.proxy(*c.Proxy)
		if err != nil {
			return err
		}
		edit.Proxy = &proxy
	}
	return s.each(c.Names, func(app *wiring.App, a engine.Account) error {
		if c.given() {
			if err := s.reclient(app, a.Key, c.oauthFlags); err != nil {
				return err
			}
		}
		if edit != (engine.Edit{}) {
			if _, err := app.Edit(s.ctx, a.Key, edit); err != nil {
				return err
			}
		}
		if c.Proactive != "" || c.IdleDays != nil || c.Muted != "" {
			if err := app.Choose(s.ctx, func(choice *engine.Choice) {
				if c.Proactive != "" {
					choice.Lazy = c.Proactive == "false"
				}
				if c.IdleDays != nil {
					choice.IdleDays = *c.IdleDays
				}
				if c.Muted != "" {
					choice.Muted = c.Muted == "true"
				}
			}, a.Key); err != nil {
				return err
			}
		}
		return s.say("changed", a)
	})
}

func nameOf(text string) (string, error) {
	name := engine.Clean(text)
	if name == "" || name != strings.TrimSpace(text) {
		return "", fault{exitUsage, fmt.Errorf("--name must be one line of at most 200 characters, not empty")}
	}
	return name, nil
}

// each does something with each of the accounts named. What fails stops nothing
// else.
func (s *session) each(names []string, do func(*wiring.App, engine.Account) error) error {
	app, _, done, err := s.open(false)
	if err != nil {
		return err
	}
	defer done()
	accounts, err := s.find(s.ctx, app.Engine, names...)
	if err != nil {
		return err
	}
	code := exitDone
	defer s.tell()
	for _, a := range accounts {
		if err := do(app, a); err != nil {
			f, ok := errors.AsType[fault](err)
			if ok {
				err = f.err
			}
			named := fmt.Errorf("%s (%s): %w", a.Name, engine.Clean(a.ID), err)
			if err = named; ok {
				err = fault{f.code, named}
			}
			code = max(code, s.report(err))
		}
	}
	if code != exitDone {
		return fault{code, nil}
	}
	return nil
}

func (s *session) say(what string, a engine.Account) error {
	_, err := fmt.Fprintf(s.stdout, "%s %s account %s (%s)\n", what, engine.ProviderTitle(a.Provider), a.Name, engine.Clean(a.ID))
	return err
}

type enableCmd struct {
	Names []string `arg:"" name:"account" help:"Names or ids of the accounts."`
}

func (c *enableCmd) Run(s *session) error { return s.switchTo(true, c.Names) }

type disableCmd struct {
	Names []string `arg:"" name:"account" help:"Names or ids of the accounts."`
}

func (c *disableCmd) Run(s *session) error { return s.switchTo(false, c.Names) }

func (s *session) switchTo(active bool, names []string) error {
	return s.each(names, func(app *wiring.App, a engine.Account) error {
		if _, err := app.Edit(s.ctx, a.Key, engine.Edit{Active: &active}); err != nil {
			return err
		}
		return s.say(map[bool]string{true: "enabled", false: "disabled"}[active], a)
	})
}

type keepCmd struct {
	Names []string `arg:"" name:"account" help:"Names or ids of logins that tools keep on this machine."`
	Off   bool     `help:"Only observe them again."`
}

func (c *keepCmd) Help() string {
	return `The logins of Claude Code, Gemini CLI and Codex are found by themselves and only observed. What is kept is
refreshed like any account, and stored in the tool's own file. The tool goes on as ever.`
}

func (c *keepCmd) Run(s *session) error {
	return s.each(c.Names, func(app *wiring.App, a engine.Account) error {
		if !a.Observed {
			return fault{exitUsage, fmt.Errorf("it is no other program's login, and is kept fresh already")}
		}
		if err := app.Choose(s.ctx, func(choice *engine.Choice) { choice.Keep = !c.Off }, a.Key); err != nil {
			return err
		}
		return s.say(map[bool]string{true: "only observing", false: "keeping fresh"}[c.Off], a)
	})
}

type removeCmd struct {
	Names []string `arg:"" name:"account" help:"Names or ids of the accounts."`
	Yes   bool     `short:"y" help:"Do not ask."`
}

func (c *removeCmd) Help() string {
	return `Its tokens are deleted from the store, also for everybody who shares it. The provider is not told: to end the
login itself, sign out there.`
}

func (c *removeCmd) Run(s *session) error {
	asked := bufio.NewReader(s.stdin)
	if !c.Yes && !s.atTerminal() {
		return fault{exitUsage, fmt.Errorf("nobody is here to be asked: give --yes to remove without a question")}
	}
	return s.each(c.Names, func(app *wiring.App, a engine.Account) error {
		if !c.Yes {
			fmt.Fprintf(s.stderr, "Remove the %s account %s (%s) from %s, its tokens included? [y/N] ", engine.ProviderTitle(a.Provider), a.Name,
				engine.Clean(a.ID), app.Stores[a.Store].Name())
			answer, err := asked.ReadString('\n')
			if answer = strings.ToLower(strings.TrimSpace(answer)); err != nil || answer != "y" && answer != "yes" {
				return fault{exitFail, fmt.Errorf("left as it is")}
			}
		}
		if err := app.Remove(s.ctx, a.Key); err != nil {
			return err
		}
		return s.say("removed", a)
	})
}
