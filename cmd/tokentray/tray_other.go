//go:build !linux

package main

import (
	"fyne.io/fyne/v2"
	fynedesktop "fyne.io/fyne/v2/driver/desktop"
)

// newTray is Fyne's own, which is there once its menu is.
func newTray(app fyne.App, _ func(func()), _ func()) (_ fynedesktop.App, begin, end func()) {
	icon, _ := app.(fynedesktop.App)
	return icon, func() {}, func() {}
}
