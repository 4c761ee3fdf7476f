package view

import (
	"cmp"
	"strings"
	"time"

	"tokentray/engine"
)

// Tone says how much an account matters to a person now. A colour stands for
// each, never alone.
type Tone int

const (
	Dim    Tone = iota // nothing to look at
	Valid              // all is well
	Wait               // refreshable by itself
	Person             // needs a person
)

// ToneOf is the account's tone. In lazy mode a lapsed access token is nothing
// wrong: it is refreshed when it is asked for.
func ToneOf(v engine.View, lazy bool) Tone {
	switch v.Status {
	case engine.StatusValid, engine.StatusStatic:
		return Valid
	case engine.StatusNeedsLogin, engine.StatusUnreadable:
		return Person
	case engine.StatusDisabled:
		return Dim
	case engine.StatusExpired, engine.StatusExpiring:
		if lazy {
			return Dim
		}
	}
	return Wait
}

// WorstFirst orders accounts for people: by status, then by what ends first.
func WorstFirst(views []engine.View, lazy bool) {
	sortViews(views, func(a, b *engine.View) int {
		if order := cmp.Or(cmp.Compare(rank(a.Status, lazy), rank(b.Status, lazy)), a.ExpiresAt.Compare(b.ExpiresAt),
			strings.Compare(a.Name, b.Name)); order != 0 {
			return order
		}
		return strings.Compare(a.Key.String(), b.Key.String())
	})
}

// rank orders statuses for people, the worst first.
func rank(status engine.Status, lazy bool) int {
	if lazy && status == engine.StatusExpired {
		return engine.StatusDisabled.Severity() + 1
	}
	return status.Severity()
}

// Status says the account's status as people read it.
func (t Texts) Status(v engine.View, lazy bool) string {
	if v.Refreshing {
		return t.Get("refreshing")
	}
	switch v.Status {
	case engine.StatusNeedsLogin:
		return t.Get("needs sign-in")
	case engine.StatusExpired:
		if lazy {
			return t.Get("refreshes when asked")
		}
	}
	return t.Get(string(v.Status))
}

// Note is what else there is to say of an account: its trouble, or what comes
// next.
func (t Texts) Note(v engine.View, now time.Time) string {
	switch {
	case v.Problem != nil:
		return v.Problem.Error()
	case v.Err != nil:
		text := v.Err.Error()
		if v.Status == engine.StatusFailing && v.RetryAt.After(now) {
			text += t.Get(", ") + t.Get("again in %s", t.Countdown(v.RetryAt.Sub(now)))
		}
		return text
	case v.Rival.Name != "":
		return t.Get("shared login, with %s: two programs will fight over it", v.Rival.Name)
	case v.Observed && !v.Choice.Keep:
		return t.Get("only observed: tokentrayctl keep has it kept fresh")
	case v.NextRefresh.After(now):
		return t.Get("next refresh in %s", t.Countdown(v.NextRefresh.Sub(now)))
	case v.Result == engine.ResultRestored:
		return t.Get("restored after another program's write")
	}
	return ""
}

// ExpiresIn is the countdown to the access token's expiry.
func (t Texts) ExpiresIn(v engine.View, now time.Time) string {
	if v.ExpiresAt.IsZero() {
		return t.Get("unknown")
	}
	if engine.Endless(v.ExpiresAt) {
		return t.Get("no expiry")
	}
	return t.Countdown(v.ExpiresAt.Sub(now))
}

// LastRefresh is the latest refresh known, from the store or from here.
func LastRefresh(v engine.View) time.Time {
	if v.Succeeded.After(v.LastRefreshAt) {
		return v.Succeeded
	}
	return v.LastRefreshAt
}

// Provider is the provider's name; Antigravity's accounts are Gemini's by
// another client.
func Provider(a engine.Account) string {
	if a.Client == engine.Antigravity {
		return "Antigravity"
	}
	return engine.ProviderTitle(a.Provider)
}

// Summary counts the accounts by status in one line: "12 accounts, 9 valid,
// 1 needs login".
func (t Texts) Summary(views []engine.View) string {
	counts := map[engine.Status]int{}
	for _, v := range views {
		counts[v.Status]++
	}
	parts := []string{t.Count(len(views), "1 account", "%d accounts")}
	for _, s := range []struct {
		status    engine.Status
		one, many string
	}{
		{engine.StatusValid, "1 valid", "%d valid"}, {engine.StatusExpiring, "1 expiring", "%d expiring"},
		{engine.StatusExpired, "1 expired", "%d expired"}, {engine.StatusStatic, "1 static", "%d static"},
		{engine.StatusFailing, "1 failing", "%d failing"}, {engine.StatusNeedsLogin, "1 needs login", "%d need login"},
		{engine.StatusUnreadable, "1 unreadable", "%d unreadable"}, {engine.StatusDisabled, "1 disabled", "%d disabled"},
	} {
		if n := counts[s.status]; n > 0 {
			parts = append(parts, t.Count(n, s.one, s.many))
		}
	}
	return strings.Join(parts, t.Get(", "))
}
