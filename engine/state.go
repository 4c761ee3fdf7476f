package engine

import (
	"context"
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

	compactAccount // its secrets dropped: the store has them
	compactRecord
	compactTries
	rare *rare

	version version
	token   Fingerprint   // of the refresh token
	twin    *state        // the next with the same token, in a ring; nil: no token
	beside  Fingerprint   // of the sealed record beside the account, as it was last read
	taken   time.Duration // the engine's age when account was last taken in, for listings read before; 0: never
	flight  *flight       // the refresh under way

	due        int64 // when the queue takes it, in Unix µs
	place      int32 // in the queue, plus one; 0: not queued
	saves      int32 // counts them: a read-back belongs to the last one
	slotMinute int32 // these two are its Slot
	slotLane   uint8
	matched    bool // findShared has seen the token
}

// liveToken is an access token and until when it can be handed out unseen.
type liveToken struct {
	access Secret
	until  int64 // Unix time in ns
	expiry time.Time
}

// version tells one stored state of an account's tokens from another.
type version struct {
	refresh Fingerprint // of the sealed text
	expiry  moment
}

func versionOf(a Account) version { return version{a.RefreshToken.digest(), momentOf(a.ExpiresAt)} }

// stateOf returns the account's state, making it where there is none. With
// e.mu held.
func (e *Engine) stateOf(key Key) *state {
	index := *e.index.Load()
	if st := index[key]; st != nil {
		return st
	}
	st := e.newState(key)
	index = maps.Clone(index)
	index[key] = st
	e.index.Store(&index)
	return st
}

// makeStates makes those that are missing, at one cost for all.
func (e *Engine) makeStates(accounts []Account) {
	e.mu.Lock()
	defer e.mu.Unlock()
	index := maps.Clone(*e.index.Load())
	for _, a := range accounts {
		if index[a.Key] == nil {
			index[a.Key] = e.newState(a.Key)
		}
	}
	e.index.Store(&index)
}

// newState begins with what the journal said. With e.mu held.
func (e *Engine) newState(key Key) *state {
	st := &state{key: key}
	st.setRecord(e.waiting[key])
	delete(e.waiting, key)
	return st
}

// absorbAll takes in a place's listing that was asked for at began: accounts
// that are gone are forgotten. What was read after began is newer and stays.
func (e *Engine) absorbAll(p *place, accounts []Account, began time.Duration) {
	e.mu.Lock()
	p.read = true
	old := *e.index.Load()
	index := make(map[Key]*state, max(len(accounts), len(old)))
	fresh := make([]*state, 0, len(accounts))
	for _, a := range accounts {
		st := old[a.Key]
		if st == nil {
			st = e.newState(a.Key)
		}
		index[st.key] = st // the same strings at each scan
		fresh = append(fresh, st)
	}
	if len(e.waiting) == 0 {
		e.waiting = map[Key]Record{} // the old one keeps its size
	}
	for key, st := range old {
		if index[key] != nil {
			continue
		}
		if key.Store != p.name || st.flight != nil || st.taken > began { // the last are forgotten by the next scan
			index[key] = st
			continue
		}
		e.drop(st)
	}
	e.index.Store(&index)
	e.countHerd()
	e.mu.Unlock()
	var seen []sighting
	for i, st := range fresh {
		e.mu.Lock()
		newer := st.taken > began
		e.mu.Unlock()
		if newer {
			continue
		}
		_, s := e.take(st, accounts[i])
		if s.moved { // what came with the token is no part of a listing
			if a, err := e.load(context.Background(), s.key); err == nil && versionOf(a) == s.version {
				s.newest.AccessToken, _ = a.AccessToken.Open()
			}
		}
		if s.news {
			seen = append(seen, s)
		}
		e.heal(st, s)
	}
	e.journalise(seen)
}

// countHerd tells the policy how many accounts there are, and plans all anew
// where that has changed much. With e.mu held.
func (e *Engine) countHerd() {
	index := *e.index.Load()
	n := len(index)
	if n <= e.policy.Herd+e.policy.Herd/8 && n > e.policy.Herd/2 {
		return // a spread that is somewhat off is better than deadlines that wander
	}
	e.policy.Herd = n
	for _, st := range index {
		e.requeue(st)
	}
}

