package main

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"tokentray/cmd/internal/desktop"
	"tokentray/engine"
	"tokentray/engine/notify"
	"tokentray/engine/provider/strict"
)

// What the buttons of a notification do.
func TestButtons(t *testing.T) {
	provider, err := strict.New()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	t.Setenv("CLAUDE_TOKEN_URL", provider.URL(engine.Claude))
	login := provider.SignIn(engine.Claude, "refresh") // as newDesk's account has it
	d := newDesk(t)
	told := make(chan string, 10)
	d.notifier = &desktop.Notifier{Plain: func(title, text string) error { told <- title + ": " + text; return nil }}
	seen := func() (is bool) {
		fyne.DoAndWait(func() { is = d.window.Seen() })
		return is
	}
	var key engine.Key
	comes(t, "the account is there", func() bool {
		for _, v := range d.engine.Snapshot() {
			key = v.Key
		}
		return key.ID != ""
	})
	note := d.note(notify.Note{Title: "The token of work has expired", Account: key, Offers: []notify.Offer{{Act: notify.ActRetry, Label: "Retry"}, {Act: notify.ActDetails, Label: "Details"}}})
	var labels []string
	for _, b := range note.Buttons {
		labels = append(labels, b.Label)
	}
	if got := strings.Join(labels, ", "); got != "Open, Retry, Details" || note.Asks {
		t.Errorf("its buttons are %s; it asks a person: %v", got, note.Asks)
	}

	fyne.DoAndWait(d.window.Conceal)
	note.Pressed("retry")
	comes(t, "it is refreshed, due or not", func() bool { return provider.Look(login).Exchanges == 1 })
	if seen() {
		t.Error("a retry shows the window")
	}
	provider.Fail(engine.Claude, strict.Fault{Status: 503})
	note.Pressed("retry")
	if got := <-told; !strings.HasPrefix(got, note.Title+": ") || !strings.Contains(got, "503") {
		t.Errorf("of one that failed it is told %q", got)
	}
	note.Pressed("details")
	comes(t, "the window is shown", d.window.Seen)
}
