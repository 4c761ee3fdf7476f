package ui

import (
	"net/url"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/engine/provider"
)

// styles are how a client names itself, as they can be chosen.
var styles = []string{"", provider.StyleHeader, provider.StyleParams}

// oauthForm is the provider and the client of a generic account, as people
// write them.
type oauthForm struct {
	was  provider.OAuth
	by   *widget.RadioGroup
	urls string // the choice of by that is not the issuer

	issuer, token, page, id, secret, scopes, params, redirect *entry

	keep  *widget.Check // the secret as it is; nil where there is none
	style *widget.Select
	box   *fyne.Container
}

func (w *Window) newOAuthForm(o provider.OAuth) *oauthForm {
	t := w.p.Texts
	line := func(text, placeholder string) *entry {
		e := w.dialogs.entry(false)
		e.SetPlaceHolder(placeholder)
		e.SetText(text)
		return e
	}
	f := &oauthForm{was: o, urls: t.Get("by their URLs"), box: container.New(layout.NewFormLayout()),
		issuer: line(o.Issuer, "https://as.example"), token: line(o.TokenURL, "https://as.example/token"), page: line(o.AuthorizeURL, "https://as.example/authorize"),
		id: line(o.ClientID, ""), secret: w.dialogs.entry(true), scopes: line(o.Scopes, "openid offline_access"),
		params: line(o.AuthorizeParams, "prompt=consent"), redirect: line(o.RedirectURL, provider.DefaultRedirect),
		style: widget.NewSelect([]string{t.Get("automatic"), t.Get("in the header (HTTP Basic)"), t.Get("in the parameters")}, nil),
	}
	f.secret.SetPlaceHolder(t.Get("none: a public client"))
	for i, style := range styles {
		if style == o.AuthStyle {
			f.style.SetSelectedIndex(i)
		}
	}
	row := func(title string, input fyne.CanvasObject) []fyne.CanvasObject {
		label := widget.NewLabelWithStyle(title, fyne.TextAlignTrailing, fyne.TextStyle{})
		f.box.Objects = append(f.box.Objects, label, input)
		return []fyne.CanvasObject{label, input}
	}
	byIssuer := t.Get("from its issuer")
	f.by = widget.NewRadioGroup([]string{byIssuer, f.urls}, nil)
	f.by.Horizontal, f.by.Required = true, true
	row(t.Get("Endpoints"), f.by)
	issuer := row(t.Get("Issuer"), f.issuer)
	urls := append(row(t.Get("Token URL"), f.token), row(t.Get("Sign-in page"), f.page)...)
	row(t.Get("Client id"), f.id)
	row(t.Get("Client secret"), f.secret)
	if !o.ClientSecret.Empty() {
		f.keep = widget.NewCheck(t.Get("keep the secret as it is"), func(on bool) {
			if on {
				f.secret.Disable()
			} else {
				f.secret.Enable()
			}
		})
		f.keep.SetChecked(true)
		row("", f.keep)
	}
	row(t.Get("Client authentication"), f.style)
	row(t.Get("Scopes"), f.scopes)
	row(t.Get("The page also wants"), f.params)
	row(t.Get("Redirect URL"), f.redirect)
	f.by.OnChanged = func(chosen string) {
		for _, o := range issuer {
			show(o, chosen != f.urls)
		}
		for _, o := range urls {
			show(o, chosen == f.urls)
		}
		f.box.Refresh()
	}
	if o.Issuer == "" && o.TokenURL != "" {
		byIssuer = f.urls
	}
	f.by.SetSelected(byIssuer)
	return f
}

// written is what the form says now.
func (f *oauthForm) written() provider.OAuth {
	text := func(e *entry) string { return strings.TrimSpace(e.Text) }
	o := f.was
	if f.by.Selected == f.urls {
		o.Issuer, o.TokenURL, o.AuthorizeURL, o.NamesItself = "", text(f.token), text(f.page), false
	} else {
		o.Issuer = text(f.issuer)
	}
	o.ClientID, o.Scopes, o.AuthorizeParams, o.RedirectURL = text(f.id), text(f.scopes), text(f.params), text(f.redirect)
	if f.keep == nil || !f.keep.Checked {
		o.ClientSecret = engine.NewSecret(text(f.secret))
	}
	o.AuthStyle = styles[max(f.style.SelectedIndex(), 0)]
	return o
}

