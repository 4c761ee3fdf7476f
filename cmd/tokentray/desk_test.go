package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	fynedesktop "fyne.io/fyne/v2/driver/desktop"
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
func newDesk(t *testing.T, changes ...func(*desk)) *desk {
	t.Helper()
	home := t.TempDir()
	if fonts, err := os.UserCacheDir(); err == nil { // what is found of them is written at any time
		t.Setenv("XDG_CACHE_HOME", fonts)
	}
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
		notifier: &desktop.Notifier{Plain: func(string, string) error { return nil }}, session: desktop.Look}
	d.loop = d.newLoop()
	fyne.SetCurrentApp(d.app)
	d.set.Store(&set)
	texts, err := speak(d.kept(ownLanguage))
	if err != nil {
		t.Fatal(err)
	}
	d.texts.Store(&texts)
	for _, change := range changes {
		change(d)
	}
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

// fakeTray counts the menus it was given.
type fakeTray struct {
	fynedesktop.App
	menus atomic.Int32
}

func (f *fakeTray) SetSystemTrayMenu(*fyne.Menu)      { f.menus.Add(1) }
func (f *fakeTray) SetSystemTrayIcon(_ fyne.Resource) {}

// A login begins app and panel together: one that starts hidden waits for the
// tray, and is shown where none comes.
func TestTheTrayComesLate(t *testing.T) {
	for name, test := range map[string]struct {
		hidden   string
		services desktop.Services
		comes    bool
		// the window is there at once, and then
		first, then bool
	}{
		"hidden":                            {"yes", desktop.Services{}, true, false, false},
		"hidden, and none comes":            {"yes", desktop.Services{}, false, false, true},
		"hidden, and the tray is there":     {"yes", desktop.Services{Tray: true}, true, false, false},
		"hidden, where nobody can be asked": {"yes", desktop.Services{Missing: "no D-Bus session"}, false, true, true},
		"shown":                             {"no", desktop.Services{}, true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			tray, answer := &fakeTray{}, make(chan bool)
			d := newDesk(t, func(d *desk) {
				d.tray = tray
				d.session = func() desktop.Services { return test.services }
				d.trayComes = func(ctx context.Context) bool {
					if end, ok := ctx.Deadline(); !ok || time.Until(end) > trayWithin {
						t.Error("it waits for ever")
					}
					return <-answer
				}
				told := os.WriteFile(filepath.Join(d.set.Load().Paths.State, "told-of-the-tray"), nil, 0o600)
				if err := errors.Join(told, settings.Save(d.set.Load().Paths.SettingsFile, map[string]string{ownHidden: test.hidden})); err != nil {
					t.Fatal(err)
				}
			})
			seen := func() (is bool) {
				fyne.DoAndWait(func() { is = d.window.Seen() })
				return is
			}
			if seen() != test.first {
				t.Errorf("at first it is shown: %v", !test.first)
			}
			if !test.services.Tray && test.services.Missing == "" {
				if tray.menus.Load() > 0 {
					t.Error("a tray that is not there has a menu")
				}
				answer <- test.comes
			}
			hides := test.comes || test.services.Tray
			comes(t, "the tray is taken, or the window shown", func() bool { return d.hides == hides && d.window.Seen() == test.then })
			if has := tray.menus.Load() > 0; has != hides {
				t.Errorf("the tray has a menu: %v", has)
			}
			if hides {
				fyne.DoAndWait(d.open)
				pick(t, d, "Hide")
				if seen() {
					t.Error("it does not hide")
				}
			}
		})
	}
}
