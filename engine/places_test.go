package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// twoStores is a desk whose engine works with a second store, "b", beside its
// own.
func twoStores(t *testing.T, p Policy) (*desk, *shelf) {
	t.Helper()
	d, b := &desk{store: newShelf(), book: newBook(), provider: newIssuer()}, newShelf()
	d.beside = map[string]*shelf{"b": b}
	d.Engine = d.another(p)
	t.Cleanup(func() { d.Close() })
	return d, b
}

func (s *shelf) put(name string, refresh Secret, left time.Duration) Key {
	a, _ := s.Add(context.Background(), NewAccount{Provider: Claude, Name: name, RefreshToken: refresh,
		AccessToken: NewSecret("access-old-" + name), ExpiresAt: wall().Add(left)})
	a.Key.Store = "b"
	return a.Key
}

// One store's trouble is not another's: what can be read is refreshed, and the
// other store's return is noticed within 5 s.
func TestStoreAwayBesideAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, b := twoStores(t, Policy{Proactive: true})
		here, there := d.signIn("here", time.Minute), b.put("there", d.provider.login(), time.Minute)
		running(t, d)
		time.Sleep(time.Second)
		if v, w := d.view(here), d.view(there); v.Result != ResultRefreshed || w.Result != ResultRefreshed {
			t.Fatalf("%s %v, %s %v", v.Result, v.Err, w.Result, w.Err)
		}
		b.set(func(s *shelf) { s.away = errAway })
		events := collect(d.Engine, EventStoreDown, EventStoreUp)
		d.provider.set(func(p *issuer) { p.lifetime = 10 * time.Minute })
		time.Sleep(2 * time.Hour)
		if v := d.view(here); v.Status != StatusValid {
			t.Errorf("the other store's account is %s: %v", v.Status, v.Err)
		}
		if v := d.view(there); v.Name != "there" || v.Failures > 1 {
			t.Errorf("the account of the store that is away: %q, %d failures", v.Name, v.Failures)
		}
		sum, err := d.Pass(t.Context(), PassParams{})
		if KindOf(err) != KindStore || sum.Checked != 1 {
			t.Errorf("a pass: %d checked, %v", sum.Checked, err)
		}
		b.set(func(s *shelf) { s.away = nil })
		time.Sleep(7 * time.Second)
		if v := d.view(there); v.Status != StatusValid {
			t.Errorf("after its return it is %s: %v", v.Status, v.Err)
		}
		got := events()
		if len(got) != 2 || got[0].Store != "b" || got[0].Kind != EventStoreDown || got[1].Kind != EventStoreUp {
			t.Errorf("%+v", got)
		}
		if _, replays := d.provider.count(); replays != 0 {
			t.Errorf("%d replays", replays)
		}
	})
}

// Accounts of two stores may have the same id.
func TestSameIDInTwoStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, b := twoStores(t, Policy{})
		here, there := d.signIn("here", time.Hour), b.put("there", d.provider.login(), time.Hour)
		if here.ID != there.ID {
			t.Fatal("the test is of no use")
		}
		if s := pass(t, d, PassParams{Keys: []Key{there}}); s.Checked != 1 || s.Refreshed != 1 || s.Results[0].Name != "there" {
			t.Errorf("%+v", s)
		}
		if v := d.view(here); v.Result != "" {
			t.Errorf("the other one: %s", v.Result)
		}
		access, err := d.ValidAccessToken(t.Context(), there)
		if err != nil || access.Reveal() != "access-3" {
			t.Errorf("%q, %v", access.Reveal(), err)
		}
	})
}

