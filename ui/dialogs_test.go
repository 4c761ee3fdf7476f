package ui

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"tokentray/engine"
)

// Escape dismisses the topmost dialog alone, as its Cancel does, whether a
// line of text has the focus or nothing.
func TestEscape(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	closed, removed := make(chan struct{}, 1), make(chan struct{}, 1)
	w.p.Actions.OpenURL = func(string) error { return nil }
	w.p.Actions.SignIn = func(engine.Key, engine.NewAccount) (*SignIn, error) {
		return &SignIn{URL: "https://page.example/x", Shown: true, Close: func() { closed <- struct{}{} }}, nil
	}
	w.p.Actions.Remove = func(engine.Key) error { removed <- struct{}{}; return nil }
	press := func() {
		key := &fyne.KeyEvent{Name: fyne.KeyEscape}
		if f := w.Canvas().Focused(); f != nil {
			f.TypedKey(key)
		} else {
			w.Canvas().OnTypedKey()(key)
		}
	}
	v := w.p.Engine.Snapshot()[0]
	do(func() { w.signIn(v, engine.NewAccount{}) })
	eventually(t, "the sign-in", func() bool { return w.Canvas().Focused() != nil })
	do(func() {
		w.remove(v)
		w.Canvas().Unfocus()
		press()
		if len(w.Canvas().Overlays().List()) != 1 || len(closed) > 0 {
			t.Errorf("%d dialogs stand open", len(w.Canvas().Overlays().List()))
		}
		w.Canvas().Focus(all[*entry](w)[0])
		press()
		if w.Canvas().Overlays().Top() != nil || len(closed) != 1 || len(removed) > 0 {
			t.Error("the sign-in was not ended")
		}
		press()
		w.search.SetText("x")
		w.Canvas().Focus(w.search)
		press()
		if w.search.Text != "" {
			t.Error("Escape leaves the search as it is")
		}
	})
}

// The menu's keys open no dialog over another; Quit and Hide work at any time.
func TestDialogsDoNotStack(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	hidden, loads := 0, make(chan bool, 2)
	w.p.Actions.Hide = func() { hidden++ }
	w.p.Actions.Settings = func() ([]Setting, []string) { loads <- true; return nil, nil }
	choose := func(name string) {
		for _, menu := range w.MainMenu().Items {
			for _, item := range menu.Items {
				if item.Label == name {
					item.Action()
				}
			}
		}
	}
	do(func() {
		for _, name := range []string{"Remove", "Remove", "Export all accounts", "Settings", "Hide"} {
			choose(name)
		}
		if n := len(w.Canvas().Overlays().List()); n != 1 || hidden != 1 {
			t.Errorf("%d dialogs stand open, hidden %d times", n, hidden)
		}
		w.dialogs.escape()
		choose("Settings")
		choose("Settings") // before the first has come
	})
	<-loads
	<-loads
	eventually(t, "the settings", func() bool { return len(w.dialogs.open) == 1 })
	do(func() {
		if n := len(w.Canvas().Overlays().List()); n != 1 {
			t.Errorf("%d dialogs stand open", n)
		}
	})
}

// To refresh what is not due is asked about first.
func TestRefreshAll(t *testing.T) {
	e := newFake(account("a", engine.StatusValid, time.Hour))
	w := open(t, e)
	do(func() {
		w.all.OnTapped()
		if len(w.dialogs.open) != 1 || len(e.passes) > 0 {
			t.Fatal("nothing is asked")
		}
		w.dialogs.escape()
		w.all.OnTapped()
		test.Tap(button(t, w, "Yes"))
	})
	if p := <-e.passes; !p.Force || p.Keys != nil || len(e.passes) > 0 {
		t.Errorf("%+v", p)
	}
}
