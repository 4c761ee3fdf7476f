package engine

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// state is what the engine knows of one account. All but live is guarded by
// Engine.mu.
type state struct {
	key Key

	// live is the access token that callers are served, nil before the first
	// asked for it.
	live atomic.Pointer[liveToken]

	account  Account // its secrets dropped: the store has them
	version  version
	token    Fingerprint // of the refresh token
	tries    Tries
	refused  Verdict // the provider's final answer, from this process or a memo
	unknown  unknownOutcome
	rotation rotation
	alerted  EventKind // EventNeedsLogin or EventExpired, once told
	asked    time.Time // when a caller's refresh last failed
	taken    time.Time // when account was last taken in, for listings read before
	flight   *flight   // the refresh under way

	due   time.Time // when the queue takes it
	place int       // in the queue, plus one; 0: not queued
}

// liveToken is an access token and until when it can be handed out unseen.
type liveToken struct {
	access Secret
	until  time.Time
	expiry time.Time
}

// version tells one stored state of an account's tokens from another.
type version struct {
	refresh Fingerprint // of the sealed text
	expiry  time.Time
}

func versionOf(a Account) version {
	return version{a.RefreshToken.digest(), a.ExpiresAt}
}

func (v version) same(o version) bool { return v.refresh == o.refresh && v.expiry.Equal(o.expiry) }

// unknownOutcome is a refresh token that was sent without a readable answer.
type unknownOutcome struct {
	token Fingerprint
	sends int
}

// rotation is the last exchange of this process and the refresh tokens it and
// its predecessors used up, so that an old token which another program writes
// back is known, never sent, and replaced by the newest.
type rotation struct {
	newest Token
	stored bool
	used   []Fingerprint // at most usedUpLimit, the latest last
}

const usedUpLimit = 16

// spent notes a token as used up.
func (r *rotation) spent(token Fingerprint) {
	if token.Zero() || r.usedUp(token) {
		return
	}
	r.used = append(r.used, token)
	if extra := len(r.used) - usedUpLimit; extra > 0 {
		r.used = slices.Delete(r.used, 0, extra)
	}
}

// superseded notes that another program stored found in place of old: by a
// refresh, which used old up and whatever we had last, or by a new sign-in.
func (r *rotation) superseded(old Fingerprint, found Secret, refreshed bool) {
	if refreshed {
		r.spent(old)
		if !r.newest.RefreshToken.Empty() {
			r.spent(r.newest.RefreshToken.Fingerprint())
		}
	}
	r.newest, r.stored = Token{RefreshToken: found}, true
}

func (r *rotation) usedUp(token Fingerprint) bool { return slices.Contains(r.used, token) }

// owed reports whether newest must be stored over token: because token is used
// up, or because an answer that left it as it is could not be stored so far.
func (r *rotation) owed(token Fingerprint) bool {
	return r.usedUp(token) || !r.stored && token == r.newest.RefreshToken.Fingerprint()
}

// next notes that old was spent for newest, which is yet to be stored.
func (r *rotation) next(old Fingerprint, newest Token) {
	r.newest, r.stored = newest, false
	if newest.RefreshToken.Fingerprint() != old {
		r.spent(old)
	}
}

// stateOf returns the account's state, making it where there is none. With
// e.mu held.
func (e *Engine) stateOf(key Key) *state {
	index := *e.index.Load()
	if st := index[key]; st != nil {
		return st
	}
	st := &state{key: key}
	index = maps.Clone(index)
	index[key] = st
	e.index.Store(&index)
	return st
}

// absorbAll takes in a listing that was asked for at began: accounts that are
// gone are forgotten. What was read after began is newer and stays.
func (e *Engine) absorbAll(accounts []Account, began time.Time) {
	e.mu.Lock()
	old := *e.index.Load()
	index := make(map[Key]*state, len(accounts))
	fresh := make([]*state, 0, len(accounts))
	for _, a := range accounts {
		st := old[a.Key]
		if st == nil {
			st = &state{key: a.Key}
		}
		index[a.Key] = st
		fresh = append(fresh, st)
	}
	for key, st := range old {
		if index[key] != nil {
			continue
		}
		if st.flight != nil || st.taken.After(began) { // forgotten by the next scan
			index[key] = st
			continue
		}
		e.dequeue(st)
		st.live.Store(nil)
	}
	e.index.Store(&index)
	e.mu.Unlock()
	for i, st := range fresh {
		e.mu.Lock()
		newer := st.taken.After(began)
		e.mu.Unlock()
		if newer {
			continue
		}
		if heal := e.take(st, accounts[i]); heal {
			e.start(st, request{why: WhyRestore, seen: versionOf(accounts[i])})
		}
	}
}

