package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"tokentray/engine"
	"tokentray/ui"
)

// recipes give other programs the account's access token.
func recipes(v engine.View) []ui.Recipe {
	name := quoted(v)
	all := []ui.Recipe{
		{Title: "In a shell", Text: "TOKEN=$(tokentrayctl token " + name + ")"},
		{Title: "curl", Text: fmt.Sprintf(`curl -H "Authorization: Bearer $(tokentrayctl token %s)" %s`, name, example(v.Provider))},
	}
	switch v.Provider {
	case engine.Claude:
		all = append([]ui.Recipe{{Title: "Claude Code, in ~/.claude/settings.json", Text: fmt.Sprintf("{\n  \"apiKeyHelper\": \"tokentrayctl token %s\"\n}", escaped(name))}}, all...)
	}
	return append(all, ui.Recipe{Title: "A status bar", Text: "tokentrayctl status --short"})
}

// example is something to ask an account's provider.
func example(name string) string {
	switch name {
	case engine.Claude:
		return `-H "anthropic-version: 2023-06-01" -H "anthropic-beta: oauth-2025-04-20" https://api.anthropic.com/v1/models`
	case engine.Gemini:
		return "https://www.googleapis.com/oauth2/v3/tokeninfo"
	case engine.OpenAI:
		return "https://chatgpt.com/backend-api/codex/models"
	case engine.Droid:
		return "https://api.factory.ai/api/cli/whoami"
	}
	return "https://api.example.com/"
}

// quoted is the account as one word of a shell, and never taken for a flag.
func quoted(v engine.View) string {
	name := v.Name
	if strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("-_.", r) && (r < '0' || r > 'z' || r > '9' && r < 'A' || r > 'Z' && r < 'a')
	}) {
		name = "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	if strings.HasPrefix(v.Name, "-") {
		name = "-- " + name
	}
	return name
}

// escaped is text as it stands within a JSON string.
func escaped(text string) string {
	b, _ := json.Marshal(text)
	return string(b[1 : len(b)-1])
}
