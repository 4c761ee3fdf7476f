package notify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tokentray/engine"
)

func TestQuiet(t *testing.T) {
	at := func(clock string) time.Time {
		when, err := time.ParseInLocation("15:04", clock, time.Local)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	night := Rules{QuietFrom: 22 * 60, QuietTo: 7 * 60}
	lunch := Rules{QuietFrom: 12 * 60, QuietTo: 13*60 + 30}
	for clock, want := range map[string][2]bool{
		"21:59": {false, false}, "22:00": {true, false}, "00:00": {true, false}, "06:59": {true, false}, "07:00": {false, false},
		"11:59": {false, false}, "12:00": {false, true}, "13:29": {false, true}, "13:30": {false, false},
	} {
		if got := [2]bool{night.Quiet(at(clock)), lunch.Quiet(at(clock))}; got != want {
			t.Errorf("%s: quiet at night and at lunch: %v", clock, got)
		}
		if (Rules{}).Quiet(at(clock)) {
			t.Errorf("%s: quiet without quiet hours", clock)
		}
	}
	until := at("12:00")
	muted := Rules{MutedUntil: func() time.Time { return until }}
	if !muted.Quiet(until.Add(-1)) || muted.Quiet(until) {
		t.Error("muted, it is not quiet until then, and no longer")
	}
}

// happening is something that happens at a time of a test.
type happening struct {
	at time.Duration
	ev engine.Event
}

// play lets it all happen from midnight on, and returns when what was told.
func play(t *testing.T, r Rules, happenings ...happening) (told []string) {
	synctest.Test(t, func(t *testing.T) {
		midnight := time.Now()
		if local := midnight.Local(); local.Hour() != 0 { // where the bubble's midnight is none
			r.QuietFrom, r.QuietTo = (r.QuietFrom+local.Hour()*60+local.Minute())%1440, (r.QuietTo+local.Hour()*60+local.Minute())%1440
		}
		events := func(yield func(engine.Event) bool) {
			for _, h := range happenings {
				time.Sleep(time.Until(midnight.Add(h.at)))
				h.ev.Time = time.Now()
				if !yield(h.ev) {
					return
				}
			}
			time.Sleep(24 * time.Hour)
		}
		for ev := range r.Filter(events) {
			told = append(told, fmt.Sprintf("%s %s %s", time.Since(midnight).Round(time.Second), ev.Kind, ev.Account.Name+ev.Store))
		}
	})
	return told
}

func about(name string, kind engine.EventKind) engine.Event {
	return engine.Event{Kind: kind, Account: engine.View{Status: engine.StatusValid,
		Account: engine.Account{Key: engine.Key{Provider: engine.Claude, ID: name}, Name: name}}}
}

func TestFilter(t *testing.T) {
	hour, minute := time.Hour, time.Minute
	night := Rules{QuietTo: 7 * 60}
	muted, ends, later, removed := about("a", engine.EventExpired), about("a", engine.EventLoginEnds), about("a", engine.EventRefreshed), engine.Event{Kind: engine.EventChanged}
	muted.Account.Choice.Muted = true
	ends.Account.LoginExpiresAt = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	later.Account.LoginExpiresAt = ends.Account.LoginExpiresAt.AddDate(1, 0, 0)
	removed.Account.Key = ends.Account.Key
	mutes := muted
	mutes.Kind = engine.EventChanged
	store := func(kind engine.EventKind) engine.Event { return engine.Event{Kind: kind, Store: "relay"} }
	for name, test := range map[string]struct {
		rules Rules
		happ  []happening
		want  []string
	}{
		"told at once": {Rules{}, []happening{{hour, about("a", engine.EventExpired)}, {2 * hour, about("a", engine.EventRecovered)}},
			[]string{"1h0m0s expired a", "2h0m0s recovered a"}},
		"off unless switched on": {Rules{}, []happening{{hour, store(engine.EventStoreDown)}, {hour, engine.Event{Kind: engine.EventNetworkDown}}, {hour, engine.Event{Kind: engine.EventClock, Ahead: time.Minute}},
			{hour, engine.Event{Kind: engine.EventScanned}}}, nil},
		"switched on": {Rules{Kinds: map[engine.Alert]bool{engine.AlertStoreAway: true}}, []happening{{hour, store(engine.EventStoreDown)}, {2 * hour, store(engine.EventStoreUp)}},
			[]string{"1h0m0s store_down relay", "2h0m0s store_up relay"}},
		"switched off": {Rules{Kinds: map[engine.Alert]bool{engine.AlertExpired: false}},
			[]happening{{hour, about("a", engine.EventExpired)}, {hour, about("a", engine.EventUnused)}}, []string{"1h0m0s unused a"}},
		"of a muted account": {Rules{}, []happening{{hour, muted}}, nil},
		"held over the quiet hours, the latest of each": {night, []happening{{hour, about("a", engine.EventExpired)}, {2 * hour, about("b", engine.EventNeedsLogin)},
			{3 * hour, about("a", engine.EventNeedsLogin)}}, []string{"7h0m0s needs_login b", "7h0m0s needs_login a"}},
		"over before they end": {night, []happening{{hour, about("a", engine.EventExpired)}, {2 * hour, about("a", engine.EventRecovered)},
			{3 * hour, about("b", engine.EventExpired)}}, []string{"7h0m0s expired b"}},
		"known before, over in them": {Rules{QuietFrom: 60, QuietTo: 7 * 60}, []happening{{minute, about("a", engine.EventExpired)}, {2 * hour, about("a", engine.EventRecovered)}},
			[]string{"1m0s expired a", "7h0m0s recovered a"}},
		"known before, over and back in them": {Rules{QuietFrom: 60, QuietTo: 7 * 60}, []happening{{minute, about("a", engine.EventExpired)},
			{2 * hour, about("a", engine.EventRecovered)}, {3 * hour, about("a", engine.EventExpired)}, {4 * hour, about("a", engine.EventRecovered)}},
			[]string{"1m0s expired a", "7h0m0s recovered a"}},
		"over, and that is switched off": {Rules{QuietTo: 7 * 60, Kinds: map[engine.Alert]bool{engine.AlertRecovered: false}},
			[]happening{{hour, about("a", engine.EventExpired)}, {2 * hour, about("a", engine.EventRecovered)}}, nil},
		"muted meanwhile":         {night, []happening{{hour, about("a", engine.EventExpired)}, {2 * hour, mutes}}, nil},
		"removed meanwhile":       {night, []happening{{hour, about("a", engine.EventExpired)}, {2 * hour, removed}}, nil},
		"signed in meanwhile":     {night, []happening{{hour, ends}, {2 * hour, later}}, nil},
		"not signed in meanwhile": {night, []happening{{hour, ends}, {2 * hour, about("b", engine.EventRefreshed)}}, []string{"7h0m0s login_ends a"}},
		"by day":                  {night, []happening{{8 * hour, about("a", engine.EventExpired)}}, []string{"8h0m0s expired a"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := play(t, test.rules, test.happ...); !slices.Equal(got, test.want) {
				t.Errorf("told %s\nwant %s", strings.Join(got, ", "), strings.Join(test.want, ", "))
			}
		})
	}
}

// What a pass finds is told when its refreshes are over, or in a minute.
func TestFilterWaitsForAPass(t *testing.T) {
	const second = time.Second
	begins := func(name string) happening { return happening{second, about(name, engine.EventRefreshing)} }
	restores := about("z", engine.EventRefreshing)
	restores.Why = engine.WhyRestore
	ended := func(at time.Duration, name string) happening {
		return happening{at, about(name, engine.EventRefreshed)}
	}
	expired := func(at time.Duration, name string) happening { return happening{at, about(name, engine.EventExpired)} }
	for name, test := range map[string]struct {
		happ []happening
		want string
	}{
		"one after the other": {[]happening{begins("a"), begins("b"), begins("c"), ended(5*second, "a"), expired(5*second, "a"), ended(9*second, "b"), expired(9*second, "b"), ended(20*second, "c")},
			"20s expired a, 20s expired b"},
		"well again before it is over": {[]happening{begins("a"), begins("b"), ended(5*second, "a"), expired(5*second, "a"), {9 * second, about("a", engine.EventRecovered)}, ended(20*second, "b")}, ""},
		"a long one": {[]happening{begins("a"), begins("b"), begins("c"), ended(5*second, "a"), expired(5*second, "a"), ended(50*second, "b"), expired(50*second, "b"), ended(90*second, "c"), expired(90*second, "c")},
			"1m5s expired a, 1m5s expired b, 1m30s expired c"},
		"one whose end is not told": {[]happening{{second, restores}, expired(5*second, "a")}, "5s expired a"},
		"one whose end was missed":  {[]happening{begins("b"), {3 * second, engine.Event{Kind: engine.EventSnapshot}}, expired(5*second, "a")}, "5s expired a"},
		"one that goes on":          {[]happening{begins("b"), expired(5*second, "a"), {2 * time.Minute, about("c", engine.EventExpired)}}, "1m5s expired a, 3m0s expired c"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(play(t, Rules{}, test.happ...), ", "); got != test.want {
				t.Errorf("told %s\nwant %s", got, test.want)
			}
		})
	}
	var told []string
	for ev := range (Rules{}).Filter(slices.Values([]engine.Event{about("b", engine.EventRefreshing), about("a", engine.EventExpired)})) {
		told = append(told, ev.Account.Name)
	}
	if !slices.Equal(told, []string{"a"}) {
		t.Errorf("when all ends, %v is told", told)
	}
}

