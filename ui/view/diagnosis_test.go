package view

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

// Every trouble has one sentence and one thing to do; what is well has none.
func TestDiagnose(t *testing.T) {
	account := func(change func(*engine.View)) engine.View {
		v := of(engine.StatusFailing, "a", time.Hour)
		v.RefreshToken = engine.Seal("x", nil)
		change(&v)
		return v
	}
	failed := func(kind engine.Kind, text string) engine.View {
		return account(func(v *engine.View) { v.Err = engine.Errorf(kind, text, nil) })
	}
	later := func(kind engine.Kind, in time.Duration) engine.View {
		v := failed(kind, "x")
		v.RetryAt = noon.Add(in)
		return v
	}
	generic := failed(engine.KindSettings, "The provider does not accept the client")
	generic.Provider = engine.Generic
	away, wrong := errors.New("Redis cannot be reached"), errors.New("this machine's clock is 1h ahead")
	for name, test := range map[string]struct {
		v      engine.View
		around Around
		says   string
		action Action
	}{
		"dead":                 {account(func(v *engine.View) { v.Dead, v.Err = true, errors.New("Invalid refresh token") }), Around{}, "login has ended: Invalid refresh token", ActionSignIn},
		"proxy":                {failed(engine.KindProxy, "no way through"), Around{}, "proxy cannot be used: no way through", ActionProxy},
		"secret":               {failed(engine.KindSettings, "GEMINI_OAUTH_CLIENT_SECRET is missing"), Around{}, "GEMINI_OAUTH_CLIENT_SECRET", ActionSettings},
		"client":               {generic, Around{}, "client is wrong: The provider", ActionClient},
		"limited":              {later(engine.KindRateLimited, 10*time.Minute), Around{}, "limits the rate, until", ActionNone},
		"limited for a day":    {later(engine.KindRateLimited, 30*time.Hour), Around{}, "until 2026-11-2", ActionNone},
		"unknown":              {later(engine.KindUnknownOutcome, time.Hour), Around{}, "no readable answer", ActionSignIn},
		"transient":            {later(engine.KindTransient, 40*time.Second), Around{}, "tried again in 40 s", ActionRetry},
		"again":                {failed(engine.KindTransient, "busy"), Around{}, "busy", ActionRetry},
		"unsaved":              {failed(engine.KindStore, "kept in the journal"), Around{}, "could not be stored so far", ActionNone},
		"offline":              {failed(engine.KindOffline, "x"), Around{}, "Offline", ActionNone},
		"offline all over":     {failed(engine.KindTransient, "x"), Around{Network: away}, "Offline", ActionNone},
		"clock":                {failed(engine.KindTransient, "x"), Around{Clock: wrong}, wrong.Error(), ActionClock},
		"store":                {account(func(*engine.View) {}), Around{Store: away}, "store is away: Redis cannot be reached", ActionNone},
		"key":                  {account(func(v *engine.View) { v.Store, v.Problem = "relay", errors.New("wrong ENCRYPTION_KEY?") }), Around{}, "wrong ENCRYPTION_KEY?", ActionSettings},
		"damaged":              {account(func(v *engine.View) { v.Store, v.Problem = "embedded", errors.New("damaged") }), Around{}, "damaged", ActionReplace},
		"file":                 {account(func(v *engine.View) { v.Observed, v.Problem = true, errors.New("no JSON") }), Around{}, "file cannot be used: no JSON", ActionFile},
		"shared":               {account(func(v *engine.View) { v.Rival.Name = "b" }), Around{}, "Shared login", ActionRemove},
		"shared with a tool's": {account(func(v *engine.View) { v.Observed, v.Rival.Name = true, "b" }), Around{}, "Remove the other one", ActionNone},
		"static":               {account(func(v *engine.View) { v.RefreshToken, v.ExpiresAt = engine.Sealed{}, noon.Add(-time.Hour) }), Around{}, "no refresh token", ActionSignIn},
		"observed":             {account(func(v *engine.View) { v.Observed, v.ExpiresAt = true, noon.Add(-time.Hour) }), Around{}, "only observed", ActionKeep},
		"off":                  {account(func(v *engine.View) { v.Active = false }), Around{}, "switched off", ActionEnable},
		"well":                 {account(func(*engine.View) {}), Around{Network: away, Clock: wrong}, "", ActionNone},
		"static and well":      {account(func(v *engine.View) { v.RefreshToken = engine.Sealed{} }), Around{}, "", ActionNone},
		"observed and well":    {account(func(v *engine.View) { v.Observed = true }), Around{}, "", ActionNone},
	} {
		got, wrong := Texts(nil).Diagnose(test.v, test.around, noon)
		if wrong != (test.says != "") || !strings.Contains(got.Sentence, test.says) || got.Action != test.action {
			t.Errorf("%s: %+v, want %q and %q", name, got, test.says, test.action)
		}
		if (got.Cure != "") != (got.Action != ActionNone) {
			t.Errorf("%s: the action %q is called %q", name, got.Action, got.Cure)
		}
	}
}
