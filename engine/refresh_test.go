package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func pass(t *testing.T, d *desk, p PassParams) Summary {
	t.Helper()
	p.Once = true
	s, err := d.Pass(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func one(t *testing.T, s Summary) Result {
	t.Helper()
	if len(s.Results) != 1 {
		t.Fatalf("%d results", len(s.Results))
	}
	return s.Results[0]
}

func TestPassFollowsTheGuide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		due := d.signIn("due", time.Minute)
		d.signIn("not due", time.Hour)
		off := d.signIn("off", -time.Hour)
		d.store.change(off, func(a *Account) { a.Active = false })
		static := d.signIn("static", -time.Hour)
		d.store.change(static, func(a *Account) { a.RefreshToken = Sealed{} })
		garbled := d.signIn("garbled", -time.Hour)
		d.store.change(garbled, func(a *Account) { a.RefreshToken = plain("garbage") })

		s := pass(t, d, PassParams{})
		want := map[string]string{"due": "refreshed ", "not due": "skipped not_due", "off": "skipped inactive",
			"static": "skipped no_refresh_token", "garbled": "skipped unreadable"}
		for _, r := range s.Results {
			if got := r.Outcome + " " + string(r.Reason); got != want[r.Name] {
				t.Errorf("%s: %s, want %s", r.Name, got, want[r.Name])
			}
		}
		if s.Checked != 5 || s.Refreshed != 1 || s.Skipped != 4 || s.Failed != 0 || s.ByProvider[Claude] != (Count{Refreshed: 1}) {
			t.Errorf("summary %+v", s)
		}
		if refresh, access := d.tokens(t, due); refresh != "refresh-6" || access != "access-6" {
			t.Errorf("stored %s, %s", refresh, access)
		}
		if v := d.view(due); v.Status != StatusValid || v.Result != ResultRefreshed {
			t.Errorf("view %s %s", v.Status, v.Result)
		}
		if s := pass(t, d, PassParams{}); s.Refreshed != 0 {
			t.Error("refreshed again at once")
		}
		if s := pass(t, d, PassParams{Force: true}); s.Refreshed != 2 {
			t.Errorf("forced: %+v", s)
		}
		if r := one(t, pass(t, d, PassParams{Keys: []Key{due}})); r.Outcome != ResultRefreshed {
			t.Errorf("named: %+v", r)
		}
	})
}

// One refresh serves a herd, in one process and across processes.
func TestHerd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		engines := []*Engine{d.Engine}
		for range 7 {
			e := d.another(Policy{})
			defer e.Close()
			engines = append(engines, e)
		}
		var wg sync.WaitGroup
		for i := range 80 {
			wg.Go(func() {
				access, err := engines[i%8].ValidAccessToken(t.Context(), key)
				if err != nil || access.Reveal() != "access-2" {
					t.Errorf("%s, %v", access.Reveal(), err)
				}
			})
		}
		wg.Wait()
		if exchanges, replays := d.provider.count(); exchanges != 1 || replays != 0 {
			t.Errorf("%d exchanges, %d replays", exchanges, replays)
		}
	})
}

