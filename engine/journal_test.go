package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// elsewhere is an engine on another machine: the same store, a journal of its
// own.
func (d *desk) elsewhere(p Policy) *desk {
	other := &desk{store: d.store, provider: d.provider, book: newBook(), clock: d.clock}
	other.Engine = other.another(p)
	return other
}

// again is the desk after a restart of its process.
func (d *desk) again(p Policy) *desk {
	d.Close()
	next := &desk{store: d.store, beside: d.beside, provider: d.provider, book: d.book, clock: d.clock}
	next.Engine = next.another(p)
	return next
}

var errDisk = Errorf(KindStore, "the disk is full", nil)

// spentOnce checks that no token was sent twice, and how many were sent.
func (d *desk) spentOnce(t *testing.T, want int) {
	t.Helper()
	if n, replays := d.provider.count(); n != want || replays != 0 || len(d.provider.asked()) != want {
		t.Errorf("%d exchanges, %d replays, %d requests, want %d", n, replays, len(d.provider.asked()), want)
	}
}

// An answer that could not be stored is stored by the next process.
func TestUnsavedOutlivesTheProcess(t *testing.T) {
	for name, next := range map[string]func(t *testing.T, d *desk, key Key){
		"at a scan": func(t *testing.T, d *desk, key Key) { d.Scan(t.Context()) },
		"in a pass": func(t *testing.T, d *desk, key Key) {
			if r := one(t, pass(t, d, PassParams{Force: true})); r.Reason != ReasonRestored && r.Reason != ReasonElsewhere || r.Healed {
				t.Errorf("%+v", r)
			}
		},
		"when asked for": func(t *testing.T, d *desk, key Key) {
			if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
				t.Errorf("served %q, %v", access.Reveal(), err)
			}
		},
		"running, lazy": func(t *testing.T, d *desk, key Key) { running(t, d) },
		"running, proactive": func(t *testing.T, d *desk, key Key) {
			d.SetPolicy(Policy{Proactive: true, Interval: time.Hour, Window: time.Minute})
			running(t, d)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", -time.Minute)
				d.store.set(func(s *shelf) { s.noSaves = errAway })
				if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultFailed || KindOf(r.Err) != KindStore || !containsAny(r.Err.Error(), "kept in the journal") {
					t.Errorf("%+v", r)
				}
				d.store.set(func(s *shelf) { s.noSaves = nil })
				d = d.again(Policy{})
				defer d.Close()
				next(t, d, key)
				time.Sleep(2 * time.Second)
				if refresh, access := d.tokens(t, key); refresh != "refresh-2" || access != "access-2" {
					t.Errorf("stored %s, %s", refresh, access)
				}
				if v := d.view(key); v.Status != StatusValid || v.Restored != 0 {
					t.Errorf("%s, restored %d times", v.Status, v.Restored)
				}
				d.spentOnce(t, 1)
			})
		})
	}
}

// While the store is away a new process serves the answer from the journal.
func TestUnsavedIsServedFromTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.store.set(func(s *shelf) { s.noSaves = errAway })
		pass(t, d, PassParams{})
		d = d.again(Policy{})
		defer d.Close()
		if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
			t.Errorf("without saves: %q, %v", access.Reveal(), err)
		}
		d.spentOnce(t, 1)
	})
}

// A power cut that takes back what need not be durable costs no request: that
// the token was stored is seen in the store.
func TestPowerCutBeforeTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.book.set(func(b *book) { b.cut = true })
		pass(t, d, PassParams{})
		if r, err := d.book.Read(t.Context(), key); err != nil || !r.Unsaved {
			t.Fatalf("nothing was taken back: %+v, %v", r, err)
		}
		d = d.again(Policy{})
		defer d.Close()
		d.book.set(func(b *book) { b.cut = false })
		d.Scan(t.Context())
		if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
			t.Errorf("served %q, %v", access.Reveal(), err)
		}
		if r := one(t, pass(t, d, PassParams{Force: true})); r.Outcome != ResultRefreshed {
			t.Errorf("the next refresh: %+v", r)
		}
		if r, err := d.book.Read(t.Context(), key); err != nil || r.Unsaved || r.Restored > 0 {
			t.Errorf("in the journal: %+v, %v", r, err)
		}
		d.spentOnce(t, 2)
	})
}

