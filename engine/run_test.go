package engine

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// running runs the desk's engine for the test's length.
func running(t *testing.T, d *desk) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { d.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	synctest.Wait()
}

// Between two scans each account is refreshed at its own moment.
func TestDeadlineQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true, Interval: time.Hour, Window: 30 * time.Second})
		began := wall()
		key := d.signIn("a", 10*time.Minute)
		d.signIn("b", 20*time.Minute)
		d.provider.lifetime = 24 * time.Hour
		running(t, d)
		if next := d.view(key).NextRefresh; next.Before(began.Add(9*time.Minute+24*time.Second)) || next.After(began.Add(9*time.Minute+30*time.Second)) {
			t.Errorf("next refresh planned after %v", next.Sub(began))
		}
		time.Sleep(55 * time.Minute)
		asked := d.provider.asked()
		if len(asked) != 2 {
			t.Fatalf("%d refreshes", len(asked))
		}
		for i, want := range []time.Duration{10 * time.Minute, 20 * time.Minute} {
			if early := want - asked[i].Sub(began); early < 30*time.Second || early > 36*time.Second {
				t.Errorf("refreshed %v ahead of its expiry", early)
			}
		}
	})
}

// Nothing expires over a month, and no more is spent than must be.
func TestNothingExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		for i := range 5 {
			d.signIn(fmt.Sprint(i), time.Hour)
		}
		running(t, d)
		for range 30 * 24 * 4 {
			time.Sleep(15 * time.Minute)
			for _, v := range d.Snapshot() {
				if v.Status != StatusValid && v.Status != StatusExpiring {
					t.Fatalf("%s is %s", v.Name, v.Status)
				}
			}
		}
		// 1 h tokens, refreshed 5 to 6 min ahead: 26.7 a day and account at the most.
		if n, replays := d.provider.count(); n > 5*30*27 || replays > 0 {
			t.Errorf("%d refreshes in 30 days, %d replays", n, replays)
		}
	})
}

// Many that are added at one moment are refreshed one after the other, and
// still within their time.
func TestOneExpiryIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		d.provider.lifetime = 8 * time.Hour
		for i := range 300 {
			key := d.signIn(fmt.Sprint(i), 8*time.Hour)
			d.store.change(key, func(a *Account) { a.LastRefreshAt = wall() })
		}
		running(t, d)
		time.Sleep(8 * time.Hour)
		minutes := map[time.Time]int{}
		for _, at := range d.provider.asked() {
			minutes[at.Truncate(time.Minute)]++
		}
		if n, _ := d.provider.count(); n != 300 {
			t.Errorf("%d refreshes", n)
		}
		for at, n := range minutes {
			if n > 30 { // 20 on average
				t.Errorf("%v: %d in a minute", at, n)
			}
		}
		for _, v := range d.Snapshot() {
			if v.Status != StatusValid {
				t.Errorf("%s is %s", v.Name, v.Status)
			}
		}
	})
}

// Of keepers beside each other one comes to keep an account, and the others cost
// next to nothing: they come later, and look before they take its lease. When
// that one ends, another goes on in time.
func TestOneKeepsTheOthersLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Policy{Proactive: true, Interval: 24 * time.Hour}
		d := newDesk(t, p)
		for i := range 200 {
			key := d.signIn(fmt.Sprint(i), time.Hour)
			d.store.change(key, func(a *Account) { a.LastRefreshAt = wall() })
		}
		other := d.another(p)
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { other.Run(ctx); other.Close(); close(done) }()
		running(t, d)
		time.Sleep(6 * time.Hour)
		before, _ := d.provider.count()
		locks := d.store.asked()
		time.Sleep(2 * time.Hour)
		after, replays := d.provider.count()
		locks = d.store.asked() - locks
		if n := after - before; locks > n*5/4 || n < 2*200 || replays > 0 {
			t.Errorf("%d leases were asked for in %d refreshes, %d replays", locks, n, replays)
		}
		end()
		<-done
		for range 2 * 60 {
			time.Sleep(time.Minute)
			for _, v := range d.Snapshot() {
				if v.Status != StatusValid && v.Status != StatusExpiring {
					t.Fatalf("%s is %s after the other's end", v.Name, v.Status)
				}
			}
		}
	})
}

func TestLazyRefreshesNothingByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", 10*time.Minute)
		running(t, d)
		time.Sleep(24 * time.Hour)
		if n := len(d.provider.asked()); n != 0 {
			t.Errorf("%d refreshes", n)
		}
		if v := d.view(key); v.Status != StatusExpired || !v.NextRefresh.IsZero() {
			t.Errorf("%s, next %v", v.Status, v.NextRefresh)
		}
		// Switched to proactive it acts at once.
		d.SetPolicy(Policy{Proactive: true, Interval: time.Hour, Window: 5 * time.Minute})
		time.Sleep(time.Second)
		if v := d.view(key); v.Status != StatusValid {
			t.Errorf("after the switch: %s", v.Status)
		}
	})
}

// New accounts and changes by others are found by the scan.
func TestScanDiscovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		running(t, d)
		key := d.signIn("later", 2*time.Minute)
		time.Sleep(16 * time.Minute)
		if v := d.view(key); v.Status != StatusValid {
			t.Errorf("%s", v.Status)
		}
		d.store.set(func(s *shelf) { delete(s.shelved, key) })
		time.Sleep(16 * time.Minute)
		if len(d.Snapshot()) != 0 {
			t.Error("a removed account is still there")
		}
	})
}

// Many due at once, as after a sleep, are spread: at most 4 at a time, 10 a
// second after the first 20.
func TestCatchUpIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		for i := range 300 {
			d.signIn(fmt.Sprint(i), -time.Hour)
		}
		began := wall()
		passes := collect(d.Engine, EventPass)
		running(t, d)
		time.Sleep(2 * time.Minute)
		asked := d.provider.asked()
		if len(asked) != 300 {
			t.Fatalf("%d refreshes", len(asked))
		}
		if d.provider.mostBusy > Concurrency {
			t.Errorf("%d at a time", d.provider.mostBusy)
		}
		for i, at := range asked {
			if allowed := Burst + int(at.Sub(began).Seconds()*RatePerSecond) + 1; i+1 > allowed {
				t.Fatalf("%d requests within %v", i+1, at.Sub(began))
			}
		}
		if took := asked[299].Sub(began); took > 40*time.Second {
			t.Errorf("took %v", took)
		}
		if p := passes(); len(p) != 1 || p[0].Summary.Checked != 300 || p[0].Summary.Failed != 0 {
			t.Errorf("passes: %v", p)
		}
	})
}

// A token that is due again as soon as it is new is refreshed every 30 s, not
// in a loop, whatever the interval.
func TestTinyLifetimes(t *testing.T) {
	for _, lifetime := range []time.Duration{0, time.Millisecond, time.Second, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{Proactive: true, Interval: 3 * time.Second})
			d.provider.lifetime = lifetime
			d.signIn("a", -time.Minute)
			running(t, d)
			time.Sleep(10 * time.Minute)
			if n := len(d.provider.asked()); n < 15 || n > 21 {
				t.Errorf("%v: %d refreshes in 10 min", lifetime, n)
			}
		})
	}
}

// While the store is away nothing is tried, and nothing is said but that.
func TestStoreAwayIsCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		for i := range 20 {
			d.signIn(fmt.Sprint(i), 10*time.Minute)
		}
		running(t, d)
		d.store.set(func(s *shelf) { s.away = errAway })
		d.Scan(t.Context())
		events := collect(d.Engine, EventRefreshing, EventRefreshed)
		time.Sleep(time.Hour)
		if got := events(); len(got) != 0 {
			t.Errorf("%d events in an hour without the store", len(got))
		}
		d.store.set(func(s *shelf) { s.away = nil })
		time.Sleep(10 * time.Second)
		if n, _ := d.provider.count(); n != 20 {
			t.Errorf("%d refreshes after its return", n)
		}
	})
}

