package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	fynedesktop "fyne.io/fyne/v2/driver/desktop"
	"fyne.io/systray"
	"github.com/gen2brain/beeep"

	"tokentray/assets"
	"tokentray/cmd/internal/demo"
	"tokentray/cmd/internal/desktop"
	"tokentray/cmd/internal/instance"
	"tokentray/cmd/internal/observe"
	"tokentray/cmd/internal/park"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/guidelog"
	"tokentray/engine/settings"
	"tokentray/engine/store/local"
	"tokentray/ui"
	"tokentray/ui/view"
)

// desk is the app on its desktop: the engine that is worked with and its
// window. Another store, or the demo, takes their place while the app runs.
type desk struct {
	app    fyne.App
	log    *slog.Logger
	recent guidelog.Recent // lines of log
	// set and texts are those in force. The UI's goroutine changes them, and any
	// reads them.
	set   atomic.Pointer[settings.Settings]
	texts atomic.Pointer[view.Texts]
	// mutedUntil is until when notifications are kept back; nil: still to be
	// read.
	mutedUntil atomic.Pointer[time.Time]
	// instance answers commands with the engine that is worked with.
	instance *instance.Instance
	notifier *desktop.Notifier
	// loop is Fyne's. All that is for it goes through its Do.
	loop  *park.Loop
	rests bool // it may while nothing is seen
	tray  fynedesktop.App
	// session says what the desktop has, and trayComes waits for a tray that it
	// does not have yet: desktop's.
	session   func() desktop.Services
	trayComes func(context.Context) bool
	hides     bool // the window hides to the tray. On the UI's goroutine.

	flags         map[string]string // by the settings' names
	listen        settings.Listen   // where observed serves
	observed      *observe.Server   // nil: metrics are served nowhere
	stopObserving func()            // nil with it

	window *ui.Window
	engine *engine.Engine // that is worked with
	stop   func()         // ends the engine that is worked with
	ending sync.Once
	// replaced are the engines that finish what they have in flight.
	replaced sync.WaitGroup
	saving   sync.WaitGroup // of habits
}

// core is an engine to work with.
type core struct {
	engine  *engine.Engine
	app     *wiring.App // nil: the demo
	source  func(engine.Key) (short, place string)
	banner  string
	history func(context.Context, engine.Key) ([]local.Entry, error)
	// identity is that of the settings; "": nobody else is to work with it.
	identity string
	// policyChosen is ui.Params.PolicyChosen.
	policyChosen func(engine.Policy) string
	close        func()
}

// begin works with the stores that set describes. They are opened first, which
// may take a while; then do makes the window, on the UI's goroutine.
func (d *desk) begin(set settings.Settings, do func(func())) error {
	look := make(chan desktop.Services, 1)
	go func() { look <- d.session() }()
	app, err := wiring.Open(set, d.log)
	if err != nil {
		return err
	}
	services := <-look
	done := make(chan struct{})
	do(func() {
		defer close(done)
		d.set.Store(&set)
		d.observe(set.Listen)
		d.work(core{engine: app.Engine, app: app, identity: wiring.Identity(set), source: source(app, d), policyChosen: d.policyChosen, history: app.History, close: app.Close}, services, app.Run)
	})
	<-done
	return nil
}

// beginDemo works with made-up accounts.
func (d *desk) beginDemo() error {
	made, err := demo.Start()
	if err != nil {
		return err
	}
	services := d.session()
	d.loop.Do(func() {
		d.work(core{engine: made.Engine, source: func(engine.Key) (string, string) { return d.texts.Load().Get("demo"), d.texts.Load().Get("the demo") },
			policyChosen: func(engine.Policy) string { return "" }, close: made.Close,
			banner:  d.texts.Load().Get("DEMO: made-up accounts, a real engine. Nothing is kept."),
			history: func(context.Context, engine.Key) ([]local.Entry, error) { return nil, nil }},
			services, func(ctx context.Context) { <-ctx.Done() })
	})
	return nil
}