// What was sent without an answer is known to the next process, and on every
// machine: one more sending, after the expiry, in all.
func TestUnknownOutcomeOutlivesTheProcess(t *testing.T) {
	for name, next := range map[string]func(*desk) *desk{
		"restarted":       func(d *desk) *desk { return d.again(Policy{}) },
		"another machine": func(d *desk) *desk { return d.elsewhere(Policy{}) },
		"journal lost": func(d *desk) *desk {
			d.book.set(func(b *book) { clear(b.pages) })
			return d.again(Policy{})
		},
		"record beside lost": func(d *desk) *desk {
			d.store.set(func(s *shelf) {
				for key, a := range s.shelved {
					a.Record = Sealed{}
					s.shelved[key] = a
				}
			})
			return d.again(Policy{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", 4*time.Minute)
				d.provider.lost = 1
				pass(t, d, PassParams{})
				d = next(d)
				defer d.Close()
				if r := one(t, pass(t, d, PassParams{Force: true})); KindOf(r.Err) != KindUnknownOutcome || len(d.provider.asked()) != 1 {
					t.Errorf("before the expiry: %+v after %d requests", r, len(d.provider.asked()))
				}
				if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-old-a" {
					t.Errorf("served %q, %v", access.Reveal(), err)
				}
				time.Sleep(5 * time.Minute)
				d = next(d)
				defer d.Close()
				for range 3 {
					pass(t, d, PassParams{})
					d = next(d)
					defer d.Close()
				}
				if n := len(d.provider.asked()); n != 2 {
					t.Errorf("sent %d times", n)
				}
				d.Scan(t.Context())
				if v := d.view(key); v.Status != StatusNeedsLogin {
					t.Errorf("%s", v.Status)
				}
			})
		})
	}
}

// A process that ends in the second sending leaves no third.
func TestNoThirdSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.Scan(t.Context())
		d.book.Update(t.Context(), func(_ Key, r *Record) { r.Sent = Sending{Token: fp("refresh-1"), Sends: 2, ID: "x"} }, key)
		for range 3 {
			if r := one(t, pass(t, d, PassParams{})); r.Reason != ReasonNeedsLogin {
				t.Errorf("%+v", r)
			}
			d = d.again(Policy{})
			defer d.Close()
		}
		if a, _ := d.store.Load(t.Context(), key); a.StoreStatus == "error" {
			t.Error("marked in the store, which is no provider's answer")
		}
		if n := len(d.provider.asked()); n != 0 {
			t.Errorf("%d requests", n)
		}
		if r := one(t, pass(t, d, PassParams{Keys: []Key{key}})); r.Outcome != ResultRefreshed { // a person may
			t.Errorf("a person's try: %+v", r)
		}
	})
}

// An old token that was written back is replaced by whoever looks: this
// process, the next one, and one on another machine that was not there.
func TestHealing(t *testing.T) {
	for name, test := range map[string]struct {
		keeper func(d *desk) *desk
		fell   bool // the store fell back with the record beside the account
	}{
		"by this process":                       {keeper: func(d *desk) *desk { return d }},
		"by the next":                           {keeper: func(d *desk) *desk { return d.again(Policy{}) }},
		"by another machine":                    {keeper: func(d *desk) *desk { return d.elsewhere(Policy{}) }},
		"a store that fell back":                {keeper: func(d *desk) *desk { return d }, fell: true},
		"a store that fell back, the next":      {keeper: func(d *desk) *desk { return d.again(Policy{}) }, fell: true},
		"a journal without the record beside":   {keeper: func(d *desk) *desk { return d.again(Policy{Proactive: true}) }, fell: true},
		"the record beside without the journal": {keeper: func(d *desk) *desk { d.book.set(func(b *book) { clear(b.pages) }); return d.again(Policy{}) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", -time.Minute)
				stale, _ := d.store.Load(t.Context(), key)
				one(t, pass(t, d, PassParams{}))
				time.Sleep(time.Minute)
				d.store.change(key, func(a *Account) {
					if record := a.Record; !test.fell {
						*a = stale
						a.Record = record
					} else {
						*a = stale
					}
				})
				d = test.keeper(d)
				defer d.Close()
				restored := collect(d.Engine, EventRefreshed)
				if err := d.Scan(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if refresh, access := d.tokens(t, key); refresh != "refresh-2" || access != "access-2" {
					t.Errorf("stored %s, %s", refresh, access)
				}
				if v := d.view(key); v.Result != ResultRestored || v.Restored != 1 || v.Status != StatusValid {
					t.Errorf("%s, restored %d times, %s", v.Result, v.Restored, v.Status)
				}
				if events := restored(); len(events) != 1 || !events[0].Result.Healed {
					t.Errorf("told %d times", len(events))
				}
				d.spentOnce(t, 1)
			})
		})
	}
}

