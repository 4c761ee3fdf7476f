package assets

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write en.json anew from the sources")

// spoken are texts that the sources name by a variable: statuses, outcomes,
// reasons, titles.
var spoken = []string{"disabled", "unreadable", "static", "failing", "expired", "expiring", "valid",
	"refreshed", "skipped", "failed",
	"Relay's Redis: host", "User", "TLS", "Webhook", "Chat services (shoutrrr URLs)", "The relay's own alert channels", "What is told", "Quiet hours", "Google client secret: Gemini CLI", "Google client secret: Antigravity",
	"a host name or address, without the port", "a port from 1 to 65535", "text without spaces", "text", "a database number from 0", "true or false", "an http or https URL",
	"shoutrrr URLs such as ntfy://ntfy.sh/topic, separated by spaces or commas (docs/ALERTS.md has examples)", "two times of the day, such as 22:00-07:00",
	"Claude Code's login (.credentials.json)", "Gemini CLI's login (oauth_creds.json)", "Codex's login (auth.json)", "A relay's export (JSON)", "Tokentray's export",
	"In a shell", "curl", "Claude Code, in ~/.claude/settings.json", "A status bar",
	"Personal", "Balanced", "High availability", "Thrifty",
	"A few accounts, few requests: nothing is refreshed by itself.", "Ordinary production; the guide recommends it.",
	"Many concurrent requests that may not wait.", "Occasional use, tight quotas.",
	"Theme", "Notifications", "Start hidden in the tray", "Redis commands a day that are allowed", "Language",
	"system", "light", "dark", "on", "off", "yes", "no", "true", "false", "set", "not set", "Rest while hidden", "auto"}

// Every text of the window, the tray and the notifications stands in every
// language's file, and no file has one that nobody says. What the engine and the
// stores say of a failure is shown as it is logged, in English.
func TestEveryTextIsThere(t *testing.T) {
	said := map[string]string{}
	for _, text := range spoken {
		said[text] = text
	}
	for _, pattern := range []string{"../ui/*.go", "../ui/view/*.go", "../engine/notify/*.go", "../cmd/tokentray/*.go"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if says(call.Fun) {
					for _, arg := range call.Args {
						if text := literal(arg); text != "" {
							said[text] = text
						}
					}
				}
				return true
			})
		}
	}
	// view.Summary's table.
	for _, status := range []string{"valid", "expiring", "expired", "static", "failing", "unreadable", "disabled"} {
		said["1 "+status], said["%d "+status] = "1 "+status, "%d "+status
	}
	said["1 needs login"], said["%d need login"] = "1 needs login", "%d need login"
	if *update {
		text, _ := json.MarshalIndent(said, "", "  ")
		if err := os.WriteFile("translations/en.json", append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	files, _ := filepath.Glob("translations/*.json")
	for _, file := range files {
		texts, err := Texts(strings.TrimSuffix(filepath.Base(file), ".json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range slices.Sorted(maps.Keys(said)) {
			if texts[key] == "" {
				t.Errorf("%s lacks %q", file, key)
			}
		}
		for key := range texts {
			if said[key] == "" {
				t.Errorf("%s has %q, which nobody says", file, key)
			}
		}
	}
	if len(files) == 0 {
		t.Error("no language")
	}
}

// says reports whether what is called translates its texts.
func says(called ast.Expr) bool {
	switch f := called.(type) {
	case *ast.SelectorExpr:
		return slices.Contains([]string{"Get", "Count", "Text"}, f.Sel.Name)
	case *ast.Ident:
		return f.Name == "item" // of the menu
	}
	return false
}

// literal is a text that stands in the source, in one piece or in several; ""
// where it does not.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, _ := strconv.Unquote(e.Value)
			return text
		}
	case *ast.BinaryExpr:
		if left, right := literal(e.X), literal(e.Y); left != "" && right != "" {
			return left + right
		}
	}
	return ""
}
