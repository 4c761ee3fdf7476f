//go:build !linux

package main

import (
	"fyne.io/fyne/v2"
	fynedesktop "fyne.io/fyne/v2/driver/desktop"
)

// canPark: elsewhere the system's own events come in on the loop's thread.
func canPark(fyne.Window) bool { return false }

// trayOf is for a loop that rests.
func trayOf(app fynedesktop.App, _ fyne.Window, _ func(func()), _ func()) fynedesktop.App { return app }
