package main

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// showEarly shows a window that has nothing in it yet. To make it takes OpenGL
// as long as all else of a start; what needs no window is done meanwhile.
func showEarly(w fyne.Window) {
	fonts := make(chan struct{})
	go func() { // Show itself measures no text: nobody else uses them meanwhile
		defer close(fonts)
		for _, style := range []fyne.TextStyle{{}, {Bold: true}, {Monospace: true, Bold: true}} {
			fyne.MeasureText("Tokentray", theme.TextSize(), style)
		}
	}()
	w.Show()
	<-fonts
}