// A refresh token in two places is spent in one, and what came of it is stored
// in both.
func TestSharedLogin(t *testing.T) {
	for name, work := range map[string]func(t *testing.T, d *desk, keys []Key){
		"in a pass": func(t *testing.T, d *desk, keys []Key) {
			s := pass(t, d, PassParams{Force: true})
			if s.Refreshed != 1 || s.Skipped != 1 {
				t.Errorf("%+v", s.Results)
			}
			for _, r := range s.Results {
				if r.Outcome == ResultSkipped && (r.Reason != ReasonShared || KindOf(r.Err) != KindShared) {
					t.Errorf("%s %v", r.Reason, r.Err)
				}
			}
		},
		"running": func(t *testing.T, d *desk, keys []Key) {
			d.SetPolicy(Policy{Proactive: true, Interval: time.Hour, Window: 5 * time.Minute})
			running(t, d)
		},
		"when asked for": func(t *testing.T, d *desk, keys []Key) { // in a new process that has not looked around
			if _, err := d.ValidAccessToken(t.Context(), keys[0]); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			if _, err := d.ValidAccessToken(t.Context(), keys[1]); err != nil { // it was stored there too
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, b := twoStores(t, Policy{})
				login := d.provider.login()
				here, _ := d.store.Add(t.Context(), NewAccount{Provider: Claude, Name: "here", RefreshToken: login, ExpiresAt: wall().Add(-time.Minute)})
				there := b.put("there", login, -time.Minute)
				work(t, d, []Key{here.Key, there})
				time.Sleep(time.Minute)
				d.spentOnce(t, 1)
				for key, store := range map[Key]*shelf{here.Key: d.store, there: b} {
					a, err := store.Load(t.Context(), key.in())
					if err != nil {
						t.Fatal(err)
					}
					if refresh, _ := a.RefreshToken.Open(); refresh.Reveal() != "refresh-2" {
						t.Errorf("%v: %s is stored", key, refresh.Reveal())
					}
				}
				d.Scan(t.Context())
				if v, w := d.view(here.Key), d.view(there); v.Rival.Key != there || w.Rival.Key != here.Key || v.Rival.Leads || !w.Rival.Leads || !w.NextRefresh.IsZero() {
					t.Errorf("flagged as %+v and %+v", v.Rival, w.Rival)
				}
				// One place alone goes on as any account does.
				d.store.set(func(s *shelf) { delete(s.shelved, here.Key) })
				if s := pass(t, d, PassParams{Force: true}); s.Refreshed != 1 || s.Checked != 1 {
					t.Errorf("%+v", s.Results)
				}
				if _, replays := d.provider.count(); replays != 0 {
					t.Errorf("%d replays", replays)
				}
			})
		})
	}
}

// What was rotated while the other place was away is not sent from there when
// it comes back, not even by a new process: the newest token takes its place.
func TestSharedLoginThatWasAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, b := twoStores(t, Policy{})
		login := d.provider.login()
		d.store.Add(t.Context(), NewAccount{Provider: Claude, Name: "here", RefreshToken: login, ExpiresAt: wall().Add(-time.Minute)})
		there := b.put("there", login, -time.Minute)
		b.set(func(s *shelf) { s.away = errAway })
		if s, _ := d.Pass(t.Context(), PassParams{Force: true}); s.Refreshed != 1 {
			t.Fatalf("%+v", s)
		}
		b.set(func(s *shelf) { s.away = nil })
		d = d.again(Policy{Proactive: true})
		defer d.Close()
		running(t, d)
		time.Sleep(10 * time.Minute)
		if a, err := b.Load(t.Context(), there.in()); err != nil {
			t.Error(err)
		} else if refresh, _ := a.RefreshToken.Open(); refresh.Reveal() != "refresh-2" {
			t.Errorf("%s is stored in it", refresh.Reveal())
		}
		if access, err := d.ValidAccessToken(t.Context(), there); err != nil || access.Reveal() != "access-2" {
			t.Errorf("asked for: %q, %v", access.Reveal(), err)
		}
		if s := pass(t, d, PassParams{Keys: []Key{there}}); s.Results[0].Reason != ReasonShared {
			t.Errorf("%+v", s.Results)
		}
		d.spentOnce(t, 1)
	})
}

