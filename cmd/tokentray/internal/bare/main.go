//go:build measure

// Command bare is an empty Fyne window, to measure the app beside it. Closed, it
// hides.
package main

import (
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
	a.Run()
}
