package ui

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/ui/view"
)

// edit asks for what can be changed of an account.
func (w *Window) edit(v engine.View) {
	t := w.p.Texts
	name, proxy := w.dialogs.entry(false), w.dialogs.entry(true) // a proxy holds a password
	name.SetText(v.Name)
	name.Validator = w.named
	proxy.SetPlaceHolder(t.Get("socks5://user:password@host:1080, or empty for none"))
	keep := widget.NewCheck(t.Get("keep the proxy as it is"), func(on bool) {
		if on {
			proxy.Disable()
		} else {
			proxy.Enable()
		}
	})
	keep.SetChecked(true)
	proxy.Disable()
	ahead := widget.NewCheck(t.Get("refresh it ahead of expiry, in proactive mode"), nil)
	ahead.SetChecked(!v.Choice.Lazy)
	tell := widget.NewCheck(t.Get("tell its alerts"), nil)
	tell.SetChecked(!v.Choice.Muted)
	idle := w.dialogs.entry(false)
	if v.Choice.IdleDays > 0 {
		idle.SetText(strconv.Itoa(v.Choice.IdleDays))
	}
	idle.SetPlaceHolder(t.Get("always"))
	idle.Validator = func(text string) error {
		if _, ok := days(text); !ok {
			return errors.New(t.Get("days from 1 to 3650, or nothing"))
		}
		return nil
	}
	items := []*widget.FormItem{widget.NewFormItem("", ahead), widget.NewFormItem(t.Get("Not when unused for days"), idle), widget.NewFormItem("", tell)}
	if !v.Observed { // a tool's login has the tool's name and proxy
		items = append([]*widget.FormItem{widget.NewFormItem(t.Get("Name"), name), widget.NewFormItem(t.Get("Proxy"), proxy), widget.NewFormItem("", keep)}, items...)
	}
	d := dialog.NewForm(t.Get("Edit %s", v.Name), t.Get("Save"), t.Get("Cancel"), items, func(ok bool) {
		if !ok {
			return
		}
		var newName, newProxy *string
		if text := engine.Clean(name.Text); !v.Observed && text != v.Name {
			newName = &text
		}
		if text := proxy.Text; !v.Observed && !keep.Checked {
			newProxy = &text
		}
		n, _ := days(idle.Text)
		w.work(func() error {
			if newName != nil || newProxy != nil {
				if err := w.p.Actions.Edit(v.Key, newName, newProxy, nil); err != nil {
					return err
				}
			}
			chosen := v.Choice
			if chosen.Lazy, chosen.Muted, chosen.IdleDays = !ahead.Checked, !tell.Checked, n; chosen == v.Choice {
				return nil
			}
			return w.p.Actions.Choose(func(c *engine.Choice) { c.Lazy, c.Muted, c.IdleDays = chosen.Lazy, chosen.Muted, n }, v.Key)
		}, w.draw)
	}, w.Window)
	d.Resize(fyne.NewSize(520, 400))
	w.dialogs.show(d)
}