// A caller's time-out does not stop the exchange.
func TestDetachedFromTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		d.provider.latency = 5 * time.Second
		key := d.signIn("a", -time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := d.ValidAccessToken(ctx, key); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller got %v", err)
		}
		d.Close() // waits
		if refresh, _ := d.tokens(t, key); refresh != "refresh-2" {
			t.Errorf("stored %s", refresh)
		}
		if _, err := d.ValidAccessToken(t.Context(), d.signIn("b", -time.Minute)); KindOf(err) != KindClosed {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestForeignLock(t *testing.T) {
	t.Run("its result is taken over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{})
			key := d.signIn("a", -time.Minute)
			lease, _ := d.store.TryLock(t.Context(), key)
			var other sync.WaitGroup
			defer other.Wait()
			other.Go(func() {
				time.Sleep(3 * time.Second)
				token, _ := d.provider.spend("refresh-1")
				a, _ := d.store.Load(context.Background(), key)
				d.store.Write(context.Background(), a, Change{Token: token, At: wall()})
				time.Sleep(10 * time.Second) // it need not even release
				lease.Release(context.Background())
			})
			began := time.Now()
			r := one(t, pass(t, d, PassParams{Keys: []Key{key}}))
			if r.Reason != ReasonElsewhere || r.Err != nil {
				t.Errorf("%+v", r)
			}
			if took := time.Since(began); took > 6*time.Second {
				t.Errorf("noticed after %v", took)
			}
			if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
				t.Errorf("%s %v", access.Reveal(), err)
			}
			if n, _ := d.provider.count(); n != 1 {
				t.Errorf("%d exchanges", n)
			}
		})
	})
	t.Run("an abandoned one is waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{})
			key := d.signIn("a", -time.Minute)
			d.store.TryLock(t.Context(), key)
			began := time.Now()
			if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultRefreshed {
				t.Errorf("%+v", r)
			}
			if took := time.Since(began); took < time.Minute || took > 63*time.Second {
				t.Errorf("took %v", took)
			}
		})
	})
	t.Run("one held for ever is given up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{})
			key := d.signIn("a", -time.Minute)
			d.store.set(func(s *shelf) { s.leases[key] = time.Now().Add(time.Hour) })
			began := time.Now()
			if r := one(t, pass(t, d, PassParams{})); r.Reason != ReasonLocked || r.Err == nil {
				t.Errorf("%+v", r)
			}
			if took := time.Since(began); took > 65*time.Second || took < time.Minute {
				t.Errorf("took %v", took)
			}
		})
	})
	t.Run("a waiter holds no slot", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{})
			for i := range 8 {
				key := d.signIn(fmt.Sprint("locked ", i), -time.Minute)
				d.store.set(func(s *shelf) { s.leases[key] = time.Now().Add(50 * time.Second) })
			}
			go d.Pass(context.Background(), PassParams{})
			synctest.Wait()
			free := d.signIn("free", -time.Minute)
			began := time.Now()
			if _, err := d.ValidAccessToken(t.Context(), free); err != nil || time.Since(began) > time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		})
	})
}

func TestDeadLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.provider.kill("refresh-1")
		alerts := collect(d.Engine, EventNeedsLogin, EventRecovered, EventExpired)

		if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultFailed || KindOf(r.Err) != KindLoginDead || r.Err.Error() != "Invalid refresh token" {
			t.Errorf("first: %+v", r)
		}
		a, _ := d.store.Load(t.Context(), key)
		if a.StoreStatus != "error" || d.view(key).Status != StatusNeedsLogin {
			t.Errorf("status %s, %s", a.StoreStatus, d.view(key).Status)
		}
		asked := len(d.provider.asked())
		// Not sent again, by this keeper or by another that reads the record.
		if r := one(t, pass(t, d, PassParams{})); r.Reason != ReasonNeedsLogin {
			t.Errorf("second: %+v", r)
		}
		if _, err := d.ValidAccessToken(t.Context(), key); KindOf(err) != KindLoginDead {
			t.Errorf("token: %v", err)
		}
		other := d.another(Policy{})
		defer other.Close()
		otherAlerts := collect(other, EventNeedsLogin)
		if s, _ := other.Pass(t.Context(), PassParams{}); s.Results[0].Reason != ReasonNeedsLogin {
			t.Errorf("another keeper: %+v", s.Results)
		}
		if n := len(d.provider.asked()); n != asked {
			t.Errorf("%d more requests with a dead token", n-asked)
		}
		// A person may try once.
		pass(t, d, PassParams{Keys: []Key{key}})
		if n := len(d.provider.asked()); n != asked+1 {
			t.Errorf("a person's wish made %d requests", n-asked)
		}
		// A new sign-in, found by a scan, ends it.
		fresh := d.provider.login()
		d.store.change(key, func(a *Account) { a.RefreshToken = plain(fresh.Reveal()) })
		if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultRefreshed {
			t.Errorf("after the new sign-in: %+v", r)
		}
		var kinds []EventKind
		for _, ev := range alerts() {
			kinds = append(kinds, ev.Kind)
		}
		if fmt.Sprint(kinds) != "[needs_login recovered]" {
			t.Errorf("alerts %v", kinds)
		}
		if more := otherAlerts(); len(more) != 0 {
			t.Errorf("the other keeper told again: %v", more)
		}
	})
}

// invalid_grant is final only where the store still holds the same token.
func TestRefusedBecauseAnotherRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.provider.fail(errGrant)
		d.store.meddle = func(a *Account) {
			a.RefreshToken, a.AccessToken, a.ExpiresAt = plain("refresh-9"), plain("access-9"), wall().Add(time.Hour)
		}
		access, err := d.ValidAccessToken(t.Context(), key)
		if err != nil || access.Reveal() != "access-9" {
			t.Errorf("%s, %v", access.Reveal(), err)
		}
		if a, _ := d.store.Load(t.Context(), key); a.StoreStatus == "error" || d.view(key).Status != StatusValid {
			t.Errorf("marked: %s, %s", a.StoreStatus, d.view(key).Status)
		}
	})
}

