package ui

import (
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"
)

// importFile asks for a file of accounts.
func (w *Window) importFile() {
	t := w.p.Texts
	var titles []string
	for _, k := range ImportKinds {
		titles = append(titles, t.Get(k.Title))
	}
	path, passphrase := w.dialogs.entry(false), w.dialogs.entry(true)
	path.SetPlaceHolder("~/.claude/.credentials.json")
	path.Validator = func(text string) error {
		if strings.TrimSpace(text) == "" {
			return errors.New(t.Get("the file's path"))
		}
		return nil
	}
	hidden := widget.NewFormItem(t.Get("Passphrase"), passphrase)
	hidden.HintText = t.Get("of Tokentray's export")
	kind := widget.NewSelect(titles, nil)
	kind.SetSelectedIndex(0)
	d := dialog.NewForm(t.Get("Import accounts"), t.Get("Import"), t.Get("Cancel"), []*widget.FormItem{
		widget.NewFormItem(t.Get("What it is"), kind), widget.NewFormItem(t.Get("File"), path), hidden,
	}, func(ok bool) {
		if !ok {
			return
		}
		chosen, file, secret := ImportKinds[kind.SelectedIndex()].Kind, strings.TrimSpace(path.Text), passphrase.Text
		n := 0
		w.work(func() (err error) {
			n, err = w.p.Actions.Import(chosen, file, secret)
			return err
		}, func() {
			w.say(t.Count(n, "1 account imported", "%d accounts imported"))
			w.draw()
		})
	}, w.Window)
	d.Resize(fyne.NewSize(560, 320))
	w.dialogs.show(d)
}

// export asks where to, and for a passphrase.
func (w *Window) export() {
	t := w.p.Texts
	path, passphrase, again := w.dialogs.entry(false), w.dialogs.entry(true), w.dialogs.entry(true)
	path.SetText("~/tokentray-accounts.age")
	passphrase.Validator = func(text string) error {
		if len(text) < 8 {
			return errors.New(t.Get("at least 8 characters"))
		}
		return nil
	}
	again.Validator = func(text string) error {
		if text != passphrase.Text {
			return errors.New(t.Get("the two differ"))
		}
		return nil
	}
	hint := widget.NewFormItem(t.Get("File"), path)
	hint.HintText = t.Get("A refresh token is good once: an export is for moving accounts.")
	d := dialog.NewForm(t.Get("Export all accounts"), t.Get("Export"), t.Get("Cancel"), []*widget.FormItem{
		hint, widget.NewFormItem(t.Get("Passphrase"), passphrase), widget.NewFormItem(t.Get("Once more"), again),
	}, func(ok bool) {
		if !ok {
			return
		}
		file, secret := strings.TrimSpace(path.Text), passphrase.Text
		n := 0
		w.work(func() (err error) {
			n, err = w.p.Actions.Export(file, secret)
			return err
		}, func() { w.say(t.Count(n, "1 account exported", "%d accounts exported")) })
	}, w.Window)
	d.Resize(fyne.NewSize(560, 340))
	w.dialogs.show(d)
}
