//go:build measure

package main

/*
#cgo LDFLAGS: -lX11
#include <stdlib.h>
#include <string.h>
#include <X11/Xlib.h>
#include <X11/Xutil.h>

static int ignore(Display *d, XErrorEvent *e) { return 0; } // a window went while it was looked at

static Display *openScreen(void) {
	XSetErrorHandler(ignore);
	return XOpenDisplay(NULL);
}

// seen finds the window with a title that is on the screen, 0: none.
static Window seen(Display *d, Window w, const char *title) {
	char *name = NULL;
	if (XFetchName(d, w, &name) && name) {
		int same = strcmp(name, title) == 0;
		XFree(name);
		XWindowAttributes a;
		if (same && XGetWindowAttributes(d, w, &a) && a.map_state == IsViewable) return w;
	}
	Window root, parent, *below = NULL, found = 0;
	unsigned n = 0;
	if (XQueryTree(d, w, &root, &parent, &below, &n)) {
		for (unsigned i = 0; i < n && !found; i++) found = seen(d, below[i], title);
		if (below) XFree(below);
	}
	return found;
}

// ask asks a window to close, as a click on its cross does.
static void ask(Display *d, Window w) {
	XEvent e = {.xclient = {.type = ClientMessage, .window = w, .format = 32, .message_type = XInternAtom(d, "WM_PROTOCOLS", False)}};
	e.xclient.data.l[0] = XInternAtom(d, "WM_DELETE_WINDOW", False);
	XSendEvent(d, w, False, NoEventMask, &e);
	XFlush(d);
}

// shows says whether a window is drawn, no line of it as black as the screen was
// before, and has some of a colour; -1 stands for any.
static int shows(Display *d, Window w, long colour) {
	XWindowAttributes a;
	if (!XGetWindowAttributes(d, w, &a) || a.map_state != IsViewable) return 0;
	int found = colour < 0;
	for (int line = 1; line < 32; line++) {
		XImage *i = XGetImage(d, w, 0, a.height * line / 32, a.width, 1, AllPlanes, ZPixmap);
		if (!i) return 0;
		int black = 0;
		for (int x = 0; x < a.width; x++) {
			long c = XGetPixel(i, x, 0) & 0xffffff;
			found |= c == colour;
			black += c == 0;
		}
		XDestroyImage(i);
		if (black > a.width / 2) return 0;
	}
	return found;
}
*/
import "C"

import (
	"errors"
	"time"
	"unsafe"
)

// screen is what is to be seen.
type screen struct{ display *C.Display }

func openScreen() (screen, error) {
	d := C.openScreen()
	if d == nil {
		return screen{}, errors.New("no X display")
	}
	return screen{d}, nil
}

// seen is the window with a title that is on the screen, 0 if none is.
func (s screen) seen(title string) C.Window {
	name := C.CString(title)
	defer C.free(unsafe.Pointer(name))
	return C.seen(s.display, C.XDefaultRootWindow(s.display), name)
}

// ask asks a window to close, as a click on its cross does.
func (s screen) ask(w C.Window) { C.ask(s.display, w) }

// What is looked for in a window.
const (
	anything = -1
	accounts = 0xc96442 // the mark of Claude's
)

// shows says whether a window is drawn, with a colour in it.
func (s screen) shows(w C.Window, colour int) bool {
	return w != 0 && C.shows(s.display, w, C.long(colour)) != 0
}

// until waits for what holds. It looks every 2 ms: each look keeps the X server
// busy, which draws at the same time.
func until(what string, holds func() bool) error {
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New("it never came about that " + what)
		}
	}
	return nil
}