// Another machine's keeper has seen the newest token: it heals a store that
// fell back, and so does one that saw a relay's refresh alone.
func TestKeepersCopyWhatTheyRead(t *testing.T) {
	for name, byRelay := range map[string]bool{"a keeper's refresh": false, "a relay's refresh": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", -time.Minute)
				other := d.elsewhere(Policy{Interval: time.Minute})
				defer other.Close()
				running(t, other)
				stale, _ := d.store.Load(t.Context(), key)
				if byRelay {
					token, _ := d.provider.spend("refresh-1")
					d.store.change(key, func(a *Account) {
						a.RefreshToken, a.AccessToken = plain(token.RefreshToken.Reveal()), plain(token.AccessToken.Reveal())
						a.ExpiresAt, a.LastRefreshAt = token.ExpiresAt, wall()
					})
				} else {
					pass(t, d, PassParams{})
				}
				time.Sleep(2 * time.Minute) // it scans
				d.store.change(key, func(a *Account) { *a = stale })
				other = other.again(Policy{})
				defer other.Close()
				other.Scan(t.Context())
				time.Sleep(time.Second)
				if refresh, _ := d.tokens(t, key); refresh != "refresh-2" {
					t.Errorf("stored %s", refresh)
				}
				if access, err := other.ValidAccessToken(t.Context(), key); err != nil || access.Empty() {
					t.Errorf("%v", err)
				}
				if _, replays := d.provider.count(); replays != 0 {
					t.Errorf("%d replays", replays)
				}
			})
		})
	}
}

// After a save the account is read again at 1, 5 and 30 s, in lazy mode too.
func TestReadBacks(t *testing.T) {
	for _, test := range []struct{ written, healed time.Duration }{
		{20 * time.Millisecond, time.Second}, {2 * time.Second, 5 * time.Second}, {6 * time.Second, 30 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{})
			key := d.signIn("a", -time.Minute)
			stale, _ := d.store.Load(t.Context(), key)
			pass(t, d, PassParams{})
			began := time.Now()
			for i := range 3 { // a restore counts as a save
				time.Sleep(test.written)
				d.store.change(key, func(a *Account) { record := a.Record; *a = stale; a.Record = record })
				time.Sleep(time.Until(began.Add(test.healed + 100*time.Millisecond)))
				if refresh, _ := d.tokens(t, key); refresh != "refresh-2" {
					t.Fatalf("written back after %v, %d.: still %s", test.written, i+1, refresh)
				}
				began = began.Add(test.healed)
			}
			if v := d.view(key); v.Restored != 3 {
				t.Errorf("restored %d times", v.Restored)
			}
			d.spentOnce(t, 1)
			closing := time.Now()
			d.Close() // waits for no read-back
			if took := time.Since(closing); took > 0 {
				t.Errorf("Close took %v", took)
			}
		})
	}
}

// A new sign-in is taken though an answer is still to be stored, and an old
// token that comes back after it is replaced by it.
func TestNewSignInEndsTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		stale, _ := d.store.Load(t.Context(), key)
		d.store.set(func(s *shelf) { s.noSaves = errAway })
		pass(t, d, PassParams{})
		fresh := d.provider.login().Reveal()
		d.store.set(func(s *shelf) { s.noSaves = nil })
		d.store.change(key, func(a *Account) { a.RefreshToken = plain(fresh) })
		d = d.again(Policy{})
		defer d.Close()
		d.Scan(t.Context())
		time.Sleep(time.Second)
		if refresh, _ := d.tokens(t, key); refresh != fresh {
			t.Errorf("stored %s", refresh)
		}
		d.store.change(key, func(a *Account) { *a = stale })
		if r := one(t, pass(t, d, PassParams{Force: true})); r.Outcome == ResultFailed {
			t.Errorf("%v", r.Err)
		}
		if _, replays := d.provider.count(); replays != 0 {
			t.Errorf("%d replays", replays)
		}
	})
}

