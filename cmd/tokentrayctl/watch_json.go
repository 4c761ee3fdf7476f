package main

import (
	"time"

	"tokentray/engine"
)

// eventLine is one line of watch --json, a promise to scripts: names are added
// and never changed. What an event has nothing of is left out.
type eventLine struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event"`

	AccountID     string     `json:"account_id,omitempty"`
	Name          string     `json:"name,omitempty"`
	Provider      string     `json:"provider,omitempty"`
	Status        string     `json:"status,omitempty"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty"`
	NextRefreshAt *time.Time `json:"next_refresh_at,omitempty"`

	Why    string `json:"why,omitempty"`    // of a refresh or a pass: proactive, asked, manual, restore
	Result string `json:"result,omitempty"` // refreshed, skipped or failed
	Reason string `json:"reason,omitempty"` // of a skip
	Error  string `json:"error,omitempty"`
	TookMS *int64 `json:"took_ms,omitempty"`

	Proactive *bool    `json:"proactive,omitempty"`
	Interval  *float64 `json:"interval_s,omitempty"`
	Window    *float64 `json:"window_s,omitempty"`
	Ahead     *float64 `json:"ahead_s,omitempty"`      // this machine's clock; negative: behind
	Left      *float64 `json:"login_left_s,omitempty"` // until a login ends; negative: it may have

	Checked   *int `json:"checked,omitempty"`
	Refreshed *int `json:"refreshed,omitempty"`
	Skipped   *int `json:"skipped,omitempty"`
	Failed    *int `json:"failed,omitempty"`
}

// eventAccount is the event of each account in a snapshot.
const eventAccount = "account"

// eventLines is the event as lines: a snapshot has one for each account.
func eventLines(ev engine.Event) []eventLine {
	l := eventLine{Time: ev.Time.UTC(), Event: string(ev.Kind), Why: string(ev.Why), Error: lineOf(ev.Err)}
	switch ev.Kind {
	case engine.EventSnapshot:
		var lines []eventLine
		for _, v := range ev.Views {
			account := l
			account.Event = eventAccount
			account.about(v)
			lines = append(lines, account)
		}
		return lines
	case engine.EventStarted, engine.EventPolicy:
		l.Proactive, l.Interval, l.Window = new(ev.Policy.Proactive), new(ev.Policy.Interval.Seconds()), new(ev.Policy.Window.Seconds())
	case engine.EventClock:
		l.Ahead = new(ev.Ahead.Seconds())
	case engine.EventLoginEnds, engine.EventUnused:
		l.Left = new(ev.Ahead.Seconds())
	case engine.EventPass:
		s := ev.Summary
		l.Checked, l.Refreshed, l.Skipped, l.Failed, l.TookMS = &s.Checked, &s.Refreshed, &s.Skipped, &s.Failed, new(s.Took.Milliseconds())
	}
	if ev.Account.ID != "" {
		l.about(ev.Account)
	}
	if r := ev.Result; ev.Kind == engine.EventRefreshed {
		l.Result, l.Reason, l.Error, l.TookMS = r.Outcome, string(r.Reason), lineOf(r.Err), new(r.Took.Milliseconds())
	}
	return []eventLine{l}
}

// about says how an account is.
func (l *eventLine) about(v engine.View) {
	l.AccountID, l.Name, l.Provider, l.Status = v.ID, engine.Clean(v.Name), v.Provider, string(v.Status)
	l.ExpiresAt, l.NextRefreshAt = timeOrNull(v.ExpiresAt), timeOrNull(v.NextRefresh)
	for _, err := range []error{v.Err, v.Problem} {
		if l.Error == "" {
			l.Error = lineOf(err)
		}
	}
}

func lineOf(err error) string {
	if err == nil {
		return ""
	}
	return engine.CleanLine(err.Error())
}
