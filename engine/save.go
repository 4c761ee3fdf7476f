package engine

import (
	"context"
	"time"
)

// owed returns the token that must be stored in place of the one that is.
func (e *Engine) owed(st *state, stored Secret) (Token, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return st.rotation.newest, st.rotation.owed(stored.Fingerprint())
}

// keep stores what an exchange gave in place of old, trying again while the
// store is away. What cannot be stored in time stays owed: it is served from
// memory and stored at the next look, and old is never sent again.
func (e *Engine) keep(ctx context.Context, st *state, a Account, old Secret, token Token) (Account, error) {
	newest := token
	if newest.RefreshToken.Empty() { // the old one stays valid
		newest.RefreshToken = old
	}
	e.mu.Lock()
	if !st.rotation.usedUp(old.Fingerprint()) {
		st.rotation.next(old.Fingerprint(), newest)
	}
	if !token.AccessToken.Empty() { // whatever was held against old
		st.refused, st.unknown = Verdict{}, unknownOutcome{}
	}
	e.mu.Unlock()

	end := time.Now().Add(saveTimeout)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, lockPollMax) {
		saved, err := e.save(ctx, a, token)
		if KindOf(err) == KindConflict {
			a, saved, err = e.compare(ctx, st, a, token.RefreshToken)
		}
		switch KindOf(err) {
		case KindNotFound, KindUnreadable, KindConflict:
			return a, err
		}
		if err == nil && saved.ID != "" {
			e.mu.Lock()
			st.rotation.stored = true
			e.mu.Unlock()
			e.take(st, saved)
			return saved, nil
		}
		if time.Now().Add(wait).After(end) {
			return a, Errorf(KindStore, "refreshed, but the new token could not be stored so far: it is kept in memory "+
				"and stored as soon as the store is back", err)
		}
		time.Sleep(wait)
	}
}

func (e *Engine) save(ctx context.Context, a Account, token Token) (Account, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	saved, err := e.store.Save(ctx, a, token, wall().Truncate(time.Millisecond))
	if KindOf(err) == KindStore {
		e.noteStore(err)
	}
	return saved, err
}

// compare looks at what stands in the way of a compare-and-swap. It returns
// the account to swap against next, or as saved the account that holds our own
// new token already, or KindConflict where a new sign-in stands there: it wins.
// ours is empty where the exchange left the refresh token as it was.
func (e *Engine) compare(ctx context.Context, st *state, a Account, ours Secret) (next, saved Account, err error) {
	found, err := e.load(ctx, st.key)
	if err != nil {
		return a, Account{}, err
	}
	stored, err := found.RefreshToken.Open()
	if err != nil {
		return a, Account{}, err
	}
	if stored == ours && !ours.Empty() {
		return found, found, nil // the write was done, its reply was lost
	}
	e.mu.Lock()
	replaceable := st.rotation.owed(stored.Fingerprint())
	if !replaceable {
		st.rotation.stored = true // nothing is owed to a new sign-in
	}
	e.mu.Unlock()
	if !replaceable {
		e.take(st, found)
		return found, Account{}, Errorf(KindConflict, "the login was renewed by another program meanwhile", nil)
	}
	return found, Account{}, nil
}