// Without the journal no token is sent, and what is stored is served and
// healed all the same.
func TestJournalAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		stale, _ := d.store.Load(t.Context(), key)
		pass(t, d, PassParams{})
		live := d.signIn("b", time.Hour)
		other := d.elsewhere(Policy{})
		defer other.Close()
		other.book.set(func(b *book) { b.away = errDisk })
		warnings := collect(other.Engine, EventWarning)
		d.store.change(key, func(a *Account) { record := a.Record; *a = stale; a.Record = record })
		if s, _ := other.Pass(t.Context(), PassParams{Force: true, Once: true}); s.Refreshed != 0 || s.Failed == 0 {
			t.Errorf("%+v", s)
		}
		if n := len(d.provider.asked()); n != 1 {
			t.Errorf("%d requests", n)
		}
		if refresh, _ := d.tokens(t, key); refresh != "refresh-2" {
			t.Errorf("not healed: %s", refresh)
		}
		if access, err := other.ValidAccessToken(t.Context(), live); err != nil || access.Reveal() != "access-old-b" {
			t.Errorf("served %q, %v", access.Reveal(), err)
		}
		other.Scan(t.Context())
		if got := warnings(); len(got) != 1 || !errors.Is(got[0].Err, errDisk) {
			t.Errorf("told %d times", len(got))
		}
		other.book.set(func(b *book) { b.away = nil })
		if s, _ := other.Pass(t.Context(), PassParams{Keys: []Key{live}, Once: true}); s.Refreshed != 1 {
			t.Errorf("afterwards %+v", s)
		}
	})
}

// The disk is full when the answer comes: the store has it all the same, and
// where that is away too, memory.
func TestJournalFailsAtTheAnswer(t *testing.T) {
	for _, storeToo := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{})
			d.provider.latency = time.Second
			key := d.signIn("a", -time.Minute)
			go func() {
				time.Sleep(500 * time.Millisecond)
				d.book.set(func(b *book) { b.away = errDisk })
				if storeToo {
					d.store.set(func(s *shelf) { s.away = errAway })
				}
			}()
			r := one(t, pass(t, d, PassParams{}))
			if storeToo {
				if KindOf(r.Err) != KindStore || !containsAny(r.Err.Error(), "kept in memory") {
					t.Errorf("%+v", r)
				}
				if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
					t.Errorf("served %q, %v", access.Reveal(), err)
				}
				d.store.set(func(s *shelf) { s.away = nil })
				d.book.set(func(b *book) { b.away = nil })
				d.Scan(t.Context())
				time.Sleep(time.Second)
			}
			if refresh, access := d.tokens(t, key); refresh != "refresh-2" || access != "access-2" {
				t.Errorf("stored %s, %s", refresh, access)
			}
			d.spentOnce(t, 1)
		})
	}
}

// A store that takes no writes is found out before a token is spent; a write
// whose reply was lost holds nothing against the token.
func TestIntentNotWritten(t *testing.T) {
	for name, carriedOut := range map[string]bool{"refused": false, "its reply lost": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				d.signIn("a", -time.Minute)
				lossy := &lossyStore{Store: d.store, carriedOut: carriedOut}
				d.Engine.places[""].Store = lossy
				for range 3 {
					if r := one(t, pass(t, d, PassParams{})); KindOf(r.Err) != KindStore {
						t.Errorf("%+v", r)
					}
				}
				if n := len(d.provider.asked()); n != 0 {
					t.Errorf("%d requests", n)
				}
				d.Engine.places[""].Store = d.store
				d = d.again(Policy{})
				defer d.Close()
				if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultRefreshed {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

type lossyStore struct {
	Store
	carriedOut bool
}

func (s *lossyStore) Write(ctx context.Context, old Account, c Change) (Account, error) {
	if s.carriedOut {
		s.Store.Write(ctx, old, c)
	}
	return Account{}, errAway
}

// A write that ended halfway has left the record beside the account, and not
// the token: that is owed still, and served meanwhile.
func TestWriteThatEndedHalfway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		broken := &halfway{Store: d.store}
		d.Engine.places[""].Store = broken
		running(t, d)
		for range 3 {
			if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
				t.Errorf("served %q, %v", access.Reveal(), err)
			}
			time.Sleep(time.Minute) // it scans meanwhile
		}
		broken.mended.Store(true)
		time.Sleep(16 * time.Second) // a try under way ends first, after 10 s
		if refresh, access := d.tokens(t, key); refresh != "refresh-2" || access != "access-2" {
			t.Errorf("stored %s, %s", refresh, access)
		}
		d.spentOnce(t, 1)
	})
}

type halfway struct {
	Store
	mended atomic.Bool
}

func (s *halfway) Write(ctx context.Context, old Account, c Change) (Account, error) {
	if c.Token == (Token{}) || s.mended.Load() {
		return s.Store.Write(ctx, old, c)
	}
	s.Store.Write(ctx, old, Change{Record: c.Record})
	return Account{}, errAway
}

// Another program writes while the intent is written: the account is read
// again, and nothing was sent.
func TestIntentConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.store.early = true
		d.store.meddle = func(a *Account) {
			a.RefreshToken = Seal("anew", func(string) (Secret, error) { return NewSecret("refresh-1"), nil })
		}
		if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultRefreshed {
			t.Errorf("%+v", r)
		}
		if refresh, _ := d.tokens(t, key); refresh != "refresh-2" {
			t.Errorf("stored %s", refresh)
		}
		d.spentOnce(t, 1)
	})
}

