package ui

import "tokentray/engine"

// OpenAccount shows the window with one account chosen. On the UI's goroutine.
func (w *Window) OpenAccount(key engine.Key) { w.open(key) }

// SignIn shows the window with one account chosen, and begins its sign-in; not
// of one that is gone, or cannot be read. On the UI's goroutine.
func (w *Window) SignIn(key engine.Key) {
	w.open(key)
	for _, v := range w.p.Engine.Snapshot() {
		if v.Key == key && v.Problem == nil {
			w.signIn(v, engine.NewAccount{})
		}
	}
}
