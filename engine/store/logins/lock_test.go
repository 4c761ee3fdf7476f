package logins

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tokentray/engine"
)

// claudeHome has Claude Code signed in; its locks are touched every 20 ms.
func claudeHome(t *testing.T) (h home, refresh, legacy string) {
	t.Helper()
	h = newHome(t)
	h.store.touchEvery = 20 * time.Millisecond
	h.put(t, claudeCode, textOf(claudeCode, "r", "a", before, ""))
	folder := filepath.Dir(h.file(claudeCode))
	return h, filepath.Join(folder, ".oauth_refresh.lock"), folder + ".lock"
}

func exists(path string) bool { _, err := os.Lstat(path); return err == nil }

// hold makes a lock as the tool does, last touched that long ago.
func hold(t *testing.T, path string, ago time.Duration) {
	t.Helper()
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-ago)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func mtime(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func wait(t *testing.T, what string, until func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !until(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in 10 s: " + what)
		}
	}
}

// A lease of Claude Code's login holds both of the tool's locks, touches them,
// and gives them back.
func TestToolLocks(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	h, refresh, legacy := claudeHome(t)
	lease, err := h.store.TryLock(t.Context(), h.key(claudeCode))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{refresh, legacy} {
		first := mtime(t, path)
		if time.Since(first) > time.Minute {
			t.Errorf("%s is of %v", path, first)
		}
		wait(t, path+" is touched again", func() bool { return mtime(t, path).After(first) })
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if exists(refresh) || exists(legacy) {
		t.Error("a lock is still there")
	}
	if err := lease.Release(t.Context()); err != nil && engine.KindOf(err) != engine.KindLocked {
		t.Error(err)
	}
}

// Logins of the other tools have no locks but ours.
func TestOtherToolsHaveNoLocks(t *testing.T) {
	h := newHome(t)
	h.put(t, codex, `{"tokens":{"refresh_token":"r"}}`)
	lease, err := h.store.TryLock(t.Context(), h.key(codex))
	if err != nil {
		t.Fatal(err)
	}
	h.onlyTheFile(t, codex)
	if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// A lock that the tool holds is left to it, and everything taken so far goes
// back.
func TestToolHoldsItsLock(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, which := range []int{0, 1} {
		h, refresh, legacy := claudeHome(t)
		held, other := []string{refresh, legacy}[which], []string{legacy, refresh}[which]
		hold(t, held, 30*time.Second)
		was := mtime(t, held)
		_, err := h.store.TryLock(t.Context(), h.key(claudeCode))
		if engine.KindOf(err) != engine.KindLocked || !strings.Contains(err.Error(), held) {
			t.Error(err)
		}
		if exists(other) || !mtime(t, held).Equal(was) {
			t.Errorf("%s: %v, %s: %v", other, exists(other), held, mtime(t, held))
		}
		if err := os.Remove(held); err != nil {
			t.Fatal(err)
		}
		lease, err := h.open(t).TryLock(t.Context(), h.key(claudeCode))
		if err != nil {
			t.Fatal(err)
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A lock that nobody has touched for more than a minute is taken over.
func TestStaleLock(t *testing.T) {
	h, refresh, legacy := claudeHome(t)
	hold(t, refresh, 61*time.Second)
	hold(t, legacy, time.Hour)
	lease, err := h.store.TryLock(t.Context(), h.key(claudeCode))
	if err != nil {
		t.Fatal(err)
	}
	if time.Since(mtime(t, refresh)) > time.Minute {
		t.Error("not touched")
	}
	if err := lease.Release(t.Context()); err != nil || exists(refresh) || exists(legacy) {
		t.Error(err)
	}
}

// What is no lock of a tool is never removed, however old.
func TestNoLock(t *testing.T) {
	h, refresh, _ := claudeHome(t)
	long := time.Now().Add(-time.Hour)
	for name, put := range map[string]func() error{
		"a file":          func() error { return os.WriteFile(refresh, nil, 0o600) },
		"a link":          func() error { return os.Symlink(h.path, refresh) },
		"a folder in use": func() error { return os.MkdirAll(filepath.Join(refresh, "x"), 0o700) },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(refresh, long, long)
		if _, err := h.store.TryLock(t.Context(), h.key(claudeCode)); err == nil {
			t.Errorf("%s: taken", name)
		}
		if !exists(refresh) {
			t.Errorf("%s: removed", name)
		}
		os.RemoveAll(refresh)
	}
}

// A lock that was taken over meanwhile is not given back, and Release says so.
func TestLostLock(t *testing.T) {
	for _, gone := range []bool{false, true} {
		h, refresh, legacy := claudeHome(t)
		lease, err := h.store.TryLock(t.Context(), h.key(claudeCode))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(refresh); err != nil {
			t.Fatal(err)
		}
		if !gone {
			hold(t, refresh, -time.Millisecond)
		}
		if err := lease.Release(t.Context()); engine.KindOf(err) != engine.KindLocked || !strings.Contains(err.Error(), refresh) {
			t.Error(err)
		}
		if exists(refresh) == gone || exists(legacy) {
			t.Errorf("the other's: %v, ours: %v", exists(refresh), exists(legacy))
		}
	}
}

// The tool knows the second lock by the folder that a link leads to.
func TestLinkedFolder(t *testing.T) {
	h, _, legacy := claudeHome(t)
	folder := filepath.Dir(h.file(claudeCode))
	real := filepath.Join(h.path, "dotfiles")
	if err := os.Rename(folder, real); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, folder); err != nil {
		t.Fatal(err)
	}
	lease, err := h.store.TryLock(t.Context(), h.key(claudeCode))
	if err != nil {
		t.Fatal(err)
	}
	target, _ := filepath.EvalSymlinks(real)
	if !exists(target+".lock") || exists(legacy) {
		t.Error("the lock is not where the tool looks")
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// While the tool itself writes its file, for a login of another kind in it,
// a write waits, and in the end gives up.
func TestWriteWaitsForTheTool(t *testing.T) {
	h, _, _ := claudeHome(t)
	storage := filepath.Join(filepath.Dir(h.file(claudeCode)), ".storage-write.lock")
	hold(t, storage, 0)
	old := h.load(t, claudeCode)
	change := engine.Change{Token: engine.Token{RefreshToken: engine.NewSecret("R")}}
	h.store.patience = 50 * time.Millisecond
	if _, err := h.store.Write(t.Context(), old, change); engine.KindOf(err) != engine.KindTransient || !strings.Contains(err.Error(), storage) {
		t.Error(err)
	}
	h.store.patience = 10 * time.Second
	done := make(chan error)
	go func() { _, err := h.store.Write(t.Context(), old, change); done <- err }()
	select {
	case err := <-done:
		t.Errorf("did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	text := strings.Replace(h.text(t, claudeCode), "of another", "a new one of another", 1)
	h.put(t, claudeCode, text)
	if err := os.Remove(storage); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := h.text(t, claudeCode); got != strings.Replace(text, `"refreshToken":"r"`, `"refreshToken":"R"`, 1) {
		t.Errorf("now %s", got)
	}
	if exists(storage) {
		t.Error("the lock is still there")
	}
}

// However many reach for a tool's lock at once, while it comes and goes, one
// holds it.
func TestOneHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	var holders atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				lock, err := takeDir(path, time.Minute, time.Minute)
				if err != nil {
					if engine.KindOf(err) != engine.KindLocked {
						t.Error(err)
					}
					continue
				}
				if n := holders.Add(1); n > 1 {
					t.Errorf("%d hold it", n)
				}
				holders.Add(-1)
				if err := lock.release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