// drop ends a state; what is known of its line stays. With e.mu held.
func (e *Engine) drop(st *state) {
	e.dequeue(st)
	e.crowd.Leave(st.slot())
	st.setSlot(Slot{})
	st.live.Store(nil)
	e.setToken(st, Fingerprint{})
	e.waiting[st.key] = st.record()
}

// forget drops an account that is gone. With e.mu held.
func (e *Engine) forget(st *state) {
	e.drop(st)
	index := maps.Clone(*e.index.Load())
	delete(index, st.key)
	e.index.Store(&index)
}

// absorb takes in one account that was just read, and returns it as take does.
func (e *Engine) absorb(a Account) (*state, Account) {
	e.mu.Lock()
	st := e.stateOf(a.Key)
	e.mu.Unlock()
	a, s := e.take(st, a)
	if s.news {
		e.journalise([]sighting{s})
	}
	e.heal(st, s)
	return st, a
}

// heal stores the newest token where s shows that it is owed, unless a refresh
// under way does.
func (e *Engine) heal(st *state, s sighting) {
	e.mu.Lock()
	away := e.isAway(st.key) // its return heals
	e.mu.Unlock()
	if s.owed && !away {
		e.start(st, request{why: WhyRestore, seen: s.version})
	}
}

// sighting is what one reading of an account says of its line of refresh
// tokens.
type sighting struct {
	key         Key
	version     version
	token       Fingerprint
	newest      Token // the refresh token where it is new, and the expiry
	moved       bool  // another program put it in the place of one known here
	beside      *Record
	refreshedAt time.Time // as the store has it
	news        bool      // the journal does not know it yet
	owed        bool      // the newest token is to be stored in its place
}

// on brings a record up to date by the sighting.
func (s sighting) on(r *Record, now time.Time) {
	if s.beside != nil {
		r.merge(*s.beside, s.token)
	}
	r.see(s.token, s.newest, s.refreshedAt, now)
	for _, at := range []time.Time{s.refreshedAt, r.RefreshedAt} {
		if at.After(r.Dead.At) && !at.After(now) { // the provider took it since
			r.Dead = Verdict{}
		}
	}
}

// readBeside opens the record beside an account.
func readBeside(a Account) *Record {
	text, err := a.Record.Open()
	if err == nil {
		var r Record
		if r, err = DecodeRecord(text); err == nil {
			return &r
		}
	}
	return &Record{Damaged: true}
}

