package guidelog

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

// The lines are the guide's, to the letter: people grep for them.
func TestLines(t *testing.T) {
	account := engine.View{Account: engine.Account{Key: engine.Key{Provider: engine.Claude, ID: "abc-123"}, Name: "MyAccount"}}
	proactive := engine.Policy{Proactive: true, Interval: 15 * time.Minute, Window: 5 * time.Minute}
	dead := errors.New("Invalid refresh token")
	result := func(outcome string, reason engine.Reason, err error) engine.Result {
		return engine.Result{Key: account.Key, Name: account.Name, Outcome: outcome, Reason: reason, Err: err}
	}
	for _, test := range []struct {
		event engine.Event
		want  string
	}{
		{engine.Event{Kind: engine.EventStarted, Policy: proactive}, "🔄 Token refresh scheduler started (interval: 15 minutes, window: 5 minutes)"},
		{engine.Event{Kind: engine.EventStarted, Policy: engine.Policy{Proactive: true, Interval: 3 * time.Second, Window: 90 * time.Second}},
			"🔄 Token refresh scheduler started (interval: 0.05 minutes, window: 1.5 minutes)"},
		{engine.Event{Kind: engine.EventStarted}, "ℹ️ Proactive token refresh is off: tokens are refreshed when asked for"},
		{engine.Event{Kind: engine.EventPass, Summary: engine.Summary{Checked: 8, Skipped: 8, Took: 12 * time.Millisecond}},
			"🔍 Token refresh check completed: no tokens need refresh (12ms)"},
		{engine.Event{Kind: engine.EventRefreshing, Account: account, Why: engine.WhyProactive}, "🔄 Proactively refreshing Claude token for: MyAccount (abc-123)"},
		{engine.Event{Kind: engine.EventRefreshing, Account: account, Why: engine.WhyAsked}, "🔄 Refreshing Claude token for: MyAccount (abc-123)"},
		{engine.Event{Kind: engine.EventRefreshing, Account: account, Why: engine.WhyRestore}, ""},
		{engine.Event{Kind: engine.EventRefreshed, Account: account, Result: result("refreshed", "", nil)}, "✅ Successfully refreshed Claude token for: MyAccount (abc-123)"},
		{engine.Event{Kind: engine.EventRefreshed, Account: account, Result: result("failed", "", dead)},
			"❌ Failed to refresh Claude token for MyAccount (abc-123): Invalid refresh token"},
		{engine.Event{Kind: engine.EventPass, Summary: engine.Summary{Checked: 8, Refreshed: 3, Skipped: 5, Took: 345 * time.Millisecond,
			ByProvider: map[string]engine.Count{engine.Gemini: {Refreshed: 1}, engine.Claude: {Refreshed: 2}}}},
			"✅ Token refresh completed: 3 refreshed, 5 skipped, 0 failed out of 8 checked (345ms)\n   Claude: 2 refreshed, 0 failed\n   Gemini: 1 refreshed, 0 failed"},
		{engine.Event{Kind: engine.EventPass, Summary: engine.Summary{Checked: 1, Failed: 1, Results: []engine.Result{result("failed", "", dead)},
			ByProvider: map[string]engine.Count{engine.Claude: {Failed: 1}}}},
			"✅ Token refresh completed: 0 refreshed, 0 skipped, 1 failed out of 1 checked (0ms)\n   Claude: 0 refreshed, 1 failed\n" +
				"⚠️ Encountered 1 errors during refresh:\n   Claude - MyAccount (abc-123): Invalid refresh token"},
		{engine.Event{Kind: engine.EventPass, Summary: engine.Summary{Checked: 1, Skipped: 1, Results: []engine.Result{result("skipped", engine.ReasonNotDue, nil)}}},
			"⏭️ Skipped Claude token for MyAccount (abc-123): not_due, expiry unknown\n🔍 Token refresh check completed: no tokens need refresh (0ms)"},
		{engine.Event{Kind: engine.EventRefreshed, Account: account, Result: engine.Result{Key: account.Key, Outcome: "skipped", Reason: engine.ReasonRestored, Healed: true}},
			"🩹 Another program wrote an old Claude token back for MyAccount (abc-123): restored the newest"},
		{engine.Event{Kind: engine.EventRefreshed, Account: account, Result: result("skipped", engine.ReasonRestored, nil)},
			"💾 The refreshed Claude token for MyAccount (abc-123), which could not be stored before, is stored now"},
		{engine.Event{Kind: engine.EventNetworkDown, Err: errors.New("could not connect to platform.claude.com")},
			"⚠️ Offline: could not connect to platform.claude.com; looking again every 5 seconds"},
		{engine.Event{Kind: engine.EventNetworkUp}, "✅ The network is back"},
		{engine.Event{Kind: engine.EventClock, Ahead: time.Hour, Err: errors.New("this machine's clock is 1h0m0s ahead of Claude's: set it")},
			"⚠️ This machine's clock is 1h0m0s ahead of Claude's: set it"},
		{engine.Event{Kind: engine.EventClock}, "✅ The clock is right again"},
		{engine.Event{Kind: engine.EventWarning, Err: errors.New("the journal cannot be used")}, "⚠️ The journal cannot be used"},
		{engine.Event{Kind: engine.EventWarning, Account: account, Err: errors.Join(errors.New("one\x1b[31m"), errors.New("two\r"))},
			"⚠️ MyAccount (abc-123): one[31m · two"},
	} {
		var out strings.Builder
		Run(slices.Values([]engine.Event{test.event}), slog.New(Text(&out, slog.LevelDebug, false)))
		if got := strings.TrimSuffix(out.String(), "\n"); got != test.want {
			t.Errorf("%s:\n%q\nwant\n%q", test.event.Kind, got, test.want)
		}
	}
}

// A scan's problem is told when it comes, not with every scan.
func TestProblemsAreToldOnce(t *testing.T) {
	problem := engine.Event{Kind: engine.EventScanned, Err: errors.New("the index is broken")}
	var out strings.Builder
	Run(slices.Values([]engine.Event{problem, problem, {Kind: engine.EventScanned}, problem}), slog.New(Text(&out, slog.LevelInfo, false)))
	if n := strings.Count(out.String(), "the index is broken"); n != 2 {
		t.Errorf("told %d times:\n%s", n, out.String())
	}
}
