package ui

import (
	"errors"
	"testing"
	"time"

	"tokentray/engine"
)

// A hidden window comes back with the account chosen, and begins its sign-in
// where that can be.
func TestSignInAskedFor(t *testing.T) {
	dead, broken := account("dead", engine.StatusNeedsLogin, -time.Hour), account("broken", engine.StatusUnreadable, 0)
	broken.Problem = errors.New("its tokens cannot be decrypted")
	w := open(t, newFake(dead, account("fine", engine.StatusValid, time.Hour), broken))
	asked := make(chan engine.Key, 10)
	w.p.Actions.SignIn = func(key engine.Key, _ engine.NewAccount) (*SignIn, error) {
		asked <- key
		return nil, errors.New("no page")
	}
	do(func() {
		w.Conceal()
		w.SignIn(broken.Key)
		if !w.visible.Load() || w.details.name.Text != "broken" {
			t.Errorf("shown: %v, %s", w.visible.Load(), w.details.name.Text)
		}
		w.SignIn(engine.Key{Provider: engine.Claude, ID: "gone"})
		w.OpenAccount(engine.Key{Provider: engine.Claude, ID: "id-fine"})
		if w.details.name.Text != "fine" {
			t.Errorf("shown: %s", w.details.name.Text)
		}
		w.Conceal()
		w.SignIn(dead.Key)
		if !w.visible.Load() || w.details.name.Text != "dead" {
			t.Errorf("shown: %v, %s", w.visible.Load(), w.details.name.Text)
		}
	})
	if key := <-asked; key != dead.Key || len(asked) > 0 {
		t.Errorf("signs in to %v, and %d more", key, len(asked))
	}
}
