package ui

import (
	"context"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"tokentray/engine"
	"tokentray/engine/store/local"
)

func press(f fyne.Focusable, keys ...fyne.KeyName) {
	for _, key := range keys {
		f.TypedKey(&fyne.KeyEvent{Name: key})
	}
}

// Tab goes through the window as people read it: what the engine does, the
// search, the list, the details, the day.
func TestTab(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	do(func() {
		want := []fyne.Focusable{w.controls.proactive, w.controls.preset, w.controls.interval.slider, w.controls.window.slider, w.controls.refresh,
			w.goAhead, w.search, w.order, w.accounts.list, w.details.keys, w.details.chart, w.strip}
		var got []fyne.Focusable
		for range 40 {
			w.Canvas().FocusNext()
			if f := w.Canvas().Focused(); slices.Contains(want, f) && !slices.Contains(got, f) {
				got = append(got, f)
			}
		}
		if !slices.Equal(got, want) {
			for _, f := range got {
				t.Errorf("%T", f)
			}
		}
	})
}

// Enter chooses a row as Space does, and opens its details where they have the
// list's place, also of the row that is chosen already.
func TestEnterOpens(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour), account("b", engine.StatusValid, 2*time.Hour)))
	do(func() {
		press(w.accounts.list, fyne.KeyDown, fyne.KeyReturn)
		if got := w.details.name.Text; got != "b" {
			t.Errorf("Enter shows %s", got)
		}
		press(w.accounts.list, fyne.KeyUp, fyne.KeySpace)
		if got := w.details.name.Text; got != "a" {
			t.Errorf("Space shows %s", got)
		}
		w.Window.Resize(fyne.NewSize(700, 600))
		press(w.accounts.list, fyne.KeyEnter)
		if !w.side.Visible() {
			t.Error("Enter does not open what is chosen")
		}
	})
}

// A history longer than the window is scrolled by keys, to its end and back.
func TestDetailsScroll(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	do(func() {
		w.details.history = func(context.Context, engine.Key) (entries []local.Entry, err error) {
			for i := range 50 {
				entries = append(entries, local.Entry{At: time.Now().Add(-time.Duration(i) * time.Hour), Outcome: "refreshed"})
			}
			return entries, nil
		}
		w.details.loadHistory(w.details.shown)
	})
	eventually(t, "the history", func() bool { return len(w.details.past.Objects) == 50 })
	do(func() {
		k := w.details.keys
		end := k.scroll.Content.MinSize().Height - k.scroll.Size().Height
		for _, step := range []struct {
			key  fyne.KeyName
			want float32
		}{
			{fyne.KeyUp, 0}, {fyne.KeyDown, scrollStep}, {fyne.KeyPageDown, k.scroll.Size().Height}, {fyne.KeyEnd, end}, {fyne.KeyDown, end}, {fyne.KeyHome, 0},
		} {
			if press(k, step.key); k.scroll.Offset.Y != step.want {
				t.Errorf("%s: at %v, want %v", step.key, k.scroll.Offset.Y, step.want)
			}
		}
		w.Canvas().Focus(k)
		if k.frame.StrokeColor != current().accent {
			t.Error("nothing shows where the keys go")
		}
		w.Canvas().Unfocus()
		if k.frame.StrokeColor == current().accent {
			t.Error("it is still framed")
		}
	})
}

// The arrows go from mark to mark, Enter chooses the account.
func TestStripByKeys(t *testing.T) {
	do(func() {
		var chosen engine.Key
		s := newStrip(nil, func(key engine.Key) { chosen = key })
		w := onCanvas(t, s, "light", fyne.NewSize(760, stripHeight))
		w.Canvas().Focus(s) // of nothing
		press(s, fyne.KeyRight, fyne.KeyReturn)
		w.Canvas().Unfocus()
		past, views, policy := aDay()
		s.show(past, views, policy, quarterToTen)
		w.Canvas().Focus(s)
		said := []string{s.said.Text}
		for _, key := range []fyne.KeyName{fyne.KeyLeft, fyne.KeyRight, fyne.KeyHome, fyne.KeyLeft, fyne.KeyEnd} {
			press(s, key)
			said = append(said, s.said.Text)
		}
		if said[0] != "dead · Invalid refresh token 09:41" || said[1] == said[0] || said[2] != said[0] || said[4] != said[3] || !s.shown[s.hover].Planned {
			t.Errorf("%q", said)
		}
		press(s, fyne.KeyHome, fyne.KeyReturn)
		if chosen != s.shown[0].Key {
			t.Errorf("chose %v", chosen)
		}
		w.Canvas().Unfocus()
		if s.said.Visible() {
			t.Error("it still says what the keys were on")
		}
	})
}

var (
	_ fyne.Focusable = (*strip)(nil)
	_ fyne.Focusable = (*chart)(nil)
	_ fyne.Focusable = (*scrollKeys)(nil)
)
