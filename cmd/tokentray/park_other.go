//go:build !linux || (wayland && !x11)

package main

import (
	"errors"

	"fyne.io/fyne/v2"
)

// parks: elsewhere the system's own events come in on the loop's thread.
func parks(fyne.Window) bool { return false }

// watchDisplay is for a loop that rests.
func watchDisplay(func()) (arm func(), err error) { return nil, errors.ErrUnsupported }
