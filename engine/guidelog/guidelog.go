// Package guidelog is the subscriber that turns events into the log lines of
// the guide, which people grep for.
package guidelog

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tokentray/engine"
)

// Names of the log's attributes.
const (
	AttrEvent     = "event"
	AttrAccountID = "account_id"
	AttrProvider  = "provider"
)

// Run logs events until there are no more.
func Run(events iter.Seq[engine.Event], log *slog.Logger) {
	w := writer{log: log}
	for ev := range events {
		w.event(ev)
	}
}

type writer struct {
	log      *slog.Logger
	problems string // of the last scan: told when they change
}

func (w *writer) event(ev engine.Event) {
	a := ev.Account
	attrs := []slog.Attr{slog.String(AttrEvent, string(ev.Kind))}
	if a.ID != "" {
		attrs = append(attrs, slog.String(AttrAccountID, a.ID), slog.String(AttrProvider, a.Provider))
	}
	say := func(level slog.Level, format string, args ...any) {
		w.log.LogAttrs(context.Background(), level, fmt.Sprintf(format, args...), attrs...)
	}
	title, name := engine.ProviderTitle(a.Provider), label(a.Name, a.ID)
	switch ev.Kind {
	case engine.EventStarted, engine.EventPolicy:
		if !ev.Policy.Proactive {
			say(slog.LevelInfo, "ℹ️ Proactive token refresh is off: tokens are refreshed when asked for")
			break
		}
		verb := "started"
		if ev.Kind == engine.EventPolicy {
			verb = "changed"
		}
		say(slog.LevelInfo, "🔄 Token refresh scheduler %s (interval: %s minutes, window: %s minutes)", verb,
			minutes(ev.Policy.Interval), minutes(ev.Policy.Window))
	case engine.EventRefreshing:
		switch ev.Why {
		case engine.WhyAsked:
			say(slog.LevelInfo, "🔄 Refreshing %s token for: %s", title, name)
		case engine.WhyRestore:
		default:
			say(slog.LevelInfo, "🔄 Proactively refreshing %s token for: %s", title, name)
		}
	case engine.EventRefreshed:
		w.refreshed(ev, title, name, say)
	case engine.EventNeedsLogin:
		say(slog.LevelWarn, "🔑 %s %s needs you to sign in again: %v", title, name, ev.Err)
	case engine.EventExpired:
		say(slog.LevelWarn, "⚠️ The %s token of %s has expired while its refreshes keep failing: %v", title, name, ev.Err)
	case engine.EventRecovered:
		say(slog.LevelInfo, "✅ %s %s is well again", title, name)
	case engine.EventLoginEnds:
		say(slog.LevelWarn, "⏳ The %s login of %s ends on %s: sign in again before", title, name, a.LoginExpiresAt.Local().Format(time.DateOnly))
	case engine.EventUnused:
		say(slog.LevelWarn, "⏳ The %s login of %s was last refreshed on %s; its provider drops a login after 6 months: refresh it", title, name,
			a.LastRefreshAt.Local().Format(time.DateOnly))
	case engine.EventScanned:
		if text := fmt.Sprint(ev.Err); ev.Err != nil && text != w.problems {
			say(slog.LevelWarn, "⚠️ %s", text)
		}
		w.problems = fmt.Sprint(ev.Err)
	case engine.EventPass:
		w.pass(ev.Summary, ev.Why, say)
	case engine.EventStoreDown:
		say(slog.LevelWarn, "⚠️ %v; looking again every 5 seconds", ev.Err)
	case engine.EventNetworkDown:
		say(slog.LevelWarn, "⚠️ Offline: %v; looking again every 5 seconds", ev.Err)
	case engine.EventNetworkUp:
		say(slog.LevelInfo, "✅ The network is back")
	case engine.EventClock:
		if ev.Ahead == 0 {
			say(slog.LevelInfo, "✅ The clock is right again")
		} else {
			say(slog.LevelWarn, "⚠️ %s", capital(ev.Err.Error()))
		}
	case engine.EventStoreUp:
		say(slog.LevelInfo, "✅ The store can be reached again")
	case engine.EventWarning:
		if a.ID == "" {
			say(slog.LevelWarn, "⚠️ %s", capital(ev.Err.Error()))
			break
		}
		say(slog.LevelWarn, "⚠️ %s: %v", name, ev.Err)
	}
}

