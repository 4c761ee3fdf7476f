package main

import (
	"fyne.io/fyne/v2"

	"tokentray/cmd/internal/park"
)

// newLoop is Fyne's loop, which rests while nothing is seen.
func (d *desk) newLoop() *park.Loop {
	return park.New(park.Params{
		Put:    fyne.Do,
		Idle:   func() bool { return d.rests && !d.window.Seen() },
		GaveUp: d.restless,
	})
}

func (d *desk) restless(reason string) {
	d.log.Info("ℹ️ While hidden, Tokentray does not rest until its next start: " + reason)
}

// startRests lets the loop rest from now on, where that is possible. On the
// UI's goroutine, once the app runs.
func (d *desk) startRests() {
	if !parks(d.window.Window) {
		return
	}
	arm, err := watchDisplay(d.loop.Wake)
	if err != nil {
		d.restless(err.Error())
		return
	}
	d.mayRest()
	d.loop.Start(arm)
}

// mayRest follows the setting. On the UI's goroutine.
func (d *desk) mayRest() { d.rests = d.kept(ownPark) != "off" }

// quit ends the app. On the UI's goroutine.
func (d *desk) quit() {
	d.loop.Stop()
	d.app.Quit()
}
