package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

var balanced = engine.Policy{Proactive: true, Interval: 15 * time.Minute, Window: 5 * time.Minute}

// living is an account of a store whose token lives that long, half of it over.
func living(store, provider, name string, life time.Duration) engine.View {
	v := of(engine.StatusValid, name, life/2)
	v.Store, v.Provider, v.RefreshToken = store, provider, engine.Seal("x", nil)
	v.LastRefreshAt = noon.Add(-life / 2)
	return v
}

func many(n int, store, provider string, life time.Duration) (views []engine.View) {
	for i := range n {
		views = append(views, living(store, provider, fmt.Sprint(i), life))
	}
	return views
}

func TestLoad(t *testing.T) {
	relay := map[string]StoreKind{"relay": RedisStore, "embedded": LocalStore}
	lazy, wide, narrow := balanced, balanced, balanced
	lazy.Proactive, wide.Window, narrow.Window = false, 45*time.Minute, time.Minute
	unknown := living("embedded", engine.Gemini, "a", time.Hour)
	unknown.LastRefreshAt = time.Time{}
	for name, test := range map[string]struct {
		policy engine.Policy
		views  []engine.View
		stores map[string]StoreKind
		says   string
		warns  string
	}{
		// 2 × 96 for scans, 6 × 24 for the three empty kinds, some 30 × 8 for
		// refreshes: as the guide has it.
		"the guide's example": {balanced, many(10, "relay", engine.Claude, 8*time.Hour), relay,
			"Next: 1 in 3 h · about 30 refreshes a day · about 580 Redis commands a day, 5.8 % of 10,000 · nothing expires between checks", ""},
		"an hour's tokens": {balanced, many(10, "embedded", engine.Gemini, time.Hour), nil,
			"Next: 5 in 24 min · about 11 refreshes an hour · nothing expires between checks", ""},
		"a lifetime that is not known": {balanced, []engine.View{unknown}, nil, "Next: a in 25 min · about 26 refreshes a day · nothing expires between checks", ""},
		"rare ones":                    {balanced, many(1, "embedded", engine.OpenAI, 240*time.Hour), nil, "Next: 0 in 4 days · about one refresh in 9 days · nothing expires between checks", ""},
		"lazy":                         {lazy, many(10, "relay", engine.Claude, 8*time.Hour), relay, "Lazy: nothing is refreshed by itself; a token is refreshed when a program asks for it. · about 340 Redis commands a day, 3.4 % of 10,000", ""},
		"none":                         {balanced, nil, nil, "Proactive: no account is to be refreshed ahead of its expiry.", ""},
		"an empty relay":               {balanced, nil, relay, "Proactive: no account is to be refreshed ahead of its expiry. · about 290 Redis commands a day, 2.9 % of 10,000", ""},
		"two relays": {balanced, slices.Concat(many(10, "relay", engine.Claude, 8*time.Hour), many(129, "relay:b", engine.Claude, 8*time.Hour)),
			map[string]StoreKind{"relay": RedisStore, "relay:b": RedisStore}, "about 4,200 Redis commands a day, at most 36 % of 10,000 in one Redis", "more than 100 accounts"},
		"a Cluster":                {balanced, many(10, "relay", engine.Claude, 8*time.Hour), map[string]StoreKind{"relay": RedisCluster}, "about 3,200 Redis commands a day, 32 % of 10,000", ""},
		"a window of half a life":  {wide, append(many(3, "embedded", engine.Gemini, time.Hour), living("embedded", engine.Claude, "c", 8*time.Hour)), nil, "nothing expires", "For 3 accounts the window is half their tokens' life or more: half the life counts."},
		"no window to speak of":    {narrow, []engine.View{living("embedded", engine.Claude, "a", time.Hour), living("embedded", engine.Gemini, "b", time.Hour)}, nil, "about 2 refreshes an hour", "For 1 account the window is too short: its token counts as expired before it is due."},
		"more than the plan gives": {balanced, many(400, "relay", engine.Gemini, time.Hour), relay, "about 90,000 Redis commands a day, 900 % of 10,000", "This is more than 10,000 Redis commands a day"},
	} {
		l := LoadOf(LoadParams{Policy: test.policy, Views: test.views, Stores: test.stores, Now: noon})
		got := Plain(Texts(nil).LoadParts(l))
		if strings.HasPrefix(test.says, "Next") || strings.HasPrefix(test.says, "Lazy") || strings.HasPrefix(test.says, "Proactive") {
			if got != test.says {
				t.Errorf("%s:\n%s, want\n%s", name, got, test.says)
			}
		} else if !strings.Contains(got, test.says) {
			t.Errorf("%s: %s, want %s", name, got, test.says)
		}
		warns := strings.Join(Texts(nil).Warnings(l), "\n")
		if !strings.Contains(warns, test.warns) || test.warns == "" && warns != "" {
			t.Errorf("%s: warns %q, want %q", name, warns, test.warns)
		}
	}
}

