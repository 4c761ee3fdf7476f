package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"tokentray/engine"
)

// leaseTime is how long a lease is used. The file lock itself does not end
// before its process does.
const leaseTime = time.Minute

type lease struct {
	lock  *flock.Flock
	until time.Time
}

// TryLock implements engine.Locker by a lock on a file of the account's own.
// The file stays: to remove it would let two hold it.
func (s *Store) TryLock(_ context.Context, key engine.Key) (engine.Lease, error) {
	sum := sha256.Sum256([]byte(key.String()))
	path := filepath.Join(s.lockDir(), hex.EncodeToString(sum[:16])+".lock")
	l := &lease{flock.New(path, flock.SetPermissions(0o600)), time.Now().Add(leaseTime)}
	taken, err := l.lock.TryLock()
	if err != nil {
		return nil, s.fault(err)
	}
	if !taken {
		l.lock.Close()
		return nil, engine.Errorf(engine.KindLocked, "another Tokentray is refreshing the account", nil)
	}
	return l, nil
}

// Until implements engine.Lease.
func (l *lease) Until() time.Time { return l.until }

// Release implements engine.Lease.
func (l *lease) Release(context.Context) error { return l.lock.Close() }
