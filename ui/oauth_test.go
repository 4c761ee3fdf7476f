package ui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/engine/provider"
)

// line is the line of text that is seen beside a title.
func line(t *testing.T, w *Window, title string) *entry {
	t.Helper()
	label := all[*widget.Label](w)
	for _, e := range all[*entry](w) {
		for _, l := range label {
			driver := fyne.CurrentApp().Driver()
			if l.Text == title && driver.AbsolutePositionForObject(l).Y == driver.AbsolutePositionForObject(e).Y {
				return e
			}
		}
	}
	t.Fatalf("no line %q is seen", title)
	return nil
}

// choose begins an account of any provider.
func choose(t *testing.T, w *Window, name, how, token string) {
	t.Helper()
	w.add()
	all[*widget.Select](w)[0].SetSelected("OAuth 2")
	all[*widget.RadioGroup](w)[0].SetSelected(how)
	entries := all[*entry](w)
	entries[0].SetText(name)
	entries[1].SetText(token)
	test.Tap(button(t, w, "Add"))
}

// An account of any provider is signed in to after its issuer and client were
// written down. What goes wrong leaves what was written; a relay, which has no
// place for it, is not offered.
func TestSignInAnywhere(t *testing.T) {
	w := open(t, newFake())
	w.p.Stores = []Store{{Name: "relay", Title: "relay", Keeps: func(p string) bool { return p != engine.Generic }},
		{Name: "embedded", Title: "embedded", Keeps: func(string) bool { return true }}}
	outcomes := make(chan error, 1)
	asked := make(chan engine.NewAccount, 1)
	closed := make(chan struct{}, 1)
	w.p.Actions.OpenURL = func(string) error { return nil }
	w.p.Actions.SignIn = func(again engine.Key, n engine.NewAccount) (*SignIn, error) {
		asked <- n
		return &SignIn{URL: "https://page.example/x", Shown: true, Close: func() { closed <- struct{}{} }}, <-outcomes
	}
	do(func() {
		choose(t, w, "any", "Sign in with the browser", "")
		test.Tap(button(t, w, "Sign in"))
		if !says(w, "The issuer is missing.") {
			t.Error("a form without an issuer is not refused")
		}
		line(t, w, "Issuer").SetText(" https://as.example ")
		line(t, w, "Client id").SetText("id")
		if secret := line(t, w, "Client secret"); !secret.Password {
			t.Error("the secret is shown")
		} else {
			secret.SetText("planted")
		}
		line(t, w, "Scopes").SetText("openid offline_access")
		line(t, w, "Scopes").OnSubmitted("")
	})
	n := <-asked
	o, err := provider.ReadOAuth(n.OAuth)
	want := provider.OAuth{Issuer: "https://as.example", ClientID: "id", ClientSecret: engine.NewSecret("planted"), Scopes: "openid offline_access"}
	if err != nil || o != want || n.Name != "any" || n.Provider != engine.Generic || n.Store != "embedded" {
		t.Errorf("%+v, %+v, %v", n, o, err)
	}
	outcomes <- errors.New("https://as.example is no issuer")
	eventually(t, "what is wrong", func() bool { return says(w, "is no issuer") })
	do(func() {
		if line(t, w, "Issuer").Text != " https://as.example " {
			t.Error("what was written is gone")
		}
		test.Tap(button(t, w, "Sign in"))
	})
	<-asked
	outcomes <- nil
	eventually(t, "the page", func() bool { return says(w, "it shows a code") })

	// Given up while the issuer is asked: nothing is opened.
	do(func() {
		test.Tap(button(t, w, "Cancel"))
		<-closed
		w.signInAnywhere(n, want)
		test.Tap(button(t, w, "Sign in"))
	})
	<-asked
	do(func() { test.Tap(button(t, w, "Cancel")) })
	outcomes <- nil
	<-closed
	do(func() {
		if top := w.Canvas().Overlays().Top(); top != nil {
			t.Error("a page is open")
		}
	})
}

// With a refresh token at hand, its URLs are enough.
func TestAddAnywhere(t *testing.T) {
	w := open(t, newFake())
	added := make(chan engine.NewAccount, 1)
	w.p.Actions.Add = func(n engine.NewAccount) error { added <- n; return nil }
	do(func() {
		choose(t, w, "any", "Paste a refresh token", "rt")
		all[*widget.RadioGroup](w)[0].SetSelected("by their URLs")
		line(t, w, "Token URL").SetText("https://as.example/token")
		line(t, w, "Client id").SetText("id")
		all[*widget.Select](w)[0].SetSelected("in the parameters")
		test.Tap(button(t, w, "Add"))
	})
	n := <-added
	o, err := provider.ReadOAuth(n.OAuth)
	want := provider.OAuth{TokenURL: "https://as.example/token", ClientID: "id", AuthStyle: provider.StyleParams}
	if err != nil || o != want || n.RefreshToken.Reveal() != "rt" {
		t.Errorf("%+v, %v", o, err)
	}
	eventually(t, "the end of the form", func() bool { return w.Canvas().Overlays().Top() == nil })
}

// An account's client can be changed; its secret stays, unseen, unless another
// is written.
func TestClient(t *testing.T) {
	v := account("any", engine.StatusFailing, time.Hour)
	was := provider.OAuth{Issuer: "https://as.example", TokenURL: "https://as.example/token", AuthorizeURL: "https://as.example/authorize", NamesItself: true,
		ClientID: "id", ClientSecret: engine.NewSecret("planted"), AuthStyle: provider.StyleHeader, AuthorizeParams: "prompt=consent"}
	v.Provider, v.OAuth = engine.Generic, was.Draft()
	v.Err = engine.Errorf(engine.KindSettings, "the client is not known", nil)
	w := open(t, newFake(v))
	saved := make(chan provider.OAuth, 1)
	w.p.Actions.Client = func(key engine.Key, o provider.OAuth) error {
		if key != v.Key {
			t.Error(key)
		}
		saved <- o
		return nil
	}
	do(func() {
		w.details.show(v, "embedded", w.around(v), w.p.Engine.Policy(), time.Now())
		if !says(w, "id · as.example") {
			t.Error("the client is not shown")
		}
		test.Tap(button(t, w, "Provider and client"))
		if slices.ContainsFunc(all[*entry](w), func(e *entry) bool { return strings.Contains(e.Text, "planted") }) {
			t.Error("the secret can be seen")
		}
		line(t, w, "Client id").SetText("other")
		test.Tap(button(t, w, "Save"))
	})
	want := was
	want.ClientID = "other"
	if got := <-saved; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	eventually(t, "the end of the form", func() bool { return w.Canvas().Overlays().Top() == nil })
	do(func() {
		w.client(v)
		all[*widget.Check](w)[0].SetChecked(false)
		line(t, w, "Client secret").SetText("new")
		test.Tap(button(t, w, "Save"))
	})
	want.ClientID, want.ClientSecret = "id", engine.NewSecret("new")
	if got := <-saved; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
