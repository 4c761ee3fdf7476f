package view

import (
	"errors"
	"testing"
	"time"

	"tokentray/engine"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestCountdown(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "00:00:00", -300 * time.Millisecond: "00:00:00", 471 * time.Second: "00:07:51", -724 * time.Second: "−00:12:04", 3599 * time.Second: "00:59:59",
		time.Hour: "1 h 00 m", 6*time.Hour + 58*time.Minute: "6 h 58 m", 189 * time.Hour: "7 d 21 h", -25 * time.Hour: "−1 d 01 h",
	} {
		if got := Countdown(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s ago", 12 * time.Second: "12 s ago", 90 * time.Second: "1 min ago", 59 * time.Minute: "59 min ago",
		time.Hour: "1 h ago", 47 * time.Hour: "47 h ago", 49 * time.Hour: "2 days ago",
	} {
		if got := Texts(nil).Age(noon.Add(-d), noon); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
	if got := Texts(nil).Age(time.Time{}, noon); got != "never" {
		t.Error(got)
	}
	for d, want := range map[time.Duration]string{3 * time.Second: "3 s", 32 * time.Minute: "32 min", 3 * time.Hour: "3 h", 50 * time.Hour: "2 days"} {
		if got := Texts(nil).Span(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// of is an account of a status.
func of(status engine.Status, name string, left time.Duration) engine.View {
	return engine.View{Account: engine.Account{Key: engine.Key{Provider: engine.Claude, ID: name}, Name: name, Active: true, ExpiresAt: noon.Add(left)}, Status: status}
}

func TestWords(t *testing.T) {
	busy := of(engine.StatusFailing, "a", 0)
	busy.Err, busy.RetryAt = errors.New("server busy"), noon.Add(40*time.Second)
	planned := of(engine.StatusValid, "a", time.Hour)
	planned.NextRefresh = noon.Add(54 * time.Minute)
	working := of(engine.StatusExpiring, "a", time.Minute)
	working.Refreshing = true
	for _, test := range []struct {
		v            engine.View
		lazy         bool
		status, note string
		tone         Tone
	}{
		{of(engine.StatusValid, "a", time.Hour), false, "valid", "", Valid},
		{planned, false, "valid", "next refresh in 00:54:00", Valid},
		{of(engine.StatusStatic, "a", time.Hour), false, "static", "", Valid},
		{of(engine.StatusNeedsLogin, "a", 0), true, "needs sign-in", "", Person},
		{of(engine.StatusUnreadable, "a", 0), true, "unreadable", "", Person},
		{of(engine.StatusDisabled, "a", 0), false, "disabled", "", Dim},
		{of(engine.StatusExpired, "a", -time.Hour), false, "expired", "", Wait},
		{of(engine.StatusExpired, "a", -time.Hour), true, "refreshes when asked", "", Dim},
		{of(engine.StatusExpiring, "a", time.Minute), false, "expiring", "", Wait},
		{busy, false, "failing", "server busy, again in 00:00:40", Wait},
		{working, false, "refreshing", "", Wait},
	} {
		if s, n, tone := Texts(nil).Status(test.v, test.lazy), Texts(nil).Note(test.v, noon), ToneOf(test.v, test.lazy); s != test.status || n != test.note || tone != test.tone {
			t.Errorf("%s, lazy %v: %q %q %v, want %q %q %v", test.v.Status, test.lazy, s, n, tone, test.status, test.note, test.tone)
		}
	}
}

func TestWorstFirst(t *testing.T) {
	for lazy, want := range map[bool]string{false: "dead failing expired soon later off", true: "dead failing soon later off expired"} {
		views := []engine.View{
			of(engine.StatusDisabled, "off", 0), of(engine.StatusValid, "later", 2*time.Hour), of(engine.StatusExpired, "expired", -time.Hour),
			of(engine.StatusValid, "soon", time.Hour), of(engine.StatusFailing, "failing", 0), of(engine.StatusNeedsLogin, "dead", 0),
		}
		WorstFirst(views, lazy)
		got := ""
		for i, v := range views {
			if i > 0 {
				got += " "
			}
			got += v.Name
		}
		if got != want {
			t.Errorf("lazy %v: %s, want %s", lazy, got, want)
		}
	}
}

func TestSummary(t *testing.T) {
	for want, views := range map[string][]engine.View{
		"0 accounts":         nil,
		"1 account, 1 valid": {of(engine.StatusValid, "a", 0)},
		"4 accounts, 1 valid, 1 failing, 2 need login": {of(engine.StatusValid, "a", 0), of(engine.StatusNeedsLogin, "b", 0),
			of(engine.StatusNeedsLogin, "c", 0), of(engine.StatusFailing, "d", 0)},
	} {
		if got := Texts(nil).Summary(views); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	chinese := Texts{"%d accounts": "%d 个账户", "1 valid": "1 个有效", ", ": "，"}
	if got := chinese.Summary([]engine.View{of(engine.StatusValid, "a", 0), of(engine.StatusStatic, "b", 0)}); got != "2 个账户，1 个有效，1 static" {
		t.Error(got)
	}
}

func TestLastResult(t *testing.T) {
	with := func(change func(*engine.View)) engine.View {
		v := of(engine.StatusValid, "a", time.Hour)
		v.RefreshToken, v.LastRefreshAt = engine.Seal("x", nil), noon.Add(-52*time.Minute)
		change(&v)
		return v
	}
	never := func(v *engine.View) { v.LastRefreshAt = time.Time{} }
	for want, v := range map[string]engine.View{
		"not refreshed yet":    with(never),
		"refreshed 52 min ago": with(func(*engine.View) {}),
		"refreshed 3 min ago · 180 ms": with(func(v *engine.View) {
			v.Result, v.Succeeded, v.Took = "refreshed", noon.Add(-3*time.Minute), 180*time.Millisecond
		}),
		"failed 3 min ago · 2100 ms · server busy": with(func(v *engine.View) {
			v.Result, v.Err, v.At, v.Took = "failed", errors.New("server busy"), noon.Add(-3*time.Minute), 2100*time.Millisecond
		}),
		"restored after another program's write · 3 min ago": with(func(v *engine.View) { v.Result, v.At = "restored", noon.Add(-3*time.Minute) }),
		"shared login, with b · refreshed 52 min ago":        with(func(v *engine.View) { v.Rival.Name = "b" }),
		"no refresh token · refreshed 52 min ago":            with(func(v *engine.View) { v.RefreshToken = engine.Sealed{} }),
		"only observed · refreshed 52 min ago":               with(func(v *engine.View) { v.Observed = true }),
		"only observed":                                      with(func(v *engine.View) { never(v); v.Observed = true }),
		"cannot be read":                                     with(func(v *engine.View) { v.Problem = errors.New("x") }),
	} {
		if got := Texts(nil).LastResult(v, noon); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// After a restart the history knows how long the latest refresh took; of an
// older one it says nothing.
func TestDurations(t *testing.T) {
	last := noon.Add(-3 * time.Minute)
	for name, test := range map[string]struct {
		at   time.Time
		want string
	}{
		"the latest": {last.Add(400 * time.Millisecond), "refreshed 3 min ago · 340 ms"},
		"an older":   {last.Add(-time.Hour), "refreshed 3 min ago"},
	} {
		v := of(engine.StatusValid, "a", time.Hour)
		v.RefreshToken, v.Result, v.LastRefreshAt, v.At = engine.Seal("x", nil), engine.ResultRefreshed, last, last
		views := []engine.View{v}
		Durations(views, map[engine.Key]Past{v.Key: {Key: v.Key, At: test.at, Took: 340 * time.Millisecond}})
		if got := Texts(nil).LastResult(views[0], noon); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
