//go:build linux && (x11 || !wayland)

package main

/*
#cgo LDFLAGS: -lX11
#include <X11/Xlib.h>
*/
import "C"

import (
	"os"
	"syscall"
	"unsafe"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver"
	"github.com/go-gl/glfw/v3.4/glfw"
	"golang.org/x/sys/unix"
)

// parks says whether Fyne's loop may rest while the window is hidden, once the
// app runs: on X11, whose connection tells when there is something to look at.
// Wayland closes the connection of who does not answer.
func parks(w fyne.Window) (can bool) {
	if native, ok := w.(driver.NativeWindow); ok {
		native.RunNative(func(context any) { _, can = context.(driver.X11WindowContext) })
	}
	return can
}

// watchDisplay returns what asks to be told, by one call of sent, as soon as the
// X server has sent something that nobody has looked at: it waits to be read, or
// was read together with an answer. Both are for the UI's goroutine, on X11.
func watchDisplay(sent func()) (arm func(), err error) {
	display := (*C.Display)(unsafe.Pointer(glfw.GetX11Display()))
	own, err := unix.FcntlInt(uintptr(C.XConnectionNumber(display)), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(own), "the X server")
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	asked := make(chan struct{}, 1)
	go func() {
		defer file.Close()
		for range asked {
			err := conn.Read(readable)
			sent()
			if err != nil {
				return
			}
		}
	}()
	return func() {
		if C.XPending(display) > 0 { // it also sends what is to be sent
			sent()
			return
		}
		select {
		case asked <- struct{}{}:
		default: // it is waited for already
		}
	}, nil
}

// readable looks whether there is something, and reads nothing of it.
func readable(fd uintptr) bool {
	look := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(look, 0)
	return n > 0 || err != nil && err != syscall.EINTR
}
