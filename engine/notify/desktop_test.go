package notify

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tokentray/engine"
)

// ends has a login's end lie ahead.
func ends(ev engine.Event, ahead time.Duration) engine.Event {
	ev.Ahead = ahead
	ev.Account.LoginExpiresAt = time.Date(2026, 12, 1, 12, 0, 0, 0, time.Local)
	return ev
}

func TestDesktop(t *testing.T) {
	one := alert(engine.EventNeedsLogin, engine.Claude, errors.New("Invalid refresh token"))
	well := alert(engine.EventRecovered, engine.Claude, nil)
	var seven []engine.Event
	for i := range 7 {
		ev := one
		ev.Account.ID = fmt.Sprint("id-", i)
		seven = append(seven, ev)
	}
	for name, test := range map[string]struct {
		events []engine.Event
		want   string
	}{
		"nothing to tell": {[]engine.Event{{Kind: engine.EventRefreshed}}, "[]"},
		"needs a person":  {[]engine.Event{one}, "[团队 needs you to sign in again: Invalid refresh token; about id-1, Sign in again, Details]"},
		"expired":         {[]engine.Event{alert(engine.EventExpired, engine.Claude, errors.New("503"))}, "[The token of 团队 has expired: 503; about id-1, Retry, Details]"},
		"hostile":         {[]engine.Event{alert(engine.EventExpired, engine.Claude, errors.New("a\x1b[31m\u202eb\nc"))}, "[The token of 团队 has expired: a[31mbc; about id-1, Retry, Details]"},
		"recovered":       {[]engine.Event{well}, "[团队 is well again: Its token was refreshed.; about id-1]"},
		"one, twice":      {[]engine.Event{one, well}, "[团队 is well again: Its token was refreshed.; about id-1]"},
		"its login ends": {[]engine.Event{ends(alert(engine.EventLoginEnds, engine.Claude, nil), 7*24*time.Hour)},
			"[The login of 团队 ends in 7 days: Sign in again before 2026-12-01 12:00.; about id-1, Sign in again, Details]"},
		"its login ends soon": {[]engine.Event{ends(alert(engine.EventLoginEnds, engine.Claude, nil), 20*time.Hour)},
			"[The login of 团队 ends within a day: Sign in again before 2026-12-01 12:00.; about id-1, Sign in again, Details]"},
		"unused": {[]engine.Event{ends(alert(engine.EventUnused, engine.Gemini, nil), 48*time.Hour)},
			"[The login of 团队 has not been refreshed for months: Google drops a login that is not refreshed for 6 months: refresh it before 2026-11-25.; about id-1, Retry, Details]"},
		"unused for too long": {[]engine.Event{ends(alert(engine.EventUnused, engine.Gemini, nil), -time.Hour)},
			"[The login of 团队 has not been refreshed for months: Google drops a login that is not refreshed for 6 months: refresh it now, or sign in again.; about id-1, Retry, Details]"},
		"a store":   {[]engine.Event{{Kind: engine.EventStoreDown, Store: "relay", Err: errors.New("Redis does not answer")}}, "[A store of accounts is away: Redis does not answer]"},
		"a network": {[]engine.Event{{Kind: engine.EventNetworkDown, Err: errors.New("offline")}}, "[The providers cannot be reached: offline]"},
		"the clock": {[]engine.Event{{Kind: engine.EventClock, Ahead: time.Hour, Err: errors.New("an hour ahead")}}, "[This machine's clock is wrong: an hour ahead]"},
		"of all kinds": {[]engine.Event{{Kind: engine.EventStoreDown, Store: "relay"}, {Kind: engine.EventStoreDown, Store: "relay:b"}, one},
			"[3 alerts: A store of accounts is away · A store of accounts is away · 团队 needs you to sign in again]"},
		"two of one account": {[]engine.Event{one, ends(alert(engine.EventLoginEnds, engine.Claude, nil), 20*time.Hour)},
			"[2 alerts: 团队 needs you to sign in again · The login of 团队 ends within a day]"},
		"many": {append(seven, seven[0]),
			"[7 accounts need attention: 团队, 团队, 团队, 团队, 团队 and 2 more]"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := []string{}
				Desktop{Text: fmt.Sprintf, Show: func(n Note) {
					said := n.Title + ": " + n.Text
					if n.Account.ID != "" {
						said += "; about " + n.Account.ID
					}
					for _, o := range n.Offers {
						said += ", " + o.Label
					}
					got = append(got, said)
				}}.Run(slices.Values(test.events))
				if fmt.Sprint(got) != test.want {
					t.Errorf("%v, want %s", got, test.want)
				}
			})
		})
	}
}

// While one is shown, others gather: none is lost, and they are one.
func TestManyWhileOneIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var titles []string
		events := func(yield func(engine.Event) bool) {
			for i := range 301 {
				ev := alert(engine.EventExpired, engine.Claude, nil)
				ev.Account.ID = fmt.Sprint("id-", i)
				if !yield(ev) {
					return
				}
				if i == 0 {
					time.Sleep(2 * groupFor)
				} else {
					time.Sleep(time.Second)
				}
			}
			time.Sleep(time.Hour)
		}
		Desktop{Text: fmt.Sprintf, Show: func(n Note) {
			titles = append(titles, n.Title)
			time.Sleep(10 * time.Minute)
		}}.Run(events)
		if want := []string{"The token of 团队 has expired", "300 accounts need attention"}; !slices.Equal(titles, want) {
			t.Errorf("shown %v", titles)
		}
	})
}

// A service that hangs holds up neither the events nor, for long, the end.
func TestHangingService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		began := time.Now()
		Desktop{Text: fmt.Sprintf, Show: func(Note) { <-release }}.Run(slices.Values(
			slices.Repeat([]engine.Event{alert(engine.EventExpired, engine.Claude, nil)}, 200)))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("held up for %v", took)
		}
		close(release)
	})
}
