package ui

import (
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
)

// Actions is what the first-start page offers. Each works off the UI's
// goroutine and may take its time.
type Actions struct {
	// Test tries the Redis that values, by the settings' names, describe.
	Test func(values map[string]string) error
	// Connect keeps them and goes on with that Redis.
	Connect func(values map[string]string) error
	// ReadEnv reads the settings of a relay's .env file; a leading ~ is the
	// user's home.
	ReadEnv func(path string) (map[string]string, error)
	Add     func(engine.NewAccount) error
	Demo    func() error
	// Leave ends the demo; nil elsewhere.
	Leave func() error
	// Settings are what the settings page shows, with facts such as where the
	// key lies; Save keeps what was changed and says for each name what is
	// wrong with it.
	Settings func() (settings []Setting, facts []string)
	Save     func(changed map[string]string) map[string]error
}

// startPage is what an empty window shows: what this is, and three ways to
// begin.
func (w *Window) startPage() fyne.CanvasObject {
	t := w.p.Texts
	title := widget.NewLabelWithStyle(t.Get("Tokentray keeps the logins of your AI accounts fresh."), fyne.TextAlignCenter, fyne.TextStyle{Bold: true})
	title.SizeName = theme.SizeNameHeadingText
	title.Wrapping = fyne.TextWrapWord
	card := func(name, what string, importance widget.Importance, tapped func()) fyne.CanvasObject {
		b := widget.NewButton(name, tapped)
		b.Importance = importance
		text := widget.NewLabelWithStyle(what, fyne.TextAlignCenter, fyne.TextStyle{})
		text.Wrapping, text.Importance = fyne.TextWrapWord, widget.LowImportance
		return container.NewVBox(b, text)
	}
	return container.NewVBox(layout.NewSpacer(), title, container.New(&centered{width: 440}, container.NewVBox(
		card(t.Get("Connect a relay's Redis"), t.Get("Watch and refresh the accounts of a running claude-relay-service, beside it."), widget.HighImportance, w.connect),
		card(t.Get("Add an account"), t.Get("Keep an account here, encrypted, without any server."), widget.MediumImportance, w.add),
		card(t.Get("See the demo"), t.Get("Made-up accounts on a strict token server in this program. Nothing is kept."), widget.LowImportance, func() {
			w.work(w.p.Actions.Demo, nil)
		}),
	)), layout.NewSpacer())
}

// work runs do off the UI's goroutine and shows its error.
func (w *Window) work(do func() error, done func()) {
	go func() {
		err := do()
		w.p.Do(func() {
			if err != nil {
				dialog.ShowError(err, w.Window)
			} else if done != nil {
				done()
			}
		})
	}()
}