// The proactive refresh fails, a call made meanwhile succeeds: the lazy path
// is the safety net.
func TestHybrid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		key := d.signIn("a", -time.Minute)
		d.provider.fail(Errorf(KindTransient, "503", nil))
		alerts := collect(d.Engine, EventExpired, EventRecovered)
		running(t, d)
		time.Sleep(150 * time.Millisecond)
		if v := d.view(key); v.Status != StatusFailing {
			t.Fatalf("%s", v.Status)
		}
		lazy := d.another(Policy{})
		defer lazy.Close()
		if access, err := lazy.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-2" {
			t.Errorf("%s, %v", access.Reveal(), err)
		}
		time.Sleep(16 * time.Minute)
		if v := d.view(key); v.Status != StatusValid {
			t.Errorf("%s: %v", v.Status, v.Err)
		}
		if n, replays := d.provider.count(); n != 1 || replays != 0 {
			t.Errorf("%d refreshes, %d replays", n, replays)
		}
		if got := alerts(); len(got) != 2 || got[0].Kind != EventExpired || got[1].Kind != EventRecovered {
			t.Errorf("alerts: %v", got)
		}
	})
}

// A token that expires while its refreshes keep failing is told once.
func TestExpiryWhileFailingIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		began := wall()
		d.signIn("a", 4*time.Minute)
		for range 1000 {
			d.provider.fail(Errorf(KindTransient, "503", nil))
		}
		alerts := collect(d.Engine, EventExpired)
		running(t, d)
		time.Sleep(6 * time.Hour)
		got := alerts()
		if len(got) != 1 {
			t.Fatalf("%d alerts", len(got))
		}
		if at := got[0].Time.Sub(began); at < 4*time.Minute || at > 5*time.Minute+time.Second {
			t.Errorf("told after %v", at)
		}
		// Backoff: some 2 s doubling to 10 min, not a storm.
		if n := len(d.provider.asked()); n > 150 || n < 30 {
			t.Errorf("%d tries in 6 h", n)
		}
	})
}

func TestStoreComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		key := d.signIn("a", 6*time.Minute)
		store := collect(d.Engine, EventStoreDown, EventStoreUp)
		running(t, d)
		d.store.set(func(s *shelf) { s.away = errAway })
		time.Sleep(time.Hour)
		d.store.set(func(s *shelf) { s.away = nil })
		time.Sleep(5*time.Second + 500*time.Millisecond)
		if v := d.view(key); v.Status != StatusValid {
			t.Errorf("%s: %v", v.Status, v.Err)
		}
		if got := store(); len(got) != 2 {
			t.Errorf("%d events for one outage", len(got))
		}
	})
}

// The store is away from the start.
func TestStoreAwayAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Proactive: true})
		d.signIn("a", -time.Minute)
		d.store.set(func(s *shelf) { s.away = errAway })
		running(t, d)
		time.Sleep(time.Minute)
		d.store.set(func(s *shelf) { s.away = nil })
		time.Sleep(6 * time.Second)
		if n, _ := d.provider.count(); n != 1 {
			t.Errorf("%d refreshes", n)
		}
	})
}

// A call inside the window is served at once and refreshed behind its back,
// in a running proactive engine only.
func TestBackgroundRefresh(t *testing.T) {
	for _, proactive := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, Policy{Proactive: proactive, Interval: 24 * time.Hour})
			running(t, d)
			key := d.signIn("a", 4*time.Minute) // after the scan: the queue does not know it
			began := time.Now()
			if access, err := d.ValidAccessToken(t.Context(), key); err != nil || access.Reveal() != "access-old-a" {
				t.Errorf("%s, %v", access.Reveal(), err)
			}
			if time.Since(began) != 0 {
				t.Errorf("waited %v", time.Since(began))
			}
			time.Sleep(time.Second)
			if n, _ := d.provider.count(); (n == 1) != proactive {
				t.Errorf("proactive %v: %d refreshes", proactive, n)
			}
		})
	}
}

// A refresh token is opened when its stored text is new, not with every scan.
func TestScanOpensOnce(t *testing.T) {
	d := newDesk(t, Policy{})
	key := d.signIn("a", time.Hour)
	opened := 0
	counted := func(text string) Sealed {
		return Seal(text, func(string) (Secret, error) { opened++; return NewSecret("refresh-1"), nil })
	}
	for scans, text := range []string{"x", "x", "x", "y", "y"} {
		d.store.change(key, func(a *Account) { a.RefreshToken = counted(text) })
		if err := d.Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := 1 + scans/3; opened != want {
			t.Errorf("after %d scans opened %d times, want %d", scans+1, opened, want)
		}
	}
}

