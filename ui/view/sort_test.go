package view

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

func names(views []engine.View) string {
	var all []string
	for _, v := range views {
		all = append(all, v.Name)
	}
	return strings.Join(all, " ")
}

func zoo() []engine.View {
	views := []engine.View{
		of(engine.StatusValid, "acct10", 3*time.Hour), of(engine.StatusNeedsLogin, "Zebra", 0), of(engine.StatusExpired, "acct9", -time.Hour),
		of(engine.StatusValid, "École", 2*time.Hour), of(engine.StatusFailing, "团队账户", time.Minute),
	}
	views[0].Provider, views[1].Provider, views[4].ExpiresAt = engine.OpenAI, engine.Gemini, time.Time{}
	views[3].Client = engine.Antigravity
	views[2].Store, views[4].Store = "relay", "relay"
	return views
}

func TestSort(t *testing.T) {
	for order, want := range map[Order]string{
		OrderWorst:    "Zebra 团队账户 acct9 École acct10",
		"unheard of":  "Zebra 团队账户 acct9 École acct10",
		OrderExpiry:   "acct9 Zebra École acct10 团队账户",
		OrderName:     "acct9 acct10 École Zebra 团队账户",
		OrderProvider: "École acct9 团队账户 Zebra acct10",
		OrderStatus:   "Zebra 团队账户 acct9 acct10 École",
	} {
		views := zoo()
		if order.Sort(views, false); names(views) != want {
			t.Errorf("%s: %s, want %s", order, names(views), want)
		}
	}
	views := zoo()
	if OrderStatus.Sort(views, true); !strings.HasSuffix(names(views), "acct9") {
		t.Errorf("in lazy mode: %s", names(views))
	}
	if len(Orders) != 5 || Texts(nil).Order(Orders[0]) != "Worst first" {
		t.Error(Orders)
	}
}

func TestNatural(t *testing.T) {
	in := []string{"", "a", "a1", "a02", "a2b", "a10", "b", "ä", "日本"}
	for i, a := range in {
		for j, b := range in {
			if got, want := natural(a, b), i-j; got*want < 0 || (got == 0) != (want == 0) {
				t.Errorf("%q and %q: %d", a, b, got)
			}
		}
	}
}