func days(text string) (int, bool) {
	if text = strings.TrimSpace(text); text == "" {
		return 0, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= 3650
}

func (w *Window) named(text string) error {
	if engine.Clean(text) == "" {
		return errors.New(w.p.Texts.Get("a name of its own"))
	}
	return nil
}

// remove asks, and removes.
func (w *Window) remove(v engine.View) {
	t := w.p.Texts
	_, place := w.p.Source(v.Key)
	w.dialogs.show(dialog.NewConfirm(t.Get("Remove %s?", v.Name), t.Get("Its tokens are deleted from %s, also for everybody who shares it. "+
		"The provider is not told: to end the login itself, sign out there.", place), func(ok bool) {
		if ok {
			w.work(func() error { return w.p.Actions.Remove(v.Key) }, w.draw)
		}
	}, w.Window))
}

// testProxy tries the way to the account's provider and tells the outcome.
func (w *Window) testProxy(v engine.View) {
	w.say(w.p.Texts.Get("Trying …"))
	go func() {
		err := w.p.Actions.TestProxy(v.Key)
		w.p.Do(func() {
			w.saidUntil = time.Time{}
			if err == nil {
				w.dialogs.show(dialog.NewInformation(v.Name, w.p.Texts.Get("The way to the provider works."), w.Window))
				return
			}
			ask := dialog.NewConfirm(v.Name, err.Error(), func(edit bool) {
				if edit {
					w.edit(v)
				}
			}, w.Window)
			ask.SetConfirmText(w.p.Texts.Get("Edit"))
			ask.SetDismissText(w.p.Texts.Get("Close"))
			w.dialogs.show(ask)
		})
	}()
}

// setup shows how other programs are given the account's token.
func (w *Window) setup(v engine.View) {
	t := w.p.Texts
	box := container.NewVBox()
	var d dialog.Dialog
	for _, r := range w.p.Actions.Setup(v) {
		text := widget.NewLabelWithStyle(r.Text, fyne.TextAlignLeading, fyne.TextStyle{Monospace: true})
		text.Wrapping = fyne.TextWrapBreak
		title := widget.NewLabelWithStyle(t.Get(r.Title), fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
		copied := widget.NewButton(t.Get("Copy"), nil)
		copied.OnTapped = func() {
			w.p.App.Clipboard().SetContent(r.Text)
			copied.SetText(t.Get("Copied"))
		}
		box.Add(container.NewBorder(nil, nil, nil, copied, title))
		box.Add(text)
	}
	d = dialog.NewCustom(t.Get("Use %s elsewhere", v.Name), t.Get("Close"), container.NewVScroll(box), w.Window)
	d.Resize(fyne.NewSize(620, 460))
	w.dialogs.show(d)
}

// copyToken copies an account's access token, if the person means it.
func (w *Window) copyToken(v engine.View) {
	t := w.p.Texts
	w.dialogs.show(dialog.NewConfirm(t.Get("Copy the access token of %s?", v.Name), t.Get("Whoever has it can use the account until it expires. "+
		"Every program can read the clipboard."), func(ok bool) {
		if !ok {
			return
		}
		var access engine.Secret
		w.work(func() (err error) {
			access, err = w.p.Actions.Token(v.Key)
			return err
		}, func() {
			w.p.App.Clipboard().SetContent(access.Reveal())
			w.say(t.Get("The access token is copied."))
		})
	}, w.Window))
}

// act does the one thing that helps an account.
func (w *Window) act(v engine.View, action view.Action) {
	switch action {
	case view.ActionSignIn:
		w.signIn(v, engine.NewAccount{})
	case view.ActionProxy:
		w.testProxy(v)
	case view.ActionSettings:
		w.openSettings()
	case view.ActionClient:
		w.client(v)
	case view.ActionRetry:
		w.pass(engine.PassParams{Keys: []engine.Key{v.Key}})
	case view.ActionKeep:
		w.keep(v, true)
	case view.ActionRemove, view.ActionReplace:
		w.remove(v)
	case view.ActionEnable:
		on := true
		w.work(func() error { return w.p.Actions.Edit(v.Key, nil, nil, &on) }, w.draw)
	case view.ActionFile, view.ActionClock:
		go w.p.Engine.Scan(w.ctx)
	}
}

// keep has a tool's login kept fresh, or only observed again.
func (w *Window) keep(v engine.View, on bool) {
	w.work(func() error { return w.p.Actions.Choose(func(c *engine.Choice) { c.Keep = on }, v.Key) }, w.draw)
}

// more is what else can be done with an account.
func (w *Window) more(v engine.View) *fyne.Menu {
	t := w.p.Texts
	item := func(name string, do func()) *fyne.MenuItem { return fyne.NewMenuItem(name, do) }
	var items []*fyne.MenuItem
	if v.Problem == nil {
		items = append(items, item(t.Get("Sign in again"), func() { w.signIn(v, engine.NewAccount{}) }))
	}
	if v.Observed {
		keep := item(t.Get("Keep fresh"), func() { w.keep(v, !v.Choice.Keep) })
		keep.Checked = v.Choice.Keep
		items = append(items, keep)
	}
	items = append(items, item(t.Get("Edit"), func() { w.edit(v) }))
	if v.Provider == engine.Generic && v.Problem == nil {
		items = append(items, item(t.Get("Provider and client"), func() { w.client(v) }))
	}
	items = append(items, item(t.Get("Copy access token"), func() { w.copyToken(v) }), item(t.Get("Copy setup"), func() { w.setup(v) }),
		item(t.Get("Check the way to the provider"), func() { w.testProxy(v) }))
	if !v.Observed {
		active := item(t.Get("Switched on"), func() {
			on := !v.Active
			w.work(func() error { return w.p.Actions.Edit(v.Key, nil, nil, &on) }, w.draw)
		})
		active.Checked = v.Active
		items = append(items, active, fyne.NewMenuItemSeparator(), item(t.Get("Remove"), func() { w.remove(v) }))
	}
	return fyne.NewMenu("", items...)
}
