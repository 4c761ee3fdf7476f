package engine

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// byRelay is a relay's refresh of the account, with or without its time.
func (d *desk) byRelay(key Key, old string, refreshedAt bool) {
	token, _ := d.provider.spend(old)
	d.store.change(key, func(a *Account) {
		a.RefreshToken, a.AccessToken = plain(token.RefreshToken.Reveal()), plain(token.AccessToken.Reveal())
		a.ExpiresAt = token.ExpiresAt
		if refreshedAt {
			a.LastRefreshAt = wall()
		}
	})
}

// What another program refreshed is taken over with its token, however it was
// found, so that it can be restored when its predecessor is written back.
func TestTakenOverIsKept(t *testing.T) {
	for _, how := range []string{"lock wait", "reread", "scan"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", -time.Minute)
				stale, _ := d.store.Load(t.Context(), key)
				d.Scan(t.Context())
				switch how {
				case "lock wait":
					lease, _ := d.store.TryLock(t.Context(), key)
					go func() {
						time.Sleep(time.Second)
						d.byRelay(key, "refresh-1", true)
						lease.Release(t.Context())
					}()
				case "reread":
					d.Engine.places[""].Locker = hook{d.store, func() { d.byRelay(key, "refresh-1", true) }}
				}
				if how == "scan" {
					d.byRelay(key, "refresh-1", true)
					d.Scan(t.Context())
				} else if r := one(t, pass(t, d, PassParams{})); r.Reason != ReasonElsewhere {
					t.Fatalf("%+v", r)
				}
				time.Sleep(time.Minute)
				d.store.change(key, func(a *Account) { *a = stale })
				d.Scan(t.Context())
				time.Sleep(time.Second)
				if refresh, _ := d.tokens(t, key); refresh != "refresh-2" {
					t.Errorf("stored %s; %s %v", refresh, d.view(key).Status, d.view(key).Err)
				}
				events := collect(d.Engine, EventNeedsLogin, EventRecovered)
				for range 5 {
					time.Sleep(time.Minute)
					d.Scan(t.Context())
				}
				if got := events(); len(got) > 1 {
					t.Errorf("%d needs_login/recovered events in 5 scans", len(got))
				}
			})
		})
	}
}

// hook does something when a lock is asked for.
type hook struct {
	Locker
	do func()
}

func (h hook) TryLock(ctx context.Context, key Key) (Lease, error) {
	l, err := h.Locker.TryLock(ctx, key)
	if h.do != nil {
		h.do()
	}
	return l, err
}

// A store that comes up empty and is then restored from an old snapshot is
// healed.
func TestGoneFromOneListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", time.Hour)
		stale, _ := d.store.Load(t.Context(), key)
		running(t, d)
		pass(t, d, PassParams{Force: true})
		time.Sleep(time.Minute)
		var shelved map[Key]Account
		d.store.set(func(s *shelf) { shelved = s.shelved; s.shelved = map[Key]Account{} })
		d.Scan(t.Context())
		shelved[key] = stale
		d.store.set(func(s *shelf) { s.shelved = shelved })
		for range 3 {
			d.Scan(t.Context())
			time.Sleep(time.Second)
		}
		if refresh, _ := d.tokens(t, key); refresh != "refresh-2" {
			t.Errorf("stored %s", refresh)
		}
		if access, err := d.ValidAccessToken(t.Context(), key); access.Reveal() != "access-2" {
			t.Errorf("served %s %v", access.Reveal(), err)
		}
	})
}

// A store that lost lock and record while a token was at the provider: another
// process does not send it beside the first.
func TestSendingUnderWayIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.provider.latency = 5 * time.Second
		before, _ := d.store.Load(t.Context(), key)
		other := &desk{store: d.store, provider: d.provider, book: d.book}
		other.Engine = other.another(Policy{})
		defer other.Close()
		go func() {
			time.Sleep(time.Second)
			d.store.set(func(s *shelf) { clear(s.leases) })
			d.store.change(key, func(a *Account) { *a = before })
			other.Pass(t.Context(), PassParams{Once: true})
		}()
		pass(t, d, PassParams{})
		time.Sleep(20 * time.Second)
		if n, replays := d.provider.count(); replays > 0 {
			t.Errorf("%d exchanges %d replays", n, replays)
		}
	})
}