// A login that another program keeps is looked at and left alone until the user
// says so.
func TestObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		key := d.signIn("tool", time.Minute)
		d.store.change(key, func(a *Account) { a.Observed = true })
		running(t, d)
		time.Sleep(time.Hour)
		if r := one(t, pass(t, d, PassParams{Force: true})); r.Reason != ReasonObserved {
			t.Errorf("%+v", r)
		}
		if _, err := d.ValidAccessToken(t.Context(), key); KindOf(err) != KindObserved {
			t.Error(err)
		}
		if refresh, _ := d.tokens(t, key); refresh != "refresh-1" {
			t.Errorf("%s is stored", refresh)
		}
		// It may write an old token back: that is its own affair.
		d.store.change(key, func(a *Account) { a.RefreshToken, a.ExpiresAt = plain("refresh-x"), wall().Add(time.Hour) })
		d.Scan(t.Context())
		d.store.change(key, func(a *Account) { a.RefreshToken, a.ExpiresAt = plain("refresh-1"), wall() })
		d.Scan(t.Context())
		time.Sleep(time.Minute)
		if refresh, _ := d.tokens(t, key); refresh != "refresh-1" {
			t.Errorf("%s is stored", refresh)
		}
		if n := len(d.provider.asked()); n != 0 {
			t.Errorf("%d requests", n)
		}
		d.store.change(key, func(a *Account) { a.RefreshToken, a.ExpiresAt = plain(d.provider.login().Reveal()), wall() })

		events := collect(d.Engine, EventChanged)
		if err := d.Choose(t.Context(), func(c *Choice) { c.Keep = true }, key); err != nil {
			t.Fatal(err)
		}
		d.Scan(t.Context())
		time.Sleep(time.Minute)
		if v := d.view(key); v.Status != StatusValid || v.Result != ResultRefreshed || !v.Choice.Keep {
			t.Errorf("kept: %s, %s %v", v.Status, v.Result, v.Err)
		}
		if got := events(); len(got) != 1 || !got[0].Account.Choice.Keep {
			t.Errorf("%+v", got)
		}
	})
}

// A choice holds for every process of the user, is undone as it was made, and
// outlives an answer that only memory knew.
func TestChoice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		lazy, idle, busy := d.signIn("lazy", time.Minute), d.signIn("idle", time.Minute), d.signIn("busy", time.Minute)
		other := d.another(Policy{Proactive: true})
		defer other.Close()
		d.store.change(idle, func(a *Account) { a.LastUsedAt = wall().Add(-8 * 24 * time.Hour) })
		d.store.change(busy, func(a *Account) { a.LastUsedAt = wall().Add(-6 * 24 * time.Hour) })
		if err := errors.Join(d.Choose(t.Context(), func(c *Choice) { c.Lazy = true }, lazy),
			d.Choose(t.Context(), func(c *Choice) { c.IdleDays = 7 }, idle, busy)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); other.Run(ctx) }()
		time.Sleep(30 * time.Minute)
		for key, want := range map[Key]string{lazy: "", idle: "", busy: ResultRefreshed} {
			for _, v := range other.Snapshot() {
				if v.Key == key && (v.Result != want || v.NextRefresh.IsZero() != (want == "")) {
					t.Errorf("%s: %q, want %q, next %v", v.Name, v.Result, want, v.NextRefresh)
				}
			}
		}
		cancel()
		<-done
		// Asked for, they are refreshed like any other.
		if _, err := d.ValidAccessToken(t.Context(), lazy); err != nil {
			t.Error(err)
		}
		if s := pass(t, d, PassParams{Keys: []Key{idle}}); s.Refreshed != 1 {
			t.Errorf("%+v", s)
		}
		d.book.set(func(b *book) { b.away = errDisk })
		d.Scan(t.Context())
		d.book.set(func(b *book) { b.away = nil })
		d.Scan(t.Context())
		if v := d.view(lazy); !v.Choice.Lazy {
			t.Error("the choice is forgotten")
		}
		if err := d.Choose(t.Context(), func(c *Choice) { *c = Choice{} }, lazy, idle); err != nil {
			t.Fatal(err)
		}
		if v := d.view(lazy); v.Choice != (Choice{}) || v.NextRefresh.IsZero() {
			t.Errorf("%+v, next %v", v.Choice, v.NextRefresh)
		}
	})
}

