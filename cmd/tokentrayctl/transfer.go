package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"tokentray/cmd/internal/transfer"
	"tokentray/engine"
	"tokentray/engine/bundle"
	"tokentray/engine/settings"
)

// passphraseVariable is where a passphrase comes from when nobody can type it.
const passphraseVariable = "TOKENTRAY_PASSPHRASE"

type importCmd struct {
	From string `required:"" enum:"claude-code,gemini-cli,codex,relay-json,tokentray" placeholder:"WHAT" help:"What the file is: claude-code, gemini-cli, codex (a tool's login), relay-json (a relay's export or dump), tokentray (of export)."`
	File string `arg:"" help:"The file; - is standard input."`
	Name string `placeholder:"N" help:"What a tool's login is to be called; else the tool's name."`
	Into string `placeholder:"STORE" help:"embedded, relay, or relay:NAME; else the store of the settings."`
}

func (c *importCmd) Help() string {
	return `A relay's file is read with ENCRYPTION_KEY; an export with the passphrase that is asked for, or is in
` + passphraseVariable + `. A refresh token is good once: where its first place is used on, both fight over it.`
}

func (c *importCmd) Run(s *session) error {
	set, err := s.settings()
	if err != nil {
		return err
	}
	accounts, problems := c.read(s, set)
	switch {
	case len(accounts) == 0 && problems != nil:
		return fault{exitUsage, problems}
	case len(accounts) == 0:
		return fault{exitFail, errors.New("there are no accounts in the file: nothing was imported")}
	case c.Name != "" && len(accounts) > 1:
		return fault{exitUsage, fmt.Errorf("--name is for one account alone, and the file has %d", len(accounts))}
	}
	code := exitDone
	if problems != nil {
		code = s.report(problems)
	}
	app, _, done, err := s.open(false)
	if err != nil {
		return err
	}
	defer done()
	if err := checkStore(app, c.Into); err != nil {
		return err
	}
	for i := range accounts {
		accounts[i].Store = c.Into
	}
	added, err := transfer.Add(s.ctx, app, accounts)
	for _, a := range added {
		s.say("imported", a)
	}
	if err != nil {
		code = max(code, s.report(err))
	}
	s.tell()
	app.Scan(s.ctx)
	for _, text := range transfer.Shared(app) {
		fmt.Fprintf(s.stderr, "tokentrayctl: %s\n", engine.CleanLine(text))
	}
	if code != exitDone {
		return fault{code, nil}
	}
	return nil
}

// read returns what could be read of the file, beside what could not.
func (c *importCmd) read(s *session, set settings.Settings) (accounts []engine.NewAccount, err error) {
	in := s.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	var passphrase engine.Secret
	if c.From == transfer.Tokentray {
		if passphrase, err = s.passphrase(false); err != nil {
			return nil, err
		}
	}
	accounts, err = transfer.Read(c.From, in, set.EncryptionKey, passphrase)
	if c.Name != "" && len(accounts) == 1 {
		if accounts[0].Name, err = nameOf(c.Name); err != nil {
			return nil, err
		}
	}
	return accounts, err
}

type exportCmd struct {
	Names  []string `arg:"" optional:"" name:"account" help:"Names or ids; without any, all accounts but the tools' own logins."`
	Output string   `short:"o" placeholder:"FILE" help:"Write to this file, which must not be there yet; else to standard output."`
}

func (c *exportCmd) Help() string {
	return `Encrypted by age under a passphrase, which is asked for, or is in ` + passphraseVariable + `; age -d reads it too.
A refresh token is good once: an export is for moving accounts. Once they are used in the new place, the old one has
lost them.`
}

func (c *exportCmd) Run(s *session) error {
	app, _, done, err := s.open(false)
	if err != nil {
		return err
	}
	defer done()
	var named []engine.Account
	if len(c.Names) > 0 {
		if named, err = s.find(s.ctx, app.Engine, c.Names...); err != nil {
			return err
		}
	}
	accounts, err := transfer.Collect(s.ctx, app, named)
	if err != nil {
		return err
	}
	if len(accounts) == 0 {
		return fault{exitFail, errors.New("there is nothing to export: of a tool's own logins none is, unless it is named")}
	}
	passphrase, err := s.passphrase(true)
	if err != nil {
		return err
	}
	if c.Output != "" {
		err = transfer.WriteFile(c.Output, accounts, passphrase)
	} else {
		err = bundle.Export(s.stdout, accounts, passphrase)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "exported %s\n", english.Count(len(accounts), "1 account", "%d accounts"))
	return nil
}

// passphrase asks for one on the terminal, twice where it is new.
func (s *session) passphrase(isNew bool) (engine.Secret, error) {
	if text := os.Getenv(passphraseVariable); text != "" {
		return engine.NewSecret(text), nil
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0) // standard input may be the file
	if err != nil {
		return engine.Secret{}, fault{exitUsage, errors.New("nobody is here to type a passphrase: set " + passphraseVariable)}
	}
	defer tty.Close()
	ask := func(what string) (string, error) {
		fmt.Fprint(tty, what+": ")
		defer fmt.Fprintln(tty)
		text, err := term.ReadPassword(int(tty.Fd()))
		return string(text), err
	}
	first, err := ask("Passphrase")
	if err == nil && isNew {
		var again string
		if again, err = ask("Once more"); err == nil && first != again {
			err = fault{exitUsage, errors.New("the two passphrases differ: nothing was exported")}
		}
	}
	return engine.NewSecret(first), err
}
