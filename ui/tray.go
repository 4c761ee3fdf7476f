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

// How many accounts the menu names: those that need attention, and in all, in
// submenus of so many.
const (
	trayAttention = 8
	trayAll       = 100
	trayGroup     = 25
)

// trayEvery is how often the menu of many accounts is made anew at most: that
// takes up to 70 ms of a processor, and a pass over them changes it all the time.
const trayEvery = 2 * time.Second

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
	icon    string
	shown   []string // what the menu says: it is changed only with this
	made    time.Time
	again   *time.Timer // nil: it says what there is
}

// update follows the accounts. On the UI's goroutine.
func (t *tray) update(views []engine.View, lazy, storeAway bool) {
	// At a quit Fyne closes the tray before its loop ends; what is drawn in
	// between finds it gone, and Fyne panics.
	defer func() { recover() }()
	texts, now := t.window.p.Texts, time.Now()
	summary := texts.Summary(views)
	shown := []string{summary, fmt.Sprint(lazy, t.window.muted.After(now), t.window.muted.Unix())}
	say := func(v engine.View, label string) *fyne.MenuItem {
		shown = append(shown, v.Key.String(), label, fmt.Sprint(v.Refreshable(), v.Problem != nil))
		return t.account(v, label)
	}
	var attention []*fyne.MenuItem
	for _, v := range t.worst(views, lazy) {
		label := texts.Get("%s: %s", v.Name, texts.Status(v, lazy))
		if v.ExpiresAt.After(now) && !engine.Endless(v.ExpiresAt) { // the time, as what is left would have the menu made anew all the time
			label += " · " + texts.Get("until %s", view.Clock(v.ExpiresAt, now))
		}
		attention = append(attention, say(v, label))
	}
	named := slices.Clone(views)
	view.OrderName.Sort(named, lazy)
	var all []*fyne.MenuItem
	for _, v := range named[:min(len(named), trayAll)] {
		all = append(all, say(v, v.Name))
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
	if wait := trayEvery - now.Sub(t.made); len(views) > trayGroup && wait > 0 {
		if t.again == nil {
			t.again = time.AfterFunc(wait, func() {
				t.window.p.Do(func() {
					t.again = nil
					t.window.draw()
				})
			})
		}
		return
	}
	t.shown, t.made = shown, now
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
		all = grouped(all)
		if more := len(views) - trayAll; more > 0 {
			all = append(all, fyne.NewMenuItem(texts.Get("and %d more", more), t.window.Open))
		}
		accounts.ChildMenu = fyne.NewMenu("", all...)
		items = append(items, accounts)
	}
	items = append(items, fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem(texts.Get("Refresh now"), func() { t.window.pass(engine.PassParams{}) }), proactive, t.window.muteItem(),
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

// worst are the accounts that need attention, the worst first.
func (t *tray) worst(views []engine.View, lazy bool) (worst []engine.View) {
	for _, v := range views {
		if tone := view.ToneOf(v, lazy); tone == view.Person || tone == view.Wait {
			worst = append(worst, v)
		}
	}
	view.WorstFirst(worst, lazy)
	return worst[:min(len(worst), trayAttention)]
}

// grouped puts the items of many accounts into submenus.
func grouped(all []*fyne.MenuItem) []*fyne.MenuItem {
	if len(all) <= trayGroup {
		return all
	}
	var groups []*fyne.MenuItem
	for group := range slices.Chunk(all, trayGroup) {
		item := fyne.NewMenuItem(group[0].Label+" – "+group[len(group)-1].Label, nil)
		item.ChildMenu = fyne.NewMenu("", group...)
		groups = append(groups, item)
	}
	return groups
}

// account is an account's submenu.
func (t *tray) account(v engine.View, label string) *fyne.MenuItem {
	texts, w := t.window.p.Texts, t.window
	refresh := fyne.NewMenuItem(texts.Get("Refresh now"), func() { w.pass(engine.PassParams{Keys: []engine.Key{v.Key}}) })
	refresh.Disabled = !v.Refreshable()
	access := fyne.NewMenuItem(texts.Get("Copy access token"), func() {
		w.open(v.Key)
		w.copyToken(v)
	})
	access.Disabled = v.Problem != nil
	item := fyne.NewMenuItem(label, nil)
	item.ChildMenu = fyne.NewMenu("", refresh, access, fyne.NewMenuItem(texts.Get("Details"), func() { w.open(v.Key) }))
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
