package main

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
)

// withoutGL passes Fyne's log on and notices that no window could be made,
// which Fyne only logs.
type withoutGL struct {
	out    io.Writer
	failed func()
	told   atomic.Bool
}

func (w *withoutGL) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("window creation error")) && w.told.CompareAndSwap(false, true) {
		fmt.Fprintln(w.out, "tokentray: no window could be opened: this display has no OpenGL that works. "+
			"Try LIBGL_ALWAYS_SOFTWARE=1 tokentray, or use tokentrayctl run, which needs none")
		go w.failed()
	}
	return w.out.Write(p)
}
