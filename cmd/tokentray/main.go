// Command tokentray is the desktop app: Tokentray's engine with a window and a
// tray icon.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"tokentray/assets"
	"tokentray/cmd/internal/instance"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine/settings"
	"tokentray/ui"
)

func main() {
	if err := run(); err != nil && !errors.Is(err, instance.ErrRunning) {
		fmt.Fprintf(os.Stderr, "tokentray: %v\n", err)
		os.Exit(2)
	}
}

func run() error {
	dir, _ := os.Getwd()
	set, err := settings.Load(settings.Input{Getenv: os.LookupEnv, Dir: dir})
	if err != nil {
		return err
	}
	d := &desk{set: set}
	claim, err := instance.Claim(set.Paths.Data, func() { fyne.Do(d.open) })
	if err != nil {
		return err
	}
	defer claim.Release()
	log, file, err := wiring.OpenLog(wiring.LogParams{File: set.Paths.Log, Screen: os.Stderr})
	if err != nil {
		return err
	}
	defer file.Close()
	d.log = log

	app.SetMetadata(metadata)
	d.app = app.New()
	d.app.SetIcon(fyne.NewStaticResource("icon.png", assets.Icon("icon.png")))
	d.app.Settings().SetTheme(ui.Theme{})
	if err := d.begin(set); err != nil {
		return err
	}
	signals, ended := make(chan os.Signal, 1), make(chan struct{})
	signal.Ignore(syscall.SIGPIPE)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	d.app.Lifecycle().SetOnStarted(func() {
		go func() {
			select {
			case <-signals:
				fyne.Do(d.app.Quit)
			case <-ended:
			}
		}()
	})
	d.app.Run()
	close(ended)
	d.end() // a second signal changes nothing: what is in flight is finished
	return nil
}
