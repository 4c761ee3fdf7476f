//go:build measure

// Command bare is an empty Fyne window, to measure the app beside it. With the
// argument "hidden" it hides, after it was shown.
package main

import (
	"os"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
)

func main() {
	a := app.NewWithID("dev.tokentray.Bare")
	w := a.NewWindow("Bare")
	w.Resize(fyne.NewSize(1120, 720))
	w.CenterOnScreen()
	w.Show()
	if len(os.Args) > 1 && os.Args[1] == "hidden" {
		a.Lifecycle().SetOnStarted(func() { time.AfterFunc(2*time.Second, func() { fyne.Do(w.Hide) }) })
	}
	a.Run()
}