// What is not refreshed by itself makes no load, and is not the next.
func TestLoadLeavesOut(t *testing.T) {
	views := many(5, "embedded", engine.Claude, time.Hour)
	views[0].Active = false
	views[1].Dead = true
	views[2].Choice.Lazy = true
	views[3].Observed = true
	views[4].Refreshing = true // it will be again
	if l := LoadOf(LoadParams{Policy: balanced, Views: views, Now: noon}); l.Kept != 1 || l.Next.Name != "" {
		t.Errorf("%d are kept, next %q", l.Kept, l.Next.Name)
	}
}

// The commands of a scan, as TestCommandsPerScan of the relay's store bounds
// them.
func TestScanCommands(t *testing.T) {
	for n, want := range map[int]float64{0: 1, 10: 2, 128: 2, 129: 3, 1000: 9, 10_000: 1 + 2 + 79} {
		got := scanCommands(RedisStore, map[string]int{engine.Claude: n})
		if got != want || got > float64(n/100+12) {
			t.Errorf("%d accounts: %v commands, want %v", n, got, want)
		}
	}
	if got := scanCommands(RedisCluster, map[string]int{engine.Claude: 10}); got != 8+20 {
		t.Errorf("on a Cluster %v", got)
	}
	if RefreshCommands(RedisStore) != 8 || RefreshCommands(RedisCluster) != 12 {
		t.Error("a refresh costs", RefreshCommands(RedisStore), RefreshCommands(RedisCluster))
	}
	if RefusedCommands(RedisStore) != 5 || TakeOverCommands(RedisStore) != 3 {
		t.Error("a refused refresh costs", RefusedCommands(RedisStore), "and a taken over one", TakeOverCommands(RedisStore))
	}
	if got := ScansCommands(RedisStore, map[string]int{engine.Claude: 10}, 4); got != 24*(4*2+6) {
		t.Error("a day of scans costs", got)
	}
}

func TestSliders(t *testing.T) {
	for _, test := range []struct {
		minutes          float64
		interval, window string
	}{
		{1, "60 scans an hour: high load, for production with many concurrent requests", "Aggressive: after a failure little time is left for a second try"},
		{3, "20 scans an hour: high load", "Aggressive"},
		{4, "15 scans an hour: high load", "Balanced: low risk"},
		{5, "12 scans an hour: high load", "Balanced (recommended): low risk"},
		{7, "8.6 scans an hour: high load", "Balanced: low risk"},
		{10, "6 scans an hour: medium load, for ordinary production", "Careful: time for several tries, and more refreshes than needed"},
		{15, "4 scans an hour: medium load, for ordinary production (recommended)", "Careful"},
		{30, "2 scans an hour: low load, for occasional use or tight quotas", "Careful"},
		{60, "one scan an hour: low load", "Careful"},
	} {
		d := time.Duration(test.minutes * float64(time.Minute))
		l := LoadOf(LoadParams{Policy: engine.Policy{Proactive: true, Interval: d, Window: d}, Now: noon})
		if got := Texts(nil).IntervalSays(l); !strings.HasPrefix(got, test.interval) {
			t.Errorf("every %v min: %s", test.minutes, got)
		}
		if got := Texts(nil).WindowSays(l); !strings.HasPrefix(got, test.window) {
			t.Errorf("%v min ahead: %s", test.minutes, got)
		}
	}
	l := LoadOf(LoadParams{Policy: balanced, Views: many(10, "relay", engine.Claude, time.Hour), Stores: map[string]StoreKind{"relay": RedisStore}, Now: noon})
	if got := Texts(nil).WhileSeen(l, 30*time.Second); got != "about 240 Redis commands more an hour while this window is open" {
		t.Error(got)
	}
	if got := Texts(nil).WhileSeen(LoadOf(LoadParams{Policy: balanced, Now: noon}), 30*time.Second); got != "" {
		t.Error(got)
	}
}

func TestPresets(t *testing.T) {
	from := engine.Policy{Proactive: true, Interval: 7 * time.Minute, Window: 3 * time.Minute, Seed: 9}
	if p, ok := PresetOf(from); ok {
		t.Errorf("7/3 is %v", p)
	}
	for _, p := range Presets {
		policy := p.Apply(from)
		if got, ok := PresetOf(policy); !ok || got != p || policy.Seed != 9 {
			t.Errorf("%s is %v, %+v", p.Name, got, policy)
		}
	}
	if off := Presets[0].Apply(from); off.Proactive || off.Interval != from.Interval || off.Window != from.Window {
		t.Errorf("off: %+v", off)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 10_000: "10,000", 1_234_567: "1,234,567", -1000: "-1,000"} {
		if got := number(n); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for n, want := range map[float64]int{0.4: 0, 11.3: 11, 99.6: 100, 127: 130, 1450: 1500, 84_999: 85_000} {
		if got := roughly(n); got != want {
			t.Errorf("%v: %d, want %d", n, got, want)
		}
	}
}
