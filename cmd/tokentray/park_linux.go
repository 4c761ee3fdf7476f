//go:build linux && (x11 || !wayland)

package main

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver"
	fynedesktop "fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/systray"
)

// parks says whether Fyne's loop may rest while the window is hidden, once the
// app runs: on X11, whose connection tells when there is something to look at.
// Wayland closes the connection of who does not answer.
func parks(w fyne.Window) (can bool) {
	if native, ok := w.(driver.NativeWindow); ok {
		native.RunNative(func(context any) { _, can = context.(driver.X11WindowContext) })
	}
	return can
}

// trayOf is the tray of app, whose clicks go through do: Fyne's own go to its
// loop by themselves, and a loop that rests would see them late.
func trayOf(app fynedesktop.App, window fyne.Window, do func(func()), quit func()) fynedesktop.App {
	return &tray{App: app, window: window, do: do, quit: quit}
}

type tray struct {
	fynedesktop.App
	window fyne.Window
	do     func(func())
	quit   func()
	begun  bool
}

// SetSystemTrayMenu shows m, and adds what quits at its end, as Fyne's does.
func (t *tray) SetSystemTrayMenu(m *fyne.Menu) {
	if !t.begun {
		t.begun = true
		t.App.SetSystemTrayWindow(t.window) // an icon whose menu Fyne leaves alone
		systray.SetOnTapped(nil)            // a click on it shows the menu
	}
	if n := len(m.Items); n == 0 || !m.Items[n-1].IsQuit {
		quit := fyne.NewMenuItem(lang.L("Quit"), t.quit)
		quit.IsQuit = true
		m.Items = append(m.Items, fyne.NewMenuItemSeparator(), quit)
	}
	systray.ResetMenu()
	t.add(m.Items, nil)
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