// Re-encrypted, the same token is still the same.
func TestRefusedAndReencrypted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.provider.fail(errGrant)
		d.store.meddle = func(a *Account) {
			a.RefreshToken = Seal("another ciphertext", func(string) (Secret, error) { return NewSecret("refresh-1"), nil })
		}
		one(t, pass(t, d, PassParams{}))
		if a, _ := d.store.Load(t.Context(), key); a.StoreStatus != "error" {
			t.Error("not marked")
		}
	})
}

// Only the provider's own final answer is written to a shared store.
func TestTransientFailuresAreNotWritten(t *testing.T) {
	for name, err := range map[string]error{
		"503":      Errorf(KindTransient, "503", nil),
		"proxy":    Errorf(KindProxy, "no proxy", nil),
		"settings": Errorf(KindSettings, "no secret", nil),
		"rate":     &Error{Kind: KindRateLimited, RetryAfter: time.Minute},
		"unknown":  Errorf(KindUnknownOutcome, "cut", nil),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", 30*time.Second)
				before, _ := d.store.Load(t.Context(), key)
				d.provider.fail(err, err)
				if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultFailed {
					t.Errorf("%+v", r)
				}
				after, _ := d.store.Load(t.Context(), key)
				if fmt.Sprint(after) != fmt.Sprint(before) || after.RefreshToken.Stored() != before.RefreshToken.Stored() {
					t.Error("the store was written")
				}
				if v := d.view(key); v.Status != StatusFailing {
					t.Errorf("status %s", v.Status)
				}
				// The token still lives: it is served.
				if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-old-a" {
					t.Errorf("served %q, %v", access.Reveal(), err)
				}
			})
		})
	}
}

// A token whose sending had no answer is sent exactly once more, after the
// access token's expiry, whoever asks.
func TestUnknownOutcome(t *testing.T) {
	for name, test := range map[string]struct {
		spent  bool // did the provider take the first?
		status Status
	}{"the provider had not seen it": {false, StatusValid}, "the provider had taken it": {true, StatusNeedsLogin}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{Proactive: true})
				key := d.signIn("a", 4*time.Minute)
				if test.spent {
					d.provider.lost = 1
				} else {
					d.provider.fail(Errorf(KindUnknownOutcome, "cut", nil))
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() { d.Run(ctx); close(done) }()
				time.Sleep(3 * time.Minute)
				if n := len(d.provider.asked()); n != 1 {
					t.Errorf("%d requests before the expiry", n)
				}
				if r := one(t, pass(t, d, PassParams{Force: true})); r.Outcome != ResultFailed || len(d.provider.asked()) != 1 {
					t.Errorf("forced: %+v after %d requests", r, len(d.provider.asked()))
				}
				if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-old-a" {
					t.Errorf("served %s, %v", access.Reveal(), err)
				}
				time.Sleep(10 * time.Minute)
				if n := len(d.provider.asked()); n != 2 {
					t.Errorf("%d requests in all", n)
				}
				if v := d.view(key); v.Status != test.status {
					t.Errorf("status %s, want %s", v.Status, test.status)
				}
				cancel()
				<-done
			})
		})
	}
	t.Run("twice", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{})
			key := d.signIn("a", -time.Minute)
			cut := Errorf(KindUnknownOutcome, "cut", nil)
			d.provider.fail(cut, cut, cut)
			for range 5 {
				pass(t, d, PassParams{})
				time.Sleep(time.Hour)
			}
			if n := len(d.provider.asked()); n != 2 {
				t.Errorf("%d requests", n)
			}
			if a, _ := d.store.Load(t.Context(), key); d.view(key).Status != StatusNeedsLogin || a.StoreStatus == "error" {
				t.Errorf("status %s; in the store %q, which is no provider's own answer", d.view(key).Status, a.StoreStatus)
			}
		})
	})
	t.Run("with a new refresh token", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{})
			key := d.signIn("a", -time.Minute)
			d.providers[Claude] = partial{d.provider}
			if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultFailed {
				t.Errorf("%+v", r)
			}
			d.providers[Claude] = d.provider
			if refresh, access := d.tokens(t, key); refresh != "refresh-2" || access != "access-old-a" {
				t.Errorf("stored %s, %s", refresh, access)
			}
			if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultRefreshed {
				t.Errorf("with the new token: %+v", r)
			}
		})
	})
}

// partial loses the access token of every answer.
type partial struct{ *issuer }

