package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"
)

// dialogs are those that stand open in a window, the topmost last. Escape
// dismisses it, as its Cancel does.
type dialogs struct{ open []dialog.Dialog }

// dialogsOf makes Escape work where nothing in the window has the focus.
func dialogsOf(w fyne.Window) *dialogs {
	d := &dialogs{}
	w.Canvas().SetOnTypedKey(func(k *fyne.KeyEvent) {
		if k.Name == fyne.KeyEscape {
			d.escape()
		}
	})
	return d
}

func (d *dialogs) show(shown dialog.Dialog) {
	shown.SetOnClosed(func() {
		d.open = slices.DeleteFunc(d.open, func(o dialog.Dialog) bool { return o == shown })
	})
	d.open = append(d.open, shown)
	shown.Show()
}

func (d *dialogs) escape() {
	if n := len(d.open); n > 0 {
		d.open[n-1].Dismiss()
	}
}

// entry is a line of text that does not keep Escape to itself, as Fyne's does.
type entry struct {
	widget.Entry
	escape func()
}

// entry makes one for a dialog; what is typed into a secret one shows as dots.
func (d *dialogs) entry(secret bool) *entry {
	e := &entry{escape: d.escape}
	e.Wrapping, e.Password = fyne.TextWrap(fyne.TextTruncateClip), secret
	e.ExtendBaseWidget(e)
	return e
}

func (e *entry) TypedKey(k *fyne.KeyEvent) {
	if k.Name == fyne.KeyEscape {
		e.escape()
		return
	}
	e.Entry.TypedKey(k)
}
