//go:build measure

// Command bare is an empty Fyne window, to measure the app beside it. Closed, it
// hides; SIGUSR1 shows it again.
package main

import (
	"os"
	"os/signal"
	"syscall"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
)

func main() {
	a := app.NewWithID("dev.tokentray.Bare")
	w := a.NewWindow("Bare")
	w.Resize(fyne.NewSize(1120, 720))
	w.CenterOnScreen()
	w.SetCloseIntercept(w.Hide)
	w.Show()
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGUSR1)
	go func() {
		for range again {
			fyne.Do(w.Show)
		}
	}()
	a.Run()
}