func (p partial) Exchange(ctx context.Context, req ExchangeRequest) (Token, error) {
	token, err := p.issuer.Exchange(ctx, req)
	if err != nil {
		return token, err
	}
	return Token{RefreshToken: token.RefreshToken}, Errorf(KindUnknownOutcome, "no usable token", nil)
}

// A command tries a second time only what provably never left.
func TestSecondTry(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		tries int
	}{
		"never sent": {&Error{Kind: KindTransient, Unsent: true, Message: "refused"}, 2},
		"sent":       {Errorf(KindTransient, "503", nil), 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{})
			d.signIn("a", -time.Minute)
			d.provider.fail(test.err)
			began := time.Now()
			s := pass(t, d, PassParams{})
			if n := len(d.provider.asked()); n != test.tries || (s.Refreshed == 1) != (test.tries == 2) {
				t.Errorf("%s: %d tries, %+v", name, n, s)
			}
			if test.tries == 2 && time.Since(began) < time.Second {
				t.Errorf("%s: again after %v", name, time.Since(began))
			}
		})
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.provider.fail(&Error{Kind: KindRateLimited, RetryAfter: 2 * time.Minute, Message: "429"})
		pass(t, d, PassParams{})
		time.Sleep(time.Minute)
		for _, p := range []PassParams{{}, {Force: true}, {Keys: []Key{key}}} {
			if r := one(t, pass(t, d, p)); r.Reason != ReasonRateLimited || r.Err == nil {
				t.Errorf("%+v: %+v", p, r)
			}
		}
		if _, err := d.ValidAccessToken(t.Context(), key); KindOf(err) != KindRateLimited {
			t.Errorf("token: %v", err)
		}
		time.Sleep(time.Minute)
		if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultRefreshed {
			t.Errorf("afterwards: %+v", r)
		}
	})
}

// The store goes away between the exchange and the save: nothing is lost, the
// new token is served, and the old one is never sent again.
func TestStoreLostAfterTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true, Interval: time.Minute})
		d.provider.latency = time.Second
		key := d.signIn("a", -time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { d.Run(ctx); close(done) }()
		time.Sleep(500 * time.Millisecond) // the exchange is under way
		d.store.set(func(s *shelf) { s.away = errAway })
		time.Sleep(time.Minute)
		if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
			t.Errorf("served %q, %v", access.Reveal(), err)
		}
		if v := d.view(key); v.Status != StatusFailing || KindOf(v.Err) != KindStore {
			t.Errorf("%s: %v", v.Status, v.Err)
		}
		d.store.set(func(s *shelf) { s.away = nil })
		time.Sleep(6 * time.Second)
		if refresh, access := d.tokens(t, key); refresh != "refresh-2" || access != "access-2" {
			t.Errorf("stored %s, %s", refresh, access)
		}
		if exchanges, replays := d.provider.count(); exchanges != 1 || replays != 0 {
			t.Errorf("%d exchanges, %d replays", exchanges, replays)
		}
		if v := d.view(key); v.Status != StatusValid {
			t.Errorf("%s: %v", v.Status, v.Err)
		}
		cancel()
		<-done
	})
}

// Another program writes the old hash back: the newest token is restored, the
// old one never sent.
func TestWrittenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		stale, _ := d.store.Load(t.Context(), key)
		one(t, pass(t, d, PassParams{}))
		d.store.change(key, func(a *Account) { *a = stale })
		if err := d.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if refresh, access := d.tokens(t, key); refresh != "refresh-2" || access != "access-2" {
			t.Errorf("after a scan: %s, %s", refresh, access)
		}
		if v := d.view(key); v.Result != ResultRestored {
			t.Errorf("last result %s", v.Result)
		}
		d.store.change(key, func(a *Account) { *a = stale })
		if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
			t.Errorf("served %s, %v", access.Reveal(), err)
		}
		if r := one(t, pass(t, d, PassParams{Force: true})); r.Outcome == ResultFailed {
			t.Errorf("forced: %v", r.Err)
		}
		if _, replays := d.provider.count(); replays != 0 {
			t.Errorf("%d replays", replays)
		}
	})
}

