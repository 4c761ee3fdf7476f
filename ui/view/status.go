package view

import (
	"time"

	"tokentray/engine"
)

// soon is how near a refresh is told as a status of its own.
const soon = 5 * time.Minute

// dueSoon reports whether the account is refreshed by itself in a moment.
func dueSoon(v engine.View, now time.Time) bool {
	return (v.Status == engine.StatusValid || v.Status == engine.StatusExpiring || v.Status == engine.StatusExpired) &&
		!v.NextRefresh.IsZero() && v.NextRefresh.Sub(now) <= soon
}

// State says in a word or two how the account fares now, for its row: "Due in
// 3 min", "Retrying (try 3)". It says more than Status, which holds still.
func (t Texts) State(v engine.View, lazy bool, now time.Time) string {
	switch {
	case v.Refreshing:
		return t.Get("Refreshing …")
	case v.Status == engine.StatusDisabled:
		return t.Get("Switched off")
	case v.Status == engine.StatusUnreadable:
		return t.Get("Unreadable")
	case v.Status == engine.StatusNeedsLogin:
		return t.Get("Needs sign-in")
	case v.Rival.Name != "":
		return t.Get("Shared login")
	case v.Status == engine.StatusStatic && expired(v, now):
		return t.Get("Static, expired")
	case v.Status == engine.StatusStatic:
		return t.Get("Static")
	case v.Observed && !v.Choice.Keep:
		if expired(v, now) {
			return t.Get("Observed, expired")
		}
		return t.Get("Observed")
	case v.Status == engine.StatusFailing:
		return t.failing(v)
	case dueSoon(v, now) && v.NextRefresh.After(now):
		return t.Get("Due in %s", t.Span(v.NextRefresh.Sub(now)))
	case dueSoon(v, now):
		return t.Get("Due now")
	case v.Status == engine.StatusExpired && lazy:
		return t.Get("Refreshes when asked")
	case v.Status == engine.StatusExpired:
		return t.Get("Expired")
	case v.Status == engine.StatusExpiring && !lazy:
		return t.Get("Expiring")
	}
	return t.Get("Valid")
}

// failing says what is waited for. The engine tries on without end, each time
// after a longer while: there is no last try to count to.
func (t Texts) failing(v engine.View) string {
	switch kind := engine.KindOf(v.Err); {
	case v.Stuck || kind == engine.KindSettings:
		return t.Get("Needs a setting")
	case kind == engine.KindOffline:
		return t.Get("Offline")
	case kind == engine.KindRateLimited:
		return t.Get("Rate limited")
	case kind == engine.KindProxy:
		return t.Get("Proxy fails")
	case v.Failures > 0:
		return t.Get("Retrying (try %d)", v.Failures+1)
	}
	return t.Get("Failing")
}

// ToneNow is the tone of State: as ToneOf, but amber a moment before a refresh,
// and calm in lazy mode while the token lives.
func ToneNow(v engine.View, lazy bool, now time.Time) Tone {
	switch tone := ToneOf(v, lazy); {
	case v.Refreshing && tone != Person:
		return Wait
	case v.Rival.Name != "" && tone == Valid, tone == Valid && dueSoon(v, now):
		return Wait
	case lazy && v.Status == engine.StatusExpiring && !expired(v, now):
		return Valid
	default:
		return tone
	}
}

// Left is the column of the countdown: a token that lapsed in lazy mode is
// nothing to count.
func (t Texts) Left(v engine.View, lazy bool, now time.Time) string {
	if ToneOf(v, lazy) == Dim && v.Status != engine.StatusDisabled && expired(v, now) {
		return t.Get("lapsed %s", t.Age(v.ExpiresAt, now))
	}
	return t.ExpiresIn(v, now)
}

// Tally is how many accounts have a tone, in words.
type Tally struct {
	Tone  Tone
	Count int
	Text  string
}

// Tallies count the accounts by their tone now, for the line above the list:
// "9 valid", "2 waiting", "1 needs you". A tone that no account has is
// left out.
func (t Texts) Tallies(views []engine.View, lazy bool, now time.Time) []Tally {
	counts, off := map[Tone]int{}, 0
	for _, v := range views {
		if v.Status == engine.StatusDisabled {
			off++
			continue
		}
		counts[ToneNow(v, lazy, now)]++
	}
	var all []Tally
	add := func(tone Tone, n int, text string) {
		if n > 0 {
			all = append(all, Tally{tone, n, text})
		}
	}
	add(Valid, counts[Valid], t.Count(counts[Valid], "1 valid", "%d valid"))
	add(Wait, counts[Wait], t.Count(counts[Wait], "1 waiting", "%d waiting"))
	add(Person, counts[Person], t.Count(counts[Person], "1 needs you", "%d need you"))
	add(Dim, counts[Dim], t.Count(counts[Dim], "1 refreshes when asked", "%d refresh when asked"))
	add(Dim, off, t.Count(off, "1 switched off", "%d switched off"))
	return all
}