// A new process that cannot read the store at all serves what the journal has.
func TestServedFromTheJournalWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.store.set(func(s *shelf) { s.noSaves = errAway })
		pass(t, d, PassParams{})
		d.store.set(func(s *shelf) { s.away = errAway })
		d = d.again(Policy{})
		defer d.Close()
		if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
			t.Errorf("served %q, %v", access.Reveal(), err)
		}
	})
}

// keeping is a provider whose refresh tokens stay valid, as Google's.
type keeping struct{ *issuer }

func (k keeping) Exchange(ctx context.Context, r ExchangeRequest) (Token, error) {
	k.mu.Lock()
	k.at = append(k.at, wall())
	k.exchanges++
	n := k.exchanges
	var err error
	if len(k.next) > 0 {
		err, k.next = k.next[0], k.next[1:]
	}
	latency := k.latency
	k.mu.Unlock()
	time.Sleep(latency)
	if err != nil {
		return Token{}, err
	}
	return Token{AccessToken: NewSecret(fmt.Sprint("access-", n)), ExpiresAt: wall().Add(time.Hour).Truncate(time.Millisecond)}, nil
}

// A sending that another keeper, or a scan of this one, saw under way holds
// nothing back once its outcome is known.
func TestIntentIsSettledEverywhere(t *testing.T) {
	for _, name := range []string{"another machine, refreshed", "another machine, 503", "same machine, refreshed", "save failed once"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				key := d.signIn("a", 4*time.Minute)
				d.providers[Claude] = keeping{d.provider}
				d.provider.latency = 2 * time.Second
				other := d.elsewhere(Policy{})
				if name == "same machine, refreshed" {
					other.book = d.book
					other.Engine = other.another(Policy{})
				}
				other.Engine.providers[Claude] = keeping{d.provider}
				defer other.Close()
				other.Scan(t.Context())
				if name == "another machine, 503" {
					d.provider.fail(Errorf(KindTransient, "503", nil))
				}
				go func() {
					time.Sleep(time.Second)
					other.Scan(t.Context())
					if name == "save failed once" {
						d.store.set(func(s *shelf) { s.noSaves = errAway })
						time.Sleep(5 * time.Second)
						d.ValidAccessToken(t.Context(), key)
						time.Sleep(20 * time.Second)
						d.store.set(func(s *shelf) { s.noSaves = nil })
					}
				}()
				pass(t, d, PassParams{})
				time.Sleep(time.Minute)
				if name == "save failed once" {
					other = d
					d.Scan(t.Context())
					time.Sleep(time.Minute)
				}
				if r := one(t, pass(t, other, PassParams{Force: true})); r.Outcome != ResultRefreshed {
					t.Errorf("%s %s %v", r.Outcome, r.Reason, r.Err)
				}
			})
		})
	}
}

// A store that takes locks and no tokens is away, and calmly so.
func TestNoWritesOfTokensIsCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		d.signIn("a", -time.Minute)
		d.store.set(func(s *shelf) { s.noSaves = errAway })
		running(t, d)
		events := collect(d.Engine, EventStoreDown, EventStoreUp)
		refreshed := collect(d.Engine, EventRefreshed)
		time.Sleep(time.Hour)
		if got := events(); len(got) > 1 {
			t.Errorf("%d store events in an hour", len(got))
		}
		if n := len(refreshed()); n > 2 {
			t.Errorf("%d refreshes told of in an hour", n)
		}
	})
}

// An account that is switched off is healed too: whoever switches it on must
// not find a used-up token.
func TestSwitchedOffIsHealed(t *testing.T) {
	for _, unsaved := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{})
			key := d.signIn("a", -time.Minute)
			stale, _ := d.store.Load(t.Context(), key)
			if unsaved {
				d.store.set(func(s *shelf) { s.noSaves = errAway })
			}
			pass(t, d, PassParams{})
			d.store.set(func(s *shelf) { s.noSaves = nil })
			d.store.change(key, func(a *Account) { *a = stale; a.Active = false })
			time.Sleep(time.Minute)
			d.Scan(t.Context())
			time.Sleep(time.Second)
			if refresh, _ := d.tokens(t, key); refresh != "refresh-2" {
				t.Errorf("unsaved %v: stored %s", unsaved, refresh)
			}
		})
	}
}