// work shows a window on c and runs its engine, in place of what was worked
// with before, on a desktop that has services. On the UI's goroutine.
func (d *desk) work(c core, services desktop.Services, run func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	events, seen := c.engine.Watch(context.Background()), c.engine.Watch(ctx)
	d.observeCore(c)
	shown, ended, told := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() { // while the window is filled, the accounts are read
		defer close(ended)
		select {
		case <-shown:
			run(ctx)
		case <-ctx.Done():
		}
	}()
	go func() {
		defer close(told)
		d.notify(services.Notifications, c.app, events)
	}()
	old, stopOld := d.window, d.stop
	stop := func() {
		cancel()
		<-ended
		if names := c.engine.InFlight(); len(names) > 0 {
			fmt.Fprintf(os.Stderr, "tokentray: finishing the refresh of %s first, so that no token is lost\n", strings.Join(names, ", "))
		}
		c.close()
		<-told
	}
	d.stop = func() { // what is in flight is finished, even if the display goes meanwhile
		stop()
		if stopOld != nil {
			stopOld()
		}
	}
	actions := ui.Actions{Test: d.test, Connect: d.connect, ReadEnv: readEnv, Demo: d.beginDemo, Settings: d.settings, Save: d.save,
		Leave: func() error { return d.again(*d.set.Load()) },
		Seen:  func() { settings.Save(d.set.Load().Paths.SettingsFile, map[string]string{ownSeen: "yes"}) }}
	actions.Keep, actions.Mute, actions.SaveText, actions.Token = func(h ui.Habits) { d.saving.Go(func() { d.keepHabits(h) }) }, d.mute, saveText, token(c.engine)
	d.hides = d.tray != nil && services.Tray
	actions.Hide = d.hide
	late := d.tray != nil && !services.Tray && services.Missing == "" && d.window == nil
	if c.app != nil {
		d.accounts(&actions, c.app)
	} else {
		d.notInDemo(&actions, c.engine)
	}
	habits := d.habits()
	if d.window != nil { // what is kept may be older
		habits = d.window.Habits()
	}
	shows := d.window != nil || !d.hides && !late || d.kept(ownHidden) == "no"
	window := ui.New(ui.Params{
		App: d.app, Engine: c.engine, Events: seen, Early: func(w fyne.Window) {
			w.CenterOnScreen()
			if shows {
				w.Show()
			}
			close(shown)
		},
		Source: c.source, Stores: d.stores(c.app), Texts: *d.texts.Load(), Do: d.loop.Do, Spent: spent, Banner: c.banner, ProxyText: proxyText,
		Unread: c.app != nil, Seen: d.kept(ownSeen) == "yes", Kinds: d.kinds(c.app), Quota: d.quota(), Day: day(c.app), Habits: habits, Muted: d.muted(), Log: &d.recent, Tooltip: systray.SetTooltip, History: c.history, PolicyChosen: c.policyChosen, Actions: actions,
	})
	if d.texts.Load().Get("Cancel") != "Cancel" { // a language that the font at hand may lack
		go func() {
			if lacksChinese() {
				d.loop.Do(func() { window.Hint(chineseHint) })
			}
		}()
	}
	if d.hides {
		d.hideIn(window)
	} else {
		window.SetOnClosed(d.quit)
	}
	window.Follow(ctx)
	d.app.Lifecycle().SetOnEnteredForeground(func() { go c.engine.Scan(ctx) }) // the relay refreshes too

	served := instance.Served{}
	if c.identity != "" {
		served = instance.Served{Engine: c.engine, Identity: c.identity, Store: c.app.Store.Name()}
	}
	d.instance.Serve(served)
	d.window, d.engine, d.stop = window, c.engine, stop
	if !shows {
		window.Conceal()
	}
	if late {
		go d.awaitTray()
	}
	if old != nil {
		old.SetOnClosed(nil)
		old.SetCloseIntercept(nil)
		old.Close()
		d.replaced.Go(stopOld)
	}
}

// end finishes what is in flight, once, whoever asks for it.
func (d *desk) end() {
	d.ending.Do(func() {
		if d.stopObserving != nil { // whoever serves next may want the port
			d.stopObserving()
		}
		// From now on commands work on the store directly, and another app may
		// begin: what is finished here is no obstacle to it.
		d.instance.Release()
		if d.stop != nil {
			d.stop()
		}
		d.replaced.Wait()
		d.saving.Wait()
		d.notifier.Close()
	})
}

// open shows the window. On the UI's goroutine.
func (d *desk) open() {
	if d.window != nil {
		d.window.Open()
	}
}

// hide is the window's menu's.
func (d *desk) hide() {
	if d.hides {
		d.conceal()
	} else {
		d.window.Close()
	}
}

// hideIn has the tray show what window does, and window hide there.
func (d *desk) hideIn(window *ui.Window) {
	window.Tray(d.tray)
	window.SetCloseIntercept(d.conceal)
}

// trayWithin is how long a session that begins may take until its panel is
// there.
const trayWithin = 30 * time.Second

// awaitTray takes a tray that comes late: app and panel begin with the same
// login. A window that waits for it hidden is shown where none comes.
func (d *desk) awaitTray() {
	ctx, cancel := context.WithTimeout(context.Background(), trayWithin)
	defer cancel()
	came := d.trayComes(ctx)
	d.loop.Do(func() {
		switch {
		case d.hides: // a new window has found it
		case came:
			d.hides = true
			d.hideIn(d.window)
		case !d.window.Seen():
			d.log.Info("ℹ️ This desktop has no tray: the window is shown")
			d.window.Open()
		}
	})
}

// conceal hides to the tray, and says so the first time.
func (d *desk) conceal() {
	d.window.Conceal()
	told := filepath.Join(d.set.Load().Paths.State, "told-of-the-tray")
	if _, err := os.Stat(told); err != nil && os.WriteFile(told, nil, 0o600) == nil {
		title, text := d.texts.Load().Get("Tokentray goes on in the tray"), d.texts.Load().Get("Quit it from the icon's menu.")
		go beeep.Notify(title, text, assets.Icon("icon.png"))
	}
}
