package relay

import (
	"context"
	_ "embed"
	"time"

	"github.com/google/uuid"

	"tokentray/engine"
)

// leaseTime is the relay's, in seconds; a relay that dies holds no longer.
const leaseTime = 60

var (
	//go:embed lock.lua
	lockText string
	//go:embed unlock.lua
	unlockText string

	lockScript   = newScript(lockText)
	unlockScript = newScript(unlockText)
)

type lease struct {
	store      *Store
	key, value string
	until      time.Time
}

// TryLock implements engine.Locker by the relay's own lock. That it could be
// written shows too that the server takes writes before a token is spent.
//
// A try whose reply did not come may have taken the lock all the same: the
// next try for the account uses its value again, and so finds it.
func (s *Store) TryLock(ctx context.Context, key engine.Key) (engine.Lease, error) {
	name := lockKey(key)
	value, again := s.unanswered.LoadAndDelete(name)
	if !again {
		value = uuid.NewString()
	}
	l := &lease{store: s, key: name, value: value.(string)}
	began := time.Now()
	ours, err := lockScript.Run(ctx, s.client, []string{name}, l.value, leaseTime).Int64()
	if err != nil {
		s.unanswered.Store(name, l.value)
		return nil, s.fault(err)
	}
	if ours <= 0 {
		err := engine.Errorf(engine.KindLocked, "another program holds the refresh lock "+engine.Clean(name)+
			": it ends by itself within a minute", nil)
		err.Held = time.Duration(-ours) * time.Millisecond
		return nil, err
	}
	l.until = began.Add(time.Duration(ours) * time.Millisecond)
	return l, nil
}

// Until implements engine.Lease: counted from before the lock was asked for.
func (l *lease) Until() time.Time { return l.until }

// Release implements engine.Lease by compare-and-delete.
func (l *lease) Release(ctx context.Context) error {
	released, err := unlockScript.Run(ctx, l.store.client, []string{l.key}, l.value).Int()
	if err == nil && released == 0 {
		return engine.Errorf(engine.KindLocked, "the lock "+engine.Clean(l.key)+" had ended before the refresh did", nil)
	}
	return l.store.fault(err)
}
