package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"tokentray/engine"
	"tokentray/engine/provider"
)

type addCmd struct {
	Provider string `required:"" placeholder:"P" help:"${providers}."`
	Name     string `required:"" placeholder:"N" help:"What the account is to be called."`
	Client   string `placeholder:"C" help:"For gemini: gemini-cli (the default) or antigravity."`
	Proxy    string `placeholder:"URL" help:"Reach the provider through socks5://, http:// or https://host:port. One with a password goes into the JSON."`
	Into     string `placeholder:"STORE" help:"embedded, relay, or relay:NAME; else the store of the settings."`

	oauthFlags
}

func (c *addCmd) Help() string {
	return `Reads from standard input a refresh token alone, or, where it begins with {, JSON with access_token,
refresh_token and expires_at (RFC 3339), and proxy (a URL, which may have a password). Nothing of it is ever printed.
For example:

  tokentrayctl add --provider claude --name work < refresh-token.txt
  tokentrayctl add --provider generic --name other --token-url https://as.example/token --client-id ID < refresh-token.txt

With --client-secret - the first line is the client's secret.`
}

func (c *addCmd) Run(s *session) error {
	usage := func(format string, args ...any) error { return fault{exitUsage, fmt.Errorf(format, args...)} }
	name, err := nameOf(c.Name)
	if err != nil {
		return err
	}
	if c.Client != "" && (c.Provider != engine.Gemini || c.Client != engine.GeminiCLI && c.Client != engine.Antigravity) {
		return usage("--client is for gemini accounts: %s or %s", engine.GeminiCLI, engine.Antigravity)
	}
	if err := c.fits(c.Provider); err != nil {
		return err
	}
	var proxy engine.Secret
	switch c.Proxy {
	case "":
	case "-":
		return usage("standard input has the refresh token: give a proxy with a password in the JSON, as \"proxy\", or afterwards to tokentrayctl edit %s --proxy -", quoted(name))
	default:
		if proxy, err = s.proxy(c.Proxy); err != nil {
			return err
		}
	}
	app, _, done, err := s.open(false)
	if err != nil {
		return err
	}
	defer done()
	if err := checkStore(app, c.Into); err != nil {
		return err
	}
	if err := app.Keeps(c.Into, c.Provider); err != nil {
		return err
	}
	oauth, err := c.of(s, c.Provider)
	if err != nil {
		return err
	}
	if s.atTerminal() {
		fmt.Fprintln(s.stderr, "Paste the refresh token, or the JSON, then press Ctrl-D on a new line:")
	}
	input, err := io.ReadAll(io.LimitReader(s.stdin, maxInput+1))
	if err != nil {
		return usage("standard input cannot be read: %v", err)
	}
	account, err := parseAccount(input)
	if err != nil {
		return fault{exitUsage, err}
	}
	account.Store, account.Provider, account.Name, account.Client = c.Into, c.Provider, name, c.Client
	if c.Proxy != "" {
		account.Proxy = proxy
	}
	if c.Provider == engine.Generic {
		if account.OAuth, err = app.Discovered(s.ctx, oauth, account.Proxy); err != nil {
			return err
		}
	}
	a, err := app.Add(s.ctx, account)
	if err != nil {
		return err
	}
	defer s.tell()
	return s.say("added", a)
}

// parseAccount reads a refresh token, or a JSON object with both tokens. Its
// errors quote nothing of the input.
func parseAccount(input []byte) (engine.NewAccount, error) {
	var n engine.NewAccount
	if len(input) > maxInput {
		return n, fmt.Errorf("standard input is larger than %d KiB: give one refresh token, or JSON", maxInput>>10)
	}
	input = bytes.TrimSpace(input)
	if len(input) == 0 {
		return n, fmt.Errorf("standard input is empty: pipe the refresh token into it, for example: tokentrayctl add … < file")
	}
	if input[0] != '{' {
		n.RefreshToken = engine.NewSecret(string(input))
		return n, checkToken("the refresh token", n.RefreshToken)
	}
	var j struct {
		AccessToken  string    `json:"access_token"`
		RefreshToken string    `json:"refresh_token"`
		ExpiresAt    time.Time `json:"expires_at"`
		Proxy        string    `json:"proxy"`
	}
	if err := json.Unmarshal(input, &j); err != nil {
		return n, fmt.Errorf("standard input is not the JSON it should be: an object with access_token, refresh_token and expires_at (RFC 3339)") // err may quote a token
	}
	n.AccessToken, n.RefreshToken, n.ExpiresAt = engine.NewSecret(j.AccessToken), engine.NewSecret(j.RefreshToken), j.ExpiresAt.UTC()
	switch {
	case j.AccessToken == "" && j.RefreshToken == "":
		return n, fmt.Errorf("the JSON has neither an access_token nor a refresh_token")
	case j.AccessToken != "" && (j.ExpiresAt.IsZero() || j.ExpiresAt.Year() < 1970 || j.ExpiresAt.Year() > 9999):
		return n, fmt.Errorf("the JSON has an access_token and no usable expires_at: give it in RFC 3339, such as 2026-01-02T15:04:05Z")
	case j.AccessToken == "":
		n.ExpiresAt = time.Time{}
	}
	proxy, err := provider.ParseProxy(j.Proxy)
	if err != nil {
		return n, fmt.Errorf("the JSON's proxy: %w", err)
	}
	n.Proxy = proxy
	for what, token := range map[string]engine.Secret{"access_token": n.AccessToken, "refresh_token": n.RefreshToken} {
		if !token.Empty() {
			if err := checkToken("the "+what, token); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func checkToken(what string, token engine.Secret) error {
	text := token.Reveal()
	if len(text) > 16<<10 {
		return fmt.Errorf("%s is longer than 16 KiB", what)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' }) {
		return fmt.Errorf("%s must be printable ASCII without spaces: one token and nothing else", what)
	}
	return nil
}
