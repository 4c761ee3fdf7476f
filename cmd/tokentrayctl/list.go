package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/mattn/go-isatty"

	"tokentray/cmd/internal/instance"
	"tokentray/engine"
	"tokentray/ui/view"
)

type listCmd struct {
	JSON bool `help:"Print one JSON object for scripts."`
}

type listedAccount struct {
	ID              string     `json:"id"`
	Name            string     `json:"name"`
	Provider        string     `json:"provider"`
	Status          string     `json:"status"`
	StoreStatus     string     `json:"store_status"`
	ExpiresAt       *time.Time `json:"expires_at"`
	ExpiresIn       *int64     `json:"expires_in_s"`
	HasRefreshToken bool       `json:"has_refresh_token"`
	Active          bool       `json:"active"`
	LastRefreshAt   *time.Time `json:"last_refresh_at"`
	LastResult      *string    `json:"last_result"`
	Error           *string    `json:"error"`
	NextRefreshAt   *time.Time `json:"next_refresh_at"`
	Restored        int        `json:"restored"` // how often another program's write-back was undone
	Source          string     `json:"source"`   // the store: embedded, relay, relay:NAME or logins
	Observed        bool       `json:"observed"` // another program's login that is not kept fresh here
	SharedWith      *string    `json:"shared_with"`
	LoginExpiresAt  *time.Time `json:"login_expires_at"`
	Proactive       bool       `json:"proactive"` // as chosen for it: in proactive mode it is refreshed ahead of expiry
	IdleDays        int        `json:"idle_days"` // but not while unused for so many days; 0: always
	Muted           bool       `json:"muted"`     // its alerts are not told
}

func (c *listCmd) Run(s *session) error {
	seen, err := s.look()
	if err != nil {
		return err
	}
	now, views, lazy, outcome := time.Now(), seen.Views, !seen.Policy.Proactive, exitOf(seen)
	view.WorstFirst(views, lazy)
	if c.JSON {
		accounts := make([]listedAccount, 0, len(views))
		for _, v := range views {
			accounts = append(accounts, listed(v, now))
		}
		return cmp.Or(printJSON(s.stdout, map[string]any{"accounts": accounts}), outcome)
	}
	fmt.Fprintln(s.stdout, english.Summary(views))
	if len(views) == 0 {
		fmt.Fprintln(s.stdout, noAccounts)
		return outcome
	}
	fmt.Fprintln(s.stdout)
	accountTable(s.stdout, views, lazy, isTerminal(s.stdout) && os.Getenv("NO_COLOR") == "", now)
	return outcome
}

// exitOf is the exit of a listing: 1 where an account could not be read, 3
// where the store is away and this is what was known before.
func exitOf(seen instance.Snapshot) error {
	if engine.KindOf(seen.Problems) == engine.KindStore {
		return seen.Problems
	}
	if seen.Problems != nil || slices.ContainsFunc(seen.Views, func(v engine.View) bool { return v.Status == engine.StatusUnreadable }) {
		return fault{exitFail, nil}
	}
	return nil
}

func listed(v engine.View, now time.Time) listedAccount {
	l := listedAccount{
		ID: v.ID, Name: v.Name, Provider: v.Provider, Status: string(v.Status), StoreStatus: v.StoreStatus,
		ExpiresAt: timeOrNull(v.ExpiresAt), ExpiresIn: secondsLeft(v.ExpiresAt, now),
		HasRefreshToken: !v.Static(), Active: v.Active, Restored: v.Restored, Source: v.Store, Observed: v.Observed && !v.Choice.Keep,
		LoginExpiresAt: timeOrNull(v.LoginExpiresAt), Proactive: !v.Choice.Lazy, IdleDays: v.Choice.IdleDays, Muted: v.Choice.Muted,
		LastRefreshAt: timeOrNull(view.LastRefresh(v)), NextRefreshAt: timeOrNull(v.NextRefresh),
	}
	if v.Rival.Name != "" {
		l.SharedWith = &v.Rival.ID
	}
	if v.Result != "" {
		l.LastResult = &v.Result
	}
	for _, err := range []error{v.Err, v.Problem} {
		if err != nil {
			text := engine.CleanLine(err.Error())
			l.Error = &text
		}
	}
	return l
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() || engine.Endless(t) {
		return nil
	}
	t = t.UTC()
	return &t
}

func secondsLeft(t, now time.Time) *int64 {
	if t.IsZero() || engine.Endless(t) {
		return nil
	}
	left := t.Unix() - now.Unix()
	return &left
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

const noAccounts = `
Add one:                     tokentrayctl add --provider claude --name work < refresh-token.txt
Or connect a relay's Redis:  export REDIS_HOST=127.0.0.1 ENCRYPTION_KEY='as in the .env of the relay'
Or look around first:        tokentrayctl demo`

type statusCmd struct {
	Short bool `help:"One line for a status bar, and nothing else."`
}

func (c *statusCmd) Run(s *session) error {
	seen, err := s.look()
	if err != nil {
		return err
	}
	fmt.Fprintln(s.stdout, english.Summary(seen.Views))
	if c.Short {
		return exitOf(seen)
	}
	mode := "lazy: tokens are refreshed when asked for"
	if p := seen.Policy; p.Proactive {
		mode = fmt.Sprintf("proactive: scans every %v, refreshes %v ahead of expiry", p.Interval, p.Window)
	}
	fmt.Fprintf(s.stdout, "store: %s\nmode: %s\n", seen.Store, mode)
	return exitOf(seen)
}
