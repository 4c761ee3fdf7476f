package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	fynedesktop "fyne.io/fyne/v2/driver/desktop"
	"github.com/gen2brain/beeep"

	"tokentray/assets"
	"tokentray/cmd/internal/demo"
	"tokentray/cmd/internal/desktop"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine"
	"tokentray/engine/notify"
	"tokentray/engine/settings"
	"tokentray/engine/store/local"
	"tokentray/ui"
	"tokentray/ui/view"
)

// desk is the app on its desktop: the engine that is worked with and its
// window. Another store, or the demo, takes their place while the app runs.
type desk struct {
	app   fyne.App
	log   *slog.Logger
	set   settings.Settings
	texts view.Texts

	window *ui.Window
	stop   func() // ends the engine that is worked with
}

// core is an engine to work with.
type core struct {
	engine  *engine.Engine
	source  string
	banner  string
	history func(context.Context, engine.Key) ([]local.Entry, error)
	close   func()
}

// begin works with the store that set describes.
func (d *desk) begin(set settings.Settings) error {
	app, err := wiring.Open(set, d.log)
	if err != nil {
		return err
	}
	d.set = set
	d.work(core{engine: app.Engine, source: app.Store.Name(), history: app.History, close: app.Close}, app.Run)
	return nil
}

// beginDemo works with made-up accounts.
func (d *desk) beginDemo() error {
	made, err := demo.Start()
	if err != nil {
		return err
	}
	fyne.Do(func() {
		d.work(core{engine: made.Engine, source: d.texts.Get("the demo"), close: made.Close,
			banner:  d.texts.Get("DEMO: made-up accounts, a real engine. Nothing is kept."),
			history: func(context.Context, engine.Key) ([]local.Entry, error) { return nil, nil }},
			func(ctx context.Context) { <-ctx.Done() })
	})
	return nil
}

// work shows a window on c and runs its engine, in place of what was worked
// with before. On the UI's goroutine.
func (d *desk) work(c core, run func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	events := c.engine.Watch(context.Background())
	window := ui.New(ui.Params{
		App: d.app, Engine: c.engine, Source: c.source, Texts: d.texts, Do: fyne.Do, Banner: c.banner,
		History: c.history, PolicyChosen: d.policyChosen,
		Actions: ui.Actions{Test: d.try, Connect: d.connect, ReadEnv: readEnv, Demo: d.beginDemo, Add: func(n engine.NewAccount) error {
			_, err := c.engine.Add(context.Background(), n)
			return err
		}},
	})
	services := desktop.Look()
	if tray, ok := d.app.(fynedesktop.App); ok && services.Tray {
		window.Tray(tray)
		window.SetCloseIntercept(d.conceal)
	} else {
		window.SetOnClosed(d.app.Quit)
	}
	window.Follow(ctx)

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx)
	}()
	told := make(chan struct{})
	go func() {
		defer close(told)
		d.notify(services.Notifications, events)
	}()
	old, stopOld := d.window, d.stop
	d.window = window
	d.stop = func() {
		cancel()
		<-ended
		if names := c.engine.InFlight(); len(names) > 0 {
			fmt.Fprintf(os.Stderr, "tokentray: finishing the refresh of %s first, so that no token is lost\n", strings.Join(names, ", "))
		}
		c.close()
		<-told
	}
	window.Show()
	if old != nil {
		old.SetOnClosed(nil)
		old.SetCloseIntercept(nil)
		old.Close()
		go stopOld()
	}
}

// notify shows desktop notifications through the system's service.
func (d *desk) notify(there bool, events iter.Seq[engine.Event]) {
	beeep.AppName = metadata.Name
	icon := assets.Icon("icon.png")
	notify.Desktop{Text: d.texts.Get, Show: func(title, text string) {
		if !there {
			return
		}
		if err := beeep.Notify(title, text, icon); err != nil {
			d.log.Warn("⚠️ the desktop notification was not shown: " + err.Error())
		}
	}}.Run(events)
}

// end finishes what is in flight.
func (d *desk) end() {
	if d.stop != nil {
		d.stop()
	}
}

// open shows the window. On the UI's goroutine.
func (d *desk) open() {
	if d.window != nil {
		d.window.Open()
	}
}

// conceal hides to the tray, and says so the first time.
func (d *desk) conceal() {
	d.window.Conceal()
	told := filepath.Join(d.set.Paths.State, "told-of-the-tray")
	if _, err := os.Stat(told); err != nil && os.WriteFile(told, nil, 0o600) == nil {
		title, text := d.texts.Get("Tokentray goes on in the tray"), d.texts.Get("Quit it from the icon's menu.")
		go beeep.Notify(title, text, assets.Icon("icon.png"))
	}
}

// policyChosen keeps a person's choice. Where flag, environment or env file say
// otherwise, it holds for this run, which is said.
func (d *desk) policyChosen(p engine.Policy) string {
	minutes := func(v time.Duration) string { return strconv.FormatFloat(v.Minutes(), 'f', -1, 64) }
	values := map[string]string{
		"ENABLE_PROACTIVE_TOKEN_REFRESH": strconv.FormatBool(p.Proactive),
		"TOKEN_REFRESH_INTERVAL":         minutes(p.Interval),
		"TOKEN_REFRESH_WINDOW":           minutes(p.Window),
	}
	if err := settings.Save(d.set.Paths.SettingsFile, values); err != nil {
		return err.Error()
	}
	var said []string
	for _, spec := range settings.Specs() {
		chosen, ours := values[spec.Name]
		source := d.set.Sources[spec.Name]
		if ours && source.Kind != "saved" && source.Kind != "default" && chosen != d.set.Value(spec.Name) {
			said = append(said, d.texts.Get("%s from %s again at the next start", d.set.Value(spec.Name), source))
		}
	}
	return strings.Join(said, "; ")
}

// with is the settings as they would be with values saved.
func (d *desk) with(values map[string]string) (settings.Settings, error) {
	return settings.Load(settings.Input{Getenv: func(name string) (string, bool) {
		if v, ok := values[name]; ok {
			return v, true
		}
		return os.LookupEnv(name)
	}})
}

// try reads the accounts of the Redis that values describe.
func (d *desk) try(values map[string]string) error {
	set, err := d.with(values)
	if err != nil {
		return err
	}
	app, err := wiring.Open(set, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer app.Close()
	if err := app.Scan(context.Background()); err != nil {
		return err
	}
	for _, v := range app.Snapshot() {
		if v.Problem != nil {
			return fmt.Errorf("%s: %w", v.Name, v.Problem)
		}
	}
	return nil
}

// connect keeps values and works with the Redis that they describe.
func (d *desk) connect(values map[string]string) error {
	if err := d.try(values); err != nil {
		return err
	}
	if err := settings.Save(d.set.Paths.SettingsFile, values); err != nil {
		return err
	}
	set, err := d.with(values)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	fyne.Do(func() { failed <- d.begin(set) })
	return <-failed
}

// readEnv reads a relay's .env.
func readEnv(r io.Reader) (map[string]string, error) {
	return settings.ParseEnv(r)
}
