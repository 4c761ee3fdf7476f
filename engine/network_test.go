package engine

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

var errNoNetwork = &Error{Kind: KindOffline, Unsent: true, Message: "could not connect to the provider"}

// Without a network all accounts wait in one state: it is told once, nothing is
// tried or alerted meanwhile, and within 5 s of its return all are refreshed.
func TestOfflineIsCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		for i := range 30 {
			d.signIn(fmt.Sprint(i), 10*time.Minute)
		}
		running(t, d)
		d.provider.set(func(p *issuer) { p.away = errNoNetwork })
		events := collect(d.Engine, EventNetworkDown, EventNetworkUp, EventExpired, EventRecovered)
		time.Sleep(9 * time.Minute)
		tried := len(d.provider.asked())
		if tried > Concurrency {
			t.Errorf("%d tries before it was known", tried)
		}
		time.Sleep(3 * time.Hour)
		if n := len(d.provider.asked()); n > Concurrency {
			t.Errorf("%d tries in 3 hours without a network", n)
		}
		for _, v := range d.Snapshot() {
			if v.Status == StatusNeedsLogin {
				t.Errorf("%s: %s", v.Name, v.Status)
			}
		}
		d.provider.set(func(p *issuer) { p.away = nil })
		time.Sleep(5*time.Second + 3*time.Second) // noticed within 5 s; 30 at 10 a second
		if n, _ := d.provider.count(); n != 30 {
			t.Errorf("%d refreshes after its return", n)
		}
		if got := events(); len(got) != 2 || got[0].Kind != EventNetworkDown || got[1].Kind != EventNetworkUp {
			t.Errorf("%d events for one outage: %v", len(got), got)
		}
	})
}

// An account with a proxy of its own does not wait for the others' network, and
// another provider's neither.
func TestOfflineIsTheProviders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		away := newIssuer()
		away.away = errNoNetwork
		d.providers[Gemini] = away
		key := d.signIn("claude", time.Minute)
		a, _ := d.store.Add(t.Context(), NewAccount{Provider: Gemini, Name: "gemini", RefreshToken: away.login(), ExpiresAt: wall().Add(time.Minute)})
		b, _ := d.store.Add(t.Context(), NewAccount{Provider: Gemini, Name: "by proxy", RefreshToken: away.login(), ExpiresAt: wall().Add(time.Minute)})
		d.store.change(b.Key, func(a *Account) { a.Proxy = NewSecret("{}") })
		running(t, d)
		time.Sleep(time.Minute)
		if v := d.view(key); v.Status != StatusValid {
			t.Errorf("claude is %s", v.Status)
		}
		if v := d.view(a.Key); v.Status != StatusFailing || v.Failures > 1 {
			t.Errorf("gemini is %s after %d tries", v.Status, v.Failures)
		}
		if v := d.view(b.Key); v.Failures < 2 {
			t.Errorf("by proxy: %d tries", v.Failures)
		}
	})
}

// A store that can be read and takes no writes is away: one calm state, no
// token is spent, and its return is noticed within 5 s.
func TestStoreTakesNoWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		key := d.signIn("a", 10*time.Minute)
		running(t, d)
		d.store.set(func(s *shelf) { s.readOnly = errAway })
		events := collect(d.Engine, EventStoreDown, EventStoreUp, EventExpired)
		time.Sleep(2 * time.Hour)
		if n := len(d.provider.asked()); n != 0 {
			t.Errorf("%d requests", n)
		}
		d.store.set(func(s *shelf) { s.readOnly = nil })
		time.Sleep(6 * time.Second)
		if v := d.view(key); v.Status != StatusValid {
			t.Errorf("%s: %v", v.Status, v.Err)
		}
		if got := events(); len(got) != 2 {
			t.Errorf("%d events for one outage", len(got))
		}
	})
}

// An answer that came while the store takes no writes is stored within 5 s of
// its return, in lazy mode too.
func TestUnsavedIsStoredAtTheReturn(t *testing.T) {
	for _, proactive := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{Proactive: proactive})
			key := d.signIn("a", -time.Minute)
			if !proactive {
				running(t, d)
			}
			d.provider.latency = time.Second
			go func() {
				time.Sleep(500 * time.Millisecond)
				d.store.set(func(s *shelf) { s.readOnly = errAway })
			}()
			if proactive {
				running(t, d)
			} else if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
				t.Errorf("served %q, %v", access.Reveal(), err)
			}
			time.Sleep(time.Minute)
			if refresh, _ := d.tokens(t, key); refresh != "refresh-1" {
				t.Errorf("stored %s", refresh)
			}
			d.store.set(func(s *shelf) { s.readOnly = nil })
			time.Sleep(6 * time.Second)
			if refresh, access := d.tokens(t, key); refresh != "refresh-2" || access != "access-2" {
				t.Errorf("proactive %v: stored %s, %s", proactive, refresh, access)
			}
			d.spentOnce(t, 1)
		})
	}
}

// A wrong clock is told by how much, once, and so is its being right again.
func TestWrongClockIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		events := collect(d.Engine, EventClock)
		for _, ahead := range []time.Duration{0, -2 * time.Hour, -2 * time.Hour, 3 * time.Minute, 10 * time.Second} {
			d.provider.set(func(p *issuer) { p.ahead = ahead })
			pass(t, d, PassParams{Keys: []Key{key}})
		}
		var told []string
		for _, ev := range events() {
			told = append(told, fmt.Sprint(ev.Ahead, ": ", ev.Err))
		}
		want := "[2h0m0s: this machine's clock is 2h0m0s ahead of Claude's: set it (NTP), or tokens are refreshed too early or too late " +
			"-3m0s: this machine's clock is 3m0s behind Claude's: set it (NTP), or tokens are refreshed too early or too late 0s: <nil>]"
		if got := fmt.Sprint(told); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	})
}

// A clock that is set forward or back by hours makes no storm, and what it
// made wrong is put right: every account's token is refreshed once for each
// change that makes its expiry doubtful.
func TestClockIsSet(t *testing.T) {
	for name, set := range map[string][]time.Duration{
		"forward":          {5 * time.Hour},
		"back":             {-5 * time.Hour},
		"forward and back": {5 * time.Hour, 0},
		"back and forward": {-5 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const accounts = 20
				d := &desk{store: newShelf(), book: newBook(), provider: newIssuer()}
				off := &offset{}
				d.clock = off.now
				d.provider.clock = off.now
				d.provider.lifetime = 8 * time.Hour
				d.Engine = d.another(Policy{Proactive: true})
				t.Cleanup(d.Close)
				for i := range accounts {
					d.signIn(fmt.Sprint(i), -time.Minute)
				}
				running(t, d)
				time.Sleep(time.Hour)
				d.spentOnce(t, accounts)
				for i, by := range set {
					off.set(by)
					time.Sleep(time.Hour)
					if n, replays := d.provider.count(); n > accounts*(i+2) || replays > 0 {
						t.Errorf("%d refreshes, %d replays", n, replays)
					}
				}
				for _, v := range d.Snapshot() { // no expiry is further off than a token can live
					if left := v.ExpiresAt.Sub(off.now()); left > d.provider.lifetime || left < 0 {
						t.Errorf("%s: %v left", v.Name, left)
					}
				}
				time.Sleep(24 * time.Hour)
				if n, _ := d.provider.count(); n > accounts*(len(set)+1+4) {
					t.Errorf("%d refreshes a day later", n)
				}
			})
		})
	}
}