func TestFilter(t *testing.T) {
	source := func(key engine.Key) string {
		if key.Store == "relay" {
			return "relay · 127.0.0.1"
		}
		return "embedded"
	}
	for query, want := range map[string]string{
		"":                     "acct10 Zebra acct9 École 团队账户",
		"  ":                   "acct10 Zebra acct9 École 团队账户",
		"ACCT":                 "acct10 acct9",
		"acct claude":          "acct9",
		"relay":                "acct9 团队账户",
		"127.0 fail":           "团队账户",
		"ecole":                "École",
		"ÉCOLE":                "École",
		"antigravity":          "École",
		"团队":                   "团队账户",
		"ＡＣＣＴ１０":               "acct10", // full width
		"sign-in":              "Zebra",
		"needs_login":          "Zebra",
		"valid embedded":       "acct10 École",
		"acct nothing":         "",
		"acct10openai":         "", // no word goes over two parts
		"needs sign-in zebra ": "Zebra",
	} {
		if got := names(Texts(nil).Filter(zoo(), query, false, source)); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	if got := names(Texts{"valid": "有效"}.Filter(zoo(), "有效", false, source)); got != "acct10 École" {
		t.Errorf("in Chinese: %s", got)
	}
}

func TestState(t *testing.T) {
	change := func(status engine.Status, left time.Duration, change func(*engine.View)) engine.View {
		v := of(status, "a", left)
		v.RefreshToken = engine.Seal("x", nil)
		if change != nil {
			change(&v)
		}
		return v
	}
	next := func(in time.Duration) func(*engine.View) {
		return func(v *engine.View) { v.NextRefresh = noon.Add(in) }
	}
	fails := func(kind engine.Kind, failures int) func(*engine.View) {
		return func(v *engine.View) { v.Err, v.Failures = engine.Errorf(kind, "x", nil), failures }
	}
	hour := time.Hour
	for _, test := range []struct {
		v     engine.View
		lazy  bool
		state string
		tone  Tone
		left  string
	}{
		{change(engine.StatusValid, hour, next(54*time.Minute)), false, "Valid", Valid, "1 h 00 m"},
		{change(engine.StatusValid, 8*time.Minute, next(3*time.Minute)), false, "Due in 3 min", Wait, "00:08:00"},
		{change(engine.StatusExpiring, 5*time.Minute, next(-time.Second)), false, "Due now", Wait, "00:05:00"},
		{change(engine.StatusExpiring, 5*time.Minute, nil), false, "Expiring", Wait, "00:05:00"},
		{change(engine.StatusExpiring, 5*time.Minute, nil), true, "Valid", Valid, "00:05:00"},
		{change(engine.StatusExpired, -2*hour, nil), true, "Refreshes when asked", Dim, "lapsed 2 h ago"},
		{change(engine.StatusExpired, -2*hour, nil), false, "Expired", Wait, "−2 h 00 m"},
		{change(engine.StatusFailing, hour, fails(engine.KindTransient, 1)), false, "Retrying (try 2)", Wait, "1 h 00 m"},
		{change(engine.StatusFailing, hour, fails(engine.KindProxy, 3)), false, "Proxy fails", Wait, "1 h 00 m"},
		{change(engine.StatusFailing, hour, fails(engine.KindOffline, 0)), false, "Offline", Wait, "1 h 00 m"},
		{change(engine.StatusFailing, hour, fails(engine.KindRateLimited, 1)), false, "Rate limited", Wait, "1 h 00 m"},
		{change(engine.StatusFailing, hour, fails(engine.KindSettings, 1)), false, "Needs a setting", Wait, "1 h 00 m"},
		{change(engine.StatusFailing, hour, func(v *engine.View) { v.Err = errors.New("x") }), false, "Failing", Wait, "1 h 00 m"},
		{change(engine.StatusNeedsLogin, -hour, nil), true, "Needs sign-in", Person, "−1 h 00 m"},
		{change(engine.StatusUnreadable, hour, nil), false, "Unreadable", Person, "1 h 00 m"},
		{change(engine.StatusDisabled, -hour, nil), false, "Switched off", Dim, "−1 h 00 m"},
		{change(engine.StatusStatic, hour, nil), false, "Static", Valid, "1 h 00 m"},
		{change(engine.StatusStatic, -hour, nil), false, "Static, expired", Valid, "−1 h 00 m"},
		{change(engine.StatusValid, hour, func(v *engine.View) { v.Observed = true }), false, "Observed", Valid, "1 h 00 m"},
		{change(engine.StatusExpired, -hour, func(v *engine.View) { v.Observed = true }), false, "Observed, expired", Wait, "−1 h 00 m"},
		{change(engine.StatusValid, hour, func(v *engine.View) { v.Rival.Name = "b" }), false, "Shared login", Wait, "1 h 00 m"},
		{change(engine.StatusValid, hour, func(v *engine.View) { v.Refreshing = true }), false, "Refreshing …", Wait, "1 h 00 m"},
	} {
		state, tone, left := Texts(nil).State(test.v, test.lazy, noon), ToneNow(test.v, test.lazy, noon), Texts(nil).Left(test.v, test.lazy, noon)
		if state != test.state || tone != test.tone || left != test.left {
			t.Errorf("%s, lazy %v: %q %v %q, want %q %v %q", test.v.Status, test.lazy, state, tone, left, test.state, test.tone, test.left)
		}
	}
}

func TestTallies(t *testing.T) {
	views := append(zoo(), of(engine.StatusDisabled, "off", 0))
	for lazy, want := range map[bool]string{
		false: "2 valid, 2 waiting, 1 needs you, 1 switched off",
		true:  "2 valid, 1 waiting, 1 needs you, 1 refreshes when asked, 1 switched off",
	} {
		var all []string
		for _, tally := range Texts(nil).Tallies(views, lazy, noon) {
			all = append(all, tally.Text)
		}
		if got := strings.Join(all, ", "); got != want {
			t.Errorf("lazy %v: %s, want %s", lazy, got, want)
		}
	}
}

func crowd(n int) []engine.View {
	views := make([]engine.View, n)
	for i := range views {
		name := fmt.Sprintf("account %d", i*7919%n)
		if i%5 == 0 {
			name = fmt.Sprintf("团队账户 %d", i)
		}
		views[i] = of(engine.StatusValid, name, time.Duration(i)*time.Second)
	}
	return views
}

func BenchmarkFilterAndSort(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		for _, order := range []Order{OrderWorst, OrderName} {
			b.Run(fmt.Sprintf("%d by %s", n, order), func(b *testing.B) {
				views := crowd(n)
				for b.Loop() {
					found := Texts(nil).Filter(slices.Clone(views), "claude acc", false, func(engine.Key) string { return "relay · 127.0.0.1" })
					order.Sort(found, false)
				}
			})
		}
	}
}

func BenchmarkDay(b *testing.B) {
	p := DayParams{Policy: balanced, Now: noon, Width: 1084, Views: many(1000, "", engine.Claude, 8*time.Hour)}
	for i := range 2000 {
		p.Past = append(p.Past, then(fmt.Sprint(i%1000), DaySpan*time.Duration(i)/2000, engine.ResultRefreshed, ""))
	}
	for b.Loop() {
		Day(p)
	}
}
