package ui

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"

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
