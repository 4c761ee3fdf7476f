// Command tokentray is the desktop app: Tokentray's engine with a window and a
// tray icon.
package main

import (
	"errors"
	"flag"
	"fmt"
	stdlog "log"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"tokentray/assets"
	"tokentray/cmd/internal/desktop"
	"tokentray/cmd/internal/instance"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine/settings"
)

func main() {
	if err := run(); err != nil && !errors.Is(err, instance.ErrRunning) {
		fmt.Fprintf(os.Stderr, "tokentray: %v\n", err)
		os.Exit(2)
	}
}

func run() (err error) {
	flags, err := readFlags(os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if runtime.GOOS == "linux" && os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return errors.New("there is no display here: tokentrayctl run does the same without a window")
	}
	defer func() { // what Fyne does where it gets no window
		if cause := recover(); cause != nil {
			err = fmt.Errorf("no window could be opened, as without OpenGL (%v): try LIBGL_ALWAYS_SOFTWARE=1, or use tokentrayctl run", cause)
		}
	}()
	dir, _ := os.Getwd()
	set, err := settings.Load(settings.Input{Flags: flags, Getenv: os.LookupEnv, Dir: dir})
	if err != nil {
		return err
	}
	d := &desk{flags: flags, notifier: notifier(), session: desktop.Look, trayComes: desktop.TrayComes}
	d.loop = d.newLoop()
	d.set.Store(&set)
	texts, err := speak(d.kept(ownLanguage))
	if err != nil {
		return err
	}
	d.texts.Store(&texts)
	d.instance = instance.New(set.Paths.Data, func() { d.loop.Do(d.open) })
	if err := d.instance.Claim(); err != nil {
		return err
	}
	defer d.instance.Release()
	log, file, err := wiring.OpenLog(wiring.LogParams{File: set.Paths.Log, Screen: os.Stderr, Recent: &d.recent})
	if err != nil {
		return err
	}
	defer file.Close()
	d.log = log

	signals, ended := make(chan os.Signal, 1), make(chan struct{})
	// Before anything can be in flight: no signal cuts it off.
	signal.Ignore(syscall.SIGPIPE)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	gl := &withoutGL{out: os.Stderr, failed: func() { signals <- os.Interrupt }}
	stdlog.SetOutput(gl)

	onDisplayLost(d.end)
	app.SetMetadata(metadata)
	d.app = app.New()
	d.app.SetIcon(fyne.NewStaticResource("icon.png", assets.Icon("icon.png")))
	var showTray, hideTray func()
	d.tray, showTray, hideTray = newTray(d.app, d.loop.Do, d.quit)
	d.look()
	if err := d.begin(set, func(work func()) { work() }); err != nil {
		return err
	}
	d.app.Lifecycle().SetOnStarted(func() {
		d.startRests()
		showTray()
		go func() {
			select {
			case <-signals:
				d.loop.Stop()
				d.loop.Do(d.app.Quit)
			case <-ended:
			}
		}()
	})
	d.app.Run()
	close(ended)
	go hideTray() // it talks to the session, which nothing here is to wait for
	d.keepHabits(d.window.Habits())
	d.end() // a second signal changes nothing: what is in flight is finished
	if gl.told.Load() {
		return errors.New("it ended without a window")
	}
	return nil
}
