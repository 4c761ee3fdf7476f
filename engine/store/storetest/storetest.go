// Package storetest is the conformance suite that every engine.Store and
// engine.Locker passes.
package storetest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tokentray/engine"
)

// Subject is one store under test, empty at the start, with what a test needs
// to play the other programs that share it.
type Subject struct {
	Store  engine.Store
	Locker engine.Locker
	// OtherLocker is the locker of another process on the same store.
	OtherLocker engine.Locker
	// Remove deletes the account behind the store's back.
	Remove func(t *testing.T, key engine.Key)
	// Providers are those whose accounts the store can hold.
	Providers []string
	// Refuses are the tests of what the store does not do, by name, each with
	// the reason.
	Refuses map[string]string

	// What follows is for a store whose accounts are another program's, which
	// decides what is kept of them.

	// Add, where it is set, is used in place of Store.Add: it makes the account
	// as that program does.
	Add func(t *testing.T, n engine.NewAccount) engine.Account
	// NoRecord: nothing is kept beside the account.
	NoRecord bool
	// NoNames: the program gives accounts no name; the store makes one up.
	NoNames bool
	// NoStatus: neither StoreStatus, StoreError nor the time of the last
	// refresh is kept.
	NoStatus bool
	// NoExpiry are the providers whose expiry is kept in the access token alone,
	// so that the tokens of the suite have none.
	NoExpiry []string
}

// Run runs the suite; open is called for each test.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for name, test := range map[string]func(*testing.T, Subject){
		"Add":            testAdd,
		"Save":           testSave,
		"SaveUnrotated":  testSaveUnrotated,
		"SaveOnlyTheKey": testSavePartial,
		"SaveConflict":   testConflict,
		"SaveRepeated":   testRepeated,
		"SaveRemoved":    testRemoved,
		"MarkDead":       testMarkDead,
		"Restored":       testRestored,
		"Record":         testRecord,
		"AddEverything":  testAddEverything,
		"Edit":           testEdit,
		"EditOAuth":      testEditOAuth,
		"EditMissing":    testEditMissing,
		"EditAndWrite":   testEditAndWrite,
		"Remove":         testRemove,
		"Lease":          testLease,
		"ManyWriters":    testManyWriters,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			if reason, refuses := s.Refuses[name]; refuses {
				t.Skip(reason)
			}
			test(t, s)
		})
	}
}

var soon = time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)

func add(t *testing.T, s Subject, provider string) engine.Account {
	t.Helper()
	n := engine.NewAccount{
		Provider: provider, Name: "账户 " + provider, RefreshToken: engine.NewSecret("refresh-0"),
		AccessToken: engine.NewSecret("access-0"), ExpiresAt: soon,
	}
	if s.Add != nil {
		return load(t, s, s.Add(t, n).Key)
	}
	a, err := s.Store.Add(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, s, a.Key)
}

// expires reports whether the account's expiry is want, as far as it is kept.
func (s Subject) expires(a engine.Account, want time.Time) bool {
	return a.ExpiresAt.Equal(want) || slices.Contains(s.NoExpiry, a.Provider)
}

func load(t *testing.T, s Subject, key engine.Key) engine.Account {
	t.Helper()
	a, err := s.Store.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if a.Problem != nil {
		t.Fatal(a.Problem)
	}
	return a
}

// check compares the stored tokens.
func check(t *testing.T, a engine.Account, refresh, access string) {
	t.Helper()
	for what, want := range map[string]struct {
		sealed engine.Sealed
		text   string
	}{"refresh token": {a.RefreshToken, refresh}, "access token": {a.AccessToken, access}} {
		got, err := want.sealed.Open()
		if err != nil {
			t.Fatal(err)
		}
		if got.Reveal() != want.text {
			t.Errorf("%s: got %q, want %q", what, got.Reveal(), want.text)
		}
	}
}

func wantKind(t *testing.T, err error, kind engine.Kind) {
	t.Helper()
	if err == nil || engine.KindOf(err) != kind {
		t.Errorf("error %v is of kind %d, want %d", err, engine.KindOf(err), kind)
	}
}

// write makes one change with a record of its own beside the account.
func write(t *testing.T, s Subject, old engine.Account, tok engine.Token, at time.Time) (engine.Account, error) {
	return s.Store.Write(t.Context(), old, engine.Change{Token: tok, At: at, Record: engine.NewSecret("record of " + tok.RefreshToken.Reveal())})
}

func token(refresh, access string, expiry time.Time) engine.Token {
	return engine.Token{RefreshToken: engine.NewSecret(refresh), AccessToken: engine.NewSecret(access), ExpiresAt: expiry}
}

