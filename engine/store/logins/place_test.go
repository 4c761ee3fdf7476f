package logins

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tokentray/engine"
)

func TestFind(t *testing.T) {
	for name, test := range map[string]struct {
		system string
		env    map[string]string
		want   []string // name and path
	}{
		"as installed": {"linux", nil, []string{"claude-code /h/.claude/.credentials.json", "gemini-cli /h/.gemini/oauth_creds.json", "codex /h/.codex/auth.json"}},
		"elsewhere": {"linux", map[string]string{"CLAUDE_CONFIG_DIR": "/h/.claude-work", "CODEX_HOME": "/x/co\x1bdex/", "GEMINI_CLI_HOME": "/y"}, []string{
			"claude-code /h/.claude/.credentials.json", "claude-code .claude-work /h/.claude-work/.credentials.json",
			"gemini-cli /h/.gemini/oauth_creds.json", "gemini-cli .gemini /y/.gemini/oauth_creds.json",
			"codex /h/.codex/auth.json", "codex codex /x/co\x1bdex/auth.json"}},
		"the same": {"linux", map[string]string{"CLAUDE_CONFIG_DIR": "/h/.claude/", "GEMINI_CLI_HOME": "/h"}, []string{
			"claude-code /h/.claude/.credentials.json", "gemini-cli /h/.gemini/oauth_creds.json", "codex /h/.codex/auth.json"}},
		"macOS": {"darwin", map[string]string{"CLAUDE_CONFIG_DIR": "/w"}, []string{
			"claude-code keychain:Claude Code-credentials", "claude-code .claude /h/.claude/.credentials.json",
			"claude-code w keychain keychain:Claude Code-credentials-d1bb8ca3", "claude-code w /w/.credentials.json",
			"gemini-cli /h/.gemini/oauth_creds.json", "codex /h/.codex/auth.json"}},
	} {
		var got []string
		for _, s := range spots(find(test.system, "/h", func(name string) string { return test.env[name] }), systemKeychain) {
			got = append(got, s.name+" "+s.key.ID)
			if s.key.Provider != s.format.provider || s.Folder == "" {
				t.Errorf("%+v", s)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s:\n%s", name, strings.Join(got, "\n"))
		}
	}
	if places := Find("/h", func(string) string { return "" }); len(places) < 3 {
		t.Error(places)
	}
}

func TestRead(t *testing.T) {
	for tool, access := range map[string]string{claudeCode: "a", geminiCLI: "a", codex: jwt("a", before)} {
		f, _ := formatOf(tool)
		n, err := Read(tool, strings.NewReader(textOf(tool, "r", access, before, "")))
		if err != nil {
			t.Fatal(err)
		}
		if n.Provider != f.provider || n.Client != f.client || n.Name != "" || n.RefreshToken.Reveal() != "r" || n.AccessToken.Reveal() != access ||
			!n.ExpiresAt.Equal(before) {
			t.Errorf("%s: %+v", tool, n)
		}
	}
	for text, want := range map[string]string{
		"secret": "not whole JSON", `{"tokens":{"access_token":["secret"]}}`: "shape of a login", `{"OPENAI_API_KEY":"secret"}`: "sign in with codex",
		`{"tokens":{"access_token":"secret","access_token":"secret"}}`: "twice", strings.Repeat("secret", maxText/5): "larger than 1 MiB",
	} {
		if _, err := Read(codex, strings.NewReader(text)); engine.KindOf(err) != engine.KindUnreadable || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
	if _, err := Read("cursor", strings.NewReader("{}")); engine.KindOf(err) != engine.KindSettings {
		t.Error(err)
	}
}

func TestTwoFoldersAreTwoAccounts(t *testing.T) {
	h := newHome(t)
	work := filepath.Join(h.path, ".claude-work")
	s, err := Open(Config{Places: find("linux", h.path, func(name string) string {
		return map[string]string{"CLAUDE_CONFIG_DIR": work}[name]
	}), LockDir: filepath.Join(h.path, "locks")})
	if err != nil {
		t.Fatal(err)
	}
	h.put(t, claudeCode, textOf(claudeCode, "r", "a", before, ""))
	listing, err := s.List(t.Context())
	if err != nil || len(listing.Accounts) != 1 || listing.Accounts[0].Name != "claude-code" {
		t.Fatal(listing, err)
	}
	first, err := s.TryLock(t.Context(), h.key(claudeCode))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release(t.Context())
	// Nobody signed in there: there is no folder to lock.
	if _, err := s.TryLock(t.Context(), engine.Key{Provider: engine.Claude, ID: filepath.Join(work, ".credentials.json")}); engine.KindOf(err) != engine.KindNotFound {
		t.Error(err)
	}
}
