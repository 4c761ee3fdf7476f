package engine

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
)

// A hit costs no I/O and no allocation.
func TestHitPath(t *testing.T) {
	d := newDesk(t, Policy{})
	key := d.signIn("a", time.Hour)
	ctx := t.Context()
	if _, err := d.ValidAccessToken(ctx, key); err != nil {
		t.Fatal(err)
	}
	d.store.set(func(s *shelf) { s.away = errAway }) // a hit does not notice
	if n := testing.AllocsPerRun(1000, func() {
		if access, err := d.ValidAccessToken(ctx, key); err != nil || access.Reveal() != "access-old-a" {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The hit path's own clock stands while nobody asks, goes on with the real one
// while somebody does, and is right within a step of a machine's waking up.
func TestHitPathClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off := &offset{}
		d := &desk{store: newShelf(), book: newBook(), provider: newIssuer(), clock: off.now}
		d.provider.clock = off.now
		d.Engine = d.another(Policy{})
		t.Cleanup(d.Close)
		key := d.signIn("a", time.Hour)
		ask := func() string {
			t.Helper()
			access, err := d.ValidAccessToken(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			return access.Reveal()
		}
		ask()
		if ask(); d.coarse.now.Load() == 0 {
			t.Error("the clock stands though it is read")
		}
		time.Sleep(2 * time.Second)
		if d.coarse.now.Load() != 0 {
			t.Error("the clock goes though nobody reads it")
		}
		expiry := time.Now().Add(time.Hour - 2*time.Second)
		for last := expiry.Add(-Skew(Claude) - time.Second); time.Now().Before(last); time.Sleep(500 * time.Millisecond) {
			if got := ask(); got != "access-old-a" {
				t.Fatalf("%s %v before its expiry", got, time.Until(expiry))
			}
		}
		time.Sleep(time.Second)
		if got := ask(); got == "access-old-a" {
			t.Error("the hit path served a token inside its skew")
		}
		second := ask()
		off.set(9 * time.Hour) // in standby
		time.Sleep(coarseStep)
		synctest.Wait()
		if got := ask(); got == second {
			t.Error("the hit path served a token that expired in standby")
		}
	})
}

// BenchmarkHit is the price of a token that is valid, beside that of
// oauth2.ReuseTokenSource, which knows one account and locks.
func BenchmarkHit(b *testing.B) {
	for _, accounts := range []int{1, 10_000} {
		d := &desk{store: newShelf(), book: newBook(), provider: newIssuer()}
		d.Engine = d.another(Policy{})
		b.Cleanup(d.Close)
		var keys []Key
		sources := map[Key]oauth2.TokenSource{}
		for i := range accounts {
			key := d.signIn(fmt.Sprint("account-", i), 8*time.Hour)
			if _, err := d.ValidAccessToken(context.Background(), key); err != nil {
				b.Fatal(err)
			}
			keys = append(keys, key)
			sources[key] = oauth2.ReuseTokenSource(&oauth2.Token{AccessToken: "access", Expiry: time.Now().Add(8 * time.Hour)}, nil)
		}
		for _, callers := range []int{1, 2, 4, 8} {
			name := fmt.Sprintf("accounts=%d/callers=%d", accounts, callers)
			b.Run("of=ours/"+name, func(b *testing.B) {
				b.ReportAllocs()
				share(b, callers, func(i int) error {
					_, err := d.ValidAccessToken(context.Background(), keys[i%len(keys)])
					return err
				})
			})
			b.Run("of=ReuseTokenSource/"+name, func(b *testing.B) {
				b.ReportAllocs()
				share(b, callers, func(i int) error {
					_, err := sources[keys[i%len(keys)]].Token()
					return err
				})
			})
		}
	}
}

// share lets callers ask b.N times together.
func share(b *testing.B, callers int, ask func(int) error) {
	failed := make(chan error, callers)
	for c := range callers {
		go func() {
			for i := c; i < b.N; i += callers {
				if err := ask(i); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range callers {
		if err := <-failed; err != nil {
			b.Fatal(err)
		}
	}
}
