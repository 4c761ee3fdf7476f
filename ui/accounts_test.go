package ui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/ui/view"
)

// all are the objects of a kind that are seen, dialogs included, as a person
// finds them.
func all[T fyne.CanvasObject](w *Window) []T {
	var found []T
	var walk func(o fyne.CanvasObject)
	walk = func(o fyne.CanvasObject) {
		if !o.Visible() {
			return
		}
		if hit, ok := o.(T); ok {
			found = append(found, hit)
		}
		switch o := o.(type) {
		case *container.Scroll:
			walk(o.Content)
		case *fyne.Container:
			for _, child := range o.Objects {
				walk(child)
			}
		case fyne.Widget:
			for _, child := range test.WidgetRenderer(o).Objects() {
				walk(child)
			}
		}
	}
	top := w.Canvas().Overlays().Top()
	if top == nil {
		top = w.Canvas().Content()
	}
	walk(top)
	return found
}

func button(t *testing.T, w *Window, text string) *widget.Button {
	t.Helper()
	for _, b := range all[*widget.Button](w) {
		if b.Text == text {
			return b
		}
	}
	t.Fatalf("no button %q is seen", text)
	return nil
}

// says reports whether a label that is seen has the text.
func says(w *Window, text string) bool {
	return slices.ContainsFunc(all[*widget.Label](w), func(l *widget.Label) bool { return strings.Contains(l.Text, text) })
}

// eventually waits until it holds, on the UI's goroutine.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		ok := false
		if do(func() { ok = holds() }); ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not come", what)
		}
	}
}

// A dead login has one button, which leads through a sign-in; a wrong code is
// told and can be corrected.
func TestSignInAgain(t *testing.T) {
	dead := account("dead", engine.StatusNeedsLogin, -time.Minute)
	dead.Dead, dead.Err = true, errors.New("Invalid refresh token")
	w := open(t, newFake(dead))
	opened, again := make(chan string, 2), make(chan engine.Key, 2)
	closed := 0
	w.p.Actions.OpenURL = func(url string) error { opened <- url; return nil }
	w.p.Actions.SignIn = func(key engine.Key, n engine.NewAccount) (*SignIn, error) {
		again <- key
		return &SignIn{URL: "https://page.example/x?state=1", Shown: true, Close: func() { closed++ },
			Paste: func(_ context.Context, text string) (bool, error) {
				switch text {
				case "right":
					return true, nil
				case "used":
					return true, errors.New("the code was refused")
				}
				return false, errors.New("that is from another sign-in")
			}}, nil
	}
	do(func() {
		if w.details.trouble.Text != "Its login has ended: Invalid refresh token" {
			t.Errorf("trouble: %q", w.details.trouble.Text)
		}
		test.Tap(button(t, w, "Sign in again"))
	})
	if key := <-again; key.ID != "id-dead" {
		t.Errorf("signs in as %v", key)
	}
	if url := <-opened; url != "https://page.example/x?state=1" {
		t.Errorf("opened %s", url)
	}
	paste := func(text string) {
		do(func() {
			entry := all[*entry](w)[0]
			entry.SetText(text)
			test.Tap(button(t, w, "Sign in"))
		})
	}
	paste(" wrong ")
	eventually(t, "what is wrong", func() bool { return says(w, "from another sign-in") && !button(t, w, "Sign in").Disabled() })
	paste("used")
	eventually(t, "the end of this sign-in", func() bool { return says(w, "the code was refused") })
	do(func() { test.Tap(button(t, w, "Start again")) })
	<-again
	<-opened
	paste("right")
	eventually(t, "the end", func() bool { return w.Canvas().Overlays().Top() == nil && w.line.Text == "Signed in." })
	if closed != 2 {
		t.Errorf("%d sign-ins closed", closed)
	}
}

// A sign-in that the browser ends by itself; giving up ends it too.
func TestSignInWaits(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	w.p.Actions.OpenURL = func(string) error { return errors.New("no browser") }
	came, gaveUp := make(chan error), make(chan bool, 1)
	w.p.Actions.SignIn = func(key engine.Key, n engine.NewAccount) (*SignIn, error) {
		if key.ID != "" || n.Name != "new" {
			t.Errorf("%v, %+v", key, n)
		}
		return &SignIn{URL: "https://page.example", Close: func() {}, Wait: func(ctx context.Context) error {
			select {
			case err := <-came:
				return err
			case <-ctx.Done():
				gaveUp <- true
				return ctx.Err()
			}
		}}, nil
	}
	begin := func() { w.signIn(engine.View{}, engine.NewAccount{Provider: engine.Gemini, Name: "new"}) }
	do(begin)
	eventually(t, "the hint to copy the address", func() bool { return says(w, "copy the address into one") })
	do(func() { test.Tap(button(t, w, "Copy the address")) })
	do(func() {
		if got := w.p.App.Clipboard().Content(); got != "https://page.example" {
			t.Errorf("copied %q", got)
		}
	})
	came <- nil
	eventually(t, "the end", func() bool { return w.Canvas().Overlays().Top() == nil })
	do(begin)
	eventually(t, "the second", func() bool { return w.Canvas().Overlays().Top() != nil })
	do(func() { test.Tap(button(t, w, "Cancel")) })
	<-gaveUp
}

