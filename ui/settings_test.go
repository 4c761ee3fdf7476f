package ui

import (
	"errors"
	"maps"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
)

func check(t *testing.T, w *Window, title string) *widget.Check {
	t.Helper()
	for _, c := range all[*widget.Check](w) {
		if c.Text == title {
			return c
		}
	}
	t.Fatalf("no check %q is seen", title)
	return nil
}

// What was changed on the page is saved, and nothing else: a secret stays, is
// replaced, or is removed; of several each has its own switch.
func TestSettingsPage(t *testing.T) {
	settings := []Setting{
		{Name: "HOST", Title: "Host", Value: "127.0.0.1"},
		{Name: "KEY", Title: "Key", Secret: true, Hint: "set", Set: true},
		{Name: "HOOK", Title: "Hook", Hint: "not set"},
		{Name: "TLS", Title: "TLS", Choices: []string{"false", "true"}, Value: "false"},
		{Name: "KINDS", Title: "Told", Hint: "one,two", Several: []Option{{"one", "The first"}, {"two", "The second"}, {"three", "The third"}}},
	}
	for name, step := range map[string]struct {
		change func(w *Window)
		want   map[string]string
	}{
		"nothing":      {func(*Window) {}, map[string]string{}},
		"typed":        {func(w *Window) { all[*entry](w)[1].SetText("new") }, map[string]string{"KEY": "new"}},
		"removed":      {func(w *Window) { test.Tap(check(t, w, "remove")) }, map[string]string{"KEY": ""}},
		"one more":     {func(w *Window) { test.Tap(check(t, w, "The third")) }, map[string]string{"KINDS": "one,two,three"}},
		"and back":     {func(w *Window) { test.Tap(check(t, w, "The third")); test.Tap(check(t, w, "The third")) }, map[string]string{}},
		"none at all":  {func(w *Window) { test.Tap(check(t, w, "The first")); test.Tap(check(t, w, "The second")) }, map[string]string{"KINDS": "none"}},
		"one of a few": {func(w *Window) { all[*widget.Select](w)[0].SetSelectedIndex(1) }, map[string]string{"TLS": "true"}},
	} {
		w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
		saved := make(chan map[string]string, 1)
		do(func() {
			w.settingsPage(settings, nil, func(changed map[string]string) map[string]error { saved <- changed; return nil })
			step.change(w)
			test.Tap(button(t, w, "Save"))
		})
		if got := <-saved; !maps.Equal(got, step.want) {
			t.Errorf("%s: %v, want %v", name, got, step.want)
		}
	}
}

// What cannot be saved is told beside its field, and the page stays.
func TestSettingsThatAreWrong(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	wrong := map[string]error{"HOST": errors.New("HOST is no host")}
	do(func() {
		w.settingsPage([]Setting{{Name: "HOST", Title: "Host"}, {Name: "PORT", Title: "Port"}}, nil, func(map[string]string) map[string]error { return wrong })
		all[*entry](w)[0].SetText("?")
		test.Tap(button(t, w, "Save"))
	})
	eventually(t, "what is wrong", func() bool { return says(w, "HOST is no host") })
	wrong = nil
	do(func() { test.Tap(button(t, w, "Save")) })
	eventually(t, "the end", func() bool { return len(w.dialogs.open) == 0 })
}
