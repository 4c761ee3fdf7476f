package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"tokentray/cmd/internal/browser"
	"tokentray/engine"
	"tokentray/engine/provider"
)

type loginCmd struct {
	Account   string `arg:"" optional:"" name:"account" help:"Name or id: sign in again in its place. Without one: a new account, with --provider and --name."`
	Provider  string `placeholder:"P" help:"${signin_providers}."`
	Name      string `placeholder:"N" help:"What the new account is to be called."`
	Client    string `placeholder:"C" help:"For gemini: gemini-cli (the default) or antigravity."`
	Proxy     string `placeholder:"URL" help:"Reach the provider through this proxy, now and later; - reads it from the first line of standard input."`
	Into      string `placeholder:"STORE" help:"embedded, relay, or relay:NAME has the new account; else the store of the settings."`
	NoBrowser bool   `help:"Only print the address."`

	oauthFlags
}

func (c *loginCmd) Help() string {
	return `Opens the provider's page in your browser. Claude's page shows a code to paste here. Gemini's and Codex's come
back by themselves; where the browser is on another machine, paste the address that it ended on. The account keeps its
name, proxy, settings and history.

Any other OAuth 2 provider is --provider generic. The client is one that you registered with it, for
http://127.0.0.1/callback. For example:

  tokentrayctl login --provider generic --name work --issuer https://as.example --client-id ID \
    --scopes "openid offline_access" --auth-param prompt=consent`
}

func (c *loginCmd) Run(s *session) error {
	usage := func(format string, args ...any) error { return fault{exitUsage, fmt.Errorf(format, args...)} }
	again := c.Account != ""
	if again == (c.Provider != "" || c.Name != "" || c.Client != "" || c.Proxy != "" || c.Into != "" || c.given()) {
		return usage("name an account to sign in again, or give --provider and --name for a new one")
	}
	app, _, done, err := s.open(false)
	if err != nil {
		return err
	}
	defer done()
	if err := checkStore(app, c.Into); err != nil {
		return err
	}
	n := engine.NewAccount{Store: c.Into, Provider: c.Provider, Client: c.Client}
	var account engine.Account
	var signIn *provider.SignIn
	if again {
		accounts, err := s.find(s.ctx, app.Engine, c.Account)
		if err != nil {
			return err
		}
		if account = accounts[0]; account.Problem != nil {
			return account.Problem
		}
		if signIn, err = app.StartSignInAgain(s.ctx, account.Key); err != nil {
			return err
		}
	} else {
		if n.Name, err = nameOf(c.Name); err != nil {
			return err
		}
		if c.Client != "" && (c.Provider != engine.Gemini || c.Client != engine.GeminiCLI && c.Client != engine.Antigravity) {
			return usage("--client is for gemini accounts: %s or %s", engine.GeminiCLI, engine.Antigravity)
		}
		if err := c.fits(c.Provider); err != nil {
			return err
		}
		if err := app.Keeps(c.Into, c.Provider); err != nil {
			return err
		}
		if c.Proxy != "" {
			if n.Proxy, err = s.proxy(c.Proxy); err != nil {
				return err
			}
		}
		if err := app.ScanStore(s.ctx, cmp.Or(c.Into, app.Main)); engine.KindOf(err) == engine.KindStore { // before a person goes to a browser for nothing
			return err
		}
		if n.OAuth, err = c.of(s, c.Provider); err != nil {
			return err
		}
		if signIn, err = app.StartSignIn(s.ctx, n); err != nil {
			return err
		}
	}
	defer signIn.Close()
	code, err := c.code(s, signIn)
	if err != nil {
		return fault{exitFail, err}
	}
	defer s.tell()
	if again {
		v, err := app.SignInAgain(s.ctx, signIn, code, account.Key)
		return c.end(s, "signed in again:", v.Account, err)
	}
	a, err := app.SignInNew(s.ctx, signIn, code, n)
	return c.end(s, "signed in:", a, err)
}

func (c *loginCmd) end(s *session, what string, a engine.Account, err error) error {
	if err != nil && engine.KindOf(err) != engine.KindStore {
		return fault{exitFail, err}
	}
	if err != nil {
		return err
	}
	return s.say(what, a)
}

// code shows the page and waits for the code: from the browser, or pasted.
func (c *loginCmd) code(s *session, signIn *provider.SignIn) (engine.Secret, error) {
	fmt.Fprintf(s.stderr, "Sign in at this address:\n\n")
	fmt.Fprintln(s.stdout, signIn.URL)
	fmt.Fprintln(s.stderr)
	if !c.NoBrowser {
		if err := browser.Open(signIn.URL); err != nil {
			fmt.Fprintln(s.stderr, "No browser could be opened: open it yourself.")
		}
	}
	terminal := s.atTerminal()
	type answer struct {
		code engine.Secret
		err  error
	}
	answers := make(chan answer, 2)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	if signIn.Shown() {
		fmt.Fprintln(s.stderr, "Paste the code that its page shows, then press Enter:")
	} else {
		if terminal {
			fmt.Fprintln(s.stderr, "Waiting for the browser. Is it on another machine? Then paste the address it ended on:")
		}
		go func() {
			code, err := signIn.Wait(ctx)
			answers <- answer{code, err}
		}()
	}
	go func() {
		in := bufio.NewReaderSize(s.stdin, maxInput) // a longer line is no code
		for {
			text, err := in.ReadSlice('\n')
			line := strings.TrimSpace(string(text))
			if err == io.EOF && line != "" {
				err = nil
			}
			if err != nil {
				if signIn.Shown() {
					answers <- answer{err: errors.New("no code was given: start again")}
				}
				return
			}
			code, err := signIn.Pasted(line)
			if err == nil || !terminal {
				answers <- answer{code, err}
				return
			}
			fmt.Fprintf(s.stderr, "%s. Try again:\n", engine.CleanLine(err.Error()))
		}
	}()
	select {
	case a := <-answers:
		return a.code, a.err
	case <-s.ctx.Done():
		return engine.Secret{}, errors.New("given up: nothing was changed")
	}
}