// A sign-in puts a new login in the old one's place, whatever was wrong with it,
// and the old one does not come back.
func TestSignedIn(t *testing.T) {
	for name, trouble := range map[string]func(t *testing.T, d *desk, key Key) (later func()){
		"a dead login": func(t *testing.T, d *desk, key Key) func() {
			d.provider.kill("refresh-1")
			pass(t, d, PassParams{Force: true})
			if v := d.view(key); v.Status != StatusNeedsLogin {
				t.Fatal(v.Status)
			}
			return nil
		},
		"a login that lives": func(t *testing.T, d *desk, key Key) func() { return nil },
		"another program's lock": func(t *testing.T, d *desk, key Key) func() {
			d.store.TryLock(t.Context(), key)
			return nil
		},
		"another program's write in its midst": func(t *testing.T, d *desk, key Key) func() {
			d.store.set(func(s *shelf) { s.meddle = func(a *Account) { a.RefreshToken = plain("refresh-of-another") } })
			return nil
		},
		"the old token written back": func(t *testing.T, d *desk, key Key) func() {
			return func() { d.store.change(key, func(a *Account) { a.RefreshToken = plain("refresh-1") }) }
		},
		"the store away": func(t *testing.T, d *desk, key Key) func() {
			pass(t, d, PassParams{})
			d.store.set(func(s *shelf) { s.away = errAway })
			return func() { d.store.set(func(s *shelf) { s.away = nil }) }
		},
		"no writes": func(t *testing.T, d *desk, key Key) func() {
			d.store.set(func(s *shelf) { s.noSaves = errAway })
			return func() { d.store.set(func(s *shelf) { s.noSaves = nil }) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", time.Hour)
				later := trouble(t, d, key)
				running(t, d)
				login := d.provider.login()
				v, err := d.SignedIn(t.Context(), key, Token{RefreshToken: login, AccessToken: NewSecret("access-new"), ExpiresAt: wall().Add(2 * time.Hour)})
				if away := name == "the store away" || name == "no writes"; away != (KindOf(err) == KindStore) || !away && err != nil {
					t.Errorf("%v", err)
				} else if !away && (v.Status != StatusValid || v.Result != ResultRefreshed) {
					t.Errorf("%s %s %v", v.Status, v.Result, v.Err)
				}
				if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-new" {
					t.Errorf("served %q, %v", access.Reveal(), err)
				}
				if later != nil {
					later()
				}
				time.Sleep(time.Minute)
				if refresh, access := d.tokens(t, key); refresh != login.Reveal() || access != "access-new" {
					t.Errorf("stored %s, %s", refresh, access)
				}
				if v := d.view(key); v.Status != StatusValid {
					t.Errorf("%s %v", v.Status, v.Err)
				}
				if s := pass(t, d, PassParams{Force: true}); s.Refreshed != 1 {
					t.Errorf("%+v", s.Results)
				}
				if _, replays := d.provider.count(); replays != 0 {
					t.Errorf("%d replays", replays)
				}
			})
		})
	}
}

