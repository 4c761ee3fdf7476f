package logins

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"tokentray/engine"
)

const (
	// leaseTime is how long a lease is used, as every store's.
	leaseTime = time.Minute
	// touchEvery and staleAfter are when a lock of Claude Code is touched, and
	// when one is taken for left behind. The tool takes ours for left behind
	// after 10 s.
	touchEvery = 5 * time.Second
	staleAfter = time.Minute
	// storageStale is the same for its lock on writing alone.
	storageStale = 15 * time.Second
)

type lease struct {
	own   *flock.Flock
	tools []*dirLock // in the order they were taken
	until time.Time
	gone  func() // it is held no more
}

func (s *Store) lockFile(name, suffix string) *flock.Flock {
	sum := sha256.Sum256([]byte(name))
	return flock.New(filepath.Join(s.lockDir, hex.EncodeToString(sum[:16])+suffix), flock.SetPermissions(0o600))
}

// TryLock implements engine.Locker: our own file lock and, for Claude Code, the
// two locks that the tool itself takes for a refresh, in its order.
func (s *Store) TryLock(_ context.Context, key engine.Key) (engine.Lease, error) {
	l := &lease{own: s.lockFile(key.String(), ".lock"), until: time.Now().Add(leaseTime), gone: func() {}}
	taken, err := l.own.TryLock()
	if err != nil {
		return nil, s.lockFault(err)
	}
	if !taken {
		l.own.Close()
		return nil, engine.Errorf(engine.KindLocked, "another Tokentray is refreshing the account", nil)
	}
	if at, known := s.spot(key); known && at.Tool == claudeCode {
		if err := l.takeTools(at.Folder, s.touchEvery); err != nil {
			l.giveBack()
			if errors.Is(err, fs.ErrNotExist) {
				return nil, notFound(key)
			}
			return nil, s.lockFault(err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[key]++
	l.gone = sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held[key]--
	})
	return l, nil
}

// leased runs do under the account's lease: the one that is held here, or one of
// its own, for which it waits as long as a write is patient. So a token that is
// put back is written under the tool's locks too.
func (s *Store) leased(ctx context.Context, key engine.Key, do func() error) error {
	s.mu.Lock()
	held := s.held[key] > 0
	s.mu.Unlock()
	if held {
		return do()
	}
	for end := time.Now().Add(s.patience); ; {
		lease, err := s.TryLock(ctx, key)
		if err == nil {
			defer lease.Release(ctx)
			return do()
		}
		if engine.KindOf(err) != engine.KindLocked || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookAgain):
		}
	}
}

func (l *lease) takeTools(folder string, every time.Duration) error {
	lock, err := takeDir(filepath.Join(folder, ".oauth_refresh.lock"), every, staleAfter)
	if err != nil {
		return err
	}
	l.tools = append(l.tools, lock)
	if target, err := filepath.EvalSymlinks(folder); err == nil {
		folder = target
	}
	// Older versions of the tool know this one alone. Where it cannot be made
	// they cannot make it either, and the tool goes on without it.
	lock, err = takeDir(folder+".lock", every, staleAfter)
	if err == nil {
		l.tools = append(l.tools, lock)
	} else if engine.KindOf(err) == engine.KindLocked {
		return err
	}
	return nil
}

// Until implements engine.Lease.
func (l *lease) Until() time.Time { return l.until }

// Release implements engine.Lease.
func (l *lease) Release(context.Context) error { return l.giveBack() }

func (l *lease) giveBack() error {
	l.gone()
	var errs []error
	for _, lock := range slices.Backward(l.tools) {
		errs = append(errs, lock.release())
	}
	l.tools = nil
	return errors.Join(errors.Join(errs...), l.own.Close())
}

// alone runs do while no other writer of ours, and for Claude Code none of the
// tool's, writes to the place.
func (s *Store) alone(ctx context.Context, at spot, do func() error) error {
	own := s.lockFile(at.Path, ".write.lock")
	if _, err := own.TryLockContext(ctx, lookAgain); err != nil {
		return s.lockFault(errors.Join(err, own.Close()))
	}
	defer own.Close()
	if at.Tool != claudeCode {
		return do()
	}
	// The tool holds this one while it reads and writes the whole file, for
	// other logins in it too.
	for end := time.Now().Add(s.patience); ; {
		lock, err := takeDir(filepath.Join(at.Folder, ".storage-write.lock"), s.touchEvery, storageStale)
		switch {
		case err == nil:
			defer lock.release()
			return do()
		case errors.Is(err, fs.ErrNotExist):
			return notFound(at.key)
		case engine.KindOf(err) != engine.KindLocked || time.Now().After(end):
			return engine.Errorf(engine.KindTransient, "the login of "+at.name+" cannot be written for now", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookAgain):
		}
	}
}

func (s *Store) lockFault(err error) error {
	if _, ok := errors.AsType[*engine.Error](err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	return engine.Errorf(engine.KindTransient, "no lock can be had in "+engine.CleanLine(s.lockDir)+" or in the tool's folder: check the folders' rights", err)
}
