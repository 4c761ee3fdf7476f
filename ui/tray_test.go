package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"tokentray/engine"
	"tokentray/ui/view"
)

// below are the labels of a submenu; what cannot be chosen stands in brackets.
func below(m *fyne.Menu, label string) (all []string) {
	for _, item := range m.Items {
		if item.Label != label {
			continue
		}
		for _, i := range item.ChildMenu.Items {
			if all = append(all, i.Label); i.Disabled {
				all[len(all)-1] = "[" + i.Label + "]"
			}
		}
	}
	return all
}

// The menu names the time that a token lasts until: it is not made anew as time
// goes on.
func TestTrayStandsStill(t *testing.T) {
	v := account("a", engine.StatusFailing, 90*time.Minute)
	v.Err = errors.New("busy")
	w := open(t, newFake(v))
	f := &fakeTray{}
	do(func() {
		w.Tray(f)
		want := "a: failing · until " + view.Clock(v.ExpiresAt, time.Now())
		if got := f.menu.Items[1].Label; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		later := &tray{window: w, desktop: f, menu: f.menu}
		later.update([]engine.View{v}, false, false)
		menus := f.menus
		for range 3 {
			later.update([]engine.View{v}, false, false)
		}
		if f.menus != menus {
			t.Error("it is made anew without a change")
		}
	})
}

// What cannot be done with an account cannot be chosen.
func TestTrayOffersWhatWorks(t *testing.T) {
	broken := account("broken", engine.StatusUnreadable, time.Hour)
	broken.Problem = errors.New("wrong key")
	static := account("static", engine.StatusStatic, time.Hour)
	static.RefreshToken = engine.Sealed{}
	w := open(t, newFake(account("fine", engine.StatusValid, time.Hour), broken, static))
	f := &fakeTray{}
	do(func() {
		w.Tray(f)
		var accounts *fyne.Menu
		for _, item := range f.menu.Items {
			if item.Label == "Accounts" {
				accounts = item.ChildMenu
			}
		}
		for name, want := range map[string]string{"fine": "Refresh now|Copy access token|Details", "broken": "[Refresh now]|[Copy access token]|Details", "static": "[Refresh now]|Copy access token|Details"} {
			if got := strings.Join(below(accounts, name), "|"); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	})
}

// Many accounts are named in groups, in order of their names; the worst of all
// stand above them.
func TestTrayOfMany(t *testing.T) {
	var views []engine.View
	for i := range 130 {
		views = append(views, account(fmt.Sprintf("account %d", i), engine.StatusExpired, -time.Hour))
	}
	views[129].Status = engine.StatusNeedsLogin
	e := newFake(views...)
	e.policy.Proactive = true
	w := open(t, e)
	f := &fakeTray{}
	do(func() {
		w.order.SetSelected("By name")
		w.Tray(f)
		want := []string{"account 0 – account 24", "account 25 – account 49", "account 50 – account 74", "account 75 – account 99", "and 30 more"}
		if got := below(f.menu, "Accounts"); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		if got := f.menu.Items[1].Label; got != "account 129: needs sign-in" {
			t.Errorf("first: %q", got)
		}
	})
	// While much changes it is not made anew each time, and ends up right.
	for i := range 20 {
		e.mu.Lock()
		e.views[i].Status = engine.StatusValid
		e.mu.Unlock()
		do(w.draw)
	}
	do(func() {
		if f.menus > 2 {
			t.Errorf("made %d times", f.menus)
		}
	})
	eventually(t, "what there is", func() bool {
		return f.menu.Items[0].Label == "130 accounts, 20 valid, 109 expired, 1 needs login"
	})
}

// Muting works from the window's menu, too, where there is no tray; it ends by
// itself, in both.
func TestMute(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	f, muted := &fakeTray{}, make(chan time.Time, 3)
	w.p.Actions.Mute = func(until time.Time) { muted <- until }
	item := func(m *fyne.Menu) *fyne.MenuItem {
		for _, i := range m.Items {
			if strings.HasPrefix(i.Label, "Mute") {
				return i
			}
		}
		return &fyne.MenuItem{}
	}
	window := func() *fyne.MenuItem { return item(w.MainMenu().Items[2]) }
	do(func() {
		w.Tray(f)
		if got := below(w.MainMenu().Items[2], "Mute"); !slices.Equal(got, []string{"for an hour", "today"}) {
			t.Errorf("%q", got)
		}
		window().ChildMenu.Items[0].Action()
	})
	if until := time.Until(<-muted); until < 59*time.Minute || until > time.Hour {
		t.Errorf("for %v", until)
	}
	do(func() {
		for _, i := range []*fyne.MenuItem{window(), item(f.menu)} {
			if i.Label != "Muted until "+w.muted.Format("15:04") {
				t.Errorf("%q", i.Label)
			}
		}
		item(f.menu).ChildMenu.Items[0].Action()
		if window().Label != "Mute" || item(f.menu).Label != "Mute" {
			t.Error("it goes on")
		}
		w.mute(time.Now().Add(300 * time.Millisecond))
	})
	eventually(t, "its end", func() bool { return window().Label == "Mute" && item(f.menu).Label == "Mute" })
	do(w.Close)
}

// A hidden window is not drawn; the tray follows all the same.
func TestHidden(t *testing.T) {
	e := newFake(account("a", engine.StatusValid, time.Hour))
	w := open(t, e)
	f := &fakeTray{}
	do(func() {
		w.Tray(f)
		w.Conceal()
		e.mu.Lock()
		e.views = append(e.views, account("b", engine.StatusNeedsLogin, time.Hour))
		e.mu.Unlock()
		w.draw()
		if n := len(w.accounts.views); n != 1 || f.menu.Items[0].Label != "2 accounts, 1 valid, 1 needs login" {
			t.Errorf("%d rows, the tray says %q", n, f.menu.Items[0].Label)
		}
		w.Open()
		if n := len(w.accounts.views); n != 2 {
			t.Errorf("shown again, it has %d rows", n)
		}
		w.Close() // the tray may be another window's now
		e.mu.Lock()
		e.views = e.views[:1]
		e.mu.Unlock()
		w.draw()
		if f.menu.Items[0].Label != "2 accounts, 1 valid, 1 needs login" {
			t.Error("a closed window changes the tray")
		}
	})
}
