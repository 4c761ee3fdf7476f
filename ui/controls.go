package ui

import (
	"math"
	"slices"
	"strconv"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/ui/view"
)

// controls is what the engine does: the switch, the two sliders and the one
// primary button. They act at once.
type controls struct {
	proactive *widget.Check
	interval  *minutes
	window    *minutes
	refresh   *widget.Button
	preset    *widget.Select

	texts    view.Texts
	busy     int // passes over all that were asked for and are under way
	changed  func(engine.Policy)
	dragging func() // what preview says has changed
	policy   engine.Policy
	filling  bool // the widgets follow the policy, not the other way round
}

// minutes is a slider over whole minutes. A value outside its range, or with a
// fraction, is shown as it is.
type minutes struct {
	slider *widget.Slider
	value  *widget.Label
	says   *widget.Label // what the choice means
	title  string
	texts  view.Texts
	set    func(*engine.Policy, time.Duration)
	// dragged: a person is about to choose, so that the slider follows no policy.
	dragged bool
}

// chosen is where the slider stands.
func (m *minutes) chosen() time.Duration { return time.Duration(m.slider.Value) * time.Minute }

func newMinutes(texts view.Texts, title string, most float64, set func(*engine.Policy, time.Duration)) *minutes {
	m := &minutes{slider: widget.NewSlider(1, most), title: title, texts: texts, set: set,
		value: widget.NewLabelWithStyle("", fyne.TextAlignTrailing, fyne.TextStyle{Bold: true}), says: widget.NewLabel("")}
	m.slider.Step = 1
	m.says.Importance, m.says.SizeName, m.says.Truncation = widget.LowImportance, theme.SizeNameCaptionText, fyne.TextTruncateEllipsis
	return m
}

func (m *minutes) show(d time.Duration) {
	if m.dragged {
		return
	}
	m.slider.SetValue(min(max(math.Round(d.Minutes()), m.slider.Min), m.slider.Max))
	m.label(d)
}

func (m *minutes) label(d time.Duration) {
	setLabel(m.value, m.texts.Get("%s min", strconv.FormatFloat(math.Round(d.Minutes()*100)/100, 'f', -1, 64)))
}

func (m *minutes) object() fyne.CanvasObject {
	title := widget.NewLabel(m.title)
	title.Importance = widget.LowImportance
	return container.New(layout.NewCustomPaddedVBoxLayout(-6), container.NewBorder(nil, nil, title, m.value), m.slider, m.says)
}

func newControls(texts view.Texts, changed func(engine.Policy), refresh func()) *controls {
	c := &controls{
		interval: newMinutes(texts, texts.Get("Check every"), 60, func(p *engine.Policy, d time.Duration) { p.Interval = d }),
		window:   newMinutes(texts, texts.Get("Refresh ahead of expiry"), 30, func(p *engine.Policy, d time.Duration) { p.Window = d }),
		texts:    texts,
		changed:  changed,
		dragging: func() {},
	}
	c.refresh = widget.NewButtonWithIcon(texts.Get("Refresh now"), theme.ViewRefreshIcon(), func() {
		if c.busy == 0 {
			refresh()
		}
	})
	c.refresh.Importance = widget.HighImportance
	var presets []string
	for _, p := range view.Presets {
		presets = append(presets, texts.Get(p.Name))
	}
	c.preset = widget.NewSelect(presets, func(chosen string) {
		if i := slices.Index(presets, chosen); i >= 0 {
			c.change(func(p *engine.Policy) { *p = view.Presets[i].Apply(*p) })
		}
	})
	c.preset.PlaceHolder = texts.Get("As chosen")
	c.proactive = widget.NewCheck(texts.Get("Proactive"), func(on bool) {
		c.change(func(p *engine.Policy) { p.Proactive = on })
	})
	for _, m := range []*minutes{c.interval, c.window} {
		m.slider.OnChanged = func(float64) {
			if !c.filling {
				m.dragged = true
				m.label(m.chosen())
				c.dragging()
			}
		}
		m.slider.OnChangeEnded = func(float64) {
			m.dragged = false
			c.change(func(p *engine.Policy) { m.set(p, m.chosen()) })
		}
	}
	return c
}

// change tells of a policy that a person chose.
func (c *controls) change(set func(*engine.Policy)) {
	if c.filling {
		return
	}
	p := c.policy
	set(&p)
	if p != c.policy {
		c.policy = p
		c.changed(p)
	}
}

// setBusy says that a pass over all begins, or ends, and shows on the button
// whether one is under way.
func (c *controls) setBusy(begins bool) {
	if c.busy--; begins {
		c.busy += 2
	}
	if c.busy > 0 {
		c.refresh.SetText(c.texts.Get("Refreshing …"))
	} else {
		c.refresh.SetText(c.texts.Get("Refresh now"))
	}
}

// show follows the policy in force.
func (c *controls) show(p engine.Policy) {
	c.policy = p
	c.filling = true
	defer func() { c.filling = false }()
	c.proactive.SetChecked(p.Proactive)
	if preset, ok := view.PresetOf(p); ok {
		c.preset.SetSelected(c.texts.Get(preset.Name))
	} else {
		c.preset.ClearSelected()
	}
	c.interval.show(p.Interval)
	c.window.show(p.Window)
}

// preview is p as it will be once the slider that is dragged is let go.
func (c *controls) preview(p engine.Policy) engine.Policy {
	for _, m := range []*minutes{c.interval, c.window} {
		if m.dragged {
			m.set(&p, m.chosen())
		}
	}
	return p
}

// explain says what each slider's choice means.
func (c *controls) explain(l view.Load) {
	interval, window := "", ""
	if l.Policy.Proactive {
		interval, window = c.texts.IntervalSays(l), c.texts.WindowSays(l)
	}
	setLabel(c.interval.says, interval)
	setLabel(c.window.says, window)
}

func (c *controls) object() fyne.CanvasObject {
	return reading(nil, nil, container.NewVBox(layout.NewSpacer(), c.proactive, c.preset, layout.NewSpacer()),
		container.NewVBox(layout.NewSpacer(), c.refresh, layout.NewSpacer()),
		container.NewGridWithColumns(2, c.interval.object(), c.window.object()))
}
