package engine

import (
	"time"
	"unique"
)

// What the engine knows of an account lies in its state in a form that is a
// fifth as large as the values themselves: accounts are many, and all but a few
// are at rest. What few accounts have is behind a pointer, what many have alike
// is there once. All of it is guarded by Engine.mu.

// moment is a time to the microsecond, as all that are kept are; 0 is the zero
// time.
type moment int64

func momentOf(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	return moment(t.UnixMicro())
}

func (m moment) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(m)).UTC()
}

// exact reports whether a moment holds each of the times.
func exact(times ...time.Time) bool {
	for _, t := range times {
		if !momentOf(t).time().Equal(t) {
			return false
		}
	}
	return true
}

// compactAccount is an Account without its key, access token and record.
type compactAccount struct {
	name                           string
	expiresAt, refreshedAt, usedAt moment
	traits                         unique.Handle[traits]
	odd                            *Account // whole, where it has more than that
}

// traits are what many accounts have alike.
type traits struct {
	client, status, scopes, organization string
	active, observed, doubted, static    bool
	choice                               Choice
}

// isSealed stands in for a sealed refresh token: whether there is one is all
// that is asked of it.
var isSealed = Seal("sealed", nil)

func (st *state) account() Account {
	c := &st.compactAccount
	if c.odd != nil {
		return *c.odd
	}
	if c.traits == (unique.Handle[traits]{}) { // not read yet
		return Account{}
	}
	t := c.traits.Value()
	a := Account{
		Key: st.key, Name: c.name, Client: t.client, Active: t.active, StoreStatus: t.status, ExpiresAt: c.expiresAt.time(),
		LastRefreshAt: c.refreshedAt.time(), LastUsedAt: c.usedAt.time(), Scopes: t.scopes, Organization: t.organization,
		Doubted: t.doubted, Observed: t.observed, Choice: t.choice,
	}
	if !t.static {
		a.RefreshToken = isSealed
	}
	return a
}

func (st *state) setAccount(a Account) {
	a.Key, a.AccessToken, a.Record = st.key, Sealed{}, Sealed{}
	static := a.RefreshToken.Empty()
	if !static {
		a.RefreshToken = isSealed
	}
	st.compactAccount = compactAccount{}
	if a.StoreError != "" || !a.Proxy.Empty() || !a.OAuth.Empty() || a.Problem != nil || a.Rival != (Rival{}) ||
		!a.LoginExpiresAt.IsZero() || !a.RateLimitedUntil.IsZero() || !exact(a.ExpiresAt, a.LastRefreshAt, a.LastUsedAt) {
		st.compactAccount.odd = &a
		return
	}
	st.compactAccount = compactAccount{
		name: a.Name, expiresAt: momentOf(a.ExpiresAt), refreshedAt: momentOf(a.LastRefreshAt), usedAt: momentOf(a.LastUsedAt),
		traits: unique.Make(traits{
			client: a.Client, status: a.StoreStatus, scopes: a.Scopes, organization: a.Organization,
			active: a.Active, observed: a.Observed, doubted: a.Doubted, static: static, choice: a.Choice,
		}),
	}
}

// editAccount changes it.
func (st *state) editAccount(change func(*Account)) {
	a := st.account()
	change(&a)
	st.setAccount(a)
}

// broken reports whether the account cannot be used at all.
func (st *state) broken() bool {
	return st.compactAccount.odd != nil && st.compactAccount.odd.Problem != nil
}

// onlyObserved is the account's.
func (st *state) onlyObserved() bool { return st.account().onlyObserved() }

// compactRecord is a Record of a login at rest: in memory, as Record.kept has it.
type compactRecord struct {
	head                                           Fingerprint
	used                                           []Fingerprint
	newestAt, refreshedAt, seen, expiry, exchanged moment
	settled                                        string
	restored                                       int
	odd                                            *Record // whole, where it has more than that
}

// record returns the account's record, whose slices are not to be changed.
func (st *state) record() Record {
	c := &st.compactRecord
	if c.odd != nil {
		return *c.odd
	}
	return Record{
		Head: c.head, Used: c.used, NewestAt: c.newestAt.time(), RefreshedAt: c.refreshedAt.time(), Seen: c.seen.time(), Expiry: c.expiry.time(),
		Exchanged: c.exchanged.time(), Settled: c.settled, Restored: c.restored,
	}
}

func (st *state) setRecord(r Record) {
	if r.Newest != (Token{}) || len(r.Replaced) > 0 || r.Sent != (Sending{}) || r.Dead != (Verdict{}) || r.Unsaved || r.Person || !r.UsedAt.IsZero() ||
		r.Failure != (Failure{}) || r.Choice != (Choice{}) || r.Damaged || !exact(r.NewestAt, r.RefreshedAt, r.Seen, r.Expiry, r.Exchanged) {
		st.compactRecord = compactRecord{odd: &r}
		return
	}
	st.compactRecord = compactRecord{
		head: r.Head, used: r.Used, newestAt: momentOf(r.NewestAt), refreshedAt: momentOf(r.RefreshedAt), seen: momentOf(r.Seen), expiry: momentOf(r.Expiry),
		exchanged: momentOf(r.Exchanged), settled: r.Settled, restored: r.Restored,
	}
}

// compactTries is Tries whose last did not fail.
type compactTries struct {
	result        string
	at, succeeded moment
	took          time.Duration
	odd           *Tries // whole, where it has more than that
}

func (st *state) tries() Tries {
	c := &st.compactTries
	if c.odd != nil {
		t := *c.odd
		t.Lane = st.slotLane
		return t
	}
	return Tries{Lane: st.slotLane, Result: c.result, At: c.at.time(), Succeeded: c.succeeded.time(), Took: c.took}
}

func (st *state) slot() Slot { return Slot{st.slotMinute, st.slotLane} }

func (st *state) setSlot(s Slot) { st.slotMinute, st.slotLane = s.minute, s.Lane }

// setTries sets all but the lane.
func (st *state) setTries(t Tries) {
	if t.Err != nil || t.Failures > 0 || !t.RetryAt.IsZero() || t.Dead || t.Stuck || !exact(t.At, t.Succeeded) {
		st.compactTries = compactTries{odd: &t}
		return
	}
	st.compactTries = compactTries{result: t.Result, at: momentOf(t.At), succeeded: momentOf(t.Succeeded), took: t.Took}
}

// editTries changes them.
func (st *state) editTries(change func(*Tries)) {
	t := st.tries()
	change(&t)
	st.setTries(t)
}

// rare is what few states have.
type rare struct {
	refused  Fingerprint // the token whose refusal this process found out
	told     Fingerprint // the token that the record beside the account has as dead
	alerted  EventKind   // EventNeedsLogin or EventExpired, once told
	foretold foretold    // what was told ahead of the login's end
	asked    time.Time   // when a caller's refresh last failed
	// unjournaled is the whole record, where the journal did not take it.
	unjournaled *Record
}

// has returns it, the zero value where there is none.
func (st *state) has() rare {
	if st.rare == nil {
		return rare{}
	}
	return *st.rare
}

// have changes it.
func (st *state) have(change func(*rare)) {
	r := st.has()
	if change(&r); r == (rare{}) {
		st.rare = nil
		return
	}
	st.rare = &r
}
