package ui

import (
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"tokentray/engine"
	"tokentray/engine/store/local"
	"tokentray/ui/view"
)

var (
	_ desktop.Hoverable  = (*strip)(nil)
	_ desktop.Cursorable = (*strip)(nil)
	_ fyne.Tappable      = (*strip)(nil)
	_ desktop.Hoverable  = (*chart)(nil)
)

var quarterToTen = time.Date(2026, 11, 23, 9, 45, 0, 0, time.Local)

// aDay is a day of a few accounts: some refreshes, one that came right by
// itself, one that did not, and what is to come.
func aDay() (past []view.Past, views []engine.View, policy engine.Policy) {
	now := quarterToTen
	for i, name := range []string{"work", "gemini-main", "dead"} {
		provider, life := engine.Claude, 8*time.Hour
		if i == 1 {
			provider, life = engine.Gemini, time.Hour
		}
		v := account(name, engine.StatusValid, 0)
		v.Provider, v.LastRefreshAt = provider, now.Add(-life/time.Duration(i+2))
		v.ExpiresAt = v.LastRefreshAt.Add(life)
		for at := v.LastRefreshAt; now.Sub(at) < view.DaySpan; at = at.Add(-life) {
			past = append(past, view.Past{Key: v.Key, Name: v.Name, At: at, Outcome: engine.ResultRefreshed, Took: 340 * time.Millisecond})
		}
		views = append(views, v)
	}
	views[2].Status, views[2].Dead = engine.StatusNeedsLogin, true
	failed := view.Past{Key: views[2].Key, Name: "dead", At: now.Add(-4 * time.Minute), Outcome: engine.ResultFailed, Error: "Invalid refresh token"}
	busy := view.Past{Key: views[0].Key, Name: "work", At: now.Add(-5 * time.Hour), Outcome: engine.ResultFailed, Error: "server busy"}
	return append(past, failed, busy), views, engine.Policy{Proactive: true, Interval: 15 * time.Minute, Window: 5 * time.Minute}
}

// onCanvas shows a widget alone; do holds the UI's goroutine.
func onCanvas(t testing.TB, o fyne.CanvasObject, variant string, size fyne.Size) fyne.Window {
	app := test.NewTempApp(t)
	app.Settings().SetTheme(Theme{Variant: variant})
	w := test.NewTempWindow(t, o)
	w.SetPadded(false)
	w.Resize(size)
	return w
}

func TestStripLooks(t *testing.T) {
	for _, variant := range []string{"light", "dark"} {
		do(func() {
			s := newStrip(nil, nil)
			w := onCanvas(t, s, variant, fyne.NewSize(760, stripHeight))
			past, views, policy := aDay()
			s.show(past, views, policy, quarterToTen)
			test.AssertRendersToImage(t, "strip-"+variant+".png", w.Canvas())
			test.MoveMouse(w.Canvas(), fyne.NewPos(380-2, stripLine))
			test.AssertRendersToImage(t, "strip-hover-"+variant+".png", w.Canvas())
		})
	}
}

// A mark says what it is while the mouse is on it; a click chooses its account.
func TestStripIsAlive(t *testing.T) {
	do(func() {
		var chosen engine.Key
		s := newStrip(nil, func(key engine.Key) { chosen = key })
		w := onCanvas(t, s, "light", fyne.NewSize(760, stripHeight))
		past, views, policy := aDay()
		s.show(past, views, policy, quarterToTen)
		on := func(ahead time.Duration) fyne.Position {
			return fyne.NewPos(stripEdge+float32(ahead+view.DaySpan)/float32(2*view.DaySpan)*(760-2*stripEdge), stripLine)
		}
		for ahead, says := range map[time.Duration]string{
			-4 * time.Minute: "dead · Invalid refresh token 09:41",
			-4 * time.Hour:   "work · refreshed 05:45 · 340 ms",
			-5 * time.Hour:   "work · server busy 04:45",
		} {
			test.MoveMouse(w.Canvas(), on(ahead))
			if !s.said.Visible() || s.said.Text != says || s.Cursor() != desktop.PointerCursor {
				t.Errorf("%v: says %q", ahead, s.said.Text)
			}
			if right := s.said.Position().X + s.said.Size().Width; s.said.Position().X < stripEdge || right > 760-stripEdge+1 {
				t.Errorf("%q stands from %v to %v", s.said.Text, s.said.Position().X, right)
			}
			test.TapCanvas(w.Canvas(), on(ahead))
			if !strings.HasPrefix(says, strings.TrimPrefix(chosen.ID, "id-")) {
				t.Errorf("%q chose %v", says, chosen)
			}
		}
		test.MoveMouse(w.Canvas(), on(-4*time.Minute))
		s.show(past, views, policy, quarterToTen.Add(2*time.Second)) // and stays under the mouse
		if !s.said.Visible() || s.said.Text != "dead · Invalid refresh token 09:41" {
			t.Errorf("says %q", s.said.Text)
		}
		test.MoveMouse(w.Canvas(), fyne.NewPos(380, 5))
		if s.said.Visible() || s.found.Visible() || !s.title.Visible() || s.Cursor() != desktop.DefaultCursor {
			t.Error("it still says what was under the mouse")
		}
		chosen = engine.Key{}
		test.TapCanvas(w.Canvas(), on(-170*time.Minute))
		if chosen != (engine.Key{}) {
			t.Errorf("a click beside all marks chose %v", chosen)
		}
		test.MoveMouse(w.Canvas(), on(-4*time.Minute))
		s.show(nil, nil, policy, quarterToTen)
		if s.said.Visible() || len(s.shown) != 0 {
			t.Error("a mark that is gone is still shown")
		}
	})
}

