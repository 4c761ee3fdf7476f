package ui

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
)

// startPage is what an empty window shows: what this is, what was found on this
// machine, and ways to begin.
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
	w.found = container.NewVBox()
	return container.NewVScroll(container.NewVBox(layout.NewSpacer(), title, container.New(&centered{width: 440}, container.NewVBox(
		w.found,
		card(t.Get("Connect a relay's Redis"), t.Get("Watch and refresh the accounts of a running claude-relay-service, beside it."), widget.HighImportance, w.connect),
		card(t.Get("Add an account"), t.Get("Sign in to Claude, Gemini, Codex or any OAuth 2 provider, and keep the login here, encrypted, without any server."), widget.MediumImportance, w.add),
		card(t.Get("See the demo"), t.Get("Made-up accounts on a strict token server in this program. Nothing is kept."), widget.LowImportance, func() {
			w.work(w.p.Actions.Demo, nil)
		}),
	)), layout.NewSpacer()))
}

// begins reports whether the first page is to be shown: there are no accounts
// but tools' logins, of which none is kept fresh yet, and nobody has looked past
// it.
func (w *Window) begins(views []engine.View) bool {
	for _, v := range views {
		if !v.Observed || v.Choice.Keep || w.p.Seen {
			return false
		}
	}
	return true
}

// showFound offers the tools' logins on the first page.
func (w *Window) showFound(views []engine.View) {
	t := w.p.Texts
	var shown []string
	for _, v := range views {
		shown = append(shown, v.Key.String()+string(v.Status))
	}
	if slices.Equal(shown, w.foundShown) {
		return
	}
	w.foundShown = shown
	w.found.RemoveAll()
	if len(views) == 0 {
		return
	}
	w.found.Add(widget.NewLabelWithStyle(t.Get("Found on this machine"), fyne.TextAlignLeading, fyne.TextStyle{Bold: true}))
	for _, v := range views {
		what := widget.NewLabel(v.Name + " · " + t.Status(v, true))
		what.Truncation = fyne.TextTruncateEllipsis
		keep := widget.NewButton(t.Get("Keep fresh"), func() { w.keep(v, true) })
		keep.Importance = widget.HighImportance
		if v.Problem != nil {
			what.SetText(v.Name + ": " + v.Problem.Error())
			keep.Disable()
		}
		w.found.Add(container.NewBorder(nil, nil, nil, keep, what))
	}
	w.found.Add(widget.NewButton(t.Get("Only watch them"), func() {
		w.p.Seen = true
		go w.p.Actions.Seen()
		w.draw()
	}))
	w.found.Add(widget.NewSeparator())
}

// work runs do off the UI's goroutine and shows its error.
func (w *Window) work(do func() error, done func()) {
	go func() {
		err := do()
		w.p.Do(func() {
			if err != nil {
				w.dialogs.show(dialog.NewError(err, w.Window))
			} else if done != nil {
				done()
			}
		})
	}()
}

// connect asks for the relay's Redis.
func (w *Window) connect() {
	t := w.p.Texts
	field := func(placeholder string, secret bool) *entry {
		e := w.dialogs.entry(secret)
		e.SetPlaceHolder(placeholder)
		return e
	}
	fields := []struct {
		name, title string
		entry       *entry
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
	called := field(t.Get("only for one more relay, beside this store"), false)
	if !w.begins(w.p.Engine.Snapshot()) {
		items = append([]*widget.FormItem{widget.NewFormItem(t.Get("Name"), called)}, items...)
	}
	var d *dialog.CustomDialog
	var connect *widget.Button
	connect = widget.NewButton(t.Get("Connect"), func() {
		v, name := values(), strings.TrimSpace(called.Text)
		connect.Disable()
		outcome.SetText(t.Get("Trying …"))
		go func() {
			err := w.p.Actions.Connect(name, v)
			w.p.Do(func() {
				if connect.Enable(); err != nil { // what was typed stays
					outcome.SetText(err.Error())
				} else {
					d.Hide()
				}
			})
		}()
	})
	connect.Importance = widget.HighImportance
	form := container.NewVBox(widget.NewForm(items...), container.NewBorder(nil, nil, read, nil, path), test, outcome, remote)
	buttons := container.NewHBox(layout.NewSpacer(), widget.NewButton(t.Get("Cancel"), func() { d.Hide() }), connect)
	d = dialog.NewCustomWithoutButtons(t.Get("Connect a relay's Redis"), container.NewBorder(nil, buttons, nil, nil, form), w.Window)
	d.Resize(fyne.NewSize(560, 500))
	w.dialogs.show(d)
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
