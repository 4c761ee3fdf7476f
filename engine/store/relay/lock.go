package relay

import (
	"context"
	_ "embed"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"tokentray/engine"
)

// leaseTime is the relay's, in seconds; a relay that dies holds no longer.
const leaseTime = 60

var (
	//go:embed lock.lua
	lockText string
	//go:embed unlock.lua
	unlockText string

	lockScript   = redis.NewScript(lockText)
	unlockScript = redis.NewScript(unlockText)
)

type lease struct {
	store      *Store
	key, value string
	until      time.Time
}

// TryLock implements engine.Locker by the relay's own lock. That it could be
// written shows too that the server takes writes before a token is spent.
func (s *Store) TryLock(ctx context.Context, key engine.Key) (engine.Lease, error) {
	l := &lease{store: s, key: lockKey(key), value: uuid.NewString(), until: time.Now().Add(leaseTime * time.Second)}
	taken, err := lockScript.Run(ctx, s.client, []string{l.key}, l.value, leaseTime).Bool()
	if err != nil {
		return nil, s.fault(err)
	}
	if !taken {
		return nil, engine.Errorf(engine.KindLocked, "another program holds the refresh lock "+engine.Clean(l.key)+
			": it ends by itself within a minute", nil)
	}
	return l, nil
}

// Until implements engine.Lease: counted from before the lock was asked for.
func (l *lease) Until() time.Time { return l.until }

// Release implements engine.Lease by compare-and-delete.
func (l *lease) Release(ctx context.Context) error {
	return l.store.fault(unlockScript.Run(ctx, l.store.client, []string{l.key}, l.value).Err())
}
