package main

import (
	"os/exec"
	"testing"

	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/settings"
	"tokentray/ui/view"
)

func TestCure(t *testing.T) {
	set := settings.Settings{Relays: []settings.Relay{{Name: "team", File: "/c/relays/team.env"}}}
	of := func(store, provider, client string) engine.View {
		return engine.View{Account: engine.Account{Key: engine.Key{Store: store, Provider: provider, ID: "1"}, Name: "a b", Client: client}}
	}
	unreadable := of(wiring.Relay+":team", engine.Claude, "")
	unreadable.Problem = engine.Errorf(engine.KindUnreadable, "wrong key", nil)
	shared := of(wiring.Logins, engine.Claude, "")
	shared.Rival = engine.Rival{Key: engine.Key{Store: wiring.Relay, Provider: engine.Claude, ID: "2"}, Name: "b"}
	for _, test := range []struct {
		action view.Action
		v      engine.View
		want   string
	}{
		{view.ActionNone, of(wiring.Relay, engine.Claude, ""), "nothing to do but to wait"},
		{view.ActionSignIn, of(wiring.Relay, engine.Claude, ""), "tokentrayctl login 'a b'"},
		{view.ActionSignIn, of(wiring.Logins, engine.OpenAI, ""), "sign in with Codex again"},
		{view.ActionSignIn, of(wiring.Embedded, engine.Droid, ""), "sign in with the provider's own tool, then tokentrayctl add its refresh token under a new name"},
		{view.ActionProxy, of(wiring.Relay, engine.Claude, ""), "tokentrayctl edit 'a b' --proxy socks5://host:port (or --proxy - for one with a password)"},
		{view.ActionSettings, of(wiring.Relay, engine.Gemini, engine.GeminiCLI), "set GEMINI_OAUTH_CLIENT_SECRET, or install the Gemini CLI"},
		{view.ActionSettings, of(wiring.Relay, engine.Gemini, engine.Antigravity), "set ANTIGRAVITY_OAUTH_CLIENT_SECRET"},
		{view.ActionSettings, of(wiring.Relay, engine.OpenAI, ""), "set OPENAI_TOKEN_URL right, or not at all"},
		{view.ActionSettings, unreadable, "set ENCRYPTION_KEY in /c/relays/team.env as in the .env of that relay"},
		{view.ActionRetry, of(wiring.Relay, engine.Claude, ""), "tokentrayctl refresh 'a b'"},
		{view.ActionKeep, of(wiring.Logins, engine.Claude, ""), "tokentrayctl keep 'a b'"},
		{view.ActionRemove, of(wiring.Embedded, engine.Claude, ""), "tokentrayctl remove 'a b'"},
		{view.ActionRemove, shared, "tokentrayctl remove relay/claude:2"},
		{view.ActionClock, of(wiring.Relay, engine.Claude, ""), "set this machine's clock (NTP)"},
		{view.ActionFile, of(wiring.Logins, engine.Gemini, ""), "mend it, or sign in with Gemini CLI again"},
		{view.ActionReplace, of(wiring.Embedded, engine.Claude, ""), "tokentrayctl remove 'a b', then tokentrayctl login --provider claude --name 'a b'"},
		{view.ActionEnable, of(wiring.Relay, engine.Claude, ""), "tokentrayctl enable 'a b'"},
	} {
		if got := cure(test.action, test.v, test.v.Name, set); got != test.want {
			t.Errorf("%s of %s: %s, want %s", test.action, test.v.Store, got, test.want)
		}
	}
}

// A shell takes what is quoted for the word that it was.
func TestQuoted(t *testing.T) {
	for _, name := range []string{"work", "团队账户 🚀", "it's", "$(reboot)", "a;b", "`x`", "", "-f", "claude:1", "a*", `\`, `"`, "~", "#x", "a b  c"} {
		out, err := exec.Command("sh", "-c", "printf %s "+quoted(name)).Output()
		if err != nil || string(out) != name {
			t.Errorf("%q as %s is %q, %v", name, quoted(name), out, err)
		}
	}
}