// A new theme and a new width draw it anew; the same again does not.
func TestStripFollows(t *testing.T) {
	do(func() {
		s := newStrip(nil, nil)
		w := onCanvas(t, s, "light", fyne.NewSize(760, stripHeight))
		past, views, policy := aDay()
		s.show(past, views, policy, quarterToTen)
		lit := w.Canvas().Capture()
		places := s.places
		s.show(past, views, policy, quarterToTen)
		if &places[0] != &s.places[0] {
			t.Error("the same was taken for something new")
		}
		fyne.CurrentApp().Settings().SetTheme(Theme{Variant: "dark"})
		s.Refresh()
		if s.now.Color != dark.accent || same(lit, w.Canvas().Capture()) {
			t.Error("the theme is not followed")
		}
		w.Resize(fyne.NewSize(500, stripHeight))
		if last := s.places[len(s.places)-1].x; last > 500-2*stripEdge {
			t.Errorf("the last mark at %d of 500", last)
		}
	})
}

func same(a, b image.Image) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// What does not fit is cut.
func TestFit(t *testing.T) {
	do(func() {
		test.NewTempApp(t)
		long := strings.Repeat("团队账户 ", 50)
		got := fit(long, 11, 200)
		if !strings.HasSuffix(got, "…") || fyne.MeasureText(got, 11, fyne.TextStyle{}).Width > 200 || len(got) < 20 {
			t.Errorf("%q", got)
		}
		if got := fit("short", 11, 200); got != "short" {
			t.Error(got)
		}
	})
}

func history() (past []view.Past) {
	for i := range 21 {
		p := view.Past{At: quarterToTen.Add(-time.Duration(i) * 8 * time.Hour), Outcome: engine.ResultRefreshed, Took: time.Duration(150+i*i*37%200) * time.Millisecond}
		switch i {
		case 0:
			p.Outcome, p.Error, p.Took = engine.ResultFailed, "Invalid refresh token", 60*time.Millisecond
		case 8:
			p.Outcome, p.Reason = engine.ResultSkipped, string(engine.ReasonRestored)
		}
		past = append(past, p)
	}
	return past
}

func TestChartLooks(t *testing.T) {
	for _, variant := range []string{"light", "dark"} {
		do(func() {
			c := newChart(nil)
			w := onCanvas(t, c, variant, fyne.NewSize(335, chartHeight))
			c.show(history(), true, quarterToTen)
			test.AssertRendersToImage(t, "chart-"+variant+".png", w.Canvas())
			test.MoveMouse(w.Canvas(), fyne.NewPos(330, chartBase-5))
			test.AssertRendersToImage(t, "chart-hover-"+variant+".png", w.Canvas())
		})
	}
}