// A wait that a wrong clock made is not kept for hours.
func TestRetryAfterClockIsSetBack(t *testing.T) {
	for _, restart := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			off := &offset{}
			d := &desk{store: newShelf(), book: newBook(), provider: newIssuer(), clock: off.now}
			d.provider.clock = off.now
			d.Engine = d.another(Policy{Proactive: true})
			t.Cleanup(func() { d.Close() })
			key := d.signIn("a", time.Hour)
			off.set(5 * time.Hour)
			d.provider.fail(Errorf(KindTransient, "503", nil))
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { d.Run(ctx); close(done) }()
			time.Sleep(500 * time.Millisecond)
			off.set(0)
			if restart {
				cancel()
				<-done
				d = d.again(Policy{Proactive: true})
				running(t, d)
				defer d.Close()
			}
			time.Sleep(3 * time.Hour)
			if v := d.view(key); v.Status != StatusValid {
				t.Errorf("restart %v: 3 h later %s %v, %d requests, retry in %v", restart, v.Status, v.Err, len(d.provider.asked()), v.RetryAt.Sub(wall()))
			}
			cancel()
			<-done
		})
	}
}

// A dead login that could not be marked at once is marked when the store is
// back.
func TestMarkedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		key := d.signIn("a", -time.Minute)
		d.provider.fail(errGrant)
		d.store.set(func(s *shelf) { s.noSaves = errAway })
		running(t, d)
		time.Sleep(time.Minute)
		d.store.set(func(s *shelf) { s.noSaves = nil })
		time.Sleep(5 * time.Hour)
		if a, _ := d.store.Load(t.Context(), key); a.StoreStatus != "error" {
			t.Errorf("not marked; %s, %d requests", d.view(key).Status, len(d.provider.asked()))
		}
	})
}

// A stale write-back of a dead token does not undo the sign-in after it.
func TestSignInOverADeadToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		stale, _ := d.store.Load(t.Context(), key)
		d.provider.fail(errGrant)
		pass(t, d, PassParams{})
		fresh := d.provider.login().Reveal()
		d.store.change(key, func(a *Account) { a.RefreshToken = plain(fresh); a.ExpiresAt = wall().Add(time.Hour) })
		d.Scan(t.Context())
		time.Sleep(time.Second)
		d.store.change(key, func(a *Account) { *a = stale }) // the relay had read it before
		d.Scan(t.Context())
		time.Sleep(time.Second)
		if refresh, _ := d.tokens(t, key); refresh != fresh {
			t.Errorf("stored %s, %s: the sign-in is lost", refresh, d.view(key).Status)
		}
	})
}

// A relay that keeps no time of its refreshes: a later expiry shows them.
func TestRefreshWithoutItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		stale, _ := d.store.Load(t.Context(), key)
		d.Scan(t.Context())
		d.byRelay(key, "refresh-1", false)
		d.Scan(t.Context())
		d.store.change(key, func(a *Account) { *a = stale }) // Redis fell back
		pass(t, d, PassParams{})
		if _, replays := d.provider.count(); replays > 0 {
			t.Errorf("%d replays", replays)
		}
	})
}

// A token whose expiry is doubted is served where its refresh fails.
func TestDoubtedIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off := &offset{}
		d := &desk{store: newShelf(), book: newBook(), provider: newIssuer(), clock: off.now}
		d.provider.clock = off.now
		d.Engine = d.another(Policy{})
		t.Cleanup(d.Close)
		key := d.signIn("a", -time.Minute)
		pass(t, d, PassParams{})
		off.set(-2 * time.Hour)
		d.provider.fail(errNoNetwork, errNoNetwork)
		if access, err := d.ValidAccessToken(t.Context(), key); err != nil {
			t.Errorf("served %q %v", access.Reveal(), err)
		}
	})
}

