// Command tokentray is the desktop app: Tokentray's engine with a window and a
// tray icon.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	fynedesktop "fyne.io/fyne/v2/driver/desktop"

	"tokentray/assets"
	"tokentray/cmd/internal/desktop"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine/settings"
	"tokentray/ui"
)

func main() {
	if err := run(); err != nil {
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
	log, file, err := wiring.OpenLog(wiring.LogParams{File: set.Paths.Log, Screen: os.Stderr})
	if err != nil {
		return err
	}
	defer file.Close()
	core, err := wiring.Open(set, log)
	if err != nil {
		return err
	}
	app.SetMetadata(metadata)
	a := app.New()
	a.SetIcon(fyne.NewStaticResource("icon.png", assets.Icon("icon.png")))
	a.Settings().SetTheme(ui.Theme{})
	window := ui.New(ui.Params{
		App: a, Engine: core.Engine, Source: core.Store.Name(), Do: fyne.Do,
		History: core.History, PolicyChosen: func(p enginePolicy) {},
	})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ended := make(chan struct{})
	go func() {
		core.Run(ctx)
		close(ended)
	}()
	a.Lifecycle().SetOnStarted(func() {
		go window.Run(ctx)
		go func() {
			<-ctx.Done()
			fyne.Do(a.Quit)
		}()
	})
	if d, ok := a.(fynedesktop.App); ok && desktop.Look().Tray {
		window.Tray(d)
		window.SetCloseIntercept(window.Conceal)
	} else {
		window.SetMaster()
	}
	window.ShowAndRun()
	stop()
	<-ended
	if names := core.InFlight(); len(names) > 0 {
		fmt.Fprintf(os.Stderr, "tokentray: finishing the refresh of %v first, so that no token is lost\n", names)
	}
	core.Close()
	return nil
}
