package logins

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
)

// watcher counts what a Watch tells.
type watcher struct {
	mu    sync.Mutex
	times int
	news  chan struct{}
}

// watching starts a Watch that ends with the test.
func watching(t *testing.T, s *Store) *watcher {
	t.Helper()
	w := &watcher{news: make(chan struct{}, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		ended <- s.Watch(ctx, func() {
			w.mu.Lock()
			w.times++
			w.mu.Unlock()
			w.news <- struct{}{}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	w.expect(t, "the beginning")
	return w
}

func (w *watcher) expect(t *testing.T, what string) {
	t.Helper()
	select {
	case <-w.news:
	case <-time.After(10 * time.Second):
		t.Fatal("not told of " + what)
	}
	w.settle()
}

// settle waits until nothing has been told for a while.
func (w *watcher) settle() {
	for {
		select {
		case <-w.news:
		case <-time.After(3 * together):
			return
		}
	}
}

func (w *watcher) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.times
}

func TestWatch(t *testing.T) {
	h := newHome(t)
	w := watching(t, h.store)
	path := h.file(claudeCode)
	h.put(t, claudeCode, textOf(claudeCode, "r", "a", before, "")) // with its folder
	w.expect(t, "the first sign-in")

	h.put(t, claudeCode, textOf(claudeCode, "r2", "a", before, ""))
	w.expect(t, "a write in place")

	if err := os.WriteFile(path+".tmp.1", []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".tmp.1", path); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "a file put in its place")

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "a sign-out")
	h.put(t, claudeCode, textOf(claudeCode, "r3", "a", before, ""))
	w.expect(t, "a sign-in again")

	if _, err := h.store.Write(t.Context(), h.load(t, claudeCode), engine.Change{Token: engine.Token{RefreshToken: engine.NewSecret("R")}}); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "a write of ours")

	if err := os.Rename(filepath.Dir(path), filepath.Join(h.path, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "the folder going")
	h.put(t, claudeCode, textOf(claudeCode, "r4", "a", before, ""))
	w.expect(t, "another folder coming")
	h.put(t, codex, "{}")
	w.expect(t, "another tool")

	n := w.count()
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "history.jsonl"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if w.settle(); w.count() != n {
		t.Error("told of another file")
	}
	for range 20 {
		h.put(t, claudeCode, textOf(claudeCode, "r5", "a", before, ""))
	}
	if w.expect(t, "a burst"); w.count() > n+5 {
		t.Errorf("a burst was told %d times", w.count()-n)
	}
}

// Where nothing of a tool is there yet, not even the home, it is waited for.
func TestWatchFarAbove(t *testing.T) {
	top := t.TempDir()
	s, err := Open(Config{Places: find("linux", filepath.Join(top, "a", "b"), func(string) string { return "" }), LockDir: filepath.Join(top, "locks")})
	if err != nil {
		t.Fatal(err)
	}
	w := watching(t, s)
	h := home{path: filepath.Join(top, "a", "b"), store: s}
	h.put(t, geminiCLI, "{}")
	w.expect(t, "all folders at once")
	h.put(t, geminiCLI, `{"refresh_token":"r"}`)
	w.expect(t, "a write")
}

// Where the folders above may not be watched, they are looked at.
func TestWatchByLooking(t *testing.T) {
	h := newHome(t)
	h.store.watchAbove, h.store.pollEvery = false, 50*time.Millisecond
	w := watching(t, h.store)
	h.put(t, codex, "{}")
	w.expect(t, "a folder with a file")
	h.put(t, codex, `{"tokens":{"refresh_token":"r"}}`)
	w.expect(t, "a write")
}
