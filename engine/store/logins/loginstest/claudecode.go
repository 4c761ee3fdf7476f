// Package loginstest plays the tools whose logins lie on a machine, for tests.
package loginstest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ClaudeCode is a running Claude Code, as far as its login goes: it takes its
// two locks, looks again, refreshes what is due, and writes its file in place.
type ClaudeCode struct {
	Folder string // such as ~/.claude, with .credentials.json in it
	// Refresh is the exchange with the provider.
	Refresh func(ctx context.Context, refreshToken string) (access, refresh string, expiresIn time.Duration, err error)
	// Skew is how long before its expiry a token is due; 0: 5 minutes.
	Skew time.Duration
	// Patience is how long it waits for its locks; 0: 10 seconds.
	Patience time.Duration
}

const (
	touchEvery = 5 * time.Second
	staleAfter = 10 * time.Second
)

// Use returns an access token that is not due, refreshing it where need be.
func (c *ClaudeCode) Use(ctx context.Context) (access string, err error) {
	_, l, err := c.read()
	if err == nil && !c.due(l) {
		return l.access, nil
	}
	// What cannot be read may be half written: under the locks it is whole.
	release, err := c.lock(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, release()) }()
	file, l, err := c.read()
	if err != nil {
		return "", err
	}
	if !c.due(l) { // another refreshed it meanwhile
		return l.access, nil
	}
	access, refresh, expiresIn, err := c.Refresh(ctx, l.refresh)
	if err != nil {
		return "", err
	}
	if refresh == "" {
		refresh = l.refresh
	}
	oauth := file["claudeAiOauth"].(map[string]any)
	oauth["accessToken"], oauth["refreshToken"], oauth["expiresAt"] = access, refresh, time.Now().Add(expiresIn).UnixMilli()
	text, err := json.Marshal(file)
	if err != nil {
		return "", err
	}
	return access, os.WriteFile(c.path(), text, 0o600)
}

func (c *ClaudeCode) path() string { return filepath.Join(c.Folder, ".credentials.json") }

type login struct {
	access, refresh string
	expires         time.Time
}

func (c *ClaudeCode) due(l login) bool {
	skew := c.Skew
	if skew == 0 {
		skew = 5 * time.Minute
	}
	return !time.Now().Add(skew).Before(l.expires)
}

func (c *ClaudeCode) read() (map[string]any, login, error) {
	text, err := os.ReadFile(c.path())
	if err != nil {
		return nil, login{}, err
	}
	var file map[string]any
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, login{}, errors.New("the login is not whole")
	}
	oauth, _ := file["claudeAiOauth"].(map[string]any)
	access, _ := oauth["accessToken"].(string)
	refresh, _ := oauth["refreshToken"].(string)
	expires, _ := oauth["expiresAt"].(float64)
	if access == "" || refresh == "" {
		return nil, login{}, errors.New("not signed in")
	}
	return file, login{access, refresh, time.UnixMilli(int64(expires))}, nil
}

// lock takes both locks, waiting for them politely.
func (c *ClaudeCode) lock(ctx context.Context) (release func() error, err error) {
	patience := c.Patience
	if patience == 0 {
		patience = 10 * time.Second
	}
	folder, err := filepath.EvalSymlinks(c.Folder)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(patience); ; {
		first, err := hold(filepath.Join(c.Folder, ".oauth_refresh.lock"))
		if err == nil {
			second, err2 := hold(folder + ".lock")
			if err2 == nil {
				return func() error { return errors.Join(second(), first()) }, nil
			}
			err = errors.Join(err2, first())
		}
		if !errors.Is(err, os.ErrExist) || time.Now().After(end) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// hold makes the folder of a lock and touches it until it is released.
func hold(path string) (release func() error, err error) {
	err = os.Mkdir(path, 0o755)
	if info, statErr := os.Stat(path); errors.Is(err, os.ErrExist) && statErr == nil && time.Since(info.ModTime()) > staleAfter {
		if err = os.Remove(path); err == nil {
			err = os.Mkdir(path, 0o755)
		}
	}
	if err != nil {
		return nil, err
	}
	mtime, err := touch(path)
	if err != nil {
		return nil, err
	}
	end, ended := make(chan struct{}), make(chan error)
	go func() {
		ticker := time.NewTicker(touchEvery)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				info, err := os.Stat(path)
				if err == nil && !info.ModTime().Equal(mtime) {
					err = errors.New("it is another's")
				}
				if err != nil {
					err = fmt.Errorf("the lock %s was taken away: %w", path, err)
				} else {
					err = os.Remove(path)
				}
				ended <- err
				return
			case <-ticker.C:
				if info, err := os.Stat(path); err == nil && info.ModTime().Equal(mtime) {
					if at, err := touch(path); err == nil {
						mtime = at
					}
				}
			}
		}
	}()
	return func() error { close(end); return <-ended }, nil
}

func touch(path string) (mtime time.Time, err error) {
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		return mtime, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return mtime, err
	}
	return info.ModTime(), nil
}
