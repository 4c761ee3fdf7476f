package engine

import (
	"testing"
	"testing/synctest"
	"time"
)

// sharing is a desk on which one login lies in two places.
func sharing(t *testing.T, left time.Duration) (d *desk, b *shelf, here, there Key) {
	t.Helper()
	d, b = twoStores(t, Policy{Proactive: true})
	login := d.provider.login()
	a, _ := d.store.Add(t.Context(), NewAccount{Provider: Claude, Name: "here", RefreshToken: login, ExpiresAt: wall().Add(left)})
	return d, b, a.Key, b.put("there", login, left)
}

// The place that is refreshed is switched off in the midst of it: the other one
// knows what is on its way.
func TestLeaderSwitchedOffInARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, here, there := sharing(t, -time.Minute)
		d.provider.latency = 5 * time.Second
		running(t, d)
		time.Sleep(time.Second)
		if !d.view(here).Refreshing && !d.view(there).Refreshing {
			t.Fatal("the test is of no use")
		}
		off := false
		for _, key := range []Key{here, there} {
			if d.view(key).Refreshing {
				if _, err := d.Edit(t.Context(), key, Edit{Active: &off}); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(10 * time.Minute)
		if n, replays := d.provider.count(); n != 1 || replays != 0 {
			t.Errorf("%d exchanges, %d replays", n, replays)
		}
	})
}

// The answer to the one place was lost and then it is removed: the other waits
// as long as it would have, and sends once more.
func TestLeaderRemovedAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, here, there := sharing(t, 4*time.Minute)
		d.provider.lost = 1
		running(t, d)
		time.Sleep(10 * time.Second)
		leader, other := here, there
		if d.view(there).Err != nil {
			leader, other = there, here
		}
		if KindOf(d.view(leader).Err) != KindUnknownOutcome {
			t.Fatalf("%v", d.view(leader).Err)
		}
		if err := d.Remove(t.Context(), leader); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute)
		if n := len(d.provider.asked()); n != 1 {
			t.Errorf("sent %d times before its access token expired", n)
		}
		time.Sleep(time.Hour)
		if n := len(d.provider.asked()); n != 2 { // the one exception
			t.Errorf("sent %d times", n)
		}
		if v := d.view(other); v.Status != StatusNeedsLogin {
			t.Errorf("%s %v", v.Status, v.Err)
		}
	})
}

// A dead login is dead wherever it lies, and sent nowhere.
func TestSharedLoginThatDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, here, there := sharing(t, -time.Minute)
		d.provider.kill("refresh-1")
		running(t, d)
		time.Sleep(time.Hour)
		if v, w := d.view(here), d.view(there); !v.Dead || !w.Dead {
			t.Errorf("%s and %s", v.Status, w.Status)
		}
		if n := len(d.provider.asked()); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
}

// A sign-in at one of two places is of that one alone: the login lives on in
// the other.
func TestSignInSeparates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, b, here, there := sharing(t, time.Hour)
		running(t, d)
		time.Sleep(time.Second)
		fresh := d.provider.login()
		if _, err := d.SignedIn(t.Context(), here, Token{RefreshToken: fresh, AccessToken: NewSecret("x"), ExpiresAt: wall().Add(2 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if s := pass(t, d, PassParams{Force: true}); s.Refreshed != 2 {
			t.Errorf("%+v", s.Results)
		}
		a, _ := b.Load(t.Context(), there.in())
		if refresh, _ := a.RefreshToken.Open(); d.view(here).Rival.Name != "" || d.view(there).Rival.Name != "" || refresh == fresh {
			t.Errorf("rivals %+v, %+v", d.view(here).Rival, d.view(there).Rival)
		}
		if n, replays := d.provider.count(); n != 2 || replays != 0 {
			t.Errorf("%d exchanges, %d replays", n, replays)
		}
	})
}

// A sign-in where there was no refresh token is as safe as any.
func TestSignedInToAStatic(t *testing.T) {
	for name, trouble := range map[string]func(d *desk, key Key) (later func()){
		"nothing": func(*desk, Key) func() { return func() {} },
		"what was there written back": func(d *desk, key Key) func() {
			return func() {
				d.store.change(key, func(a *Account) { a.RefreshToken, a.AccessToken = Sealed{}, plain("access-old-a") })
			}
		},
		"the store takes no writes": func(d *desk, key Key) func() {
			d.store.set(func(s *shelf) { s.noSaves = errAway })
			return func() { d.store.set(func(s *shelf) { s.noSaves = nil }) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{Proactive: true})
				key := d.signIn("a", time.Hour)
				d.store.change(key, func(a *Account) { a.RefreshToken = Sealed{} })
				running(t, d)
				time.Sleep(time.Second)
				later := trouble(d, key)
				login := d.provider.login()
				d.SignedIn(t.Context(), key, Token{RefreshToken: login, AccessToken: NewSecret("access-new"), ExpiresAt: wall().Add(2 * time.Hour)})
				later()
				time.Sleep(20 * time.Minute)
				if refresh, access := d.tokens(t, key); refresh != login.Reveal() || access != "access-new" {
					t.Errorf("stored %q, %q", refresh, access)
				}
			})
		})
	}
}

