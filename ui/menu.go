package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/driver/desktop"

	"tokentray/engine"
)

// mainMenu has everything that the window can do, with its keys.
func (w *Window) mainMenu() *fyne.MainMenu {
	t := w.p.Texts
	item := func(name string, key fyne.KeyName, do func()) *fyne.MenuItem {
		i := fyne.NewMenuItem(t.Get(name), func() {
			if len(w.dialogs.open) == 0 { // its keys come through an open dialog
				do()
			}
		})
		if key != "" {
			i.Shortcut = &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}
		}
		return i
	}
	quit, hide := item("Quit", fyne.KeyQ, nil), item("Hide", fyne.KeyW, nil) // these two at any time
	quit.Action, hide.Action = w.p.App.Quit, w.hideOrClose
	quit.IsQuit = true
	file := fyne.NewMenu(t.Get("Accounts"),
		item("Refresh now", fyne.KeyR, func() { w.pass(engine.PassParams{}) }), fyne.NewMenuItemSeparator(),
		item("Add an account", fyne.KeyN, w.add), item("Import accounts", fyne.KeyI, w.importFile), item("Export all accounts", fyne.KeyE, w.export),
		item("Connect a relay's Redis", "", w.connect), fyne.NewMenuItemSeparator(),
		item("Settings", fyne.KeyComma, w.openSettings), hide, quit)
	look := fyne.NewMenu(t.Get("View"),
		item("Find", fyne.KeyF, w.find), item("Activity", fyne.KeyL, w.openActivity), w.muteItem(),
		item("Select several", fyne.KeyS, func() { w.picked.show(!w.accounts.picking) }))
	account := fyne.NewMenu(t.Get("Account"),
		item("Refresh it", fyne.KeyReturn, w.onChosen(func(v engine.View) { w.pass(engine.PassParams{Keys: []engine.Key{v.Key}}) })),
		item("Sign in again", fyne.KeyG, w.onChosen(func(v engine.View) { w.signIn(v, engine.NewAccount{}) })),
		item("Edit", fyne.KeyD, w.onChosen(w.edit)), item("Copy setup", fyne.KeyU, w.onChosen(w.setup)),
		item("Remove", fyne.KeyDelete, w.onChosen(w.remove)))
	return fyne.NewMainMenu(file, account, look, fyne.NewMenu(t.Get("Help"), item("About Tokentray", "", w.about)))
}

// onChosen does something with the account that the details are of.
func (w *Window) onChosen(do func(engine.View)) func() {
	return func() {
		if w.details.view.ID != "" && w.page.Visible() {
			do(w.details.view)
		}
	}
}

// hideOrClose is what a click on the window's cross does.
func (w *Window) hideOrClose() {
	if w.p.Actions.Hide != nil {
		w.p.Actions.Hide()
	} else {
		w.Close()
	}
}

// Close closes the window, and the activity beside it.
func (w *Window) Close() {
	w.uncoloured()
	w.tray = func([]engine.View, bool, bool) {} // another window may have it
	if w.muteEnds != nil {
		w.muteEnds.Stop()
	}
	if w.activity != nil {
		w.activity.Close()
	}
	w.Window.Close()
}

func (w *Window) about() {
	w.dialogs.show(dialog.NewInformation("Tokentray", w.p.Texts.Get("Keeps the OAuth tokens of AI accounts fresh. Version %s.", w.p.App.Metadata().Version), w.Window))
}
