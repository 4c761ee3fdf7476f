package engine

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Run comes around at least once a minute, however long its interval, and is
// known not to once it has ended.
func TestHealthOfTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{Interval: 24 * time.Hour})
		if h := d.Health(); !h.Turned.IsZero() {
			t.Errorf("before Run: %v", h.Turned)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.Run(ctx)
		}()
		for range 10 {
			time.Sleep(7*time.Minute + 13*time.Second)
			if idle := time.Since(d.Health().Turned); idle > time.Minute {
				t.Errorf("it came around %v ago", idle)
			}
		}
		stop()
		<-ended
		if h := d.Health(); !h.Turned.IsZero() {
			t.Errorf("after Run: %v", h.Turned)
		}
	})
}

func TestHealthOfTheStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, b := twoStores(t, Policy{})
		check := func(unread, away []string) {
			t.Helper()
			if h := d.Health(); !slices.Equal(h.Unread, unread) || !slices.Equal(h.Away, away) || !slices.Equal(h.Stores, []string{"", "b"}) {
				t.Errorf("%+v, want unread %q and away %q", h, unread, away)
			}
		}
		check([]string{"", "b"}, nil)
		b.set(func(s *shelf) { s.away = errAway })
		d.Scan(t.Context())
		check([]string{"b"}, []string{"b"})
		b.set(func(s *shelf) { s.away = nil })
		d.Scan(t.Context())
		check(nil, nil)
		d.store.set(func(s *shelf) { s.away = errAway })
		d.Scan(t.Context())
		check(nil, []string{""})
	})
}
