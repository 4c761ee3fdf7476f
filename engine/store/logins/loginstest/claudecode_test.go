package loginstest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tokentray/engine/store/logins/loginstest"
)

// signedIn is the folder of a Claude Code whose token expires then.
func signedIn(t *testing.T, expires time.Time) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), ".claude")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`{"claudeAiOauth":{"accessToken":"a0","refreshToken":"r0","expiresAt":%d,"subscriptionType":"max"}}`, expires.UnixMilli())
	if err := os.WriteFile(filepath.Join(folder, ".credentials.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// A token that is due is refreshed once, however many of the tool are at work.
func TestManyTools(t *testing.T) {
	folder := signedIn(t, time.Now())
	var mu sync.Mutex
	sent := 0
	refresh := func(_ context.Context, token string) (string, string, time.Duration, error) {
		mu.Lock()
		defer mu.Unlock()
		sent++
		if token != fmt.Sprintf("r%d", sent-1) {
			return "", "", 0, errors.New("used up")
		}
		return fmt.Sprintf("a%d", sent), fmt.Sprintf("r%d", sent), time.Hour, nil
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c := loginstest.ClaudeCode{Folder: folder, Refresh: refresh}
			if access, err := c.Use(t.Context()); err != nil || access != "a1" {
				t.Error(access, err)
			}
		})
	}
	wg.Wait()
	var file struct{ ClaudeAiOauth map[string]any }
	text, err := os.ReadFile(filepath.Join(folder, ".credentials.json"))
	if err = errors.Join(err, json.Unmarshal(text, &file)); err != nil || sent != 1 || file.ClaudeAiOauth["refreshToken"] != "r1" ||
		file.ClaudeAiOauth["subscriptionType"] != "max" {
		t.Errorf("%d sent, %s, %v", sent, text, err)
	}
	entries, _ := os.ReadDir(folder)
	if above, _ := os.ReadDir(filepath.Dir(folder)); len(entries) != 1 || len(above) != 1 {
		t.Error("a lock is left")
	}
}

// It waits for its locks, refreshes nothing without them, and takes over one
// that was left behind.
func TestItsLocks(t *testing.T) {
	folder := signedIn(t, time.Now())
	c := loginstest.ClaudeCode{Folder: folder, Patience: 100 * time.Millisecond, Refresh: func(context.Context, string) (string, string, time.Duration, error) {
		return "a1", "", time.Hour, nil
	}}
	for _, lock := range []string{filepath.Join(folder, ".oauth_refresh.lock"), folder + ".lock"} {
		if err := os.Mkdir(lock, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Use(t.Context()); !errors.Is(err, os.ErrExist) || !strings.Contains(err.Error(), lock) {
			t.Error(err)
		}
		long := time.Now().Add(-time.Minute)
		if err := os.Chtimes(lock, long, long); err != nil {
			t.Fatal(err)
		}
	}
	if access, err := c.Use(t.Context()); err != nil || access != "a1" {
		t.Error(access, err)
	}
}
