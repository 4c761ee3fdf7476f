//go:build e2e

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tokentray/cmd/internal/desktop"
	"tokentray/engine"
	"tokentray/engine/provider/strict"
	"tokentray/engine/store/local"
)

// A token expired, and nothing but a person's wish has it tried again: Retry
// refreshes it, without a window.
func TestRetryFromTheNotification(t *testing.T) {
	home := t.TempDir()
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	login := provider.SignIn(engine.Claude, "")
	provider.Fail(engine.Claude, strict.Fault{Status: 401, Body: `{"error":"invalid_client"}`})
	store, err := local.Open(filepath.Join(home, "tokentray.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Add(context.Background(), engine.NewAccount{Provider: engine.Claude, Name: "stuck",
		RefreshToken: engine.NewSecret(login.Refresh), ExpiresAt: time.Now().Add(-time.Minute)}); err != nil {
		t.Fatal(err)
	}
	store.Close()
	if err := os.WriteFile(filepath.Join(home, "settings.json"), []byte(`{"`+ownHidden+`": "yes"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	button := filepath.Join(os.Getenv("TOKENTRAY_DESKTOP"), "button")
	before, err := os.ReadFile(button)
	if err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(button, before, 0o600)
	if err := os.WriteFile(button, []byte("Retry\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the desktop has a tray and notifications", func() bool {
		services := desktop.Look()
		return services.Tray && services.Notifications
	})
	do(t, "dunstctl", "close-all")
	app := exec.Command(os.Getenv("TOKENTRAY_BINARY"))
	app.Env = append(os.Environ(), "TOKENTRAY_HOME="+home, "ENABLE_PROACTIVE_TOKEN_REFRESH=true", "CLAUDE_TOKEN_URL="+provider.URL(engine.Claude))
	app.Stdout, app.Stderr = os.Stderr, os.Stderr
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	defer app.Wait()
	defer app.Process.Kill()

	until(t, "the expiry is told", func() bool { return len(provider.Requests()) == 1 && notifications(t) == "1" })
	again(t, "Retry refreshes it", func() { do(t, "dunstctl", "context") }, func() bool { return provider.Look(login).Exchanges == 1 })
	until(t, "its recovery is told", func() bool { return expiry(t, home, "stuck").After(time.Now()) && notifications(t) == "1" })
	if window() != "" {
		t.Error("a retry shows the window")
	}
	if l := provider.Look(login); l.Replays > 0 {
		t.Errorf("%d replays", l.Replays)
	}
}
