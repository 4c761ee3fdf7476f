package view

import (
	"strings"
	"time"

	"tokentray/engine"
)

// Fact is a line of an account's details.
type Fact struct{ Title, Value string }

// geminiKept is how many months Google keeps a login that nobody refreshes, as
// the alert counts them.
const geminiKept = 6

// LoginEnds is when a person must sign in again, and whether that is an
// estimate; zero where nothing is known.
func LoginEnds(v engine.View) (at time.Time, estimated bool) {
	last := LastRefresh(v)
	switch {
	case !v.LoginExpiresAt.IsZero():
		return v.LoginExpiresAt, false
	case v.Provider == engine.Gemini && !v.Static() && !last.IsZero():
		return last.AddDate(0, geminiKept, 0), true
	}
	return time.Time{}, false
}

// NextRefresh says when an account is refreshed next, and why then.
func (t Texts) NextRefresh(v engine.View, p engine.Policy, now time.Time) string {
	in := ""
	if v.NextRefresh.After(now) {
		in = t.Get("in %s", t.Span(v.NextRefresh.Sub(now)))
	} else if !v.NextRefresh.IsZero() {
		in = t.Get("now")
	}
	switch {
	case v.Refreshing:
		return t.Get("under way")
	case !v.Active:
		return t.Get("none: it is switched off")
	case v.Problem != nil:
		return t.Get("none: it cannot be read")
	case v.Dead:
		return t.Get("when somebody signs in again")
	case v.Static():
		return t.Get("none: it has no refresh token")
	case v.Rival.Leads:
		return t.Get("with %s, which has the same login", v.Rival.Name)
	case v.Observed && !v.Choice.Keep:
		return t.Get("when its own program does it")
	case v.Stuck:
		return t.Get("when the settings change")
	case in == "" && engine.Endless(v.ExpiresAt):
		return t.Get("none: its access token does not expire")
	case in == "" && p.Proactive && v.Choice.Lazy:
		return t.Get("when it is asked for, as chosen")
	case in == "" && p.Proactive && v.Choice.IdleDays > 0:
		return t.Get("when it is used again: it was not for %d days", v.Choice.IdleDays)
	case in == "":
		return t.Get("when it is asked for")
	case v.Err != nil:
		return t.Get("%s, after a failure", in)
	}
	return t.Get("%s: %s before its expiry", in, t.Span(v.ExpiresAt.Sub(v.NextRefresh)))
}

// Facts are what there is to know of an account; proxy and client, of a generic
// one, are as they may be shown, "" for none.
func (t Texts) Facts(v engine.View, p engine.Policy, proxy, client string, now time.Time) []Fact {
	at := func(when time.Time) string {
		if when.IsZero() {
			return t.Get("unknown")
		}
		if engine.Endless(when) {
			return t.Get("it does not expire")
		}
		return when.Local().Format("2006-01-02 15:04:05") + " · " + t.Until(when, now)
	}
	facts := []Fact{
		{t.Get("Status"), t.State(v, !p.Proactive, now)},
		{t.Get("Access token until"), at(v.ExpiresAt)},
	}
	add := func(title, value string, known bool) {
		if known {
			facts = append(facts, Fact{title, value})
		}
	}
	ends, estimated := LoginEnds(v)
	login := at(ends)
	if estimated {
		login = t.Get("about %s (estimated)", ends.Local().Format("2006-01-02"))
	}
	add(t.Get("Login until"), login, !ends.IsZero())
	last := t.LastResult(v, now)
	if v.Err != nil { // what it was is said above
		last = t.took(t.Get("failed %s", t.Age(v.At, now)), v, engine.ResultFailed)
	}
	facts = append(facts, Fact{t.Get("Last refresh"), last}, Fact{t.Get("Next refresh"), t.NextRefresh(v, p, now)})
	add(t.Get("Last used"), t.Age(v.LastUsedAt, now), !v.LastUsedAt.IsZero())
	add(t.Get("Rate limited until"), at(v.RateLimitedUntil), v.RateLimitedUntil.After(now))
	add(t.Get("Scopes"), v.Scopes, v.Scopes != "")
	add(t.Get("Client"), client, client != "")
	add(t.Get("Proxy"), proxy, proxy != "")
	add(t.Get("Kept by"), t.keeper(v), true)
	add(t.Get("Chosen"), t.chosen(v), v.Choice.Lazy || v.Choice.IdleDays > 0)
	add(t.Get("Alerts"), t.Get("muted"), v.Choice.Muted)
	add(t.Get("Restored"), t.Count(v.Restored, "once", "%d times"), v.Restored > 0)
	stored := v.StoreStatus
	if v.StoreError != "" {
		stored += ": " + v.StoreError
	}
	add(t.Get("In the store"), stored, stored != "")
	return append(facts, Fact{t.Get("Id"), v.ID})
}

// keeper is who refreshes the account.
func (t Texts) keeper(v engine.View) string {
	switch {
	case v.Observed && v.Choice.Keep:
		return t.Get("its own program, and Tokentray")
	case v.Observed:
		return t.Get("its own program; only observed here")
	case v.Store == "relay" || strings.HasPrefix(v.Store, "relay:"):
		return t.Get("its relay, and Tokentray")
	}
	return "Tokentray"
}

// chosen is how the account is excepted from being refreshed ahead of expiry.
func (t Texts) chosen(v engine.View) string {
	if v.Choice.Lazy {
		return t.Get("refreshed only when asked for")
	}
	return t.Count(v.Choice.IdleDays, "not refreshed ahead when unused for a day", "not refreshed ahead when unused for %d days")
}

// Until is how far a time lies ahead, or back.
func (t Texts) Until(at, now time.Time) string {
	if at.After(now) {
		return t.Get("in %s", t.Span(at.Sub(now)))
	}
	return t.Age(at, now)
}