// take makes a the state's account. It opens the refresh token and the record
// beside it only where their stored text is new. It returns the account with
// what the engine knows better: the last refresh, and an expiry that a wrong
// clock gave.
func (e *Engine) take(st *state, a Account) (Account, sighting) {
	v, beside := versionOf(a), a.Record.digest()
	e.mu.Lock()
	record := st.record()
	known := st.version.refresh == v.refresh && !st.broken() && !st.version.refresh.Zero() &&
		(st.token == record.Head || record.gone(st.token))
	reread := beside != st.beside && !a.Record.Empty()
	s := sighting{key: a.Key, version: v, token: st.token, refreshedAt: a.LastRefreshAt, newest: Token{ExpiresAt: a.ExpiresAt}}
	e.mu.Unlock()

	if a.Problem == nil && !known {
		var err error
		s.token = Fingerprint{}
		if s.newest.RefreshToken, err = a.RefreshToken.Open(); err != nil {
			a.Problem = err
		} else if !s.newest.RefreshToken.Empty() {
			s.token = s.newest.RefreshToken.Fingerprint()
			s.newest.AccessToken, _ = a.AccessToken.Open() // none in a listing
		}
	}
	if a.Problem == nil && reread {
		s.beside = readBeside(a)
	}
	static := a.Static()

	e.mu.Lock()
	defer e.mu.Unlock()
	before, record := st.record(), st.record()
	if !s.token.Zero() && a.Problem == nil {
		record.Used = slices.Clone(record.Used)
		s.on(&record, e.now())
		s.news = !record.same(before) && (e.running || st.flight != nil || !before.same(Record{}))
		s.moved = s.news && !before.Head.Zero() && record.Head != before.Head && record.Newest.AccessToken.Empty()
		record = record.kept()
		st.setRecord(record)
		st.beside = beside
		if s.beside != nil {
			st.have(func(r *rare) { r.told = s.beside.Dead.Token })
		}
	}
	a = st.corrected(a, s.token, e.now())
	if a.LastUsedAt.IsZero() { // its store keeps no such time
		a.LastUsedAt = record.UsedAt
	}
	old := st.account()
	if a.Choice, a.Rival = record.Choice, old.Rival; s.token != st.token {
		a.Rival = Rival{} // of the login before
	}
	token := s.token
	if st.version != v || !a.Active || a.Problem != nil {
		st.live.Store(nil)
	}
	changed := st.token != token && !st.token.Zero() && !token.Zero()
	first := st.taken == 0
	later := !first && a.ExpiresAt.After(old.ExpiresAt) // with the same refresh token: not every provider rotates
	anew := !first && a.OAuth != old.OAuth
	st.setAccount(a)
	e.setToken(st, token)
	st.version, st.taken = v, e.age()
	if a.Problem != nil {
		e.requeue(st)
		return a, s
	}
	if anew && st.tries().Stuck { // it may do with this client
		st.editTries(func(t *Tries) { t.Stuck, t.RetryAt = false, time.Time{} })
	}
	if static { // whatever its refresh token's troubles were
		if st.tries().Err != nil {
			st.setTries(Tries{})
			e.recovered(st)
		}
		e.requeue(st)
		s.owed = st.flight == nil && st.owes()
		return a, s
	}
	r, t := &record, st.tries()
	if t.Dead && r.Dead.Token != token || (changed || later) && t.Err != nil && !r.gone(token) {
		// Another program's refresh or a new sign-in: the failure is over.
		t = Tries{Result: ResultElsewhere, At: e.now(), Succeeded: t.Succeeded}
		st.setTries(t)
		e.recovered(st)
	}
	t.Dead = r.Dead.Token == token
	if first && t.Result == "" && !t.Dead && r.Failure.Token == token {
		t = e.triesOf(a, r.Failure)
	}
	if t.Result == "" && !r.RefreshedAt.IsZero() {
		t.Result, t.At = ResultRefreshed, r.RefreshedAt
	}
	died := t.Dead && t.Err == nil
	if died {
		t.Result, t.At, t.Err = ResultFailed, r.Dead.At, r.Dead.err()
	}
	st.setTries(t)
	if died {
		switch {
		case st.has().refused != token: // told by whoever found out
			st.have(func(r *rare) { r.alerted = EventNeedsLogin })
		case st.flight == nil: // else the flight's end tells
			e.alert(st, e.now())
		}
	}
	e.requeue(st)
	s.owed = st.flight == nil && st.owes()
	return a, s
}

// owes reports whether the store lacks something that is known here: the
// newest token, or a provider's final answer. With e.mu held.
func (st *state) owes() bool {
	record := st.record()
	if !record.Unsaved && st.onlyObserved() { // what we got ourselves is stored
		return false
	}
	dead := record.Dead
	return record.owed(st.token) || dead.Token == st.token && dead.Code != "" && st.has().told != st.token && !st.token.Zero()
}

// clockTolerance is how far a time may lie in the future and be believed.
const clockTolerance = time.Minute

// corrected is the account with what is known better than its store has it.
// Where this machine's last exchange lies in the future, the clock was set back
// since, and the expiry that was reckoned by it is doubted. With e.mu held.
func (st *state) corrected(a Account, token Fingerprint, now time.Time) Account {
	record := st.record()
	if record.RefreshedAt.After(a.LastRefreshAt) {
		a.LastRefreshAt = record.RefreshedAt
	}
	if at := record.Exchanged; at.After(now.Add(clockTolerance)) && record.Head == token {
		a.Doubted = true
	}
	return a
}

// err is what people are told of a verdict.
func (v Verdict) err() error {
	if v.Code == "" {
		return Errorf(KindLoginDead, "two refreshes had no readable answer, so the refresh token may be used up: sign in again", nil)
	}
	return &Error{Kind: KindLoginDead, Code: v.Code, Message: CodeText(v.Code)}
}

// view is the state as people see it. With e.mu held.
func (e *Engine) view(st *state, now time.Time) View {
	account, tries := st.account(), st.tries()
	next, planned := e.policy.Next(account, tries)
	if !planned {
		next = time.Time{}
	}
	return View{
		Account:     account,
		Tries:       tries,
		Status:      e.policy.StatusOf(account, tries, now),
		Refreshing:  st.flight != nil,
		NextRefresh: next,
		Restored:    st.record().Restored,
	}
}

// viewOf is view with the lock taken.
func (e *Engine) viewOf(st *state) View {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.view(st, e.now())
}
