package engine

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"
)

// A login whose refresh token lies in two places is refreshed in one of them.
// The other follows: what the exchange gave is noted for both at once, and
// stored in both. Only a place that is another program's own is left alone.

// sharers returns the state and those that hold the same refresh token and may
// be written to.
func (e *Engine) sharers(st *state, token Fingerprint) []*state {
	e.mu.Lock()
	defer e.mu.Unlock()
	states := []*state{st}
	for o := range e.holding(st, token) {
		if !o.broken() && !o.onlyObserved() {
			states = append(states, o)
		}
	}
	return states
}

// setToken notes that the account holds the token. With e.mu held.
func (e *Engine) setToken(st *state, token Fingerprint) {
	if st.token == token {
		return
	}
	if before := st.twin; before == st {
		delete(e.holders, st.token)
	} else if before != nil {
		for before.twin != st {
			before = before.twin
		}
		before.twin = st.twin
		e.holders[st.token] = before
	}
	st.token, st.twin, st.matched = token, nil, false
	if token.Zero() {
		return
	}
	if o := e.holders[token]; o != nil {
		st.twin, o.twin = o.twin, st
		return
	}
	st.twin, e.holders[token] = st, st
}

// holding are the others that hold a token of st's provider. With e.mu held.
func (e *Engine) holding(st *state, token Fingerprint) iter.Seq[*state] {
	return func(yield func(*state) bool) {
		first := e.holders[token]
		for o := first; o != nil; {
			if o != st && o.key.Provider == st.key.Provider && !yield(o) {
				return
			}
			if o = o.twin; o == first {
				return
			}
		}
	}
}

// noteLine is note for the state and for whoever else holds the token: what
// becomes of it is known wherever it lies.
func (e *Engine) noteLine(st *state, token Secret, change func(*Record)) (Record, error) {
	return e.noteAll(e.journal.Update, e.sharers(st, token.Fingerprint()), change)
}

// share stores what st got for the old token wherever that lies.
func (e *Engine) share(st *state, old Secret) {
	e.mu.Lock()
	var owed []*state
	for o := range e.holding(st, old.Fingerprint()) {
		if r := o.record(); r.Head == st.record().Head && r.Unsaved && o.flight == nil && o.owes() && !e.isAway(o.key) {
			owed = append(owed, o)
		}
	}
	e.mu.Unlock()
	for _, o := range owed {
		e.start(o, request{why: WhyRestore})
	}
}

// yields is the error of an account whose login is refreshed in another place,
// as it shows in the token that is about to be sent.
func (e *Engine) yields(st *state, l *look) error {
	token := l.old.Fingerprint()
	e.mu.Lock()
	defer e.mu.Unlock()
	ledBy := func(o *state) error {
		st.editAccount(func(a *Account) { a.Rival = Rival{o.key, o.account().Name, true} })
		return usable(st.account())
	}
	for o := range e.holding(st, token) {
		if sent := o.record().Sent; o.flight != nil && sent.Token == token && st.record().Sent.ID == sent.ID && !sent.At.IsZero() {
			return Errorf(KindLocked, "the same login is being refreshed in another place", nil)
		}
		if leads(o, st) {
			return ledBy(o)
		}
	}
	if st.matched && st.token == token {
		return nil
	}
	for _, o := range *e.index.Load() {
		if o == st || o.token.Zero() || o.key.Provider != st.key.Provider {
			continue
		}
		if r := o.record(); r.usedUp(token) {
			return ledBy(o)
		}
	}
	return nil
}

// leads reports whether of two places of the same login a is the one to be
// refreshed. With e.mu held.
func leads(a, b *state) bool {
	rank := func(st *state) int {
		switch a := st.account(); {
		case a.onlyObserved():
			return 3
		case a.Problem != nil:
			return 2
		case !a.Active:
			return 1
		}
		return 0
	}
	return cmp.Or(rank(a)-rank(b), a.key.Compare(b.key)) < 0
}

// matchShared matches them. It returns pairs: who holds a token that is used up,
// and who used it up.
func (e *Engine) matchShared() []*state {
	e.mu.Lock()
	defer e.mu.Unlock()
	index := *e.index.Load()
	type login struct {
		provider string
		token    Fingerprint
	}
	holders := make(map[login]*state, len(index))
	rivals := map[*state]*state{}
	for _, st := range index {
		if st.matched = true; st.token.Zero() {
			continue
		}
		at := login{st.key.Provider, st.token}
		first := holders[at]
		if first == nil {
			holders[at] = st
			continue
		}
		lead, follower := first, st
		if leads(st, first) {
			lead, follower = st, first
			holders[at] = st
		}
		rivals[follower] = lead
		if rivals[lead] == nil {
			rivals[lead] = follower
		}
	}
	for _, st := range index {
		for _, used := range st.record().Used {
			if o := holders[login{st.key.Provider, used}]; o != nil && o != st && o.token != st.token {
				rivals[o] = st
			}
		}
	}
	var stale []*state
	for o, st := range rivals {
		if o.token != st.token && !o.onlyObserved() && !o.broken() && o.flight == nil && !e.isAway(o.key) {
			stale = append(stale, o, st)
		}
	}
	now := e.now()
	for _, st := range index {
		rival := Rival{}
		if o := rivals[st]; o != nil {
			rival = Rival{o.key, o.account().Name, o.token == st.token && leads(o, st) || o.token != st.token}
		}
		if rival != st.account().Rival {
			st.editAccount(func(a *Account) { a.Rival = rival })
			st.live.Store(nil)
			e.requeue(st)
			e.hub.publish(Event{Kind: EventChanged, Account: e.view(st, now)})
		}
	}
	return stale
}

// findShared finds the logins that lie in more than one place, and brings those
// up to date that missed a refresh in another.
func (e *Engine) findShared() {
	stale := e.matchShared()
	for i := 0; i+1 < len(stale); i += 2 {
		e.follow(stale[i], stale[i+1])
	}
}

// follow stores lead's newest token in the place of one that lead used up.
func (e *Engine) follow(st, lead *state) {
	ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
	defer cancel()
	whole, err := e.journal.Read(ctx, lead.key)
	e.noteJournal(err)
	e.mu.Lock()
	token := st.token
	e.mu.Unlock()
	if err != nil || whole.Newest.RefreshToken.Empty() || !whole.usedUp(token) {
		return
	}
	if _, err := e.note(st, func(r *Record) {
		if r.Head == token {
			r.rotate(token, whole.Newest, e.now().Truncate(time.Millisecond))
		}
	}); err == nil {
		e.start(st, request{why: WhyRestore})
	}
}

// lookForRivals reads a provider's accounts, for a process that has not read
// all: the same login may be refreshed in another place.
func (e *Engine) lookForRivals(ctx context.Context, provider string) {
	var wg sync.WaitGroup
	for _, p := range e.places {
		wg.Go(func() {
			limited, cancel := context.WithTimeout(ctx, storeTimeout)
			defer cancel()
			listing, err := p.Store.List(limited)
			e.noteAnswer(ctx, p, err)
			p.own(listing.Accounts...)
			e.recallAll(ctx)
			of := slices.DeleteFunc(listing.Accounts, func(a Account) bool { return a.Provider != provider })
			e.makeStates(of)
			for _, a := range of {
				e.absorb(a)
			}
		})
	}
	wg.Wait()
	e.findShared()
}