// Another program has rotated on from our newest token. What it used up is
// known too when a third writes it back: it is never sent, and the newest
// stands again.
func TestWrittenBackAfterAnotherRotated(t *testing.T) {
	for _, back := range []string{"refresh-1", "refresh-2"} {
		t.Run(back, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", -time.Minute)
				one(t, pass(t, d, PassParams{}))
				time.Sleep(time.Minute)
				token, _ := d.provider.spend("refresh-2")
				a, _ := d.store.Load(t.Context(), key)
				d.store.Write(t.Context(), a, Change{Token: token, At: wall()})
				d.Scan(t.Context())
				d.store.change(key, func(a *Account) { a.RefreshToken, a.ExpiresAt = plain(back), wall().Add(-time.Hour) })
				pass(t, d, PassParams{Force: true})
				time.Sleep(time.Minute)
				pass(t, d, PassParams{Force: true})
				if _, replays := d.provider.count(); replays != 0 {
					t.Errorf("%d replays", replays)
				}
				if v := d.view(key); v.Status != StatusValid {
					t.Errorf("%s: %v", v.Status, v.Err)
				}
			})
		})
	}
}

// A person signs in anew, and later puts the token from before back: neither
// was used up, and both are taken.
func TestSignInsAreTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", time.Hour)
		d.Scan(t.Context())
		other := d.provider.login().Reveal()
		for _, token := range []string{other, "refresh-1"} {
			d.store.change(key, func(a *Account) { a.RefreshToken = plain(token) })
			d.Scan(t.Context())
			time.Sleep(time.Second)
			if refresh, _ := d.tokens(t, key); refresh != token {
				t.Errorf("%s was replaced by %s", token, refresh)
			}
		}
		if r := one(t, pass(t, d, PassParams{Force: true})); r.Outcome != ResultRefreshed {
			t.Errorf("%s %v", r.Outcome, r.Err)
		}
	})
}

// A fault of settings is not sent again for a caller; a person may try.
func TestSettingsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.provider.fail(Errorf(KindSettings, "wrong client secret", nil))
		for range 5 {
			if _, err := d.ValidAccessToken(t.Context(), key); KindOf(err) != KindSettings {
				t.Errorf("%v", err)
			}
			time.Sleep(time.Minute)
		}
		if n := len(d.provider.asked()); n != 1 {
			t.Errorf("%d requests", n)
		}
		if r := one(t, pass(t, d, PassParams{Keys: []Key{key}})); r.Outcome != ResultRefreshed {
			t.Errorf("a person's try: %v", r.Err)
		}
	})
}

// A caller who gives up says nothing of the store.
func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", time.Hour)
		d.store.set(func(s *shelf) { s.away = errAway })
		events := collect(d.Engine, EventStoreDown)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		d.ValidAccessToken(ctx, key)
		d.Scan(ctx)
		if got := events(); len(got) != 0 {
			t.Errorf("%d events", len(got))
		}
	})
}

// A refresh token that is taken away takes its troubles with it.
func TestBecomesStatic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.provider.kill("refresh-1")
		pass(t, d, PassParams{})
		d.store.change(key, func(a *Account) { a.RefreshToken, a.ExpiresAt = Sealed{}, wall().Add(time.Hour) })
		d.Scan(t.Context())
		if v := d.view(key); v.Status != StatusStatic || v.Err != nil {
			t.Errorf("%s: %v", v.Status, v.Err)
		}
	})
}

// What stands in a save's way decides: see step 8.
func TestSaveConflicts(t *testing.T) {
	stored := func(text, plainText string) func(*Account) {
		return func(a *Account) {
			a.RefreshToken = Seal(text, func(string) (Secret, error) { return NewSecret(plainText), nil })
		}
	}
	for name, test := range map[string]struct {
		meddle  func(*Account)
		outcome string
		refresh string
	}{
		"re-encrypted":        {stored("x", "refresh-1"), "refreshed ", "refresh-2"},
		"our own, reply lost": {stored("x", "refresh-2"), "refreshed ", "refresh-2"},
		"a new sign-in wins":  {stored("x", "refresh-new"), "skipped refreshed_elsewhere", "refresh-new"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", -time.Minute)
				d.store.meddle = test.meddle
				r := one(t, pass(t, d, PassParams{}))
				if got := r.Outcome + " " + string(r.Reason); got != test.outcome {
					t.Errorf("%s", got)
				}
				if refresh, _ := d.tokens(t, key); refresh != test.refresh {
					t.Errorf("stored %s", refresh)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) { // deleted meanwhile: not created again
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.provider.latency = time.Second
		go func() {
			time.Sleep(500 * time.Millisecond)
			d.store.set(func(s *shelf) { delete(s.shelved, key) })
		}()
		if r := one(t, pass(t, d, PassParams{})); KindOf(r.Err) != KindNotFound {
			t.Errorf("%+v", r)
		}
		if listing, _ := d.store.List(t.Context()); len(listing.Accounts) != 0 {
			t.Error("the save made the account again")
		}
	})
}
