package logins

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"tokentray/engine"
)

// dirLock is a lock of a tool's own, as the npm package proper-lockfile makes
// it: a folder that is there, and whose time of change is set anew while it is
// held. One whose time is long past was left behind by a holder that crashed.
type dirLock struct {
	path string
	stop func() // ends the touching and waits for it

	mu    sync.Mutex
	mtime time.Time // that we set last
	lost  bool
}

// takeDir takes the lock, or returns KindLocked where another holds it and
// has touched it within stale. It is touched every so often, until it is
// released or for as long as a lease lasts, after which it ends by itself.
func takeDir(path string, every, stale time.Duration) (*dirLock, error) {
	err := os.Mkdir(path, 0o755)
	if errors.Is(err, fs.ErrExist) && left(path, stale) {
		if err = removeFolder(path); err == nil || errors.Is(err, fs.ErrNotExist) {
			err = os.Mkdir(path, 0o755)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, engine.Errorf(engine.KindLocked, fmt.Sprintf("the tool itself is at work on its login: it holds its lock %s", engine.CleanLine(path)), nil)
	}
	if err != nil {
		return nil, err
	}
	l := &dirLock{path: path}
	if err := l.touch(); err != nil {
		removeFolder(path)
		return nil, err
	}
	end, ended := make(chan struct{}), make(chan struct{})
	l.stop = sync.OnceFunc(func() { close(end); <-ended })
	go func() {
		defer close(ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		timeout := time.NewTimer(leaseTime)
		defer timeout.Stop()
		for {
			select {
			case <-end:
				return
			case <-timeout.C:
				return
			case <-ticker.C:
				err := l.ours()
				if engine.KindOf(err) == engine.KindLocked {
					return
				}
				if err == nil {
					l.touch() // what fails now may succeed the next time
				}
			}
		}
	}()
	return l, nil
}

// left reports whether the lock was left behind. One that was released just now
// was not: it may be another's again before it could be removed.
func left(path string, stale time.Duration) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir() && time.Since(info.ModTime()) > stale
}

func (l *dirLock) touch() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if err := os.Chtimes(l.path, now, now); err != nil {
		return err
	}
	info, err := os.Lstat(l.path) // as exact as the file system keeps it
	if err != nil {
		return err
	}
	l.mtime = info.ModTime()
	return nil
}

// ours returns KindLocked where another took the lock over.
func (l *dirLock) ours() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	info, err := os.Lstat(l.path)
	if err == nil && !info.ModTime().Equal(l.mtime) || errors.Is(err, fs.ErrNotExist) {
		l.lost = true
	}
	if l.lost {
		return engine.Errorf(engine.KindLocked, fmt.Sprintf("the tool took its lock %s over", engine.CleanLine(l.path)), nil)
	}
	return err
}

// release gives the lock back if it still is ours. It may be called again.
func (l *dirLock) release() error {
	l.stop()
	if err := l.ours(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = true
	return removeFolder(l.path)
}
