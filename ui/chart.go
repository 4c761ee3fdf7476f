package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"tokentray/ui/view"
)

const (
	chartHeight = 84
	chartTitle  = 20 // its height
	barWidth    = 13
	barGap      = 3
	barLeast    = 3 // the height of one that took no time
	chartMost   = 48
)

// chart is an account's latest refreshes as bars, the newest on the right: the
// higher, the longer it took; the colour says how it ended. The bar under the
// mouse says what it is.
type chart struct {
	widget.BaseWidget

	title *canvas.Text
	base  *canvas.Rectangle
	bars  []*canvas.Rectangle // reused, the newest first
	empty *canvas.Text

	texts view.Texts
	past  []view.Past
	needs bool
	shown []view.Bar // the oldest first
	hover int        // in shown; -1: none
}

// newChart makes an empty one.
func newChart(texts view.Texts) *chart {
	c := &chart{texts: texts, hover: -1, title: canvas.NewText("", color.Transparent), base: canvas.NewRectangle(color.Transparent),
		empty: canvas.NewText(texts.Get("none yet"), color.Transparent)}
	c.title.TextSize, c.empty.TextSize = 11, 11
	c.empty.Alignment = fyne.TextAlignCenter
	for range chartMost {
		bar := canvas.NewRectangle(color.Transparent)
		bar.TopLeftCornerRadius, bar.TopRightCornerRadius = 2, 2
		bar.Hide()
		c.bars = append(c.bars, bar)
	}
	c.ExtendBaseWidget(c)
	return c
}

// show shows an account's refreshes, in whatever order they come. needs says
// that the account needs a person now.
func (c *chart) show(past []view.Past, needs bool) {
	c.past, c.needs, c.hover = past, needs, -1
	c.update()
}

// update works the bars out for the present width.
func (c *chart) update() {
	size := c.Size()
	if size.Width <= 0 {
		return
	}
	p := current()
	c.shown = view.Bars(c.past, c.needs, min(int((size.Width+barGap)/(barWidth+barGap)), chartMost))
	if c.hover >= len(c.shown) {
		c.hover = -1
	}
	room := float32(chartHeight - chartTitle - 5)
	for i, bar := range c.bars {
		n := len(c.shown) - 1 - i
		if show(bar, n >= 0); n < 0 {
			continue
		}
		height := max(c.shown[n].Height*room, barLeast)
		bar.Resize(fyne.NewSize(barWidth, height))
		bar.Move(fyne.NewPos(c.left(n), chartHeight-1-height))
	}
	fill(c.base, p.line)
	setText(c.empty, c.empty.Text, p.dim)
	show(c.empty, len(c.shown) == 0)
	c.point(c.hover)
}

// left is where the bar begins.
func (c *chart) left(n int) float32 {
	return c.Size().Width - float32(len(c.shown)-n)*(barWidth+barGap) + barGap
}

// point says what the bar is, above them; the others step back. -1: none.
func (c *chart) point(hover int) {
	c.hover = hover
	p := current()
	if hover < 0 {
		setText(c.title, c.texts.Get("The latest refreshes (height: duration)"), p.dim)
	} else {
		setText(c.title, fit(c.texts.Bar(c.shown[hover]), c.title.TextSize, c.Size().Width), p.ink)
	}
	for n, b := range c.shown {
		tone := color.NRGBAModel.Convert(p.tone(b.Tone)).(color.NRGBA)
		if hover >= 0 && n != hover {
			tone.A = 0x70
		}
		fill(c.bars[len(c.shown)-1-n], tone)
	}
}

// MouseIn implements desktop.Hoverable.
func (c *chart) MouseIn(e *desktop.MouseEvent) { c.MouseMoved(e) }

// MouseMoved implements desktop.Hoverable.
func (c *chart) MouseMoved(e *desktop.MouseEvent) {
	hover := -1
	if len(c.shown) > 0 && e.Position.Y > chartTitle {
		if x := e.Position.X - c.left(0) + barGap/2.0; x >= 0 { // half of the gap belongs to each
			hover = min(int(x/(barWidth+barGap)), len(c.shown)-1)
		}
	}
	if hover != c.hover {
		c.point(hover)
	}
}

// MouseOut implements desktop.Hoverable.
func (c *chart) MouseOut() {
	if c.hover >= 0 {
		c.point(-1)
	}
}

func (c *chart) CreateRenderer() fyne.WidgetRenderer {
	objects := []fyne.CanvasObject{c.base, c.title, c.empty}
	for _, bar := range c.bars {
		objects = append(objects, bar)
	}
	return &chartRenderer{c, objects}
}

type chartRenderer struct {
	chart   *chart
	objects []fyne.CanvasObject
}

func (r *chartRenderer) Destroy()                     {}
func (r *chartRenderer) Objects() []fyne.CanvasObject { return r.objects }
func (r *chartRenderer) MinSize() fyne.Size           { return fyne.NewSize(160, chartHeight) }
func (r *chartRenderer) Refresh()                     { r.chart.update(); canvas.Refresh(r.chart) }

func (r *chartRenderer) Layout(size fyne.Size) {
	c := r.chart
	c.base.Resize(fyne.NewSize(size.Width, 1))
	c.base.Move(fyne.NewPos(0, chartHeight-1))
	c.empty.Resize(fyne.NewSize(size.Width, c.empty.MinSize().Height))
	c.empty.Move(fyne.NewPos(0, (chartHeight+chartTitle-c.empty.MinSize().Height)/2))
	c.update()
}
