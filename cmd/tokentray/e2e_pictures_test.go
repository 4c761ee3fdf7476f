//go:build e2e

package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokentray/cmd/internal/language"
	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/settings"
	"tokentray/engine/store/local"
)

// TestPictures takes pictures of what the window shows, light and dark, in each
// language.
func TestPictures(t *testing.T) {
	if os.Getenv("TOKENTRAY_ALL_PICTURES") == "" {
		t.Skip("make pictures takes them, which lasts some minutes")
	}
	for _, theme := range []string{"light", "dark"} {
		for _, language := range language.All {
			t.Run(theme+" "+language.Code, func(t *testing.T) { pictures(t, theme, language.Name, language.Code) })
		}
	}
}

func pictures(t *testing.T, theme, language, code string) {
	home := filepath.Join(os.Getenv("TOKENTRAY_DESKTOP"), "pictures-"+theme+"-"+code)
	user := filepath.Join(home, "user")
	if err := os.MkdirAll(filepath.Join(user, ".claude"), 0o700); err != nil {
		t.Fatal(err)
	}
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	tool := provider.SignIn(engine.Claude, "")
	text, err := json.Marshal(map[string]any{"claudeAiOauth": map[string]any{"accessToken": tool.Access, "refreshToken": tool.Refresh,
		"expiresAt": time.Now().Add(5 * time.Hour).UnixMilli(), "scopes": []string{"user:inference"}}})
	if err == nil {
		err = os.WriteFile(filepath.Join(user, ".claude", ".credentials.json"), text, 0o600)
	}
	if err == nil {
		err = settings.Save(filepath.Join(home, "settings.json"), map[string]string{ownLanguage: language, ownTheme: theme})
	}
	if err != nil {
		t.Fatal(err)
	}
	start := func(more ...string) *exec.Cmd {
		t.Helper()
		until(t, "no other window is there", func() bool { return window() == "" })
		app := exec.Command(os.Getenv("TOKENTRAY_BINARY"))
		app.Env = append(os.Environ(), "TOKENTRAY_HOME="+home, "HOME="+user, "CLAUDE_TOKEN_URL="+provider.URL(engine.Claude),
			"CLAUDE_AUTHORIZE_URL="+provider.AuthorizeURLs()[engine.Claude], "PATH=/nowhere") // no browser
		app.Env = append(app.Env, more...)
		app.Stdout, app.Stderr = os.Stderr, os.Stderr
		if err := app.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { app.Process.Kill(); app.Wait() })
		until(t, "the window is there", func() bool { return window() != "" })
		do(t, "dunstctl", "close-all")
		do(t, "xdotool", "windowfocus", window())
		return app
	}
	name := func(state string) string { return state + "-" + theme + "-" + code }

	app := start()
	shown(t, name("first"))
	app.Process.Signal(os.Interrupt)
	app.Wait()

	store, err := local.Open(filepath.Join(home, "tokentray.db"))
	if err != nil {
		t.Fatal(err)
	}
	for account, left := range map[string]time.Duration{"work": 4 * time.Minute, "团队账户": 7 * time.Hour, "personal": 40 * time.Minute, "dead": -time.Minute} {
		login := provider.SignIn(engine.Claude, "")
		if _, err := store.Add(context.Background(), engine.NewAccount{Provider: engine.Claude, Name: account,
			RefreshToken: engine.NewSecret(login.Refresh), AccessToken: engine.NewSecret(login.Access), ExpiresAt: time.Now().Add(left)}); err != nil {
			t.Fatal(err)
		}
		if account == "dead" {
			provider.Kill(login)
		}
	}
	store.Close()
	app = start()
	shown(t, name("lazy"))
	app.Process.Signal(os.Interrupt)
	app.Wait()

	for _, dialog := range []struct{ state, key string }{{"attention", ""}, {"settings", "ctrl+comma"}, {"signin", "ctrl+g"}, {"edit", "ctrl+d"}, {"add", "ctrl+n"}} {
		app = start("ENABLE_PROACTIVE_TOKEN_REFRESH=true")
		until(t, "the dead login is found out", func() bool { return len(provider.Requests()) >= 2 })
		if dialog.key == "" {
			until(t, "the notification is shown", func() bool { return notifications(t) == "1" })
		}
		time.Sleep(time.Second) // only for the picture
		if dialog.key == "" {
			now(t, named("--class", "^Dunst$"), name("notification"))
		}
		do(t, "dunstctl", "close-all")
		if dialog.key != "" {
			do(t, "xdotool", "key", "--window", window(), dialog.key)
		}
		shown(t, name(dialog.state))
		app.Process.Signal(os.Interrupt)
		app.Wait()
		if (theme == "light") != (code == "en") { // the dialogs twice are enough
			break
		}
	}
}

// shown takes a picture of the window once it stands still and shows something.
func shown(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join(os.Getenv("TOKENTRAY_PICTURES"), name+".png")
	last := ""
	until(t, "the window stands still for "+name, func() bool {
		do(t, "dunstctl", "close-all") // one may come at any time, and would cover it
		out, err := exec.Command("import", "-window", window(), "-colors", "128", "-strip", "PNG8:"+path).CombinedOutput()
		if err != nil {
			t.Logf("%v: %s", err, out)
			return false
		}
		// Countdowns go on: but for a few digits nothing may differ.
		sum, _ := exec.Command("identify", "-format", "%k %[fx:int(1000*mean)]", path).Output()
		still := string(sum) == last && !strings.HasPrefix(string(sum), "1 ")
		last = string(sum)
		time.Sleep(400 * time.Millisecond)
		return still
	})
}
