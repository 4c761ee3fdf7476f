package main

import (
	"fmt"
	"slices"
	"strings"

	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/provider"
	"tokentray/engine/settings"
	"tokentray/ui/view"
)

// cure is an action in words for a terminal: a command to type, or what to do
// where none does it. name is what the account is called in commands.
func cure(action view.Action, v engine.View, name string, set settings.Settings) string {
	name = quoted(name)
	switch action {
	case view.ActionSignIn:
		return signInAgain(v.Account, name)
	case view.ActionProxy:
		return fmt.Sprintf("tokentrayctl edit %s --proxy socks5://host:port (or --proxy - for one with a password)", name)
	case view.ActionSettings:
		return settingOf(v, set)
	case view.ActionClient:
		return fmt.Sprintf("tokentrayctl edit %s --client-secret - (or --client-id, --token-url, --auth-style)", name)
	case view.ActionRetry:
		return "tokentrayctl refresh " + name
	case view.ActionKeep:
		return "tokentrayctl keep " + name
	case view.ActionRemove:
		if v.Store == wiring.Logins {
			return "tokentrayctl remove " + quoted(v.Rival.Store+"/"+v.Rival.Key.String())
		}
		return "tokentrayctl remove " + name
	case view.ActionClock:
		return "set this machine's clock (NTP)"
	case view.ActionFile:
		return "mend it, or sign in with " + toolOf(v.Account) + " again"
	case view.ActionReplace:
		return fmt.Sprintf("tokentrayctl remove %s, then tokentrayctl login --provider %s --name %s", name, v.Provider, quoted(v.Name))
	case view.ActionEnable:
		return "tokentrayctl enable " + name
	}
	return "nothing to do but to wait"
}

// signInAgain is how a person gets a new login in the account's place.
func signInAgain(a engine.Account, name string) string {
	switch {
	case a.Store == wiring.Logins:
		return "sign in with " + toolOf(a) + " again"
	case !signsIn(a.Provider):
		return "sign in with the provider's own tool, then tokentrayctl add its refresh token under a new name"
	}
	return "tokentrayctl login " + name
}

// signsIn reports whether people sign in to a provider from here.
func signsIn(name string) bool {
	return name == engine.Generic || slices.ContainsFunc(provider.All(), func(k provider.Known) bool { return k.Name == name && k.SignsIn })
}

// toolOf is the program whose login the account is.
func toolOf(a engine.Account) string {
	switch a.Provider {
	case engine.Claude:
		return "Claude Code"
	case engine.Gemini:
		return "Gemini CLI"
	case engine.OpenAI:
		return "Codex"
	}
	return "its tool"
}

// settingOf names what an account's trouble with settings is about.
func settingOf(v engine.View, set settings.Settings) string {
	if v.Problem != nil { // it cannot be decrypted
		for _, r := range set.Relays {
			if v.Store == wiring.Relay+":"+r.Name {
				return "set ENCRYPTION_KEY in " + r.File + " as in the .env of that relay"
			}
		}
		return "set ENCRYPTION_KEY as in the .env of the relay"
	}
	switch {
	case v.Client == engine.Antigravity:
		return "set ANTIGRAVITY_OAUTH_CLIENT_SECRET"
	case v.Provider == engine.Gemini:
		return "set GEMINI_OAUTH_CLIENT_SECRET, or install the Gemini CLI"
	}
	return "set " + strings.ToUpper(v.Provider) + "_TOKEN_URL right, or not at all"
}

// nameOn is what an account is called in commands: its name, or as much more
// as tells it from the others.
func nameOn(v engine.View, views []engine.View) string {
	accounts := make([]engine.Account, 0, len(views))
	for _, o := range views {
		accounts = append(accounts, o.Account)
	}
	for _, name := range []string{v.Name, v.Key.String()} {
		if len(engine.Match(accounts, name)) == 1 {
			return name
		}
	}
	return v.Store + "/" + v.Key.String()
}

// quoted is text as a shell takes it for one word.
func quoted(text string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r > 127 || strings.ContainsRune("-._:/@+", r)
	}
	if text != "" && text[0] != '-' && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