// connect asks for the relay's Redis.
func (w *Window) connect() {
	t := w.p.Texts
	field := func(placeholder string, secret bool) *widget.Entry {
		e := widget.NewEntry()
		e.Password = secret
		e.SetPlaceHolder(placeholder)
		return e
	}
	fields := []struct {
		name, title string
		entry       *widget.Entry
	}{
		{"REDIS_HOST", t.Get("Host"), field("127.0.0.1", false)},
		{"REDIS_PORT", t.Get("Port"), field("6379", false)},
		{"REDIS_PASSWORD", t.Get("Password"), field("", true)},
		{"REDIS_DB", t.Get("Database"), field("0", false)},
		{"ENCRYPTION_KEY", t.Get("ENCRYPTION_KEY"), field(t.Get("as in the relay's .env"), true)},
	}
	values := func() map[string]string {
		v := map[string]string{}
		for _, f := range fields {
			text := strings.TrimSpace(f.entry.Text)
			if text == "" && (f.name == "REDIS_HOST" || f.name == "REDIS_PORT") {
				text = f.entry.PlaceHolder
			}
			v[f.name] = text
		}
		return v
	}
	var items []*widget.FormItem
	for _, f := range fields {
		items = append(items, widget.NewFormItem(f.title, f.entry))
	}
	outcome := widget.NewLabel("")
	outcome.Wrapping = fyne.TextWrapWord
	// A path, as file dialogs do not show a file whose name begins with a dot.
	path := field("~/claude-relay-service/.env", false)
	read := widget.NewButton(t.Get("Read a relay's .env file"), func() {
		name := strings.TrimSpace(path.Text)
		if name == "" {
			name = path.PlaceHolder
		}
		go func() {
			found, err := w.p.Actions.ReadEnv(name)
			w.p.Do(func() {
				if err != nil {
					outcome.SetText(err.Error())
					return
				}
				for _, f := range fields {
					if found[f.name] != "" {
						f.entry.SetText(found[f.name])
					}
				}
				outcome.SetText(t.Get("Read. Test it, or connect."))
			})
		}()
	})
	test := widget.NewButton(t.Get("Test"), func() {
		outcome.SetText(t.Get("Trying …"))
		v := values()
		go func() {
			err := w.p.Actions.Test(v)
			w.p.Do(func() {
				if err != nil {
					outcome.SetText(err.Error())
				} else {
					outcome.SetText(t.Get("It works."))
				}
			})
		}()
	})
	remote := widget.NewLabel(t.Get("On another machine? Bring it here first: ssh -L 6379:127.0.0.1:6379 USER@SERVER"))
	remote.Wrapping, remote.Importance = fyne.TextWrapWord, widget.LowImportance
	form := container.NewVBox(widget.NewForm(items...), container.NewBorder(nil, nil, read, nil, path), test, outcome, remote)
	d := dialog.NewCustomConfirm(t.Get("Connect a relay's Redis"), t.Get("Connect"), t.Get("Cancel"), form, func(ok bool) {
		if v := values(); ok {
			w.work(func() error { return w.p.Actions.Connect(v) }, nil)
		}
	}, w.Window)
	d.Resize(fyne.NewSize(560, 500))
	d.Show()
}

// add asks for a new account.
func (w *Window) add() {
	t := w.p.Texts
	providers := []string{engine.Claude, engine.Gemini, engine.OpenAI, engine.Droid}
	var titles []string
	for _, p := range providers {
		titles = append(titles, engine.ProviderTitle(p))
	}
	provider, name, token := widget.NewSelect(titles, nil), widget.NewEntry(), widget.NewPasswordEntry()
	provider.SetSelectedIndex(0)
	name.Validator = func(text string) error {
		if engine.Clean(text) == "" {
			return errors.New(t.Get("a name of its own"))
		}
		return nil
	}
	token.Validator = func(text string) error {
		text = strings.TrimSpace(text)
		if text == "" || len(text) > 16<<10 || strings.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' }) {
			return errors.New(t.Get("one token, printable ASCII without spaces"))
		}
		return nil
	}
	d := dialog.NewForm(t.Get("Add an account"), t.Get("Add"), t.Get("Cancel"), []*widget.FormItem{
		widget.NewFormItem(t.Get("Provider"), provider), widget.NewFormItem(t.Get("Name"), name), widget.NewFormItem(t.Get("Refresh token"), token),
	}, func(ok bool) {
		if !ok {
			return
		}
		n := engine.NewAccount{Provider: providers[provider.SelectedIndex()], Name: engine.Clean(name.Text),
			RefreshToken: engine.NewSecret(strings.TrimSpace(token.Text))}
		w.work(func() error { return w.p.Actions.Add(n) }, w.draw)
	}, w.Window)
	d.Resize(fyne.NewSize(480, 300))
	d.Show()
}

// centered keeps its one object at a width, in the middle.
type centered struct{ width float32 }

func (c *centered) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(c.width, objects[0].MinSize().Height)
}

func (c *centered) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	objects[0].Move(fyne.NewPos((size.Width-c.width)/2, 0))
	objects[0].Resize(fyne.NewSize(c.width, size.Height))
}
