package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"tokentray/engine"
	"tokentray/ui/view"
)

// A slider that is dragged stays with the mouse, whatever is drawn meanwhile;
// what it would mean is said at once, and it is chosen when it is let go.
func TestDraggedSlider(t *testing.T) {
	e := newFake(account("a", engine.StatusValid, time.Hour))
	e.policy.Proactive = true
	w := open(t, e)
	m := w.controls.interval
	drag := func(share float32) {
		m.slider.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(m.slider.Size().Width*share, 5)}})
	}
	do(func() {
		before := m.says.Text
		drag(0.5)
		at, says := m.slider.Value, m.says.Text
		if at < 25 || at > 35 || says == before {
			t.Fatalf("dragged to %v, which means %q", at, says)
		}
		w.draw()
		w.tick()
		if m.slider.Value != at || m.chosen().Minutes() != at || !strings.HasPrefix(m.value.Text, "3") || m.says.Text != says {
			t.Errorf("drawing moved it from %v to %v: %q, %q", at, m.slider.Value, m.value.Text, m.says.Text)
		}
		if len(e.chosen) > 0 {
			t.Error("it is chosen before it is let go")
		}
		drag(0.51)
		m.slider.DragEnd()
	})
	if p := <-e.chosen; p.Interval != m.chosen() || p.Window != 5*time.Minute || p.Interval < 25*time.Minute {
		t.Errorf("chosen: %+v", p)
	}
	e.mu.Lock()
	e.policy.Interval = 10 * time.Minute // from elsewhere
	e.mu.Unlock()
	do(func() {
		if w.draw(); m.slider.Value != 10 {
			t.Errorf("let go, it stands at %v", m.slider.Value)
		}
	})
}

// What the open window's own looks cost a Redis is said.
func TestCostWhileSeen(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	do(func() {
		if w.draw(); strings.Contains(w.load, "while this window is open") {
			t.Errorf("without a Redis: %q", w.load)
		}
		w.p.Kinds = map[string]view.StoreKind{"": view.RedisStore}
		if w.draw(); !strings.Contains(w.load, "Redis commands more an hour while this window is open") {
			t.Errorf("said: %q", w.load)
		}
		if text := w.meaning.String(); text != w.load {
			t.Errorf("shown: %q", text)
		}
	})
}
