package wiring

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"tokentray/engine"
)

// leftWord begins the note of an alert that was held back and is still to be
// told.
const leftWord = "left"

const leftNeedsLogin = leftWord + " needs_login"

// toldAs is under what an alert is noted as told, and the first words of those
// whose place it takes.
func toldAs(ev engine.Event) (key engine.Key, alert string, over []string) {
	key = ev.Account.Key
	health := []string{"needs_login", "expired", "recovered", leftWord}
	switch ev.Kind {
	case engine.EventNeedsLogin:
		return key, "needs_login " + ev.Account.At.UTC().String(), health
	case engine.EventExpired:
		return key, "expired " + ev.Account.ExpiresAt.UTC().String(), health
	case engine.EventRecovered:
		return key, "recovered", health
	case engine.EventLoginEnds:
		step := engine.EndStep(ev.Account.Account, ev.Time)
		return key, fmt.Sprintf("login_ends %s %v", ev.Account.LoginExpiresAt.UTC(), step), []string{"login_ends"}
	case engine.EventUnused:
		return key, "unused " + ev.Account.LastRefreshAt.UTC().String(), []string{"unused"}
	}
	// Several processes see the same going and coming at almost the same time.
	kind := string(ev.Kind)
	if ev.Kind == engine.EventClock && ev.Ahead == 0 {
		kind += "_right"
	}
	return engine.Key{Store: ev.Store}, kind + " " + ev.Time.UTC().Truncate(time.Hour).String(), []string{kind}
}

// once leaves out the alerts that another process of the user has told, by the
// same channels. Every short command that fails on an expired token would tell
// of it again.
func (a *App) once(events iter.Seq[engine.Event]) iter.Seq[engine.Event] {
	return a.first(events, "", func(engine.Event) bool { return true })
}

// OnceOnDesktop leaves out what an earlier run of the app has shown: each start,
// and each change of the settings, finds the same troubles again. A dead login
// that is stored as one is found once by itself, and well again an account is
// only after a trouble.
func (a *App) OnceOnDesktop(events iter.Seq[engine.Event]) iter.Seq[engine.Event] {
	return a.first(events, "desktop_", func(ev engine.Event) bool {
		return ev.Kind != engine.EventNeedsLogin && ev.Kind != engine.EventRecovered
	})
}

func (a *App) first(events iter.Seq[engine.Event], where string, asked func(engine.Event) bool) iter.Seq[engine.Event] {
	return func(yield func(engine.Event) bool) {
		for ev := range events {
			if asked(ev) && !a.firstTold(ev, where) {
				continue
			}
			if !yield(ev) {
				return
			}
		}
	}
}

func (a *App) firstTold(ev engine.Event, where string) bool {
	key, alert, over := toldAs(ev)
	over = slices.Clone(over)
	for i := range over {
		over[i] = where + over[i]
	}
	first := true
	file, err := a.localFile()
	if err == nil {
		first, err = file.FirstTold(context.Background(), key, where+alert, over...)
	}
	if err != nil { // better told twice than not at all
		a.warn(err)
		return true
	}
	return first
}

// leave notes an alert that was still held back when the process ended, as in a
// short command at night. Only a dead login needs it: all others are found
// again.
func (a *App) leave(ev engine.Event) {
	if ev.Kind != engine.EventNeedsLogin {
		return
	}
	file, err := a.localFile()
	if err == nil {
		_, err = file.FirstTold(context.Background(), ev.Account.Key, leftNeedsLogin)
	}
	if err != nil {
		a.warn(err)
	}
}

// withLeft adds the alerts that were left, while they hold.
func (a *App) withLeft(events iter.Seq[engine.Event]) iter.Seq[engine.Event] {
	return func(yield func(engine.Event) bool) {
		for ev := range events {
			if !yield(ev) {
				return
			}
			if ev.Kind != engine.EventScanned || (journal{a}).absent() {
				continue
			}
			for _, v := range a.left() {
				if !yield(engine.Event{Kind: engine.EventNeedsLogin, Time: ev.Time, Account: v, Err: v.Err}) {
					return
				}
			}
		}
	}
}

func (a *App) left() (views []engine.View) {
	file, err := a.localFile()
	if err != nil {
		return nil
	}
	keys, err := file.Told(context.Background(), leftNeedsLogin)
	if err != nil || len(keys) == 0 {
		return nil
	}
	for _, v := range a.Snapshot() {
		if v.Status == engine.StatusNeedsLogin && slices.Contains(keys, v.Key) {
			views = append(views, v)
		}
	}
	return views
}
