package view

import (
	"time"

	"tokentray/engine"
)

// Action is the one thing to do about an account's trouble.
type Action string

const (
	ActionNone     Action = ""         // nothing but to wait
	ActionSignIn   Action = "sign_in"  // in a browser
	ActionProxy    Action = "proxy"    // test it, and correct it
	ActionSettings Action = "settings" // correct a setting
	ActionClient   Action = "client"   // correct a generic account's provider or client
	ActionRetry    Action = "retry"    // refresh now
	ActionKeep     Action = "keep"     // have another program's login kept fresh
	ActionRemove   Action = "remove"   // one of two places of a login
	ActionClock    Action = "clock"    // set this machine's clock
	ActionFile     Action = "file"     // mend a file by hand, then look again
	ActionReplace  Action = "replace"  // add the account anew
	ActionEnable   Action = "enable"   // switch it on again
)

// Around is what is wrong around the accounts; nil: nothing.
type Around struct {
	Store   error // the account's store is away
	Network error
	Clock   error
}

// Diagnosis is what is wrong with an account, in one sentence, and what to do.
type Diagnosis struct {
	Sentence string
	Action   Action
	// Cure is the action in words; "" for ActionNone.
	Cure string
}

// Diagnose tells what is wrong with an account; false where nothing is that
// anybody need know.
func (t Texts) Diagnose(v engine.View, around Around, now time.Time) (Diagnosis, bool) {
	is := func(sentence string, action Action) (Diagnosis, bool) {
		return Diagnosis{sentence, action, t.Cure(action)}, true
	}
	kind := engine.KindOf(v.Err)
	switch {
	case around.Store != nil:
		return is(t.Get("Its store is away: %s", around.Store), ActionNone)
	case !v.Active:
		return is(t.Get("It is switched off."), ActionEnable)
	case v.Problem != nil && v.Observed:
		return is(t.Get("Its file cannot be used: %s", v.Problem), ActionFile)
	case v.Problem != nil && v.Store == "embedded":
		return is(t.Get("What is stored of it is damaged: %s", v.Problem), ActionReplace)
	case v.Problem != nil:
		return is(t.Get("It cannot be read: %s", v.Problem), ActionSettings)
	case v.Dead:
		return is(t.Get("Its login has ended: %s", v.Err), ActionSignIn)
	case v.Rival.Name != "" && v.Observed: // the other place can be done without
		return is(t.Get("Shared login: it is in another place too, as %s, and two programs will fight over it. Remove the other one.", v.Rival.Name), ActionNone)
	case v.Rival.Name != "":
		return is(t.Get("Shared login: it is in another place too, as %s, and two programs will fight over it.", v.Rival.Name), ActionRemove)
	case v.Static() && expired(v, now):
		return is(t.Get("It has no refresh token, and its access token has expired."), ActionSignIn)
	case v.Observed && !v.Choice.Keep && expired(v, now):
		return is(t.Get("Its own program has let it expire, and it is only observed here."), ActionKeep)
	case around.Clock != nil && v.Err != nil:
		return is(around.Clock.Error(), ActionClock)
	case v.Err == nil:
		return Diagnosis{}, false
	case kind == engine.KindOffline || around.Network != nil:
		return is(t.Get("Offline: it goes on by itself when the network is back."), ActionNone)
	case kind == engine.KindProxy:
		return is(t.Get("Its proxy cannot be used: %s", v.Err), ActionProxy)
	case kind == engine.KindSettings && v.Provider == engine.Generic:
		return is(t.Get("Its provider or client is wrong: %s", v.Err), ActionClient)
	case kind == engine.KindSettings:
		return is(t.Get("A setting is wrong: %s", v.Err), ActionSettings)
	case kind == engine.KindRateLimited:
		return is(t.Get("Its provider limits the rate, until %s.", Clock(v.RetryAt, now)), ActionNone)
	case kind == engine.KindUnknownOutcome:
		return is(t.Get("The last refresh had no readable answer, so the refresh token may be used up. It is tried once more at %s.", Clock(v.RetryAt, now)), ActionSignIn)
	case kind == engine.KindStore:
		return is(t.Get("It could not be stored so far: %s", v.Err), ActionNone)
	case v.RetryAt.After(now):
		return is(t.Get("%s. It is tried again in %s.", v.Err, t.Span(v.RetryAt.Sub(now))), ActionRetry)
	}
	return is(v.Err.Error(), ActionRetry)
}

// Cure is an action in words, as on a button.
func (t Texts) Cure(action Action) string {
	switch action {
	case ActionSignIn:
		return t.Get("Sign in again")
	case ActionProxy:
		return t.Get("Check the proxy")
	case ActionSettings:
		return t.Get("Open the settings")
	case ActionClient:
		return t.Get("Provider and client")
	case ActionRetry:
		return t.Get("Try again now")
	case ActionKeep:
		return t.Get("Keep fresh")
	case ActionRemove:
		return t.Get("Remove it here")
	case ActionClock:
		return t.Get("Set the clock")
	case ActionFile:
		return t.Get("Look again")
	case ActionReplace:
		return t.Get("Remove it here")
	case ActionEnable:
		return t.Get("Switch on")
	}
	return ""
}

func expired(v engine.View, now time.Time) bool {
	return !v.ExpiresAt.IsZero() && !now.Before(v.ExpiresAt)
}

// Clock is a time of the next days as people write it.
func Clock(at, now time.Time) string {
	if at.Sub(now) < 24*time.Hour {
		return at.Local().Format("15:04")
	}
	return at.Local().Format("2006-01-02 15:04")
}
