package ui

import (
	"context"
	"net/url"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
)

// signIn signs in again in the place of the account v, or as the new account n
// where v is none.
func (w *Window) signIn(v engine.View, n engine.NewAccount) {
	name, provider := v.Name, v.Provider
	if v.ID == "" {
		name, provider = n.Name, n.Provider
	}
	go func() {
		s, err := w.p.Actions.SignIn(v.Key, n)
		w.p.Do(func() {
			if err != nil {
				w.dialogs.show(dialog.NewError(err, w.Window))
				return
			}
			w.signInPage(s, func() { w.signIn(v, n) }, w.signInTitle(provider, name))
		})
	}()
}

func (w *Window) signInTitle(provider, name string) string {
	return w.p.Texts.Get("Sign in to %s: %s", engine.ProviderTitle(provider), name)
}

// signInPage leads through a sign-in; again begins another.
func (w *Window) signInPage(s *SignIn, again func(), title string) {
	t := w.p.Texts
	ctx, cancel := context.WithCancel(context.Background())
	said := widget.NewLabel("")
	said.Wrapping = fyne.TextWrapWord
	say := func(text string, importance widget.Importance) {
		said.Importance = importance
		said.SetText(text)
		said.Refresh()
	}
	page, _ := url.Parse(s.URL)
	open := widget.NewButtonWithIcon(t.Get("Open the browser"), theme.ComputerIcon(), func() {
		go func() {
			if err := w.p.Actions.OpenURL(page.String()); err != nil {
				w.p.Do(func() { say(t.Get("No browser could be opened: copy the address into one."), widget.WarningImportance) })
			}
		}()
	})
	open.Importance = widget.HighImportance
	copied := widget.NewButtonWithIcon(t.Get("Copy the address"), theme.ContentCopyIcon(), func() {
		w.p.App.Clipboard().SetContent(s.URL)
		say(t.Get("The address is copied."), widget.LowImportance)
	})
	what := widget.NewLabel(t.Get("Your browser opens the provider's page. When you have signed in there, it comes back by itself."))
	if s.Shown {
		what.SetText(t.Get("Your browser opens the provider's page. When you have signed in there, it shows a code: paste it here."))
	}
	what.Wrapping = fyne.TextWrapWord
	code := w.dialogs.entry(true)
	code.SetPlaceHolder(t.Get("Browser on another machine? Paste the address it ended on"))
	if s.Shown {
		code.SetPlaceHolder(t.Get("The code that the page shows"))
	}

	var d *dialog.CustomDialog
	finished := false
	end := func() {
		if !finished {
			finished = true
			cancel()
			s.Close()
			d.Hide()
		}
	}
	var paste *widget.Button
	ended := func(final bool, err error) {
		switch {
		case finished:
		case err == nil:
			end()
			w.say(t.Get("Signed in."))
			w.draw()
		default:
			say(err.Error(), widget.DangerImportance)
			paste.Enable()
			if final {
				code.Disable()
				open.Disable()
				paste.SetText(t.Get("Start again"))
				paste.OnTapped = func() {
					end()
					again()
				}
			}
		}
	}
	paste = widget.NewButton(t.Get("Sign in"), func() {
		text := strings.TrimSpace(code.Text)
		if text == "" {
			return
		}
		paste.Disable()
		say(t.Get("Signing in …"), widget.LowImportance)
		go func() {
			final, err := s.Paste(ctx, text)
			w.p.Do(func() { ended(final, err) })
		}()
	})
	code.OnSubmitted = func(string) { paste.OnTapped() }
	if !s.Shown {
		say(t.Get("Waiting for the browser …"), widget.LowImportance)
		go func() {
			err := s.Wait(ctx)
			w.p.Do(func() { ended(true, err) })
		}()
	}
	form := container.NewVBox(what, container.NewHBox(open, copied), container.NewBorder(nil, nil, nil, paste, code), said)
	cancelled := container.NewHBox(layout.NewSpacer(), widget.NewButton(t.Get("Cancel"), func() { end() }))
	d = dialog.NewCustomWithoutButtons(title, container.NewBorder(nil, cancelled, nil, nil, form), w.Window)
	d.SetOnClosed(func() { end() })
	d.Resize(fyne.NewSize(560, 320))
	w.dialogs.show(d)
	w.Canvas().Focus(code)
	open.OnTapped()
}