// forget drops an account that is gone. With e.mu held.
func (e *Engine) forget(st *state) {
	e.dequeue(st)
	st.live.Store(nil)
	index := maps.Clone(*e.index.Load())
	delete(index, st.key)
	e.index.Store(&index)
}

// absorb takes in one account that was just read.
func (e *Engine) absorb(a Account) *state {
	e.mu.Lock()
	st := e.stateOf(a.Key)
	e.mu.Unlock()
	if e.take(st, a) {
		e.start(st, request{why: WhyRestore, seen: versionOf(a)})
	}
	return st
}

// take makes a the state's account. It opens the refresh token only if its
// stored text is new, and reports whether this process owes the store a newer
// token than that one.
func (e *Engine) take(st *state, a Account) (owed bool) {
	v := versionOf(a)
	e.mu.Lock()
	known := st.version.refresh == v.refresh && st.account.Problem == nil && !st.version.refresh.Zero()
	token := st.token
	e.mu.Unlock()

	var secret Secret
	if a.Problem == nil && !known {
		var err error
		secret, err = a.RefreshToken.Open()
		if err != nil {
			a.Problem = err
		} else if !secret.Empty() {
			token = secret.Fingerprint()
		} else {
			token = Fingerprint{}
		}
	}
	static := a.Static()
	a.RefreshToken = Seal(kept(a.RefreshToken), nil)
	a.AccessToken = Sealed{}

	e.mu.Lock()
	defer e.mu.Unlock()
	if !st.version.same(v) || !a.Active || a.Problem != nil {
		st.live.Store(nil)
	}
	changed := st.token != token && !st.token.Zero() && !token.Zero()
	if changed && !st.rotation.usedUp(token) && token != st.rotation.newest.RefreshToken.Fingerprint() {
		st.rotation.superseded(st.token, secret, a.refreshedAt().After(st.account.refreshedAt()))
	}
	first := st.taken.IsZero()
	st.account, st.version, st.token, st.taken = a, v, token, time.Now()
	if a.Problem != nil {
		e.requeue(st)
		return false
	}
	if static { // whatever its refresh token's troubles were
		st.refused = Verdict{}
		if st.tries.Err != nil {
			st.tries = Tries{}
			e.recovered(st)
		}
		e.requeue(st)
		return false
	}
	told := false // by whoever found out
	if a.Memo.Dead.Token == token {
		told = st.refused.Token != token
		st.refused = a.Memo.Dead
	}
	if at := a.refreshedAt(); at.After(st.refused.At) && !at.After(wall()) { // the provider took it since
		st.refused = Verdict{}
	}
	if st.tries.Dead && st.refused.Token != token || changed && st.tries.Err != nil && !st.rotation.usedUp(token) {
		// Another program's refresh or a new sign-in: the failure was of the old token.
		st.tries = Tries{Result: ResultElsewhere, At: wall(), Succeeded: st.tries.Succeeded}
		e.recovered(st)
	}
	st.tries.Dead = st.refused.Token == token
	if st.tries.Result == "" && !a.Memo.RefreshedAt.IsZero() {
		st.tries.Result, st.tries.At = ResultRefreshed, a.Memo.RefreshedAt
	}
	if st.tries.Dead && st.tries.Err == nil {
		st.tries.Result, st.tries.At = ResultFailed, st.refused.At
		st.tries.Err = &Error{Kind: KindLoginDead, Code: st.refused.Code, Message: CodeText(st.refused.Code)}
		switch {
		case told:
			st.alerted = EventNeedsLogin
		case st.flight == nil: // else the flight's end tells
			e.alert(st, wall())
		}
	}
	if until := e.waits[a.Key]; first && !st.tries.Dead && until.After(wall()) {
		st.tries = Tries{Result: ResultFailed, At: wall(), Failures: 1, RetryAt: until, Err: &Error{Kind: KindRateLimited,
			Message: "the provider limits the rate and asked to wait until " + until.Local().Format(time.DateTime)}}
	}
	e.requeue(st)
	return st.flight == nil && st.rotation.owed(token)
}

// kept stands in for a sealed refresh token in a state: whether there is one
// is all that is asked of it.
func kept(s Sealed) string {
	if s.Empty() {
		return ""
	}
	return "sealed"
}

// view is the state as people see it. With e.mu held.
func (e *Engine) view(st *state, now time.Time) View {
	next, _ := e.policy.Next(st.account, st.tries)
	return View{
		Account:     st.account,
		Tries:       st.tries,
		Status:      e.policy.StatusOf(st.account, st.tries, now),
		Refreshing:  st.flight != nil,
		NextRefresh: next,
	}
}

// viewOf is view with the lock taken.
func (e *Engine) viewOf(st *state) View {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.view(st, wall())
}
