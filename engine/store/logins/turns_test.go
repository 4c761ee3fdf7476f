package logins_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
	"tokentray/engine/store/logins"
	"tokentray/engine/store/logins/loginstest"
)

// provider rotates one line of tokens, and takes each only once.
type provider struct {
	mu      sync.Mutex
	now     int
	replays int
}

func (p *provider) refresh(_ context.Context, token string) (access, refresh string, expiresIn time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if token != fmt.Sprintf("r%d", p.now) {
		p.replays++
		return "", "", 0, errors.New("the token was used before")
	}
	p.now++
	return fmt.Sprintf("a%d", p.now), fmt.Sprintf("r%d", p.now), 30 * time.Millisecond, nil
}

// Two keepers and the tool refresh one login whose tokens live for moments: no
// token is sent twice, and none is lost.
func TestTurns(t *testing.T) {
	const rotations = 40
	home := t.TempDir()
	folder := filepath.Join(home, ".claude")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, ".credentials.json")
	if err := os.WriteFile(path, []byte(`{"claudeAiOauth":{"accessToken":"a0","refreshToken":"r0","expiresAt":0,"x":[1]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &provider{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	enough := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.now >= rotations || p.replays > 0
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			s, err := logins.Open(logins.Config{Places: logins.Find(home, func(string) string { return "" }), LockDir: filepath.Join(home, "locks")})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for !enough() && ctx.Err() == nil {
				if err := keep(ctx, s, engine.Key{Provider: engine.Claude, ID: path}, p); err != nil && engine.KindOf(err) != engine.KindLocked {
					t.Error(err)
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	wg.Go(func() {
		tool := loginstest.ClaudeCode{Folder: folder, Refresh: p.refresh, Skew: time.Millisecond}
		for !enough() && ctx.Err() == nil {
			if _, err := tool.Use(ctx); err != nil && !errors.Is(err, os.ErrExist) {
				t.Error(err)
				return
			}
		}
	})
	wg.Wait()
	text, err := os.ReadFile(path)
	if err != nil || p.replays > 0 || p.now < rotations || !strings.Contains(string(text), fmt.Sprintf(`"refreshToken":"r%d"`, p.now)) ||
		!strings.Contains(string(text), `"x":[1]`) {
		t.Errorf("%d rotations, %d replays, %s, %v", p.now, p.replays, text, err)
	}
}

// keep is a keeper's refresh, as far as the store goes.
func keep(ctx context.Context, s *logins.Store, key engine.Key, p *provider) (err error) {
	lease, err := s.TryLock(ctx, key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lease.Release(ctx)) }()
	a, err := s.Load(ctx, key)
	if err != nil || a.Problem != nil || time.Now().Before(a.ExpiresAt) {
		return errors.Join(err, a.Problem)
	}
	if a, err = s.Write(ctx, a, engine.Change{Record: engine.NewSecret("intent")}); err != nil {
		return err
	}
	access, refresh, in, err := p.refresh(ctx, a.RefreshToken.Stored())
	if err != nil {
		return err
	}
	_, err = s.Write(ctx, a, engine.Change{At: time.Now(), Token: engine.Token{AccessToken: engine.NewSecret(access),
		RefreshToken: engine.NewSecret(refresh), ExpiresAt: time.Now().Add(in)}})
	return err
}