// At a shutdown what is in flight is finished, and what only waits for its
// turn is not begun.
func TestCloseBeginsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		d.provider.latency = 5 * time.Second
		for i := range 50 {
			d.signIn(fmt.Sprint(i), -time.Minute)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan Summary)
		go func() {
			s, _ := d.Pass(ctx, PassParams{})
			done <- s
		}()
		time.Sleep(time.Second)
		cancel()
		began := time.Now()
		d.Close()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("Close took %v", took)
		}
		if s := <-done; s.Checked != 50 {
			t.Errorf("%d in the summary", s.Checked)
		}
		if n, _ := d.provider.count(); n != Concurrency {
			t.Errorf("%d exchanges", n)
		}
		stored := 0
		for _, v := range d.Snapshot() {
			if v.Result == ResultRefreshed {
				stored++
			}
		}
		if stored != Concurrency {
			t.Errorf("%d stored", stored)
		}
	})
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("a", -time.Minute)
		seq := d.Watch(t.Context())
		pass(t, d, PassParams{})
		d.Close()
		var kinds []EventKind
		for ev := range seq { // ends by itself: the engine is closed
			kinds = append(kinds, ev.Kind)
			if ev.Kind == EventRefreshed && (ev.Account.Key != key || ev.Result.Outcome != ResultRefreshed || ev.Account.Status != StatusValid) {
				t.Errorf("%+v", ev)
			}
		}
		if fmt.Sprint(kinds) != "[snapshot scanned refreshing refreshed pass]" {
			t.Errorf("events %v", kinds)
		}

		d = newDesk(t, Policy{})
		slow := d.Watch(t.Context())
		for range queueLimit + 10 {
			d.hub.publish(Event{Kind: EventWarning})
		}
		d.hub.publish(Event{Kind: EventStoreUp})
		d.Close()
		kinds = nil
		for ev := range slow {
			kinds = append(kinds, ev.Kind)
		}
		if len(kinds) > 12 || kinds[0] != EventSnapshot || kinds[len(kinds)-1] != EventStoreUp {
			t.Errorf("%d events for one that fell behind", len(kinds))
		}
	})
}

// A lease that could end before the provider's answer is no lease: nothing is
// sent.
func TestLeaseAlmostOver(t *testing.T) {
	for name, until := range map[string]time.Duration{"too short": exchangeTimeout + leaseMargin - time.Second, "over": -time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Policy{})
				d.signIn("a", -time.Minute)
				d.places[""].Locker = shortLocker{d.store, until}
				if r := one(t, pass(t, d, PassParams{})); r.Reason != ReasonLocked || r.Err == nil {
					t.Errorf("%+v", r)
				}
				if n := len(d.provider.asked()); n != 0 {
					t.Errorf("%d requests", n)
				}
				d.places[""].Locker = d.store
				if r := one(t, pass(t, d, PassParams{})); r.Outcome != ResultRefreshed { // nothing is held against the token
					t.Errorf("%s %v", r.Outcome, r.Err)
				}
			})
		})
	}
}

type shortLocker struct {
	Locker
	left time.Duration
}

type shortLease struct {
	Lease
	until time.Time
}

func (l shortLocker) TryLock(ctx context.Context, key Key) (Lease, error) {
	lease, err := l.Locker.TryLock(ctx, key)
	return shortLease{lease, time.Now().Add(l.left)}, err
}

func (l shortLease) Until() time.Time { return l.until }

// A machine that sleeps stops the timers and not the wall clock: within a
// minute of its waking what is due is refreshed.
func TestWakingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off := &offset{}
		d := &desk{store: newShelf(), book: newBook(), provider: newIssuer(), clock: off.now}
		d.provider.clock = off.now
		d.Engine = d.another(Policy{Proactive: true, Interval: 24 * time.Hour})
		t.Cleanup(d.Close)
		for i := range 10 {
			d.signIn(fmt.Sprint(i), 6*time.Hour)
		}
		running(t, d)
		time.Sleep(time.Minute)
		off.set(8 * time.Hour)
		time.Sleep(time.Minute + 2*time.Second)
		d.spentOnce(t, 10)
	})
}