func testAdd(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		a := add(t, s, p)
		check(t, a, "refresh-0", "access-0")
		if !a.Active || a.Name != "账户 "+p && !s.NoNames || a.Name == "" || a.Provider != p || !s.expires(a, soon) {
			t.Errorf("%s: stored as %+v", p, a)
		}
	}
	listing, err := s.Store.List(t.Context())
	if err != nil || len(listing.Problems) > 0 {
		t.Fatal(err, listing.Problems)
	}
	if len(listing.Accounts) != len(s.Providers) {
		t.Fatalf("%d accounts listed, want %d", len(listing.Accounts), len(s.Providers))
	}
	for _, a := range listing.Accounts {
		if refresh, err := a.RefreshToken.Open(); err != nil || refresh.Reveal() != "refresh-0" {
			t.Errorf("listed refresh token: %q, %v", refresh.Reveal(), err)
		}
		if !a.AccessToken.Empty() {
			t.Errorf("%s: an access token in the listing", a.Name)
		}
	}
	_, err = s.Store.Load(t.Context(), engine.Key{Provider: s.Providers[0], ID: "none"})
	wantKind(t, err, engine.KindNotFound)
}

func testSave(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		old := add(t, s, p)
		at := time.Now().UTC().Truncate(time.Millisecond)
		saved, err := write(t, s, old, token("refresh-1", "access-1", soon.Add(time.Hour)), at)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range []engine.Account{saved, load(t, s, old.Key)} {
			check(t, a, "refresh-1", "access-1")
			if !s.expires(a, soon.Add(time.Hour)) || a.Name != old.Name || p != engine.OpenAI && !s.NoStatus && !a.LastRefreshAt.Equal(at) {
				t.Errorf("%s: saved as expiry %v, refreshed at %v, name %q", p, a.ExpiresAt, a.LastRefreshAt, a.Name)
			}
			s.checkRecord(t, a, "record of refresh-1")
		}
	}
}

func testSaveUnrotated(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		old := add(t, s, p)
		if _, err := write(t, s, old, token("", "access-1", soon), time.Now()); err != nil {
			t.Fatal(err)
		}
		check(t, load(t, s, old.Key), "refresh-0", "access-1")
	}
}

func testSavePartial(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		old := add(t, s, p)
		if _, err := write(t, s, old, token("refresh-1", "", time.Time{}), time.Now()); err != nil {
			t.Fatal(err)
		}
		a := load(t, s, old.Key)
		check(t, a, "refresh-1", "access-0")
		if !a.ExpiresAt.Equal(old.ExpiresAt) {
			t.Errorf("%s: the expiry of the kept access token changed to %v", p, a.ExpiresAt)
		}
	}
}

func testConflict(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		old := add(t, s, p)
		if _, err := write(t, s, old, token("refresh-1", "access-1", soon), time.Now()); err != nil {
			t.Fatal(err)
		}
		_, err := write(t, s, old, token("refresh-2", "access-2", soon), time.Now())
		wantKind(t, err, engine.KindConflict)
		_, err = s.Store.Write(t.Context(), old, engine.Change{Dead: "invalid_grant", Record: engine.NewSecret("dead")})
		wantKind(t, err, engine.KindConflict)
		a := load(t, s, old.Key)
		check(t, a, "refresh-1", "access-1")
		if a.StoreStatus == "error" {
			t.Errorf("%s: marked dead in spite of the conflict", p)
		}
		s.checkRecord(t, a, "record of refresh-1")
	}
}

// testRepeated: a second swap on what the first left succeeds, as after a
// reply that was lost.
func testRepeated(t *testing.T, s Subject) {
	old := add(t, s, s.Providers[0])
	tok := token("refresh-1", "access-1", soon)
	saved, err := write(t, s, old, tok, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := write(t, s, saved, tok, time.Now()); err != nil {
		t.Fatal(err)
	}
	check(t, load(t, s, old.Key), "refresh-1", "access-1")
}

func testRemoved(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		old := add(t, s, p)
		s.Remove(t, old.Key)
		_, err := write(t, s, old, token("refresh-1", "access-1", soon), time.Now())
		wantKind(t, err, engine.KindNotFound)
		_, err = s.Store.Write(t.Context(), old, engine.Change{Dead: "invalid_grant", Record: engine.NewSecret("dead")})
		wantKind(t, err, engine.KindNotFound)
		_, err = s.Store.Load(t.Context(), old.Key)
		wantKind(t, err, engine.KindNotFound)
	}
}