// The tools' logins that were found are offered on the first page; keeping one,
// or only watching them, ends it.
func TestFoundOnThisMachine(t *testing.T) {
	tool := account("claude-code", engine.StatusValid, time.Hour)
	tool.Observed = true
	broken := account("codex", engine.StatusUnreadable, time.Hour)
	broken.Observed, broken.Problem = true, errors.New("auth.json is no JSON")
	e := newFake(tool, broken)
	w := open(t, e)
	kept, seen := make(chan []engine.Key, 1), make(chan bool, 1)
	w.p.Actions.Choose = func(change func(*engine.Choice), keys ...engine.Key) error {
		var c engine.Choice
		if change(&c); !c.Keep {
			t.Error("not kept")
		}
		kept <- keys
		return nil
	}
	w.p.Actions.Seen = func() { seen <- true }
	do(func() {
		if !w.start.Visible() || !says(w, "Found on this machine") || !says(w, "auth.json is no JSON") {
			t.Error("what was found is not offered")
		}
		buttons := slices.DeleteFunc(all[*widget.Button](w), func(b *widget.Button) bool { return b.Text != "Keep fresh" || b.Disabled() })
		if len(buttons) != 1 { // what is broken cannot be kept
			t.Fatalf("%d buttons to keep a login", len(buttons))
		}
		test.Tap(buttons[0])
	})
	if keys := <-kept; len(keys) != 1 || keys[0].ID != "id-claude-code" {
		t.Errorf("kept %v", keys)
	}
	do(func() { test.Tap(button(t, w, "Only watch them")) })
	<-seen
	do(func() {
		if w.start.Visible() || len(rows(w)) != 2 {
			t.Error("the list is not shown")
		}
		w.accounts.list.Select(1)
		if w.details.action != view.ActionKeep || !rows(w)[1].refresh.Disabled() {
			t.Errorf("what is only observed: action %q", w.details.action)
		}
	})
}

// Several accounts are picked and changed at once.
func TestSelection(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour), account("b", engine.StatusValid, 2*time.Hour), account("c", engine.StatusValid, 3*time.Hour)))
	e := w.p.Engine.(*fakeEngine)
	chosen := make(chan []engine.Key, 1)
	w.p.Actions.Choose = func(change func(*engine.Choice), keys ...engine.Key) error {
		var c engine.Choice
		if change(&c); !c.Lazy {
			t.Error("not lazy")
		}
		chosen <- keys
		return nil
	}
	pick := func(rowsToTap ...int) {
		do(func() {
			test.Tap(w.picked.begin)
			if !button(t, w, "Refresh").Disabled() {
				t.Error("nothing can be refreshed")
			}
			for _, i := range rowsToTap {
				test.Tap(rows(w)[i].picked)
			}
			if !says(w, "2 chosen") {
				t.Errorf("%q", w.picked.count.Text)
			}
		})
	}
	names := func(keys []engine.Key) (all []string) {
		for _, k := range keys {
			all = append(all, k.ID)
		}
		return all
	}
	pick(0, 2)
	do(func() { test.Tap(button(t, w, "Only when asked for")) })
	if got := names(<-chosen); !slices.Equal(got, []string{"id-a", "id-c"}) {
		t.Errorf("chosen %v", got)
	}
	eventually(t, "the end of picking", func() bool { return !w.picked.bar.Visible() && !rows(w)[0].picked.Visible() })
	pick(1, 2)
	do(func() { test.Tap(button(t, w, "Refresh")) })
	if p := <-e.passes; !slices.Equal(names(p.Keys), []string{"id-b", "id-c"}) {
		t.Errorf("refreshed %v", p.Keys)
	}
}

