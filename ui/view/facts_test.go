package view

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

func TestNextRefresh(t *testing.T) {
	proactive, lazy := engine.Policy{Proactive: true, Window: 5 * time.Minute}, engine.Policy{Window: 5 * time.Minute}
	with := func(change func(*engine.View)) engine.View {
		v := of(engine.StatusValid, "a", time.Hour)
		v.RefreshToken, v.NextRefresh = engine.Seal("x", nil), noon.Add(54*time.Minute)
		change(&v)
		return v
	}
	for want, test := range map[string]struct {
		v engine.View
		p engine.Policy
	}{
		"in 54 min: 6 min before its expiry":           {with(func(*engine.View) {}), proactive},
		"in 54 min, after a failure":                   {with(func(v *engine.View) { v.Err = errors.New("busy") }), proactive},
		"under way":                                    {with(func(v *engine.View) { v.Refreshing = true }), proactive},
		"none: it is switched off":                     {with(func(v *engine.View) { v.Active = false }), proactive},
		"none: it cannot be read":                      {with(func(v *engine.View) { v.Problem = errors.New("x") }), proactive},
		"when somebody signs in again":                 {with(func(v *engine.View) { v.Dead = true }), proactive},
		"none: it has no refresh token":                {with(func(v *engine.View) { v.RefreshToken = engine.Sealed{} }), proactive},
		"with b, which has the same login":             {with(func(v *engine.View) { v.Rival = engine.Rival{Name: "b", Leads: true} }), proactive},
		"when its own program does it":                 {with(func(v *engine.View) { v.Observed = true }), proactive},
		"when the settings change":                     {with(func(v *engine.View) { v.Stuck = true }), proactive},
		"when it is asked for, as chosen":              {with(func(v *engine.View) { v.NextRefresh, v.Choice.Lazy = time.Time{}, true }), proactive},
		"when it is used again: it was not for 7 days": {with(func(v *engine.View) { v.NextRefresh, v.Choice.IdleDays = time.Time{}, 7 }), proactive},
		"when it is asked for":                         {with(func(v *engine.View) { v.NextRefresh = time.Time{} }), lazy},
	} {
		if got := Texts(nil).NextRefresh(test.v, test.p, noon); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestFacts(t *testing.T) {
	v := of(engine.StatusValid, "a", time.Hour)
	v.Provider, v.RefreshToken, v.LastRefreshAt, v.LastUsedAt = engine.Gemini, engine.Seal("x", nil), noon.Add(-time.Hour), noon.Add(-3*time.Minute)
	v.RateLimitedUntil, v.Scopes, v.Restored, v.Observed = noon.Add(20*time.Minute), "one two", 2, true
	all := ""
	for _, f := range (Texts)(nil).Facts(v, engine.Policy{}, "socks5://u:xxxxx@h:1", "id · as.example", noon) {
		all += f.Title + ": " + f.Value + "\n"
	}
	for _, want := range []string{"Login until: about 2027-05-23 (estimated)", "Last used: 3 min ago", "Rate limited until: ", " · in 20 min", "Scopes: one two",
		"Client: id · as.example", "Proxy: socks5://u:xxxxx@h:1", "Restored: 2 times", "Kept by: its own program; only observed here", "Id: a"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in\n%s", want, all)
		}
	}
	v.LoginExpiresAt, v.RateLimitedUntil, v.Choice.Keep = noon.Add(48*time.Hour), noon.Add(-time.Minute), true
	all = ""
	for _, f := range (Texts)(nil).Facts(v, engine.Policy{}, "", "", noon) {
		all += f.Title + ": " + f.Value + "\n"
	}
	if strings.Contains(all, "estimated") || strings.Contains(all, "Rate limited") || strings.Contains(all, "Proxy") || strings.Contains(all, "Client") || !strings.Contains(all, "and Tokentray") {
		t.Error(all)
	}
}

func TestFactsOfStoreAndChoice(t *testing.T) {
	for want, change := range map[string]func(*engine.View){
		"Kept by: Tokentray":                                 func(v *engine.View) { v.Store = "embedded" },
		"Kept by: its relay, and Tokentray":                  func(v *engine.View) { v.Store = "relay:b" },
		"In the store: error: Invalid refresh token":         func(v *engine.View) { v.StoreStatus, v.StoreError = "error", "Invalid refresh token" },
		"In the store: active":                               func(v *engine.View) { v.StoreStatus = "active" },
		"Alerts: muted":                                      func(v *engine.View) { v.Choice.Muted = true },
		"Chosen: refreshed only when asked for":              func(v *engine.View) { v.Choice.Lazy = true },
		"Chosen: not refreshed ahead when unused for 7 days": func(v *engine.View) { v.Choice.IdleDays = 7 },
		"Chosen: not refreshed ahead when unused for a day":  func(v *engine.View) { v.Choice.IdleDays = 1 },
	} {
		var plain, changed []string
		v := of(engine.StatusValid, "a", time.Hour)
		for _, f := range Texts(nil).Facts(v, engine.Policy{}, "", "", noon) {
			plain = append(plain, f.Title+": "+f.Value)
		}
		change(&v)
		for _, f := range Texts(nil).Facts(v, engine.Policy{}, "", "", noon) {
			changed = append(changed, f.Title+": "+f.Value)
		}
		if !slices.Contains(changed, want) || want != "Kept by: Tokentray" && slices.Contains(plain, want) {
			t.Errorf("%q is missing in %q", want, changed)
		}
	}
}

// The details say of the status what the row says.
func TestStatusAsInTheRow(t *testing.T) {
	v := of(engine.StatusExpiring, "a", time.Minute)
	for _, p := range []engine.Policy{{}, {Proactive: true}} {
		if got, want := Texts(nil).Facts(v, p, "", "", noon)[0].Value, Texts(nil).State(v, !p.Proactive, noon); got != want {
			t.Errorf("proactive %v: %q, the row says %q", p.Proactive, got, want)
		}
	}
}
