package main

/*
#cgo LDFLAGS: -lX11
#include <X11/Xlib.h>

extern void displayLost(void);

static int lost(Display *display) {
	displayLost();
	return 0;
}

static void keepFromExit(void) { XSetIOErrorHandler(lost); }
*/
import "C"

import (
	"os"
	"sync"
)

// whenDisplayLost is set once, before the display is opened.
var whenDisplayLost = func() {}

var lostOnce sync.Once

//export displayLost
func displayLost() {
	lostOnce.Do(func() {
		whenDisplayLost()
		os.Exit(1)
	})
	select {} // another thread found out, too
}

// onDisplayLost does something first when the X server goes away, as at a
// logout, where Xlib would end the program in the midst of a refresh.
func onDisplayLost(finish func()) {
	whenDisplayLost = finish
	C.keepFromExit()
}
