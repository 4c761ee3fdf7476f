package ui

import (
	"errors"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/engine/provider"
)

// add asks for a new account: by a sign-in, or by a refresh token that is at
// hand.
func (w *Window) add() {
	t := w.p.Texts
	providers := append(provider.All(), provider.Known{Name: engine.Generic, SignsIn: true})
	var titles []string
	for _, p := range providers {
		titles = append(titles, engine.ProviderTitle(p.Name))
	}
	browser, pasted := t.Get("Sign in with the browser"), t.Get("Paste a refresh token")
	which, name, token := widget.NewSelect(titles, nil), w.dialogs.entry(false), w.dialogs.entry(true)
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
	store := widget.NewSelect(nil, nil)
	var keepers []Store // of accounts of the chosen provider
	which.OnChanged = func(string) {
		chosen := providers[which.SelectedIndex()]
		if chosen.SignsIn {
			how.Enable()
		} else {
			how.SetSelected(pasted)
			how.Disable()
		}
		keepers = slices.DeleteFunc(slices.Clone(w.p.Stores), func(s Store) bool { return s.Keeps != nil && !s.Keeps(chosen.Name) })
		var stores []string
		for _, s := range keepers {
			stores = append(stores, s.Title)
		}
		if store.SetOptions(stores); !slices.Contains(stores, store.Selected) {
			store.ClearSelected()
			if len(stores) > 0 {
				store.SetSelectedIndex(0)
			}
		}
	}
	how.Required = true
	how.SetSelected(browser)
	which.SetSelectedIndex(0)
	items := []*widget.FormItem{
		widget.NewFormItem(t.Get("Provider"), which), widget.NewFormItem(t.Get("Name"), name), widget.NewFormItem("", how),
		widget.NewFormItem(t.Get("Refresh token"), token),
	}
	if len(w.p.Stores) > 1 {
		items = append(items, widget.NewFormItem(t.Get("Kept in"), store))
	}
	d := dialog.NewForm(t.Get("Add an account"), t.Get("Add"), t.Get("Cancel"), items, func(ok bool) {
		if !ok {
			return
		}
		n := engine.NewAccount{Provider: providers[which.SelectedIndex()].Name, Name: engine.Clean(name.Text)}
		if i := store.SelectedIndex(); i >= 0 {
			n.Store = keepers[i].Name
		}
		if how.Selected == pasted {
			n.RefreshToken = engine.NewSecret(strings.TrimSpace(token.Text))
		}
		switch generic := n.Provider == engine.Generic; {
		case generic && how.Selected == browser:
			w.signInAnywhere(n, provider.OAuth{})
		case generic:
			w.addAnywhere(n)
		case how.Selected == browser:
			w.signIn(engine.View{}, n)
		default:
			w.work(func() error { return w.p.Actions.Add(n) }, w.draw)
		}
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