type sayer func(level slog.Level, format string, args ...any)

func (w *writer) refreshed(ev engine.Event, title, name string, say sayer) {
	r := ev.Result
	switch {
	case r.Why == engine.WhySignIn && r.Outcome == engine.ResultRefreshed:
		say(slog.LevelInfo, "🔑 Signed in to %s again: %s", title, name)
	case r.Why == engine.WhySignIn:
		say(slog.LevelError, "❌ The new %s login of %s: %v", title, name, r.Err)
	case r.Outcome == engine.ResultRefreshed:
		say(slog.LevelInfo, "✅ Successfully refreshed %s token for: %s", title, name)
	case r.Outcome == engine.ResultFailed:
		say(slog.LevelError, "❌ Failed to refresh %s token for %s: %v", title, name, r.Err)
	case r.Reason == engine.ReasonElsewhere:
		say(slog.LevelInfo, "ℹ️ The %s token for %s was refreshed by another program: taken over", title, name)
	case r.Reason == engine.ReasonRestored:
		if r.Healed {
			say(slog.LevelWarn, "🩹 Another program wrote an old %s token back for %s: restored the newest", title, name)
		} else {
			say(slog.LevelInfo, "💾 The refreshed %s token for %s, which could not be stored before, is stored now", title, name)
		}
	case r.Err != nil:
		say(slog.LevelWarn, "⚠️ Skipped the %s token for %s: %v", title, name, r.Err)
	}
}

// held are the skips that leave an account without help: whoever asked for the
// pass is told.
var held = []engine.Reason{engine.ReasonUnreadable, engine.ReasonNeedsLogin, engine.ReasonRateLimited}

func (w *writer) pass(s engine.Summary, why engine.Why, say sayer) {
	asked, told := why == engine.WhyManual, false
	for _, r := range s.Results {
		switch {
		case r.Outcome != engine.ResultSkipped:
		case asked && slices.Contains(held, r.Reason):
			told = true
			say(slog.LevelWarn, "⚠️ Skipped %s token for %s: %v", engine.ProviderTitle(r.Provider), label(r.Name, r.ID), r.Err)
		default:
			say(slog.LevelDebug, "⏭️ Skipped %s token for %s: %s, %s", engine.ProviderTitle(r.Provider), label(r.Name, r.ID), r.Reason, timeLeft(r.ExpiresAt))
		}
	}
	if s.Refreshed+s.Failed == 0 && !told {
		say(slog.LevelInfo, "🔍 Token refresh check completed: no tokens need refresh (%dms)", s.Took.Milliseconds())
		return
	}
	say(slog.LevelInfo, "✅ Token refresh completed: %d refreshed, %d skipped, %d failed out of %d checked (%dms)",
		s.Refreshed, s.Skipped, s.Failed, s.Checked, s.Took.Milliseconds())
	for _, provider := range slices.Sorted(maps.Keys(s.ByProvider)) {
		count := s.ByProvider[provider]
		say(slog.LevelInfo, "   %s: %d refreshed, %d failed", engine.ProviderTitle(provider), count.Refreshed, count.Failed)
	}
	if s.Failed == 0 {
		return
	}
	say(slog.LevelWarn, "⚠️ Encountered %d errors during refresh:", s.Failed)
	for _, r := range s.Results {
		if r.Outcome == engine.ResultFailed {
			say(slog.LevelWarn, "   %s - %s: %v", engine.ProviderTitle(r.Provider), label(r.Name, r.ID), r.Err)
		}
	}
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

func label(name, id string) string { return fmt.Sprintf("%s (%s)", name, engine.Clean(id)) }

func minutes(d time.Duration) string { return strconv.FormatFloat(d.Minutes(), 'f', -1, 64) }

func timeLeft(expiry time.Time) string {
	if expiry.IsZero() {
		return "expiry unknown"
	}
	if left := time.Until(expiry).Round(time.Second); left > 0 {
		return left.String() + " left"
	}
	return "expired"
}
