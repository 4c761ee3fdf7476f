package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"tokentray/cmd/internal/desktop"
	"tokentray/cmd/internal/instance"
	"tokentray/engine"
	"tokentray/engine/settings"
	"tokentray/engine/store/local"
)

// testApp is Fyne's own for tests, but with one goroutine that draws, as real
// ones have.
type testApp struct {
	fyne.App
	driver oneGoroutine
}

func (a testApp) Driver() fyne.Driver { return a.driver }

type oneGoroutine struct {
	fyne.Driver
	todo chan func()
}

func (o oneGoroutine) DoFromGoroutine(f func(), wait bool) {
	done := make(chan struct{})
	o.todo <- func() {
		defer close(done)
		f()
	}
	if wait {
		<-done
	}
}

// newDesk is a desk on an embedded store with one account, without a display and
// a session. It ends with the test.
func newDesk(t *testing.T) *desk {
	t.Helper()
	home := t.TempDir()
	for name, value := range map[string]string{"TOKENTRAY_HOME": home, "HOME": home, "DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": home, "LC_ALL": "C"} {
		t.Setenv(name, value)
	}
	set, err := settings.Load(settings.Input{Getenv: os.LookupEnv})
	if err != nil {
		t.Fatal(err)
	}
	store, err := local.Open(set.Paths.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Add(t.Context(), engine.NewAccount{Provider: engine.Claude, Name: "work", RefreshToken: engine.NewSecret("refresh"),
		AccessToken: engine.NewSecret("access"), ExpiresAt: time.Now().Add(7 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	app := test.NewApp()
	draws := oneGoroutine{app.Driver(), make(chan func(), 1000)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for f := range draws.todo {
			f()
		}
	}()
	d := &desk{app: testApp{app, draws}, log: slog.New(slog.DiscardHandler), instance: instance.New(home, func() {}),
		notifier: &desktop.Notifier{Plain: func(string, string) error { return nil }}}
	d.loop = d.newLoop()
	fyne.SetCurrentApp(d.app)
	d.set.Store(&set)
	texts, err := speak(d.kept(ownLanguage))
	if err != nil {
		t.Fatal(err)
	}
	d.texts.Store(&texts)
	fyne.DoAndWait(d.look)
	if err := d.again(set); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.end()
		fyne.DoAndWait(app.Quit)
	})
	return d
}

// What the window looks like outlives a change of the settings, which makes
// another window.
func TestHabitsOutliveASave(t *testing.T) {
	d := newDesk(t)
	first := d.window
	comes(t, "the accounts are shown", func() bool {
		pick(t, d, "Find")
		return first.Canvas().Focused() != nil
	})
	fyne.DoAndWait(func() {
		for _, r := range "work" {
			first.Canvas().Focused().TypedRune(r)
		}
		first.Resize(fyne.NewSize(1000, 640))
	})
	if wrong := d.save(map[string]string{ownLanguage: "简体中文"}); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	fyne.DoAndWait(func() {
		if h := d.window.Habits(); d.window == first || h.Filter != "work" || h.Width != 1000 || h.Height != 640 {
			t.Errorf("the new window is looked at as %+v", h)
		}
	})
}

// comes waits until something holds on the goroutine that draws.
func comes(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		held := false
		if fyne.DoAndWait(func() { held = holds() }); held {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it never came about that %s", what)
		}
	}
}

// pick chooses an entry of the window's menu.
func pick(t *testing.T, d *desk, label string) {
	t.Helper()
	for _, menu := range d.window.MainMenu().Items {
		for _, item := range menu.Items {
			if item.Label == d.texts.Load().Get(label) {
				item.Action()
				return
			}
		}
	}
	t.Errorf("no %q in the menu", label)
}

// Stores are opened before the goroutine that draws is asked for anything; where
// that fails, what is there stays.
func TestStoresThatCannotBeOpened(t *testing.T) {
	d := newDesk(t)
	set, window := *d.set.Load(), d.window
	set.Paths.Database = filepath.Join(os.DevNull, "tokentray.db")
	if err := d.begin(set, func(func()) { t.Error("the window was replaced") }); err == nil {
		t.Error("a folder that cannot be is no error")
	}
	if d.window != window || d.set.Load().Paths.Database == set.Paths.Database {
		t.Error("what was worked with is gone")
	}
}

// A mute holds at once, and is kept.
func TestMute(t *testing.T) {
	d := newDesk(t)
	if at := d.muted(); !at.IsZero() {
		t.Errorf("muted until %v", at)
	}
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	d.mute(until)
	next := &desk{}
	next.set.Store(d.set.Load())
	if now, later := d.muted(), next.muted(); !now.Equal(until) || !later.Equal(until) {
		t.Errorf("muted until %v, after a start until %v", now, later)
	}
}