func TestChart(t *testing.T) {
	do(func() {
		c := newChart(nil)
		w := onCanvas(t, c, "light", fyne.NewSize(335, chartHeight))
		if c.show(nil, false, quarterToTen); !c.empty.Visible() || c.from.Visible() || c.title.Text != "Refreshes (height: duration)" {
			t.Errorf("of nothing it says %q", c.title.Text)
		}
		test.MoveMouse(w.Canvas(), fyne.NewPos(330, chartBase-5)) // on nothing
		c.show(history(), true, quarterToTen)
		if c.empty.Visible() || len(c.shown) != 21 || c.bars[20].FillColor != light.person || c.bars[19].FillColor != light.valid || c.bars[12].FillColor != light.wait {
			t.Errorf("%d bars", len(c.shown))
		}
		on := func(ago time.Duration) fyne.Position { // 20 times 8 h take 7 days
			return fyne.NewPos(barWidth/2.0+(335-barWidth)*(1-float32(ago)/float32(7*24*time.Hour)), chartBase-5)
		}
		for ago, says := range map[time.Duration]string{
			0:              "11-23 09:45 · Invalid refresh token · 60 ms",
			8 * time.Hour:  "11-23 01:45 · refreshed · 187 ms",
			64 * time.Hour: "11-20 17:45 · another program wrote an old token back; restored · 318 ms",
		} {
			test.MoveMouse(w.Canvas(), on(ago))
			if got := strings.TrimSuffix(c.title.Text, "…"); len(got) < 40 && got != says || !strings.HasPrefix(says, got) {
				t.Errorf("%v ago it says %q, want %q", ago, c.title.Text, says)
			}
		}
		test.MoveMouse(w.Canvas(), on(8*time.Hour))
		if c.move(quarterToTen.Add(2 * time.Hour)); !strings.HasPrefix(c.title.Text, "11-23 01:45") {
			t.Errorf("as time goes on it says %q", c.title.Text)
		}
		test.MoveMouse(w.Canvas(), fyne.NewPos(100, 5))
		if c.hover >= 0 || !strings.Contains(c.title.Text, "height: duration") {
			t.Errorf("it still says %q", c.title.Text)
		}
		c.show(history()[:3], false, quarterToTen)
		test.MoveMouse(w.Canvas(), fyne.NewPos(50, chartBase-5))
		if c.hover >= 0 || c.bars[3].Visible() || c.bars[2].FillColor != light.wait || c.from.Text != "09:45" {
			t.Errorf("three bars of a day, and the failure is retried: from %s", c.from.Text)
		}
		w.Canvas().Focus(c)
		said := []string{c.title.Text}
		for _, key := range []fyne.KeyName{fyne.KeyRight, fyne.KeyLeft, fyne.KeyHome, fyne.KeyEnd} {
			press(c, key)
			said = append(said, c.title.Text[:11])
		}
		if said[0][:11] != "11-23 09:45" || !slices.Equal(said[1:], []string{"11-23 09:45", "11-23 01:45", "11-22 17:45", "11-23 09:45"}) {
			t.Errorf("by keys: %q", said)
		}
		w.Canvas().Unfocus()
		fyne.CurrentApp().Settings().SetTheme(Theme{Variant: "dark"})
		if c.Refresh(); c.bars[0].FillColor != dark.valid {
			t.Error("the theme is not followed")
		}
	})
}

// A history's entry is a refresh of the past, with the reasons it has.
func TestPastIsAnEntry(t *testing.T) {
	for reason, says := range map[string]string{
		local.ReasonSignedIn: "signed in", local.ReasonStoredLate: "stored, which could not be done before",
		string(engine.ReasonRestored): "another program wrote an old token back; restored", "": "refreshed",
		string(engine.ReasonElsewhere): "refreshed by another program",
	} {
		if got := view.Texts(nil).Past(view.Past(local.Entry{Outcome: engine.ResultRefreshed, Reason: reason})); got != says {
			t.Errorf("%q: %q, want %q", reason, got, says)
		}
	}
}

func crowd() (past []view.Past, views []engine.View, policy engine.Policy) {
	policy = engine.Policy{Proactive: true, Interval: 15 * time.Minute, Window: 5 * time.Minute}
	for i := range 1000 {
		v := account(fmt.Sprint(i), engine.StatusValid, 0)
		v.LastRefreshAt = quarterToTen.Add(-8 * time.Hour * time.Duration(i) / 1000)
		v.ExpiresAt = v.LastRefreshAt.Add(8 * time.Hour)
		views = append(views, v)
		past = append(past, view.Past{Key: v.Key, Name: v.Name, At: v.LastRefreshAt, Outcome: engine.ResultRefreshed})
	}
	return past, views, policy
}

// BenchmarkStrip is one change among 1,000 accounts, worked out and, as
// "drawn" has it, painted.
func BenchmarkStrip(b *testing.B) {
	do(func() {
		s := newStrip(nil, nil)
		w := onCanvas(b, s, "light", fyne.NewSize(1120, stripHeight))
		past, views, policy := crowd()
		b.Run("the same again", func(b *testing.B) {
			for b.Loop() {
				s.show(past, views, policy, quarterToTen)
			}
		})
		b.Run("marks painted", func(b *testing.B) {
			size := s.marks.Size()
			for b.Loop() {
				s.draw(int(size.Width), int(size.Height))
			}
		})
		b.Run("drawn", func(b *testing.B) {
			i := 0
			for b.Loop() {
				i++
				s.show(past, views, policy, quarterToTen.Add(time.Duration(i)*2*time.Minute))
				w.Canvas().Capture()
			}
		})
		b.Run("the mouse moves", func(b *testing.B) {
			i := 0
			for b.Loop() {
				i++
				test.MoveMouse(w.Canvas(), fyne.NewPos(float32(stripEdge+i%1000), stripLine))
			}
		})
	})
}