func testMarkDead(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		old := add(t, s, p)
		if _, err := s.Store.Write(t.Context(), old, engine.Change{Dead: "invalid_grant", Record: engine.NewSecret("dead")}); err != nil {
			t.Fatal(err)
		}
		a := load(t, s, old.Key)
		check(t, a, "refresh-0", "access-0")
		s.checkRecord(t, a, "dead")
		if a.StoreStatus != "error" && p != engine.OpenAI && !s.NoStatus { // of which the relay writes none
			t.Errorf("%s: status %q", p, a.StoreStatus)
		}
		if _, err := write(t, s, a, token("refresh-1", "access-1", soon), time.Now()); err != nil {
			t.Fatal(err)
		}
		if a := load(t, s, old.Key); a.StoreStatus == "error" || a.StoreError != "" {
			t.Errorf("%s: still dead after a refresh: %q %q", p, a.StoreStatus, a.StoreError)
		}
	}
}

// testRestored: what is put back says nothing of the account's status, which
// is another program's matter.
func testRestored(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		old := add(t, s, p)
		if _, err := s.Store.Write(t.Context(), old, engine.Change{Dead: "invalid_grant", Record: engine.NewSecret("dead")}); err != nil {
			t.Fatal(err)
		}
		marked := load(t, s, old.Key)
		if _, err := s.Store.Write(t.Context(), marked, engine.Change{Token: token("refresh-1", "access-1", soon.Add(time.Hour)), At: time.Now(),
			Restored: true, Record: engine.NewSecret("restored")}); err != nil {
			t.Fatal(err)
		}
		a := load(t, s, old.Key)
		check(t, a, "refresh-1", "access-1")
		s.checkRecord(t, a, "restored")
		if a.StoreStatus != marked.StoreStatus || !s.expires(a, soon.Add(time.Hour)) {
			t.Errorf("%s: status %q, expiry %v", p, a.StoreStatus, a.ExpiresAt)
		}
	}
}

// testRecord: it can be left alone, is listed too, and needs the account as it
// was read.
func testRecord(t *testing.T, s Subject) {
	for _, p := range s.Providers {
		old := add(t, s, p)
		written, err := s.Store.Write(t.Context(), old, engine.Change{Record: engine.NewSecret("first")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Store.Write(t.Context(), written, engine.Change{Record: engine.NewSecret("second")}); err != nil {
			t.Fatal(err)
		}
		a := load(t, s, old.Key)
		check(t, a, "refresh-0", "access-0")
		s.checkRecord(t, a, "second")
		if a.StoreStatus != old.StoreStatus || !a.ExpiresAt.Equal(old.ExpiresAt) {
			t.Errorf("%s: more than the record was written: %+v", p, a)
		}
		listing, err := s.Store.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range listing.Accounts {
			if a.Key == old.Key {
				s.checkRecord(t, a, "second")
			}
		}
	}
}

func (s Subject) checkRecord(t *testing.T, a engine.Account, want string) {
	t.Helper()
	if s.NoRecord {
		want = ""
	}
	got, err := a.Record.Open()
	if err != nil || got.Reveal() != want {
		t.Errorf("%s: the record is %q, %v, want %q", a.Provider, got.Reveal(), err, want)
	}
}

func testLease(t *testing.T, s Subject) {
	key := engine.Key{Provider: s.Providers[0], ID: "leased"}
	began := time.Now()
	lease, err := s.Locker.TryLock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if until := lease.Until(); until.Before(began.Add(45*time.Second)) || until.After(time.Now().Add(time.Minute)) {
		t.Errorf("the lease ends %v after it was taken", until.Sub(began))
	}
	for _, locker := range []engine.Locker{s.Locker, s.OtherLocker} {
		_, err := locker.TryLock(t.Context(), key)
		wantKind(t, err, engine.KindLocked)
	}
	other, err := s.OtherLocker.TryLock(t.Context(), engine.Key{Provider: key.Provider, ID: "another"})
	if err != nil {
		t.Fatalf("another account's lease: %v", err)
	}
	if err := other.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, err := s.OtherLocker.TryLock(t.Context(), key)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := lease.Release(t.Context()); err != nil && engine.KindOf(err) != engine.KindLocked { // not ours any more: nothing happens
		t.Fatal(err)
	}
	_, err = s.Locker.TryLock(t.Context(), key)
	wantKind(t, err, engine.KindLocked)
	if err := second.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// testManyWriters: of many swaps on one state exactly one wins.
func testManyWriters(t *testing.T, s Subject) {
	old := add(t, s, s.Providers[0])
	var wg sync.WaitGroup
	won := make(chan string, 16)
	for i := range 16 {
		wg.Go(func() {
			name := strings.Repeat("x", i+1)
			if _, err := write(t, s, old, token("refresh-"+name, "access-"+name, soon), time.Now()); err == nil {
				won <- name
			} else if engine.KindOf(err) != engine.KindConflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(won)
	if len(won) != 1 {
		t.Fatalf("%d writers won", len(won))
	}
	name := <-won
	check(t, load(t, s, old.Key), "refresh-"+name, "access-"+name)
}