// A new process to which the store does not answer keeps a sign-in all the same,
// and what another program stores meanwhile does not win against it.
func TestSignedInWhileAway(t *testing.T) {
	for _, meanwhile := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{})
			key := d.signIn("a", time.Hour)
			d.store.set(func(s *shelf) { s.away = errAway })
			login := d.provider.login()
			if _, err := d.SignedIn(t.Context(), key, Token{RefreshToken: login, AccessToken: NewSecret("access-new"), ExpiresAt: wall().Add(2 * time.Hour)}); KindOf(err) != KindStore {
				t.Error(err)
			}
			if meanwhile {
				d.store.change(key, func(a *Account) {
					a.RefreshToken, a.LastRefreshAt, a.ExpiresAt = plain("refresh-x"), wall(), wall().Add(3*time.Hour)
				})
			}
			d.store.set(func(s *shelf) { s.away = nil })
			d = d.again(Policy{})
			defer d.Close()
			d.Scan(t.Context())
			time.Sleep(time.Second)
			if refresh, access := d.tokens(t, key); refresh != login.Reveal() || access != "access-new" {
				t.Errorf("meanwhile %v: stored %q, %q", meanwhile, refresh, access)
			}
		})
	}
}

// A sign-in that ends when the engine has closed is stored by the next process.
func TestSignedInAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", time.Hour)
		d.Scan(t.Context())
		d.Close()
		login := d.provider.login()
		if _, err := d.SignedIn(t.Context(), key, Token{RefreshToken: login, AccessToken: NewSecret("access-new"), ExpiresAt: wall().Add(2 * time.Hour)}); KindOf(err) != KindStore {
			t.Error(err)
		}
		d = d.again(Policy{})
		defer d.Close()
		d.Scan(t.Context())
		time.Sleep(time.Second)
		if refresh, _ := d.tokens(t, key); refresh != login.Reveal() {
			t.Errorf("stored %q", refresh)
		}
	})
}

// A choice over a record that cannot be read says nothing of what that one may
// have held: that the token was sent.
func TestChoiceOverADamagedRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.provider.lifetime = 10 * time.Minute
		pass(t, d, PassParams{})
		d.book.set(func(b *book) {
			b.seq++
			b.pages[key], b.written[key] = NewSecret("garbage"), b.seq
		})
		d.store.change(key, func(a *Account) { a.Record = Sealed{} })
		other := d.another(Policy{})
		if err := other.Choose(t.Context(), func(c *Choice) { c.IdleDays = 7 }, key); err != nil {
			t.Fatal(err)
		}
		other.Close()
		d = d.again(Policy{})
		defer d.Close()
		if r := one(t, pass(t, d, PassParams{Force: true})); KindOf(r.Err) != KindUnknownOutcome {
			t.Errorf("%s %v", r.Outcome, r.Err)
		}
		if v := d.view(key); v.Choice.IdleDays != 7 {
			t.Errorf("%+v", v.Choice)
		}
	})
}

// What another process chose holds before its next scan.
func TestChoiceOfAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		tool, lazy := d.signIn("tool", 20*time.Minute), d.signIn("lazy", 20*time.Minute)
		d.store.change(tool, func(a *Account) { a.Observed = true })
		d.SetPolicy(Policy{Proactive: true, Interval: 2 * time.Hour, Window: 5 * time.Minute})
		running(t, d)
		time.Sleep(time.Second)
		if err := d.Choose(t.Context(), func(c *Choice) { c.Keep = true }, tool); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		other := d.another(Policy{})
		other.Choose(t.Context(), func(c *Choice) { c.Keep = false }, tool)
		other.Choose(t.Context(), func(c *Choice) { c.Lazy = true }, lazy)
		other.Close()
		time.Sleep(30 * time.Minute)
		if n := len(d.provider.asked()); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// An account whose store keeps no time of its use is idle by what this machine
// saw of it, and asked for again it is kept again.
func TestIdleByOwnCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		d.provider.lifetime = 8 * time.Hour
		key := d.signIn("a", time.Minute)
		running(t, d)
		if err := d.Choose(t.Context(), func(c *Choice) { c.IdleDays = 2 }, key); err != nil {
			t.Fatal(err)
		}
		time.Sleep(47 * time.Hour)
		before, _ := d.provider.count()
		if before < 5 {
			t.Errorf("%d refreshes in the first two days", before)
		}
		time.Sleep(72 * time.Hour)
		if n, _ := d.provider.count(); n > before+1 {
			t.Errorf("%d refreshes while nobody used it", n-before)
		}
		if _, err := d.ValidAccessToken(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		before, _ = d.provider.count()
		time.Sleep(24 * time.Hour)
		if n, _ := d.provider.count(); n < before+2 {
			t.Errorf("%d refreshes after it was used again", n-before)
		}
	})
}
