package engine

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestEndStep(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		15 * day: 0, 14*day + 1: 0, 14 * day: 14 * day, 8 * day: 14 * day, 7 * day: 7 * day, 3*day + 1: 7 * day,
		3 * day: 3 * day, 2 * day: 3 * day, day: day, time.Minute: day, 0: 0, -day: 0,
	} {
		if got := EndStep(Account{LoginExpiresAt: noon.Add(left)}, noon); got != want {
			t.Errorf("%v before the end: step %v, want %v", left, got, want)
		}
	}
	if got := EndStep(Account{}, noon); got != 0 {
		t.Errorf("an unknown end has the step %v", got)
	}
}

func TestUnusedLeft(t *testing.T) {
	months := func(n int) time.Time { return noon.AddDate(0, -n, 0) }
	for name, test := range map[string]struct {
		provider  string
		refreshed time.Time
		left      time.Duration
		tell      bool
	}{
		"used yesterday":       {Gemini, noon.Add(-day), 0, false},
		"just not long enough": {Gemini, months(5).Add(time.Second), 0, false},
		"5 months":             {Gemini, months(5), 30 * day, true}, // from 23 June to 23 December
		"it may be dropped":    {Gemini, months(7), months(1).Sub(noon), true},
		"never seen":           {Gemini, time.Time{}, 0, false},
		"not Google's":         {Claude, months(7), 0, false},
	} {
		left, tell := UnusedLeft(Account{Key: Key{Provider: test.provider}, LastRefreshAt: test.refreshed}, noon)
		if left != test.left || tell != test.tell {
			t.Errorf("%s: %v, %v", name, left, tell)
		}
	}
}

// Each step is told once for each end of a login, and a later end, that of a
// new sign-in, begins anew.
func TestLoginEndsIsToldByTheDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Policy{})
		key := d.signIn("work", 90*day)
		end := func(at time.Time) {
			d.store.change(key, func(a *Account) { a.LoginExpiresAt = at })
		}
		end(wall().Add(16 * day))
		running(t, d)
		days := func(long time.Duration) (told []int) {
			events := collect(d.Engine, EventLoginEnds, EventUnused)
			time.Sleep(long)
			for _, ev := range events() {
				told = append(told, int((ev.Ahead+time.Minute)/day))
			}
			return told
		}
		if got := days(17 * day); !slices.Equal(got, []int{14, 7, 3, 1}) {
			t.Errorf("told %v days before", got)
		}
		end(wall().Add(2 * day))
		if got := days(time.Hour); !slices.Equal(got, []int{1}) {
			t.Errorf("the next login's end was told %v days before", got)
		}
	})
}