// What the journal could not take is written when it can be used again.
func TestJournalCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		d.provider.latency = time.Second
		key := d.signIn("a", -time.Minute)
		stale, _ := d.store.Load(t.Context(), key)
		go func() { time.Sleep(500 * time.Millisecond); d.book.set(func(b *book) { b.away = errDisk }) }()
		pass(t, d, PassParams{})
		d.book.set(func(b *book) { b.away = nil })
		time.Sleep(time.Minute)
		for range 3 {
			d.Scan(t.Context())
			time.Sleep(time.Minute)
		}
		d.store.change(key, func(a *Account) { *a = stale })
		d = d.again(Policy{})
		defer d.Close()
		d.Scan(t.Context())
		time.Sleep(time.Second)
		if refresh, _ := d.tokens(t, key); refresh != "refresh-2" {
			t.Errorf("stored %s %s %v", refresh, d.view(key).Status, d.view(key).Err)
		}
	})
}

// A relay refreshed a login that was taken for dead: the verdict is lifted, in
// the journal too.
func TestVerdictIsLifted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.providers[Claude] = keeping{d.provider}
		d.provider.fail(errGrant)
		pass(t, d, PassParams{})
		time.Sleep(time.Minute)
		d.store.change(key, func(a *Account) { a.LastRefreshAt = wall(); a.ExpiresAt = wall().Add(4 * time.Minute) })
		time.Sleep(3 * time.Minute)
		if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultRefreshed {
			t.Errorf("%s %s %v", r.Outcome, r.Reason, r.Err)
		}
	})
}

// Two providers whose clocks differ are each told of once.
func TestClocksOfTwoProviders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		g := newIssuer()
		g.ahead = 2 * time.Minute
		d.providers[Gemini] = g
		d.signIn("a", time.Hour)
		d.store.Add(t.Context(), NewAccount{Provider: Gemini, Name: "g", RefreshToken: g.login(), ExpiresAt: wall().Add(time.Hour)})
		events := collect(d.Engine, EventClock)
		for range 5 {
			pass(t, d, PassParams{Force: true})
		}
		if n := len(events()); n > 1 {
			t.Errorf("%d events", n)
		}
	})
}

// Doubt about an expiry is no reason to send a token once more.
func TestDoubtHastensNoSecondSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off := &offset{}
		d := &desk{store: newShelf(), book: newBook(), provider: newIssuer(), clock: off.now}
		d.provider.clock = off.now
		d.Engine = d.another(Policy{})
		t.Cleanup(d.Close)
		d.signIn("a", -time.Minute)
		pass(t, d, PassParams{})
		d.provider.lost = 1
		pass(t, d, PassParams{Force: true})
		off.set(-2 * time.Hour)
		r := one(t, pass(t, d, PassParams{}))
		if n := len(d.provider.asked()); n > 2 {
			t.Errorf("sent again while the access token lives: %+v", r.Err)
		}
	})
}

// What another program rotated is restored with access token and expiry.
func TestHealedWithItsAccessToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		stale, _ := d.store.Load(t.Context(), key)
		d.Scan(t.Context())
		d.byRelay(key, "refresh-1", true)
		d.Scan(t.Context())
		d.store.change(key, func(a *Account) { *a = stale })
		d.Scan(t.Context())
		time.Sleep(time.Second)
		if refresh, access := d.tokens(t, key); refresh != "refresh-2" || access != "access-2" {
			t.Errorf("stored %s %s", refresh, access)
		}
	})
}

// Another program's refresh ends a failure, also where the refresh token stays
// as it was: a later expiry tells.
func TestAFailureEndsWithARefreshElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		d.provider.fail(Errorf(KindTransient, "the provider answered 503", nil))
		pass(t, d, PassParams{Once: true})
		d.Scan(t.Context())
		if v := d.view(key); v.Status != StatusFailing {
			t.Fatalf("%s", v.Status)
		}
		d.store.change(key, func(a *Account) { a.AccessToken, a.ExpiresAt = plain("access-elsewhere"), wall().Add(time.Hour) })
		d.Scan(t.Context())
		if v := d.view(key); v.Status != StatusValid || v.Err != nil || v.Result != ResultElsewhere {
			t.Errorf("%s, %v, %s", v.Status, v.Err, v.Result)
		}
	})
}
