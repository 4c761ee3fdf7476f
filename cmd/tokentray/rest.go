package main

import (
	"fyne.io/fyne/v2"

	"tokentray/cmd/internal/park"
)

// newLoop is Fyne's loop, which rests while nothing is seen.
func (d *desk) newLoop() *park.Loop {
	return park.New(park.Params{
		Put:  fyne.Do,
		Idle: func() bool { return d.rests && d.window != nil && !d.window.Seen() },
		GaveUp: func(reason string) {
			d.log.Info("ℹ️ While hidden, Tokentray does not rest any more until its next start: " + reason)
		},
	})
}

// mayRest looks up whether the loop may. On the UI's goroutine, once the app
// runs.
func (d *desk) mayRest() {
	d.rests = d.kept(ownPark) != "off" && d.window != nil && canPark(d.window.Window)
}

// quit ends the app. On the UI's goroutine.
func (d *desk) quit() {
	d.loop.Stop()
	d.app.Quit()
}
