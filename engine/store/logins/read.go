package logins

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"tokentray/engine"
)

// Read reads the login file of a tool, "claude-code", "gemini-cli" or "codex",
// for adding it to another store; Name is left empty. Its errors, of
// KindSettings for a tool that is not known and KindUnreadable for the rest,
// show nothing of what the file holds.
func Read(tool string, r io.Reader) (engine.NewAccount, error) {
	f, ok := formatOf(tool)
	if !ok {
		return engine.NewAccount{}, engine.Errorf(engine.KindSettings,
			fmt.Sprintf("no tool named %q is known: it is one of %s, %s, %s", engine.Clean(tool), claudeCode, geminiCLI, codex), nil)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err != nil {
		return engine.NewAccount{}, engine.Errorf(engine.KindUnreadable, "the login of "+tool+" cannot be read", err)
	}
	what := error(tooLong)
	if len(text) <= maxText {
		l, there, err := f.parse(text)
		switch what = err; {
		case err == nil && there:
			return engine.NewAccount{Provider: f.provider, Client: f.client, RefreshToken: engine.NewSecret(l.refresh),
				AccessToken: engine.NewSecret(l.access), ExpiresAt: l.expires, Scopes: strings.Join(l.scopes, " "), IDToken: engine.NewSecret(l.id)}, nil
		case err == nil:
			what = errors.New("holds no login with a token to refresh: sign in with " + tool + " first")
		}
	}
	return engine.NewAccount{}, engine.Errorf(engine.KindUnreadable, fmt.Sprintf("the login file of %s %s", tool, what), nil)
}