// What a search leaves out is not counted as chosen, and nothing can be done
// with none.
func TestSelectionFollowsTheSearch(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour), account("b", engine.StatusValid, 2*time.Hour)))
	do(func() {
		test.Tap(w.picked.begin)
		test.Tap(button(t, w, "All"))
		for search, want := range map[string]string{"b": "1 chosen", "none": "0 chosen", "": "2 chosen"} {
			w.search.SetText(search)
			if !says(w, want) || button(t, w, "Refresh").Disabled() != (want == "0 chosen") {
				t.Errorf("%q: %s", search, w.picked.count.Text)
			}
		}
	})
}

// What is changed of an account is changed, and nothing else.
func TestEditAccount(t *testing.T) {
	v := account("a", engine.StatusValid, time.Hour)
	v.Choice.IdleDays = 7
	w := open(t, newFake(v))
	type edit struct{ name, proxy *string }
	edits, choices := make(chan edit, 2), make(chan engine.Choice, 2)
	w.p.Actions.Edit = func(_ engine.Key, name, proxy *string, _ *bool) error { edits <- edit{name, proxy}; return nil }
	w.p.Actions.Choose = func(change func(*engine.Choice), _ ...engine.Key) error {
		c := engine.Choice{Keep: true}
		change(&c)
		choices <- c
		return nil
	}
	do(func() {
		w.edit(v)
		entries := all[*entry](w)
		entries[0].SetText("another")
		test.Tap(button(t, w, "Save"))
	})
	if e := <-edits; e.name == nil || *e.name != "another" || e.proxy != nil {
		t.Errorf("%+v", e)
	}
	eventually(t, "the end", func() bool { return w.Canvas().Overlays().Top() == nil })
	do(func() {
		w.edit(v)
		for _, c := range all[*widget.Check](w) {
			test.Tap(c) // keep the proxy, ahead of expiry, tell its alerts
		}
		entries := all[*entry](w)
		entries[2].SetText("30")
		test.Tap(button(t, w, "Save"))
	})
	if e := <-edits; e.name != nil || e.proxy == nil || *e.proxy != "" {
		t.Errorf("%+v", e)
	}
	if c := <-choices; !c.Lazy || !c.Muted || c.IdleDays != 30 || !c.Keep {
		t.Errorf("%+v", c)
	}
	do(func() {
		w.edit(v)
		all[*entry](w)[2].SetText("never")
		if !button(t, w, "Save").Disabled() {
			t.Error("a wrong number of days can be saved")
		}
	})
	if len(edits)+len(choices) > 0 {
		t.Error("more was changed")
	}
}

// The chosen row and the details are always of the same account: while a
// search hides the account that was chosen, and after it is gone.
func TestChosenIsShown(t *testing.T) {
	alpha, beta := account("alpha", engine.StatusValid, time.Hour), account("beta", engine.StatusValid, 2*time.Hour)
	e := newFake(alpha, beta)
	w := open(t, e)
	is := func(when, want string) {
		t.Helper()
		got := ""
		w.onChosen(func(v engine.View) { got = v.Name })()
		if seen := w.details.lines.Visible(); got != want || seen != (want != "") || seen && w.details.name.Text != want {
			t.Errorf("%s: %q is acted on, the details are of %q", when, got, w.details.name.Text)
		}
	}
	do(func() {
		is("at first", "alpha")
		w.search.SetText("beta")
		is("with alpha out of sight", "beta")
		w.draw()
		is("drawn again", "beta")
		w.search.SetText("no such")
		is("without a hit", "")
		w.search.SetText("")
		is("with all in sight", "beta")
		w.accounts.list.Select(0)
		is("chosen", "alpha")
	})
	e.mu.Lock()
	e.views = []engine.View{beta}
	e.mu.Unlock()
	do(func() {
		w.draw()
		is("after the chosen one was removed", "beta")
	})
}

// What the tray and a notification open is found: past a search, out of sight,
// and where the details have the list's place.
func TestOpenAccount(t *testing.T) {
	var views []engine.View
	for i := range 60 {
		views = append(views, account(fmt.Sprintf("account %02d", i), engine.StatusValid, time.Duration(i+1)*time.Hour))
	}
	w := open(t, newFake(views...))
	do(func() {
		w.search.SetText("account 07")
		w.OpenAccount(views[55].Key)
		if w.details.name.Text != "account 55" || w.search.Text != "" {
			t.Errorf("the details are of %s, the search is %q", w.details.name.Text, w.search.Text)
		}
		if !slices.ContainsFunc(rows(w), func(r *row) bool { return r.shown.Name == "account 55" }) {
			t.Error("its row is out of sight")
		}
		w.Window.Resize(fyne.NewSize(700, 600))
		w.OpenAccount(views[55].Key) // which is chosen already
		if !w.side.Visible() || len(all[*row](w)) > 0 {
			t.Error("in a narrow window its details are not opened")
		}
	})
}
