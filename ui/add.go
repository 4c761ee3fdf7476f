package ui

import (
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
)

// add asks for a new account: by a sign-in, or by a refresh token that is at
// hand.
func (w *Window) add() {
	t := w.p.Texts
	providers := []string{engine.Claude, engine.Gemini, engine.OpenAI, engine.Droid}
	var titles []string
	for _, p := range providers {
		titles = append(titles, engine.ProviderTitle(p))
	}
	browser, pasted := t.Get("Sign in with the browser"), t.Get("Paste a refresh token")
	provider, name, token := widget.NewSelect(titles, nil), w.dialogs.entry(false), w.dialogs.entry(true)
	how := widget.NewRadioGroup([]string{browser, pasted}, nil)
	name.Validator = w.named
	token.Validator = func(text string) error {
		text = strings.TrimSpace(text)
		if how.Selected == browser {
			return nil
		}
		if text == "" || len(text) > 16<<10 || strings.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' }) {
			return errors.New(t.Get("one token, printable ASCII without spaces"))
		}
		return nil
	}
	how.OnChanged = func(chosen string) {
		if chosen == browser {
			token.Disable()
		} else {
			token.Enable()
		}
		token.Validate()
	}
	provider.OnChanged = func(string) {
		if providers[provider.SelectedIndex()] == engine.Droid { // it has no sign-in here
			how.SetSelected(pasted)
			how.Disable()
		} else {
			how.Enable()
		}
	}
	how.Required = true
	how.SetSelected(browser)
	provider.SetSelectedIndex(0)
	items := []*widget.FormItem{
		widget.NewFormItem(t.Get("Provider"), provider), widget.NewFormItem(t.Get("Name"), name), widget.NewFormItem("", how),
		widget.NewFormItem(t.Get("Refresh token"), token),
	}
	var stores []string
	for _, s := range w.p.Stores {
		stores = append(stores, s.Title)
	}
	store := widget.NewSelect(stores, nil)
	if len(stores) > 0 {
		store.SetSelectedIndex(0)
	}
	if len(stores) > 1 {
		items = append(items, widget.NewFormItem(t.Get("Kept in"), store))
	}
	d := dialog.NewForm(t.Get("Add an account"), t.Get("Add"), t.Get("Cancel"), items, func(ok bool) {
		if !ok {
			return
		}
		n := engine.NewAccount{Provider: providers[provider.SelectedIndex()], Name: engine.Clean(name.Text)}
		if i := store.SelectedIndex(); i >= 0 {
			n.Store = w.p.Stores[i].Name
		}
		if how.Selected == browser {
			w.signIn(engine.View{}, n)
			return
		}
		n.RefreshToken = engine.NewSecret(strings.TrimSpace(token.Text))
		w.work(func() error { return w.p.Actions.Add(n) }, w.draw)
	}, w.Window)
	d.Resize(fyne.NewSize(480, 360))
	w.dialogs.show(d)
}

// addMenu is what brings accounts in, and out.
func (w *Window) addMenu() *fyne.Menu {
	t := w.p.Texts
	menu := fyne.NewMenu("", fyne.NewMenuItem(t.Get("Add an account"), w.add), fyne.NewMenuItem(t.Get("Import accounts"), w.importFile),
		fyne.NewMenuItem(t.Get("Export all accounts"), w.export), fyne.NewMenuItemSeparator(), fyne.NewMenuItem(t.Get("Connect a relay's Redis"), w.connect))
	for _, s := range w.p.Stores {
		if s.Further {
			menu.Items = append(menu.Items, fyne.NewMenuItem(t.Get("Disconnect %s", s.Title), func() {
				w.work(func() error { return w.p.Actions.Disconnect(s.Name) }, nil)
			}))
		}
	}
	return menu
}