// What is still held when all ends is handed back, and not told.
func TestHeldAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left []string
		r := Rules{MutedUntil: func() time.Time { return time.Now().Add(time.Hour) }, Left: func(ev engine.Event) { left = append(left, ev.Account.Name) }}
		for ev := range r.Filter(slices.Values([]engine.Event{about("a", engine.EventNeedsLogin), about("b", engine.EventExpired), about("b", engine.EventRecovered)})) {
			t.Errorf("told %v", ev.Kind)
		}
		if !slices.Equal(left, []string{"a"}) {
			t.Errorf("left %v", left)
		}
	})
}

// The engine tells of much that is no alert: none of it has a mute looked up.
func TestQuietIsAskedForWhatIsHeldAlone(t *testing.T) {
	asked := 0
	rules := Rules{MutedUntil: func() time.Time { asked++; return time.Time{} }}
	if told := play(t, rules, happening{time.Hour, about("a", engine.EventRefreshed)}, happening{time.Hour, engine.Event{Kind: engine.EventScanned}}); asked != 0 || len(told) != 0 {
		t.Errorf("asked %d times, told %v", asked, told)
	}
	if told := play(t, rules, happening{time.Hour, about("a", engine.EventExpired)}); asked != 1 || len(told) != 1 {
		t.Errorf("asked %d times, told %v", asked, told)
	}
}
