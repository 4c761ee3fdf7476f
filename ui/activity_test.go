package ui

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"tokentray/engine"
	"tokentray/engine/guidelog"
)

// The log can be narrowed to an account, also one that came since; a pass that
// names it is part of that.
func TestActivity(t *testing.T) {
	e := newFake(account("a", engine.StatusValid, time.Hour))
	w := open(t, e)
	w.p.Log = &guidelog.Recent{}
	log := slog.New(w.p.Log)
	log.Warn("of a", guidelog.AttrAccountID, "id-a")
	log.Info("a pass: a (id-a) is rate limited, b (id-b) too")
	log.Info("of nobody")
	var a *activity
	texts := func() (lines []string) {
		for _, l := range a.lines {
			lines = append(lines, l.Text)
		}
		return lines
	}
	saved := make(chan string, 1)
	w.p.Actions.SaveText = func(_, text string) (string, error) { saved <- text; return "file", nil }
	do(func() {
		w.openActivity()
		a = w.activity
		if len(texts()) != 3 {
			t.Errorf("%q", texts())
		}
		a.pick.SetSelected("a")
		if got := texts(); !slices.Equal(got, []string{"of a", "a pass: a (id-a) is rate limited, b (id-b) too"}) {
			t.Errorf("of a: %q", got)
		}
	})
	e.mu.Lock()
	e.views = append(e.views, account("b", engine.StatusValid, time.Hour))
	e.mu.Unlock()
	log.Info("of b", guidelog.AttrAccountID, "id-b")
	eventually(t, "the new account", func() bool { return slices.Contains(a.pick.Options, "b") && a.pick.Selected == "a" })
	do(func() {
		a.pick.SetSelected("b")
		if got := texts(); len(got) != 2 || got[1] != "of b" {
			t.Errorf("of b: %q", got)
		}
		test.Tap(find(a.Content(), "Save"))
	})
	if text := <-saved; !strings.Contains(text, "of b\n") || strings.Contains(text, "of a\n") {
		t.Errorf("saved: %q", text)
	}
}

// The log's window closes by its key, and with the main one.
func TestActivityCloses(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	w.p.Log = &guidelog.Recent{}
	do(func() {
		w.openActivity()
		w.activity.keys()[fyne.KeyW]()
		if w.activity != nil {
			t.Error("Ctrl+W does not close it")
		}
		w.openActivity()
		w.Close()
		if w.activity != nil {
			t.Error("it outlives its window")
		}
	})
}
