package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/settings"
	"tokentray/ui"
	"tokentray/ui/view"
)

// What the app keeps of how it is used.
const (
	ownSize   = "APP_WINDOW_SIZE"
	ownSort   = "APP_SORT"
	ownFilter = "APP_FILTER"
	ownMuted  = "APP_MUTED_UNTIL"
	ownQuota  = "APP_REDIS_QUOTA"
)

// habits are how the window was looked at last.
func (d *desk) habits() ui.Habits {
	h := ui.Habits{Sort: d.kept(ownSort), Filter: d.kept(ownFilter)}
	width, height, _ := strings.Cut(d.kept(ownSize), "x")
	for text, to := range map[string]*float32{width: &h.Width, height: &h.Height} {
		if n, err := strconv.ParseFloat(text, 32); err == nil && n >= 200 && n <= 10000 {
			*to = float32(n)
		}
	}
	if h.Width == 0 || h.Height == 0 {
		h.Width, h.Height = 0, 0
	}
	return h
}

func (d *desk) keepHabits(h ui.Habits) {
	settings.Save(d.set.Load().Paths.SettingsFile, map[string]string{
		ownSize: fmt.Sprintf("%.0fx%.0f", h.Width, h.Height), ownSort: h.Sort, ownFilter: h.Filter,
	})
}

// quota is how many commands a day a Redis may be sent, as its plan has it.
func (d *desk) quota() int {
	n, _ := strconv.Atoi(d.kept(ownQuota))
	return n
}

// kinds are what a look at each store costs.
func (d *desk) kinds(app *wiring.App) map[string]view.StoreKind {
	kinds := map[string]view.StoreKind{}
	if app == nil {
		return kinds
	}
	for name := range app.Stores {
		kind := view.LocalStore
		if name == wiring.Relay || strings.HasPrefix(name, wiring.Relay+":") {
			kind = view.RedisStore
		}
		if name == wiring.Relay && d.set.Load().Redis.Cluster {
			kind = view.RedisCluster
		}
		kinds[name] = kind
	}
	for _, r := range d.set.Load().Relays {
		if r.Redis.Cluster {
			kinds[wiring.Relay+":"+r.Name] = view.RedisCluster
		}
	}
	return kinds
}

// day reads the refreshes of all accounts since a time.
func day(app *wiring.App) func(context.Context, time.Time) ([]view.Past, error) {
	if app == nil {
		return nil
	}
	return func(ctx context.Context, since time.Time) ([]view.Past, error) {
		entries, err := app.HistorySince(ctx, since)
		past := make([]view.Past, len(entries))
		for i, e := range entries {
			past[i] = view.Past(e)
		}
		return past, err
	}
}

// muted is until when notifications are kept back.
func (d *desk) muted() time.Time {
	if at := d.mutedUntil.Load(); at != nil {
		return *at
	}
	at, _ := time.Parse(time.RFC3339, d.kept(ownMuted))
	d.mutedUntil.CompareAndSwap(nil, &at)
	return at
}

func (d *desk) mute(until time.Time) {
	d.mutedUntil.Store(&until)
	text := ""
	if !until.IsZero() {
		text = until.Format(time.RFC3339)
	}
	settings.Save(d.set.Load().Paths.SettingsFile, map[string]string{ownMuted: text})
}

// saveText keeps text in the user's home, in a file that is not there yet.
func saveText(name, text string) (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	base, ext := strings.TrimSuffix(name, filepath.Ext(name)), filepath.Ext(name)
	for i := 1; ; i++ {
		path := filepath.Join(home, fmt.Sprintf("%s-%s%s", base, time.Now().Format("2006-01-02"), ext))
		if i > 1 {
			path = filepath.Join(home, fmt.Sprintf("%s-%s-%d%s", base, time.Now().Format("2006-01-02"), i, ext))
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.WriteString(text)
		return path, errors.Join(err, f.Close())
	}
}

// token is an account's access token, for the clipboard.
func token(e *engine.Engine) func(engine.Key) (engine.Secret, error) {
	return func(key engine.Key) (engine.Secret, error) {
		access, err := e.ValidAccessToken(context.Background(), key)
		if err == nil && access.Empty() {
			err = engine.Errorf(engine.KindUnreadable, "the account has no access token", nil)
		}
		return access, err
	}
}
