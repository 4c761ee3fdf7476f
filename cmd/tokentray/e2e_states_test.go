//go:build e2e

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tokentray/cmd/internal/language"
	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/settings"
	"tokentray/engine/store/local"
)

// TestStates takes pictures of what a window shows only at times: light in
// English and dark in Chinese.
func TestStates(t *testing.T) {
	if os.Getenv("TOKENTRAY_ALL_PICTURES") == "" {
		t.Skip("make pictures takes them, which lasts some minutes")
	}
	for i, theme := range []string{"light", "dark"} {
		language := language.All[i]
		t.Run(theme+" "+language.Code, func(t *testing.T) { states(t, theme, language.Name, language.Code) })
	}
}

func states(t *testing.T, theme, language, code string) {
	home := filepath.Join(os.Getenv("TOKENTRAY_DESKTOP"), "states-"+theme+"-"+code)
	user := filepath.Join(home, "user")
	if err := os.MkdirAll(user, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := settings.Save(filepath.Join(home, "settings.json"), map[string]string{ownLanguage: language, ownTheme: theme, "ENABLE_PROACTIVE_TOKEN_REFRESH": "true"}); err != nil {
		t.Fatal(err)
	}
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	start := func(more ...string) *exec.Cmd {
		t.Helper()
		until(t, "no other window is there", func() bool { return window() == "" })
		app := exec.Command(os.Getenv("TOKENTRAY_BINARY"))
		app.Env = append(append(os.Environ(), "TOKENTRAY_HOME="+home, "HOME="+user, "CLAUDE_TOKEN_URL="+provider.URL(engine.Claude), "PATH=/nowhere"), more...)
		app.Stdout, app.Stderr = os.Stderr, os.Stderr
		if err := app.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { app.Process.Kill(); app.Wait() })
		until(t, "the window is there", func() bool { return window() != "" })
		do(t, "xdotool", "windowfocus", window())
		time.Sleep(2 * time.Second) // the first frames: only for the picture
		return app
	}
	end := func(app *exec.Cmd) {
		app.Process.Signal(os.Interrupt)
		app.Wait()
	}
	press := func(keys ...string) { do(t, "xdotool", append([]string{"key", "--window", window()}, keys...)...) }
	name := func(state string) string { return state + "-" + theme + "-" + code }

	app := start()
	click(t, 560, 469) // See the demo
	time.Sleep(20 * time.Second)
	now(t, window(), name("demo"))
	end(app)

	store, err := local.Open(filepath.Join(home, "tokentray.db"))
	if err != nil {
		t.Fatal(err)
	}
	for account, left := range map[string]time.Duration{"work": 4 * time.Minute, "团队账户": 7 * time.Hour, "personal": 3 * time.Hour} {
		login := provider.SignIn(engine.Claude, "")
		if _, err := store.Add(context.Background(), engine.NewAccount{Provider: engine.Claude, Name: account,
			RefreshToken: engine.NewSecret(login.Refresh), AccessToken: engine.NewSecret(login.Access), ExpiresAt: time.Now().Add(left)}); err != nil {
			t.Fatal(err)
		}
	}
	store.Close()

	app = start("TOKEN_REFRESH_WINDOW=30") // half the life of what is refreshed
	until(t, "what is due is refreshed", func() bool { return len(provider.Requests()) == 1 })
	time.Sleep(6 * time.Second)
	shown(t, name("warnings"))
	end(app)

	app = start()
	press("ctrl+f")
	do(t, "xdotool", "type", "--window", window(), "nobody")
	shown(t, name("nohit"))
	press("Escape")
	press("ctrl+s")
	click(t, 14, 289) // the first row's box
	shown(t, name("select"))
	press("ctrl+s")

	provider.Fail(engine.Claude, strict.Fault{Delay: 4 * time.Second})
	asked := len(provider.Requests())
	click(t, 712, 289) // refresh the first
	until(t, "the provider is asked", func() bool { return len(provider.Requests()) > asked })
	now(t, window(), name("refreshing"))
	time.Sleep(5 * time.Second)
	now(t, window(), name("outcome"))

	// The tray's menu, and in it what an account's has.
	do(t, "xdotool", "mousemove", "1264", "785", "click", "3")
	time.Sleep(time.Second)
	do(t, "xdotool", "key", "--delay", "300", "Down", "Down", "Right", "Right")
	time.Sleep(time.Second)
	now(t, "root", name("tray"), "-crop", "760x340+520+460")
	do(t, "xdotool", "key", "Escape", "Escape", "Escape", "mousemove", "10", "10")

	do(t, "xdotool", "windowsize", window(), "560", "700")
	time.Sleep(time.Second)
	shown(t, name("narrow"))
	do(t, "xdotool", "windowsize", window(), "1120", "720")

	provider.Close()
	press("ctrl+Return")
	time.Sleep(4 * time.Second)
	do(t, "dunstctl", "close-all")
	shown(t, name("offline"))

	press("ctrl+l")
	var log string
	until(t, "the activity is there", func() bool {
		log = named("--name", "^(Activity|活动日志)$")
		return log != ""
	})
	time.Sleep(2 * time.Second)
	now(t, log, name("activity"))
	end(app)
}

// now takes a picture of a window as it is, which may move.
func now(t *testing.T, window, name string, more ...string) {
	t.Helper()
	do(t, "import", append(append([]string{"-window", window}, more...), "-colors", "128", "-strip", "PNG8:"+filepath.Join(os.Getenv("TOKENTRAY_PICTURES"), name+".png"))...)
}
