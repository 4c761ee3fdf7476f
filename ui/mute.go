package ui

import (
	"time"

	"fyne.io/fyne/v2"
)

// mute keeps notifications back until then; the zero time ends that.
func (w *Window) mute(until time.Time) {
	w.muted = until
	go w.p.Actions.Mute(until)
	w.muteChanged()
}

// muteChanged shows whether notifications are kept back, now and once they no
// longer are.
func (w *Window) muteChanged() {
	if w.muteEnds != nil {
		w.muteEnds.Stop()
		w.muteEnds = nil
	}
	if left := time.Until(w.muted); left > 0 {
		w.muteEnds = time.AfterFunc(left, func() { w.p.Do(w.muteChanged) })
	}
	w.SetMainMenu(w.mainMenu())
	w.draw()
}

// muteItem is the submenu that keeps notifications back.
func (w *Window) muteItem() *fyne.MenuItem {
	t, now := w.p.Texts, time.Now()
	until := func(name string, at time.Time) *fyne.MenuItem {
		return fyne.NewMenuItem(name, func() { w.mute(at) })
	}
	item := fyne.NewMenuItem(t.Get("Mute"), nil)
	if w.muted.After(now) {
		item.Label = t.Get("Muted until %s", w.muted.Local().Format("15:04"))
		item.ChildMenu = fyne.NewMenu("", until(t.Get("Not any more"), time.Time{}))
		return item
	}
	tomorrow := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location())
	item.ChildMenu = fyne.NewMenu("", until(t.Get("for an hour"), now.Add(time.Hour)), until(t.Get("today"), tomorrow))
	return item
}
