package main

import (
	"fyne.io/fyne/v2"
	fynedesktop "fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/systray"
)

// newTray is app's tray without Fyne's part in it. Fyne puts clicks on its loop
// by itself, and a loop that rests would see them late; and it makes a window of
// its own for the tray, which takes as long as the first frame. begin shows the
// icon, once the app runs, and end takes it away.
func newTray(app fyne.App, do func(func()), quit func()) (_ fynedesktop.App, begin, end func()) {
	icon, ok := app.(fynedesktop.App)
	if !ok {
		return nil, func() {}, func() {}
	}
	t := &tray{App: icon, do: do, quit: quit}
	return t, t.begin, t.end
}

type tray struct {
	fynedesktop.App // for the icon
	do              func(func())
	quit            func()

	runs        bool   // the app does
	start, stop func() // of the icon; nil: it has no menu yet
}

// SetSystemTrayMenu shows m, and adds what quits at its end, as Fyne's does. On
// the UI's goroutine.
func (t *tray) SetSystemTrayMenu(m *fyne.Menu) {
	if n := len(m.Items); n == 0 || !m.Items[n-1].IsQuit {
		quit := fyne.NewMenuItem(lang.L("Quit"), t.quit)
		quit.IsQuit = true
		m.Items = append(m.Items, fyne.NewMenuItemSeparator(), quit)
	}
	first := t.start == nil
	if first {
		systray.SetTitle(metadata.Name)
		t.start, t.stop = systray.RunWithExternalLoop(nil, nil)
	}
	systray.ResetMenu()
	t.add(m.Items, nil)
	if first && t.runs {
		t.start()
	}
}

func (t *tray) begin() {
	t.runs = true
	if t.start != nil {
		t.start()
	}
}

func (t *tray) end() {
	if t.stop != nil {
		t.stop()
	}
}

// add adds items to the menu, or below one of it.
func (t *tray) add(items []*fyne.MenuItem, below *systray.MenuItem) {
	for _, i := range items {
		if i.IsSeparator {
			if below == nil {
				systray.AddSeparator()
			} else {
				below.AddSeparator()
			}
			continue
		}
		var item *systray.MenuItem
		switch {
		case below == nil && i.Checked:
			item = systray.AddMenuItemCheckbox(i.Label, "", true)
		case below == nil:
			item = systray.AddMenuItem(i.Label, "")
		case i.Checked:
			item = below.AddSubMenuItemCheckbox(i.Label, "", true)
		default:
			item = below.AddSubMenuItem(i.Label, "")
		}
		if i.Disabled {
			item.Disable()
		}
		if i.ChildMenu != nil {
			t.add(i.ChildMenu.Items, item)
		}
		go func() {
			for range item.ClickedCh { // until it is removed
				if i.Action != nil {
					t.do(i.Action)
				}
			}
		}()
	}
}
