package ui

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"

	"tokentray/assets"
	"tokentray/engine"
	"tokentray/ui/view"
)

// How many accounts the menu names: those that need attention, and in all.
const (
	trayAttention = 8
	trayAll       = 30
)

// Tray makes the tray icon and its menu, which follow the window's engine. The
// app must not run yet.
func (w *Window) Tray(d desktop.App) {
	t := &tray{window: w, desktop: d, muted: w.p.Muted}
	t.update(w.p.Engine.Snapshot(), !w.p.Engine.Policy().Proactive, false)
	w.tray = t.update
}

type tray struct {
	window  *Window
	desktop desktop.App
	menu    *fyne.Menu
	icon    string
	shown   []string // what the menu says: it is changed only with this
	muted   time.Time
}

// update follows the accounts. On the UI's goroutine.
func (t *tray) update(views []engine.View, lazy, storeAway bool) {
	// At a quit Fyne closes the tray before its loop ends; what is drawn in
	// between finds it gone, and Fyne panics.
	defer func() { recover() }()
	texts, now := t.window.p.Texts, time.Now()
	summary := texts.Summary(views)
	shown := []string{summary, fmt.Sprint(lazy, t.muted.After(now))}
	var attention, all []*fyne.MenuItem
	for _, v := range views {
		if tone := view.ToneOf(v, lazy); (tone == view.Person || tone == view.Wait) && len(attention) < trayAttention {
			label := fmt.Sprintf("%s: %s", v.Name, texts.Status(v, lazy))
			if !v.ExpiresAt.IsZero() && !engine.Endless(v.ExpiresAt) && v.ExpiresAt.After(now) {
				label += " · " + texts.Span(v.ExpiresAt.Sub(now).Truncate(time.Minute))
			}
			attention = append(attention, t.account(v, label))
			shown = append(shown, label)
		}
		if len(all) < trayAll {
			all = append(all, t.account(v, v.Name))
			shown = append(shown, v.Key.String(), v.Name)
		}
	}
	icon := "tray-" + string(view.WorstOf(views, lazy, storeAway))
	if fyne.CurrentApp().Settings().ThemeVariant() == theme.VariantDark { // panels go with it, mostly
		icon += "-dark"
	}
	if name := icon + ".png"; name != t.icon {
		t.icon = name
		t.desktop.SetSystemTrayIcon(fyne.NewStaticResource(name, assets.Icon(name)))
	}
	if slices.Equal(shown, t.shown) {
		return
	}
	t.shown = shown
	if tell := t.window.p.Tooltip; tell != nil {
		tell("Tokentray: " + summary)
	}
	proactive := fyne.NewMenuItem(texts.Get("Proactive"), func() {
		p := t.window.p.Engine.Policy()
		p.Proactive = !p.Proactive
		t.window.choose(p)
	})
	proactive.Checked = !lazy
	items := append([]*fyne.MenuItem{fyne.NewMenuItem(summary, t.window.Open)}, attention...)
	if len(all) > 0 {
		accounts := fyne.NewMenuItem(texts.Get("Accounts"), nil)
		if more := len(views) - len(all); more > 0 {
			all = append(all, fyne.NewMenuItem(texts.Get("and %d more", more), t.window.Open))
		}
		accounts.ChildMenu = fyne.NewMenu("", all...)
		items = append(items, accounts)
	}
	items = append(items, fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem(texts.Get("Refresh now"), func() { t.window.pass(engine.PassParams{}) }), proactive, t.mute(now),
		fyne.NewMenuItem(texts.Get("Settings"), func() {
			t.window.Open()
			t.window.openSettings()
		}),
		fyne.NewMenuItem(texts.Get("Open"), t.window.Open))
	if t.menu == nil {
		t.menu = fyne.NewMenu("Tokentray", items...)
		t.desktop.SetSystemTrayMenu(t.menu) // adds Quit by itself
		return
	}
	quit := t.menu.Items[len(t.menu.Items)-1]
	t.menu.Items = append(items, fyne.NewMenuItemSeparator(), quit)
	t.desktop.SetSystemTrayMenu(t.menu)
}

// account is an account's submenu.
func (t *tray) account(v engine.View, label string) *fyne.MenuItem {
	texts, w := t.window.p.Texts, t.window
	item := fyne.NewMenuItem(label, nil)
	item.ChildMenu = fyne.NewMenu("",
		fyne.NewMenuItem(texts.Get("Refresh now"), func() { w.pass(engine.PassParams{Keys: []engine.Key{v.Key}}) }),
		fyne.NewMenuItem(texts.Get("Copy access token"), func() {
			w.open(v.Key)
			w.copyToken(v)
		}),
		fyne.NewMenuItem(texts.Get("Details"), func() { w.open(v.Key) }))
	return item
}

// mute is the submenu that keeps notifications back.
func (t *tray) mute(now time.Time) *fyne.MenuItem {
	texts := t.window.p.Texts
	until := func(at time.Time) func() {
		return func() {
			t.muted, t.shown = at, nil
			go t.window.p.Actions.Mute(at)
			t.window.draw()
		}
	}
	item := fyne.NewMenuItem(texts.Get("Mute"), nil)
	if t.muted.After(now) {
		item.Label = texts.Get("Muted until %s", t.muted.Format("15:04"))
		item.ChildMenu = fyne.NewMenu("", fyne.NewMenuItem(texts.Get("Not any more"), until(time.Time{})))
		return item
	}
	tomorrow := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location())
	item.ChildMenu = fyne.NewMenu("", fyne.NewMenuItem(texts.Get("for an hour"), until(now.Add(time.Hour))), fyne.NewMenuItem(texts.Get("today"), until(tomorrow)))
	return item
}

// Open shows the window, wherever it is.
func (w *Window) Open() {
	w.visible.Store(true)
	select {
	case w.opened <- struct{}{}:
	default:
	}
	w.Window.Show()
	w.Window.RequestFocus()
	w.draw()
	go w.p.Engine.Scan(context.Background())
}

// open shows the window with one account chosen.
func (w *Window) open(key engine.Key) {
	w.Open()
	w.selectAccount(key)
}

// Seen says whether the window, or another that it opened, is shown. On the UI's
// goroutine.
func (w *Window) Seen() bool { return w.visible.Load() || w.activity != nil }

// Conceal hides the window; nothing is drawn until Open.
func (w *Window) Conceal() {
	w.keepHabits()
	w.visible.Store(false)
	w.Window.Hide()
}