// A failure is known to the next process: a Retry-After is kept, a backoff
// shows, and a fault of settings stands against the settings it was made with.
func TestFailuresOutliveTheProcess(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		then func(t *testing.T, d *desk, key Key)
	}{
		"429": {&Error{Kind: KindRateLimited, RetryAfter: time.Hour, Message: "429"}, func(t *testing.T, d *desk, key Key) {
			if r := one(t, pass(t, d, PassParams{Force: true})); r.Reason != ReasonRateLimited || !containsAny(r.Err.Error(), "asked to wait until") {
				t.Errorf("%+v", r)
			}
			if _, err := d.ValidAccessToken(t.Context(), key); KindOf(err) != KindRateLimited {
				t.Errorf("token: %v", err)
			}
		}},
		"503": {Errorf(KindTransient, "the provider answered 503", nil), func(t *testing.T, d *desk, key Key) {
			d.Scan(t.Context())
			if v := d.view(key); v.Status != StatusFailing || v.Err.Error() != "the provider answered 503" || v.Failures != 1 || v.RetryAt.IsZero() {
				t.Errorf("%s: %v, %d failures", v.Status, v.Err, v.Failures)
			}
		}},
		"settings": {Errorf(KindSettings, "a wrong client secret", nil), func(t *testing.T, d *desk, key Key) {
			if _, err := d.ValidAccessToken(t.Context(), key); KindOf(err) != KindSettings {
				t.Errorf("token: %v", err)
			}
			d.provider.set(func(p *issuer) { p.settings = "another secret" })
			d = d.again(Policy{})
			defer d.Close()
			if _, err := d.ValidAccessToken(t.Context(), key); err != nil {
				t.Errorf("with other settings: %v", err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", -time.Minute)
				d.provider.fail(test.err)
				pass(t, d, PassParams{})
				asked := len(d.provider.asked())
				d = d.again(Policy{})
				defer d.Close()
				test.then(t, d, key)
				if n := len(d.provider.asked()) - asked; n > 1 || n == 1 && name != "settings" {
					t.Errorf("%d requests by the next process", n)
				}
			})
		})
	}
}

// A damaged record in the journal: where the one beside the account is whole,
// nothing is lost; where not, the token counts as sent once.
func TestDamagedJournal(t *testing.T) {
	for name, besideToo := range map[string]bool{"the record beside is whole": false, "both are damaged": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", -time.Minute)
				d.provider.lifetime = 10 * time.Minute
				pass(t, d, PassParams{})
				d.book.set(func(b *book) { b.pages[key] = NewSecret("garbage"); b.seq++; b.written[key] = b.seq })
				if besideToo {
					d.store.change(key, func(a *Account) { a.Record = plain("garbage") })
				}
				d = d.again(Policy{})
				defer d.Close()
				r := one(t, pass(t, d, PassParams{Force: true}))
				if besideToo != (KindOf(r.Err) == KindUnknownOutcome && r.Err != nil) || besideToo == (r.Outcome == ResultRefreshed) {
					t.Errorf("%s %v", r.Outcome, r.Err)
				}
				time.Sleep(11 * time.Minute)
				if r := one(t, pass(t, d, PassParams{Force: true})); r.Outcome != ResultRefreshed {
					t.Errorf("after the expiry: %s %v", r.Outcome, r.Err)
				}
				if _, replays := d.provider.count(); replays != 0 {
					t.Errorf("%d replays", replays)
				}
			})
		})
	}
}

// The records of accounts that are gone go too, after 90 days; until then they
// are kept, since a store may fall back.
func TestJournalIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		gone, stays := d.signIn("gone", -time.Minute), d.signIn("stays", -time.Minute)
		pass(t, d, PassParams{})
		d.store.set(func(s *shelf) { delete(s.shelved, gone) })
		for _, test := range []struct {
			days int
			want bool
		}{{80, true}, {11, false}} {
			time.Sleep(time.Duration(test.days) * 24 * time.Hour)
			d = d.again(Policy{})
			defer d.Close()
			d.Scan(t.Context())
			if r, _ := d.book.Read(t.Context(), gone); r.Head.Zero() == test.want {
				t.Errorf("after %d more days: kept %v", test.days, !r.Head.Zero())
			}
			if r, _ := d.book.Read(t.Context(), stays); r.Head.Zero() {
				t.Error("the record of an account that is there was removed")
			}
		}
	})
}