// askOAuth asks for a generic account's provider and client, and works with
// them. What was typed stays until that has gone well: then is done on the UI's
// goroutine, and told whether the person had given up meanwhile.
func (w *Window) askOAuth(title, confirm string, o provider.OAuth, work func(provider.OAuth) (then func(givenUp bool), err error)) {
	t := w.p.Texts
	form := w.newOAuthForm(o)
	about := widget.NewLabel(t.Get("Register a client with the provider first, as a native app. It must know the redirect URL."))
	about.Wrapping, about.Importance = fyne.TextWrapWord, widget.LowImportance
	said := widget.NewLabel("")
	said.Wrapping = fyne.TextWrapWord
	say := func(text string, importance widget.Importance) {
		said.Importance = importance
		said.SetText(text)
	}
	var d *dialog.CustomDialog
	givenUp := false
	ok := widget.NewButton(confirm, nil)
	ok.Importance = widget.HighImportance
	submit := func() {
		if ok.Disabled() {
			return
		}
		written := form.written()
		if written.Issuer == "" && form.by.Selected != form.urls {
			say(t.Get("The issuer is missing."), widget.DangerImportance)
			return
		}
		ok.Disable()
		say(t.Get("Trying …"), widget.LowImportance)
		go func() {
			then, err := work(written)
			w.p.Do(func() {
				switch {
				case err == nil && givenUp:
					then(true)
				case err == nil:
					d.Hide()
					then(false)
				default:
					ok.Enable()
					say(err.Error(), widget.DangerImportance)
				}
			})
		}()
	}
	ok.OnTapped = submit
	for _, e := range []*entry{form.issuer, form.token, form.page, form.id, form.secret, form.scopes, form.params, form.redirect} {
		e.OnSubmitted = func(string) { submit() }
	}
	buttons := container.NewHBox(layout.NewSpacer(), widget.NewButton(t.Get("Cancel"), func() { d.Dismiss() }), ok)
	d = dialog.NewCustomWithoutButtons(title, container.NewBorder(about, container.NewVBox(said, buttons), nil, nil, container.NewVScroll(form.box)), w.Window)
	d.SetOnClosed(func() { givenUp = true })
	d.Resize(fyne.NewSize(600, 560))
	w.dialogs.show(d)
	w.Canvas().Focus(form.issuer)
}

// signInAnywhere makes a new account, n, of a provider that is written down
// first; o is what was written before.
func (w *Window) signInAnywhere(n engine.NewAccount, o provider.OAuth) {
	title := w.signInTitle(n.Provider, n.Name)
	w.askOAuth(title, w.p.Texts.Get("Sign in"), o, func(o provider.OAuth) (func(bool), error) {
		n.OAuth = o.Draft()
		s, err := w.p.Actions.SignIn(engine.Key{}, n)
		return func(givenUp bool) {
			if givenUp {
				s.Close()
				return
			}
			w.signInPage(s, func() { w.signInAnywhere(n, o) }, title) // again, as it may have been the client's fault
		}, err
	})
}

// addAnywhere makes one of a refresh token that is at hand.
func (w *Window) addAnywhere(n engine.NewAccount) {
	t := w.p.Texts
	w.askOAuth(t.Get("Provider and client of %s", n.Name), t.Get("Add"), provider.OAuth{}, func(o provider.OAuth) (func(bool), error) {
		n.OAuth = o.Draft()
		return func(bool) { w.draw() }, w.p.Actions.Add(n)
	})
}

// client asks for a generic account's provider and client anew.
func (w *Window) client(v engine.View) {
	t := w.p.Texts
	o, err := provider.ReadOAuth(v.OAuth)
	if err != nil {
		o = provider.OAuth{} // it is written anew
	}
	w.askOAuth(t.Get("Provider and client of %s", v.Name), t.Get("Save"), o, func(o provider.OAuth) (func(bool), error) {
		return func(bool) { w.draw() }, w.p.Actions.Client(v.Key, o)
	})
}

// clientText is an account's client and its provider, in short; "" where that
// is no matter of the account.
func clientText(oauth engine.Secret) string {
	if oauth.Empty() {
		return ""
	}
	o, err := provider.ReadOAuth(oauth)
	if err != nil {
		return err.Error()
	}
	u, err := url.Parse(o.TokenURL)
	if err != nil {
		return engine.CleanLine(o.ClientID)
	}
	return engine.CleanLine(o.ClientID + " · " + u.Host)
}
