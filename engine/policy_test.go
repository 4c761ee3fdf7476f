package engine

import (
	"fmt"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// account is active and has a refresh token; it expires in left, and was
// refreshed ago (0: unknown).
func account(left, ago time.Duration) Account {
	a := Account{Key: Key{"", Claude, "id"}, Active: true, RefreshToken: Seal("x", nil), ExpiresAt: noon.Add(left)}
	if ago > 0 {
		a.LastRefreshAt = noon.Add(-ago)
	}
	return a
}

func TestDue(t *testing.T) {
	unknown := account(0, 0)
	unknown.ExpiresAt = time.Time{}
	for _, test := range []struct {
		name   string
		a      Account
		window time.Duration
		due    bool
	}{
		{"outside the window", account(6*time.Minute, 0), 5 * time.Minute, false},
		{"just outside", account(5*time.Minute+time.Millisecond, 0), 5 * time.Minute, false},
		{"at the window's edge", account(5*time.Minute, 0), 5 * time.Minute, true},
		{"inside", account(time.Second, 0), 5 * time.Minute, true},
		{"expired", account(-time.Hour, 0), 5 * time.Minute, true},
		{"unknown expiry", unknown, 5 * time.Minute, true},
		{"8 h token, long window", account(31*time.Minute, 7*time.Hour), 30 * time.Minute, false},
		{"minute token at half its life", account(30*time.Second, 30*time.Second), 5 * time.Minute, true},
		{"minute token, new", account(59*time.Second, time.Second), 5 * time.Minute, false},
		{"refreshed after its expiry: lifetime unknown", account(-time.Minute, time.Second), 5 * time.Minute, true},
		{"claude's skew", account(60*time.Second, 0), Skew(Claude), true},
		{"outside claude's skew", account(61*time.Second, 0), Skew(Claude), false},
		{"gemini's skew", account(10*time.Second, 0), Skew(Gemini), true},
		{"outside gemini's skew", account(11*time.Second, 0), Skew(Gemini), false},
	} {
		if got := Due(test.a, test.window, noon); got != test.due {
			t.Errorf("%s: due is %v", test.name, got)
		}
	}
}

func TestDeadline(t *testing.T) {
	spread := map[time.Time]bool{}
	for seed := range uint64(50) {
		p := Policy{Proactive: true, Window: 10 * time.Minute, Seed: seed + 1}
		a := account(time.Hour, 0)
		d := p.Deadline(a, 0)
		if early := a.ExpiresAt.Add(-10 * time.Minute).Sub(d); early < 0 || early > 2*time.Minute {
			t.Errorf("seed %d: %v ahead of the window", seed, early)
		}
		if !d.Equal(p.Deadline(a, 0)) {
			t.Errorf("seed %d: the deadline wanders", seed)
		}
		spread[d] = true
	}
	if len(spread) < 45 {
		t.Errorf("50 keepers share %d deadlines", len(spread))
	}
	short := account(6*time.Second, 6*time.Second) // 12 s in all: due at 6 s, minus jitter
	if d := (Policy{Window: 5 * time.Minute}).Deadline(short, 0); d.Before(noon.Add(-1200*time.Millisecond)) || d.After(noon) {
		t.Errorf("12 s token: deadline %v", d.Sub(noon))
	}
}

// Accounts of one expiry are spread, alike by all keepers: however many there
// are, they do not draw the herd together again.
func TestHerdIsSpread(t *testing.T) {
	const herd = 600
	busiest := func(life time.Duration, keepers int) (most int) {
		minutes := map[time.Duration]int{}
		for i := range herd {
			a := account(life, 0)
			a.ID, a.LastRefreshAt = fmt.Sprint(i), noon
			first := a.ExpiresAt
			for seed := range uint64(keepers) {
				d := Policy{Window: 5 * time.Minute, Seed: seed + 1, Herd: herd}.Deadline(a, 0)
				if early := a.ExpiresAt.Sub(d); early < 5*time.Minute || early > 36*time.Minute {
					t.Fatalf("%v ahead of the expiry", early)
				}
				if d.Before(first) {
					first = d
				}
			}
			minutes[first.Sub(noon).Truncate(time.Minute)]++
		}
		for _, n := range minutes {
			most = max(most, n)
		}
		return most
	}
	for _, keepers := range []int{1, 50} {
		if most := busiest(8*time.Hour, keepers); most > 40 { // 20 on average
			t.Errorf("%d keepers: %d in one minute", keepers, most)
		}
	}
}

func TestSpread(t *testing.T) {
	whole := func(life time.Duration) Account {
		a := account(life, 0)
		a.LastRefreshAt = noon
		return a
	}
	for _, test := range []struct {
		name   string
		a      Account
		window time.Duration
		herd   int
		want   time.Duration
	}{
		{"3 s for each account", whole(8 * time.Hour), 5 * time.Minute, 10, 30 * time.Second},
		{"at most a fifth of the life", whole(time.Hour), 5 * time.Minute, 10_000, 12 * time.Minute},
		{"with the window at most half of it", whole(time.Hour), 25 * time.Minute, 10_000, 5 * time.Minute},
		{"no room beside the window", whole(time.Minute), 5 * time.Minute, 10, 0},
		{"unknown life", account(time.Hour, 0), 5 * time.Minute, 10, 0},
	} {
		if got := (Policy{Window: test.window, Herd: test.herd}).Spread(test.a); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestNext(t *testing.T) {
	p := Policy{Proactive: true, Window: 5 * time.Minute}
	inactive, static, broken := account(time.Hour, 0), account(time.Hour, 0), account(time.Hour, 0)
	inactive.Active, static.RefreshToken, broken.Problem = false, Sealed{}, Errorf(KindUnreadable, "x", nil)
	among := p // many
	among.Herd = 1000
	never := time.Time{}
	for _, test := range []struct {
		name string
		a    Account
		t    Tries
		p    Policy
		want time.Time
	}{
		{"at its deadline", account(time.Hour, 0), Tries{}, p, p.Deadline(account(time.Hour, 0), 0)},
		{"one of many", account(time.Hour, time.Hour), Tries{}, among, among.Deadline(account(time.Hour, time.Hour), 0)},
		{"one of many, another keeper's", account(time.Hour, time.Hour), Tries{Result: ResultElsewhere}, among, p.Deadline(account(time.Hour, time.Hour), 0)},
		{"lazy", account(time.Hour, 0), Tries{}, Policy{Window: p.Window}, never},
		{"inactive", inactive, Tries{}, p, never},
		{"static", static, Tries{}, p, never},
		{"unreadable", broken, Tries{}, p, never},
		{"dead", account(0, 0), Tries{Dead: true}, p, never},
		{"settings fault", account(0, 0), Tries{Stuck: true}, p, never},
		{"backing off", account(0, 0), Tries{RetryAt: noon.Add(time.Minute)}, p, noon.Add(time.Minute)},
		{"backoff over long ago", account(time.Hour, 0), Tries{RetryAt: noon}, p, p.Deadline(account(time.Hour, 0), 0)},
		{"refreshed, due at once", account(time.Minute, 0), Tries{Succeeded: noon}, p, noon.Add(30 * time.Second)},
		{"refreshed, not due at once", account(time.Hour, 0), Tries{Succeeded: noon}, p, p.Deadline(account(time.Hour, 0), 0)},
	} {
		got, planned := test.p.Next(test.a, test.t)
		if planned == test.want.IsZero() || !got.Equal(test.want) {
			t.Errorf("%s: %v, %v; want %v", test.name, got, planned, test.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	for failures := range 40 {
		limit := 10 * time.Minute
		if failures < 9 {
			limit = 2 * time.Second << max(failures-1, 0)
		}
		for range 100 {
			if d := Backoff(failures); d <= 0 || d > limit {
				t.Fatalf("after %d failures: %v, at most %v", failures, d, limit)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	failed := Tries{Err: Errorf(KindTransient, "503", nil)}
	dead := Tries{Err: Errorf(KindLoginDead, "no", nil), Dead: true}
	off, static, broken := account(time.Hour, 0), account(time.Hour, 0), account(time.Hour, 0)
	off.Active, static.RefreshToken, broken.Problem = false, Sealed{}, Errorf(KindUnreadable, "x", nil)
	brokenOff := broken
	brokenOff.Active = false
	for _, test := range []struct {
		a    Account
		t    Tries
		want Status
	}{
		{off, dead, StatusDisabled},
		{brokenOff, Tries{}, StatusDisabled},
		{broken, dead, StatusUnreadable},
		{account(time.Hour, 0), dead, StatusNeedsLogin},
		{static, failed, StatusStatic},
		{account(-time.Hour, 0), failed, StatusFailing},
		{account(0, 0), Tries{}, StatusExpired},
		{account(time.Minute, 0), Tries{}, StatusExpiring},
		{account(time.Hour, 0), Tries{}, StatusValid},
	} {
		if got := (Policy{Window: 5 * time.Minute}).StatusOf(test.a, test.t, noon); got != test.want {
			t.Errorf("%+v: %s, want %s", test.t, got, test.want)
		}
	}
}

func TestSecretsNeverShow(t *testing.T) {
	s := NewSecret("hunter2")
	sealed := Seal("hunter2", nil)
	for _, v := range []any{s, &s, sealed, &sealed, struct{ S Secret }{s}, struct{ s Secret }{s}, &struct{ s Sealed }{sealed}, []any{look{old: s, a: Account{RefreshToken: sealed}}}, Token{AccessToken: s}, Account{RefreshToken: sealed, Proxy: s}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(format, v); containsAny(text, "hunter2", "68756e74657232") {
				t.Errorf("%s of %T shows it: %s", format, v, text)
			}
		}
	}
	var read Secret
	if err := read.UnmarshalText([]byte("hunter2")); err != nil || read != s || read.Reveal() != "hunter2" || NewSecret("") != (Secret{}) || !NewSecret("").Empty() {
		t.Error("two secrets of one text differ")
	}
	if text, _ := s.MarshalText(); string(text) != "[redacted]" {
		t.Errorf("marshalled as %s", text)
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		" 团队账户 🚀 ":                         "团队账户 🚀",
		"a\x1b[31mb\r\nc\x00\u202Ed\u200F": "a[31mbcd",
		"bad\xffutf8":                      "bad\uFFFDutf8",
	} {
		if got := Clean(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
