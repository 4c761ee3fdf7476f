package engine

import (
	"context"
	"time"
)

// ValidAccessToken returns an access token that is valid for at least the
// provider's skew (Skew), refreshing it first where it is not. However many
// callers ask at once, here and in other processes, one refresh serves them
// all; a caller's ctx bounds its own wait alone. A refresh that fails while the
// token still lives serves that token.
//
// A hit costs no I/O, no lock, no allocation and no look at the clock: it goes
// by one that is at most 100 ms old. In a running engine in
// proactive mode a token inside the window is served and refreshed behind the
// caller's back.
//
// Errors: KindNotFound, KindInactive, KindUnreadable, KindNoRefreshToken (an
// expired static token), KindLoginDead, KindLocked, KindStore and those of the
// provider.
func (e *Engine) ValidAccessToken(ctx context.Context, key Key) (Secret, error) {
	if st := (*e.index.Load())[key]; st != nil {
		if t := st.live.Load(); t != nil {
			valid, ok := e.coarse.before(t.until)
			if !ok {
				valid = e.clock().UnixNano() < t.until
				e.wind()
			}
			if valid {
				return t.access, nil
			}
		}
	}
	return e.validAccessToken(ctx, key)
}

// validAccessToken is the way past the hit: it reads the store.
func (e *Engine) validAccessToken(ctx context.Context, key Key) (Secret, error) {
	e.recall(ctx, key)
	a, err := e.load(ctx, key)
	if err != nil {
		if access, ok := e.remembered(key, 0); ok && KindOf(err) == KindStore {
			return access, nil
		}
		if access, ok := e.pending(key); ok && KindOf(err) == KindStore {
			return access, nil
		}
		return Secret{}, err
	}
	seen := versionOf(a)
	st, a := e.absorb(a)
	if !a.Active {
		return Secret{}, usable(a)
	}
	if a.Problem != nil {
		return Secret{}, a.Problem
	}
	e.noteUse(st, a)
	skew := Ahead(a, Skew(a.Provider))
	if access, ok := e.remembered(key, skew); ok { // may be newer than the store has
		return access, nil
	}
	if !a.Doubted && e.now().Before(a.ExpiresAt.Add(-skew)) {
		access, err := a.AccessToken.Open()
		if err == nil && !access.Empty() {
			e.mu.Lock()
			e.serve(st, access, a.ExpiresAt, skew)
			e.mu.Unlock()
		}
		return access, err
	}
	return e.refreshed(ctx, st, a, seen)
}

// noteUse keeps for an account that is excepted while it is unused when it was
// used, to an hour, where its store keeps no such time.
func (e *Engine) noteUse(st *state, a Account) {
	e.mu.Lock()
	ours := a.LastUsedAt.Equal(st.record().UsedAt) // or both are unknown
	e.mu.Unlock()
	if now := e.now(); ours && a.Choice.IdleDays > 0 && now.Sub(a.LastUsedAt) > time.Hour {
		e.noteSoon(st, func(r *Record) { r.UsedAt = now })
		e.mu.Lock()
		st.editAccount(func(a *Account) { a.LastUsedAt = now })
		e.requeue(st)
		e.mu.Unlock()
	}
}

// refreshed refreshes, unless somebody has since the account was read as seen,
// and returns what came of it.
func (e *Engine) refreshed(ctx context.Context, st *state, a Account, seen version) (Secret, error) {
	e.mu.Lock()
	looked := e.looked
	e.mu.Unlock()
	if !looked {
		e.lookForRivals(ctx, st.key.Provider)
		a.Rival = e.viewOf(st).Rival
	}
	err := usable(a)
	if err == nil {
		var r Result
		if held := e.heldBack(st); held != nil {
			err = held
		} else if r, err = e.await(ctx, st, request{why: WhyAsked, window: Skew(a.Provider), seen: seen, once: true}); err == nil {
			err = r.Err
		}
	}
	if access, ok := e.remembered(st.key, 0); ok {
		return access, nil
	}
	if err == nil || KindOf(err) == KindConflict { // another program did it: the store has the token
		b, loadErr := e.load(ctx, st.key)
		if loadErr != nil {
			return Secret{}, loadErr
		}
		err = nil
		_, a = e.absorb(b)
	}
	if e.now().Before(a.ExpiresAt) {
		if access, openErr := a.AccessToken.Open(); openErr == nil && !access.Empty() {
			return access, nil
		}
	}
	if err == nil {
		err = Errorf(KindTransient, "refreshed by another program, but its token has expired: ask again", nil)
	}
	return Secret{}, err
}

// heldBack keeps a herd of callers from hammering a provider that just failed
// them: a Retry-After is kept, a fault of settings stands until they change or
// a person asks, and one caller's failure answers for the next 2 s.
func (e *Engine) heldBack(st *state) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, now := st.tries(), e.now()
	if t.Err == nil || st.flight != nil {
		return nil
	}
	limited := KindOf(t.Err) == KindRateLimited && now.Before(t.RetryAt)
	if sinceAsked := now.Sub(st.has().asked); limited || t.Stuck || sinceAsked >= 0 && sinceAsked < backoffBase {
		return t.Err
	}
	return nil
}

// remembered is an access token known here to be newer than the store's, or
// the cached one, that lives longer than skew.
func (e *Engine) remembered(key Key, skew time.Duration) (Secret, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	st := (*e.index.Load())[key]
	if st == nil {
		return Secret{}, false
	}
	account := st.account()
	if !account.Active {
		return Secret{}, false
	}
	now, record := e.now(), st.record()
	newest := record.Newest
	if record.owed(st.token) && !newest.AccessToken.Empty() && now.Before(newest.ExpiresAt.Add(-skew)) {
		e.serve(st, newest.AccessToken, newest.ExpiresAt, Ahead(account, Skew(st.key.Provider)))
		return newest.AccessToken, true
	}
	if t := st.live.Load(); t != nil && now.Before(t.expiry.Add(-skew)) {
		return t.access, true
	}
	return Secret{}, false
}

// pending is an access token that the journal has and the store does not, of an
// account that could not be read so far.
func (e *Engine) pending(key Key) (Secret, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.waiting[key]
	ok := r.Unsaved && !r.Newest.AccessToken.Empty() && e.now().Before(r.Newest.ExpiresAt)
	return r.Newest.AccessToken, ok
}

// serve makes access the token of the hit path. With e.mu held.
func (e *Engine) serve(st *state, access Secret, expiry time.Time, skew time.Duration) {
	until := expiry.Add(-skew)
	if account := st.account(); e.running && e.policy.Proactive && !account.Static() {
		if soon := expiry.Add(-Ahead(account, e.policy.Window)); e.now().Before(soon) {
			until = soon
		} else if st.tries().Err == nil { // inside the window: the scheduler refreshes it now
			e.hasten(st)
		}
	}
	st.live.Store(&liveToken{access, until.Add(-coarseStep).UnixNano(), expiry})
}
