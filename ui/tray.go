package ui

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"

	"tokentray/assets"
	"tokentray/engine"
	"tokentray/ui/view"
)

// trayAttention is how many accounts that need attention the menu names.
const trayAttention = 8

// Tray makes the tray icon and its menu, which follow the window's engine. The
// app must not run yet.
func (w *Window) Tray(d desktop.App) {
	t := &tray{window: w, desktop: d}
	t.update(w.p.Engine.Snapshot(), !w.p.Engine.Policy().Proactive, false)
	w.tray = t.update
}

type tray struct {
	window  *Window
	desktop desktop.App
	menu    *fyne.Menu
	state   view.Worst
	shown   []string // what the menu says: it is changed only with this
}

// update follows the accounts. On the UI's goroutine.
func (t *tray) update(views []engine.View, lazy, storeAway bool) {
	texts := t.window.p.Texts
	now := time.Now()
	shown := []string{texts.Summary(views), fmt.Sprint(lazy)}
	var attention []*fyne.MenuItem
	for _, v := range views {
		if tone := view.ToneOf(v, lazy); (tone == view.Person || tone == view.Wait) && len(attention) < trayAttention {
			label := fmt.Sprintf("%s: %s", v.Name, texts.Status(v, lazy))
			if !v.ExpiresAt.IsZero() && v.ExpiresAt.After(now) {
				label += " · " + texts.Span(v.ExpiresAt.Sub(now).Truncate(time.Minute))
			}
			attention = append(attention, fyne.NewMenuItem(label, func() { t.window.open(v.Key) }))
			shown = append(shown, label)
		}
	}
	if state := view.WorstOf(views, lazy, storeAway); state != t.state {
		t.state = state
		name := "tray-" + string(state) + ".png"
		t.desktop.SetSystemTrayIcon(fyne.NewStaticResource(name, assets.Icon(name)))
	}
	if slices.Equal(shown, t.shown) {
		return
	}
	t.shown = shown
	summary := fyne.NewMenuItem(shown[0], t.window.Open)
	proactive := fyne.NewMenuItem(texts.Get("Proactive"), func() {
		p := t.window.p.Engine.Policy()
		p.Proactive = !p.Proactive
		t.window.choose(p)
	})
	proactive.Checked = !lazy
	items := append([]*fyne.MenuItem{summary}, attention...)
	items = append(items, fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem(texts.Get("Refresh now"), func() { t.window.pass(engine.PassParams{}) }), proactive,
		fyne.NewMenuItem(texts.Get("Open"), t.window.Open))
	if t.menu == nil {
		t.menu = fyne.NewMenu("Tokentray", items...)
		t.desktop.SetSystemTrayMenu(t.menu) // adds Quit by itself
		return
	}
	quit := t.menu.Items[len(t.menu.Items)-1]
	t.menu.Items = append(items, fyne.NewMenuItemSeparator(), quit)
	t.menu.Refresh()
}

// Open shows the window, wherever it is.
func (w *Window) Open() {
	w.visible = true
	w.Window.Show()
	w.Window.RequestFocus()
	w.draw()
	go w.p.Engine.Scan(context.Background())
}

// open shows the window with one account chosen.
func (w *Window) open(key engine.Key) {
	w.accounts.selected = key
	w.Open()
}

// Conceal hides the window; nothing is drawn until Open.
func (w *Window) Conceal() {
	w.visible = false
	w.Window.Hide()
}
