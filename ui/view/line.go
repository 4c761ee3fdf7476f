package view

import (
	"strings"
	"time"

	"tokentray/engine"
)

// LastResult is an account's last refresh in words: "refreshed 52 min ago ·
// 180 ms", or what went wrong.
func (t Texts) LastResult(v engine.View, now time.Time) string {
	last, what := LastRefresh(v), ""
	switch {
	case v.Problem != nil:
		return t.Get("cannot be read")
	case v.Err != nil:
		return t.took(t.Get("failed %s", t.Age(v.At, now)), v, engine.ResultFailed) + " · " + v.Err.Error() // which may be long
	case v.Result == engine.ResultRestored && !v.At.Before(last):
		return t.Get("restored after another program's write") + " · " + t.Age(v.At, now)
	case v.Rival.Name != "":
		what = t.Get("shared login, with %s", v.Rival.Name)
	case v.Static():
		what = t.Get("no refresh token")
	case v.Observed && !v.Choice.Keep:
		what = t.Get("only observed")
	case last.IsZero():
		return t.Get("not refreshed yet")
	}
	if last.IsZero() {
		return what
	}
	age := t.took(t.Get("refreshed %s", t.Age(last, now)), v, engine.ResultRefreshed)
	if what != "" {
		return what + " · " + age
	}
	return age
}

// took adds how long the last try took, where that was of this result.
func (t Texts) took(text string, v engine.View, result string) string {
	if v.Took > 0 && v.Result == result {
		text += " · " + t.Get("%d ms", v.Took.Milliseconds())
	}
	return text
}

// Durations fills in how long the latest refreshes took, of accounts of which
// the engine does not know: it began later than they did.
func Durations(views []engine.View, took map[engine.Key]Past) {
	for i := range views {
		v := &views[i]
		if p, known := took[v.Key]; known && v.Took == 0 && v.Result == engine.ResultRefreshed && p.At.Sub(LastRefresh(*v)).Abs() < nearby {
			v.Took = p.Took
		}
	}
}

// nearby is how far a refresh's time in the history may be from the one in the
// store, which is written after it.
const nearby = 5 * time.Second

// LifeLeft is how much of its life the access token still has, from 0 to 1;
// false where its lifetime is not known.
func LifeLeft(v engine.View, now time.Time) (float32, bool) {
	life := engine.Lifetime(v.Account)
	if life <= 0 {
		return 0, false
	}
	return min(max(float32(v.ExpiresAt.Sub(now))/float32(life), 0), 1), true
}

// NextUp is the account that is refreshed next by itself; false where none is.
func NextUp(views []engine.View) (next engine.View, ok bool) {
	for _, v := range views {
		if !v.NextRefresh.IsZero() && (!ok || v.NextRefresh.Before(next.NextRefresh)) {
			next, ok = v, true
		}
	}
	return next, ok
}

// Meaning says in one sentence what the policy means now.
func (t Texts) Meaning(p engine.Policy, views []engine.View, now time.Time) string {
	if !p.Proactive {
		return t.Get("Lazy: a token is refreshed when it is asked for. Nothing happens by itself, and a lapsed token is nothing wrong.")
	}
	if next, ok := NextUp(views); ok {
		return t.Get("Next: %s in %s. Each account is refreshed at its own moment, also between checks.", next.Name, t.Span(next.NextRefresh.Sub(now)))
	}
	return t.Get("Proactive: each account is refreshed ahead of its expiry. None is planned now.")
}

// PassLine says what a pass did: "8 checked: 3 refreshed, 5 not due, 0 failed,
// 345 ms; next gemini-main in 32 min".
func (t Texts) PassLine(s engine.Summary, views []engine.View, now time.Time) string {
	notDue, other := 0, 0
	for _, r := range s.Results {
		switch {
		case r.Reason == engine.ReasonNotDue:
			notDue++
		case r.Outcome == engine.ResultSkipped:
			other++
		}
	}
	parts := []string{t.Get("%d refreshed", s.Refreshed), t.Get("%d not due", notDue)}
	if other > 0 {
		parts = append(parts, t.Get("%d skipped", other))
	}
	parts = append(parts, t.Get("%d failed", s.Failed), t.Get("%d ms", s.Took.Milliseconds()))
	line := t.Get("%d checked: %s", s.Checked, strings.Join(parts, t.Get(", ")))
	if next, ok := NextUp(views); ok {
		line += t.Get("; next %s in %s", next.Name, t.Span(next.NextRefresh.Sub(now)))
	}
	return line
}

// Worst is the state that the tray icon shows.
type Worst string

const (
	Calm       Worst = "calm"
	Refreshing Worst = "refreshing"
	Attention  Worst = "attention" // an account needs a person
	Offline    Worst = "offline"   // the store is away
)

// WorstOf is the tray icon's state.
func WorstOf(views []engine.View, lazy, storeAway bool) Worst {
	if storeAway {
		return Offline
	}
	worst := Calm
	for _, v := range views {
		if ToneOf(v, lazy) == Person {
			return Attention
		}
		if v.Refreshing {
			worst = Refreshing
		}
	}
	return worst
}

// Letter is the mark of an account: its provider's letter, or the first of its
// name.
func Letter(a engine.Account) string {
	if letter := engine.LooksOf(a.Provider).Letter; letter != "" {
		return letter
	}
	for _, r := range a.Name {
		return strings.ToUpper(string(r))
	}
	return "?"
}