// A removed account is gone with all that was known of it, and nothing brings
// it back.
func TestRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		key, other := d.signIn("a", time.Minute), d.signIn("b", time.Hour)
		running(t, d)
		time.Sleep(10 * time.Millisecond) // its refresh is under way
		if v := d.view(key); !v.Refreshing {
			t.Fatal("the test is of no use")
		}
		events := collect(d.Engine, EventChanged)
		if err := d.Remove(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if v := d.view(key); v.ID != "" {
			t.Errorf("it is still shown as %+v", v)
		}
		if _, err := d.store.Load(t.Context(), key); KindOf(err) != KindNotFound {
			t.Errorf("it is still stored: %v", err)
		}
		if r, err := d.book.Read(t.Context(), key); err != nil || r.Encode() != (Record{}).Encode() {
			t.Errorf("the journal still has it: %v", err)
		}
		if got := events(); len(got) != 1 || got[0].Account.Key != key || got[0].Account.Name != "a" {
			t.Errorf("%+v", got)
		}
		if err := d.Remove(t.Context(), key); KindOf(err) != KindNotFound {
			t.Errorf("a second time: %v", err)
		}
		d.store.set(func(s *shelf) { s.away = errAway })
		if err := d.Remove(t.Context(), other); KindOf(err) != KindStore {
			t.Errorf("while the store is away: %v", err)
		}
		if v := d.view(other); v.Name != "b" {
			t.Error("it is gone from the list and not from the store")
		}
	})
}

// An edit shows at once, and one that cures lets a failing account go on.
func TestEdit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		key := d.signIn("a", time.Minute)
		d.provider.fail(Errorf(KindProxy, "the proxy is away", nil), Errorf(KindProxy, "the proxy is away", nil), Errorf(KindProxy, "the proxy is away", nil),
			Errorf(KindProxy, "the proxy is away", nil), Errorf(KindProxy, "the proxy is away", nil), Errorf(KindProxy, "the proxy is away", nil))
		running(t, d)
		until := time.Now().Add(10 * time.Minute)
		for d.view(key).Failures < 6 && time.Now().Before(until) {
			time.Sleep(time.Second)
		}
		name, proxy, off := "其他", NewSecret(`{"type":"http"}`), false
		v, err := d.Edit(t.Context(), key, Edit{Name: &name, Proxy: &proxy})
		if err != nil || v.Name != name {
			t.Fatal(v.Name, err)
		}
		time.Sleep(time.Second)
		if v := d.view(key); v.Status != StatusValid || v.Name != name {
			t.Errorf("%s %s: %v", v.Name, v.Status, v.Err)
		}
		if v, err = d.Edit(t.Context(), key, Edit{Active: &off}); err != nil || v.Status != StatusDisabled || !v.NextRefresh.IsZero() {
			t.Errorf("%s, next %v, %v", v.Status, v.NextRefresh, err)
		}
		if _, err := d.Edit(t.Context(), Key{Provider: Claude, ID: "none"}, Edit{Name: &name}); KindOf(err) != KindNotFound {
			t.Error(err)
		}
	})
}

// A sign-in to a login that is only observed is stored, also where that could
// not be done at once; and it is only observed afterwards.
func TestSignedInToAnObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		key := d.signIn("tool", time.Hour)
		d.store.change(key, func(a *Account) { a.Observed = true })
		running(t, d)
		time.Sleep(time.Second)
		d.store.set(func(s *shelf) { s.noSaves = errAway })
		login := d.provider.login()
		if _, err := d.SignedIn(t.Context(), key, Token{RefreshToken: login, AccessToken: NewSecret("access-new"), ExpiresAt: wall().Add(2 * time.Minute)}); KindOf(err) != KindStore {
			t.Error(err)
		}
		d.store.set(func(s *shelf) { s.noSaves = nil })
		time.Sleep(time.Minute)
		if refresh, access := d.tokens(t, key); refresh != login.Reveal() || access != "access-new" {
			t.Errorf("stored %s, %s", refresh, access)
		}
		time.Sleep(time.Hour)
		if n := len(d.provider.asked()); n != 0 {
			t.Errorf("%d requests for what is only observed", n)
		}
	})
}
