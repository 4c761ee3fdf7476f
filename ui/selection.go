package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
)

// selection does one thing to several accounts.
type selection struct {
	window *Window
	begin  *widget.Button // shows the boxes
	count  *widget.Label
	bar    *fyne.Container
	acts   []*widget.Button // on what is picked
}

func newSelection(w *Window) *selection {
	t := w.p.Texts
	s := &selection{window: w, count: widget.NewLabel("")}
	s.begin = widget.NewButtonWithIcon("", theme.CheckButtonCheckedIcon(), func() { s.show(!w.accounts.picking) })
	s.begin.Importance = widget.LowImportance
	lazy := func(on bool) func() {
		return func() {
			keys := s.keys()
			w.work(func() error { return w.p.Actions.Choose(func(c *engine.Choice) { c.Lazy = on }, keys...) }, func() { s.show(false) })
		}
	}
	s.acts = []*widget.Button{
		widget.NewButton(t.Get("Refresh"), func() {
			w.pass(engine.PassParams{Keys: s.keys()})
			s.show(false)
		}),
		widget.NewButton(t.Get("Ahead of expiry"), lazy(false)), widget.NewButton(t.Get("Only when asked for"), lazy(true)),
	}
	s.bar = container.NewHBox(s.count, widget.NewButton(t.Get("All"), func() {
		for _, v := range w.accounts.views {
			w.accounts.picked[v.Key] = true
		}
		s.changed()
		w.accounts.list.Refresh()
	}), layout.NewSpacer(), s.acts[0], s.acts[1], s.acts[2],
		widget.NewButton(t.Get("Done"), func() { s.show(false) }))
	w.accounts.changed = s.changed
	s.changed()
	s.bar.Hide()
	return s
}

// keys are what is picked and still there.
func (s *selection) keys() []engine.Key {
	keys := []engine.Key{} // none is not all
	for _, v := range s.window.accounts.views {
		if s.window.accounts.picked[v.Key] {
			keys = append(keys, v.Key)
		}
	}
	return keys
}

func (s *selection) changed() {
	setLabel(s.count, s.window.p.Texts.Get("%d chosen", len(s.keys())))
	for _, b := range s.acts {
		if len(s.keys()) == 0 {
			b.Disable()
		} else {
			b.Enable()
		}
	}
}

// show begins or ends it.
func (s *selection) show(on bool) {
	a := s.window.accounts
	if a.picking = on; !on {
		clear(a.picked)
		s.changed()
	}
	show(s.bar, on)
	a.list.Refresh()
}
