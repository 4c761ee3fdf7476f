package view

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tokentray/engine"
)

func then(name string, ago time.Duration, outcome, failure string) Past {
	return Past{Key: engine.Key{Provider: engine.Claude, ID: name}, Name: name, At: noon.Add(-ago), Outcome: outcome, Error: failure, Took: 340 * time.Millisecond}
}

func TestDay(t *testing.T) {
	inUTC(t)
	work, dead := living("", engine.Claude, "work", 8*time.Hour), of(engine.StatusNeedsLogin, "dead", -time.Hour)
	dead.Dead, dead.RefreshToken = true, engine.Seal("x", nil)
	p := DayParams{Views: []engine.View{work, dead}, Policy: balanced, Now: noon, Width: 1000, Past: []Past{
		then("dead", time.Hour, engine.ResultFailed, "Invalid refresh token"),
		then("work", 4*time.Hour, engine.ResultRefreshed, ""),
		then("work", 4*time.Hour+10*time.Minute, engine.ResultFailed, "server busy"),
		then("gone", 11*time.Hour, engine.ResultRefreshed, ""),
		then("work", 13*time.Hour, engine.ResultRefreshed, ""),
		then("work", -time.Second, engine.ResultRefreshed, ""), // of a clock that was set back
	}}
	type mark struct {
		label    string
		tone     Tone
		position int // per cent
	}
	var got []mark
	for _, m := range Day(p) {
		got = append(got, mark{Texts(nil).Mark(m), m.Tone, int(m.Position(noon) * 100)})
	}
	want := []mark{
		{"gone · refreshed 01:00 · 340 ms", Valid, 4},
		{"work · server busy 07:50 · 340 ms", Wait, 32}, // it came right by itself
		{"work · refreshed 08:00 · 340 ms", Valid, 33},
		{"dead · Invalid refresh token 11:00 · 340 ms", Person, 45},
		{"work · due 15:53", Dim, 66},
		{"work · again about 23:48", Dim, 99},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	p.Policy.Proactive = false
	if marks := Day(p); len(marks) != 4 {
		t.Errorf("%d marks in lazy mode", len(marks))
	}
}

// A failure needed a person where a sign-in ended it, or nothing did.
func TestTones(t *testing.T) {
	signIn := then("a", time.Minute, engine.ResultRefreshed, "")
	signIn.Reason = reasonSignedIn
	restored := then("a", 0, engine.ResultSkipped, "")
	restored.Reason = string(engine.ReasonRestored)
	failed, good := then("a", 2*time.Minute, engine.ResultFailed, "x"), then("a", 0, engine.ResultRefreshed, "")
	for name, test := range map[string]struct {
		past  []Past
		needs bool
		want  []Tone
	}{
		"nothing after, dead":     {[]Past{good, failed}, true, []Tone{Valid, Person}},
		"nothing after, retrying": {[]Past{failed, failed}, false, []Tone{Wait, Wait}},
		"a refresh after":         {[]Past{failed, good, failed}, true, []Tone{Wait, Valid, Person}},
		"a sign-in after":         {[]Past{failed, signIn, good}, false, []Tone{Person, Valid, Valid}},
		"restored":                {[]Past{restored}, false, []Tone{Wait}},
	} {
		if got := Tones(test.past, func(engine.Key) bool { return test.needs }); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// Marks that cannot be told apart are one, which shows the worst of them; as
// time goes on they stay together.
func TestDayJoins(t *testing.T) {
	p := DayParams{Policy: balanced, Now: noon, Width: 500}
	for i := range 10_000 {
		past := then(string(rune('a'+i%26)), DaySpan*time.Duration(i)/10_000, engine.ResultRefreshed, "")
		if i == 5000 {
			past.Outcome, past.Error = engine.ResultFailed, "x"
		}
		p.Past = append(p.Past, past)
	}
	p.Views = many(1000, "", engine.Gemini, time.Minute) // each due twice a minute
	marks := Day(p)
	count, worst := 0, Dim
	for i, m := range marks {
		count += m.Count
		worst = max(worst, m.Tone)
		if i > 0 && m.At.Before(marks[i-1].At) {
			t.Fatal("not in order")
		}
	}
	if len(marks) > 1000 || count < 10_000 || worst != Wait {
		t.Errorf("%d marks for %d refreshes, the worst %v", len(marks), count, worst)
	}
	at := func(now time.Time) (all []time.Time) {
		p := p
		p.Now, p.Views = now, nil
		for _, m := range Day(p) {
			all = append(all, m.At)
		}
		return all
	}
	before, after := at(noon), at(noon.Add(7*time.Second))
	if !slices.Equal(before[1:], after[len(after)-len(before)+1:]) {
		t.Error("marks join and part")
	}
}

// Bars stand where their time is, over as long a time as it takes.
func TestBars(t *testing.T) {
	inUTC(t)
	bar := func(ago, took time.Duration, outcome, failure string) Past {
		p := then("a", ago, outcome, failure)
		p.Took = took
		return p
	}
	slow := bar(0, 400*time.Millisecond, engine.ResultFailed, "Invalid refresh token")
	quick := bar(time.Hour, 100*time.Millisecond, engine.ResultRefreshed, "")
	type drawn struct {
		at, height float32
		tone       Tone
		count      int
	}
	for name, test := range map[string]struct {
		past    []Past
		needs   bool
		columns int
		span    time.Duration
		want    []drawn
	}{
		"none":                    {nil, true, 9, 10 * time.Minute, nil},
		"an hour":                 {[]Past{slow, quick}, true, 100, time.Hour, []drawn{{0, 0.5, Valid, 1}, {1, 1, Person, 1}}},
		"a day":                   {[]Past{quick, bar(12*time.Hour, 0, engine.ResultRefreshed, "")}, false, 100, 24 * time.Hour, []drawn{{0.5, 0, Valid, 1}, {23.0 / 24, 1, Valid, 1}}},
		"weeks":                   {[]Past{bar(10*24*time.Hour, 1, engine.ResultRefreshed, "")}, false, 100, 14 * 24 * time.Hour, []drawn{{4.0 / 14, 1, Valid, 1}}},
		"older than all":          {[]Past{quick, bar(100*24*time.Hour, time.Hour, engine.ResultRefreshed, "")}, false, 10, 90 * 24 * time.Hour, []drawn{{1 - 1.0/(90*24), 1, Valid, 1}}},
		"too close to each other": {[]Past{bar(time.Minute, 9, engine.ResultRefreshed, ""), bar(2*time.Minute, 4, engine.ResultFailed, "x"), quick}, false, 10, time.Hour, []drawn{{0, 1, Valid, 1}, {1 - 2.0/60, 0, Wait, 2}}},
		"of a clock set back":     {[]Past{bar(-time.Minute, 1, engine.ResultRefreshed, "")}, false, 10, 10 * time.Minute, []drawn{{1, 1, Valid, 1}}},
	} {
		bars, span := Bars(ChartParams{Past: test.past, Needs: test.needs, Now: noon, Columns: test.columns})
		var got []drawn
		for _, b := range bars {
			got = append(got, drawn{b.Position, b.Height, b.Tone, b.Count})
		}
		near := func(a, b drawn) bool {
			return a.tone == b.tone && a.count == b.count && max(a.at-b.at, b.at-a.at, a.height-b.height, b.height-a.height) < 0.001
		}
		if span != test.span || !slices.EqualFunc(got, test.want, near) {
			t.Errorf("%s: %+v over %v, want %+v", name, got, span, test.want)
		}
	}
	bars, _ := Bars(ChartParams{Past: []Past{slow}, Now: noon, Columns: 9})
	if got := Texts(nil).Bar(bars[0]); got != "11-23 12:00 · Invalid refresh token · 400 ms" {
		t.Error(got)
	}
	if bars[0].Count = 3; !strings.HasSuffix(Texts(nil).Bar(bars[0]), " · and 2 more") {
		t.Error(Texts(nil).Bar(bars[0]))
	}
}

// inUTC has the test's labels in UTC.
func inUTC(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = local })
}
