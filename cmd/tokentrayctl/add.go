package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"tokentray/engine"
)

type addCmd struct {
	Provider string `required:"" placeholder:"P" help:"claude, gemini, openai or droid."`
	Name     string `required:"" placeholder:"N" help:"What the account is to be called."`
	Client   string `placeholder:"C" help:"For gemini: gemini-cli (the default) or antigravity."`
}

func (c *addCmd) Help() string {
	return `Reads from standard input a refresh token alone, or, where it begins with {, JSON with access_token,
refresh_token and expires_at (RFC 3339). Nothing of it is ever printed. For example:

  tokentrayctl add --provider claude --name work < refresh-token.txt`
}

// maxInput bounds what is read, in bytes: two tokens and some JSON.
const maxInput = 64 << 10

func (c *addCmd) Run(s *session) error {
	usage := func(format string, args ...any) error { return fault{exitUsage, fmt.Errorf(format, args...)} }
	name := engine.Clean(c.Name)
	if name == "" || name != strings.TrimSpace(c.Name) {
		return usage("--name must be one line of at most 200 characters, not empty")
	}
	if c.Client != "" && (c.Provider != engine.Gemini || c.Client != engine.GeminiCLI && c.Client != engine.Antigravity) {
		return usage("--client is for gemini accounts: %s or %s", engine.GeminiCLI, engine.Antigravity)
	}
	app, _, done, err := s.open(false)
	if err != nil {
		return err
	}
	defer done()
	if f, ok := s.stdin.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
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
	account.Provider, account.Name, account.Client = c.Provider, name, c.Client
	a, err := app.Add(s.ctx, account)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "added %s account %s (%s)\n", engine.ProviderTitle(a.Provider), a.Name, a.ID)
	return nil
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
	}
	if err := json.Unmarshal(input, &j); err != nil {
		return n, fmt.Errorf("standard input is not the JSON it should be: an object with access_token, refresh_token and expires_at (RFC 3339)")
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
