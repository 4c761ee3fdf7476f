//go:build e2e

package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tokentray/cmd/internal/desktop"
	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/local"
)

// A login has ended while the window is hidden: the notification's button opens
// the window on the sign-in, and the browser on the provider's page; with the
// code from there the account is well again. A click on what tells of that shows
// the window.
func TestSignInFromTheNotification(t *testing.T) {
	home := t.TempDir()
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	login := provider.SignIn(engine.Claude, "")
	provider.Kill(login)
	store, err := local.Open(filepath.Join(home, "tokentray.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dead", "fine"} {
		n := engine.NewAccount{Provider: engine.Claude, Name: name, RefreshToken: engine.NewSecret(login.Refresh), ExpiresAt: time.Now().Add(-time.Minute)}
		if name == "fine" {
			n.RefreshToken, n.ExpiresAt = engine.NewSecret(provider.SignIn(engine.Claude, "").Refresh), time.Now().Add(7*time.Hour)
		}
		if _, err := store.Add(context.Background(), n); err != nil {
			t.Fatal(err)
		}
	}
	store.Close()
	if err := os.WriteFile(filepath.Join(home, "settings.json"), []byte(`{"`+ownHidden+`": "yes"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "told-of-the-tray"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// The browser notes what it is to open.
	opened := filepath.Join(home, "opened")
	if err := os.WriteFile(filepath.Join(home, "xdg-open"), []byte("#!/bin/sh\necho \"$1\" >>'"+opened+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	until(t, "the desktop has a tray and notifications", func() bool {
		services := desktop.Look()
		return services.Tray && services.Notifications
	})
	do(t, "dunstctl", "close-all")
	app := exec.Command(os.Getenv("TOKENTRAY_BINARY"))
	app.Env = append(os.Environ(), "TOKENTRAY_HOME="+home, "PATH="+home+":"+os.Getenv("PATH"), "ENABLE_PROACTIVE_TOKEN_REFRESH=true", "FYNE_THEME=light",
		"CLAUDE_TOKEN_URL="+provider.URL(engine.Claude), "CLAUDE_AUTHORIZE_URL="+provider.AuthorizeURLs()[engine.Claude])
	app.Stdout, app.Stderr = os.Stderr, os.Stderr
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	defer app.Wait()
	defer app.Process.Kill()

	page := func() string {
		text, _ := os.ReadFile(opened)
		line, _, _ := strings.Cut(string(text), "\n")
		return line
	}
	shown := func() bool { return notifications(t) == "1" }
	until(t, "the notification is shown", shown)
	if window() != "" {
		t.Error("the window is not hidden")
	}
	again(t, "its button opens the browser", func() { do(t, "dunstctl", "context") }, func() bool { return page() != "" })
	until(t, "the window is there", func() bool { return window() != "" })

	resp, err := http.Get(page())
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	code := regexp.MustCompile(`<code>(.*)</code>`).FindSubmatch(body)
	if code == nil {
		t.Fatalf("%s: %s", page(), body)
	}
	again(t, "the account is well", func() {
		click(t, 520, 363) // where the code goes
		do(t, "xdotool", "key", "ctrl+a")
		do(t, "xdotool", "type", string(code[1]))
		do(t, "xdotool", "key", "Return")
	}, func() bool { return expiry(t, home, "dead").After(time.Now()) })
	again(t, "the window is hidden", func() { click(t, 1110, -10) }, func() bool { return window() == "" })
	until(t, "its recovery is told", shown)
	again(t, "a click on that shows the window", func() { do(t, "dunstctl", "action") }, func() bool { return window() != "" })
	if l := provider.Look(login); l.Exchanges+l.Replays > 0 {
		t.Errorf("of the old login: %+v", l)
	}
}
