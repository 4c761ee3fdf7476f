package ui

import (
	"image/color"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/widget"

	"tokentray/ui/view"
)

const (
	chartHeight = 98
	chartTitle  = 20 // its height
	chartBase   = chartHeight - 16
	barWidth    = 7
	barGap      = 1
	barReach    = 8 // how far from its middle the mouse finds it
	barLeast    = 3 // the height of one that took no time
)

// chart is an account's latest refreshes as bars over the time, now on the
// right: the higher, the longer it took; the colour says how it ended. The bar
// under the mouse says what it is.
type chart struct {
	widget.BaseWidget

	title     *canvas.Text
	base      *canvas.Rectangle
	from, now *canvas.Text        // what the ends of base stand for
	bars      []*canvas.Rectangle // reused, the oldest first
	empty     *canvas.Text

	texts view.Texts
	of    view.ChartParams
	shown []view.Bar
	span  time.Duration // that it shows
	hover int           // in shown; -1: none
}

// newChart makes an empty one.
func newChart(texts view.Texts) *chart {
	text := func(s string, align fyne.TextAlign) *canvas.Text {
		t := canvas.NewText(s, color.Transparent)
		t.TextSize, t.Alignment = 11, align
		return t
	}
	c := &chart{texts: texts, hover: -1, title: text("", fyne.TextAlignLeading), base: canvas.NewRectangle(color.Transparent),
		from: text("", fyne.TextAlignLeading), now: text(texts.Get("now"), fyne.TextAlignTrailing), empty: text(texts.Get("none yet"), fyne.TextAlignCenter)}
	for range pastMost {
		bar := canvas.NewRectangle(color.Transparent)
		bar.TopLeftCornerRadius, bar.TopRightCornerRadius = 2, 2
		bar.Hide()
		c.bars = append(c.bars, bar)
	}
	c.ExtendBaseWidget(c)
	return c
}

// show shows an account's refreshes, in whatever order they come, at most
// pastMost. needs says that the account needs a person now.
func (c *chart) show(past []view.Past, needs bool, now time.Time) {
	c.of, c.hover = view.ChartParams{Past: past, Needs: needs, Now: now}, -1
	c.update()
}

// move shows the same some time later.
func (c *chart) move(now time.Time) {
	c.of.Now = now
	c.update()
}

// update works the bars out for the present width.
func (c *chart) update() {
	size := c.Size()
	if size.Width <= 0 || c.of.Now.IsZero() {
		return
	}
	p := current()
	var under view.Past
	if c.hover >= 0 {
		under = c.shown[c.hover].Past
	}
	c.of.Columns = int(size.Width / (barWidth + barGap))
	c.shown, c.span = view.Bars(c.of)
	room := float32(chartBase - chartTitle - 4)
	for i, bar := range c.bars {
		if show(bar, i < len(c.shown)); i >= len(c.shown) {
			continue
		}
		height := max(c.shown[i].Height*room, barLeast)
		bar.Resize(fyne.NewSize(barWidth, height))
		bar.Move(fyne.NewPos(c.middle(i)-barWidth/2.0, chartBase-height))
	}
	fill(c.base, p.line)
	from := c.of.Now.Add(-c.span).Local()
	layout := "01-02"
	if c.span <= 24*time.Hour {
		layout = "15:04"
	}
	setText(c.from, from.Format(layout), p.dim)
	setText(c.now, c.now.Text, p.dim)
	setText(c.empty, c.empty.Text, p.dim)
	for text, shown := range map[*canvas.Text]bool{c.empty: len(c.shown) == 0, c.from: len(c.shown) > 0, c.now: len(c.shown) > 0} {
		show(text, shown)
	}
	c.point(slices.IndexFunc(c.shown, func(b view.Bar) bool { return c.hover >= 0 && b.Past == under }))
}

// middle is where the bar stands.
func (c *chart) middle(n int) float32 {
	return barWidth/2.0 + c.shown[n].Position*(c.Size().Width-barWidth)
}

// point says what the bar is, above them; the others step back. -1: none.
func (c *chart) point(hover int) {
	c.hover = hover
	p := current()
	if len(c.shown) == 0 {
		setText(c.title, c.texts.Get("Refreshes (height: duration)"), p.dim)
	} else if hover < 0 {
		setText(c.title, c.texts.Get("Refreshes of the last %s (height: duration)", c.texts.Span(c.span)), p.dim)
	} else {
		setText(c.title, fit(c.texts.Bar(c.shown[hover]), c.title.TextSize, c.Size().Width), p.ink)
	}
	for n, b := range c.shown {
		tone := color.NRGBAModel.Convert(p.tone(b.Tone)).(color.NRGBA)
		if hover >= 0 && n != hover {
			tone.A = 0x70
		}
		fill(c.bars[n], tone)
	}
}

// MouseIn implements desktop.Hoverable.
func (c *chart) MouseIn(e *desktop.MouseEvent) { c.MouseMoved(e) }

// MouseMoved implements desktop.Hoverable.
func (c *chart) MouseMoved(e *desktop.MouseEvent) {
	hover, nearest := -1, float32(barReach)
	for n := range c.shown {
		far := max(c.middle(n)-e.Position.X, e.Position.X-c.middle(n))
		if e.Position.Y > chartTitle && far <= nearest { // of those as near the one on top
			hover, nearest = n, far
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

// TypedKey implements fyne.Focusable: the arrows go from bar to bar.
func (c *chart) TypedKey(k *fyne.KeyEvent) {
	if to, ok := stepped(k, c.hover, len(c.shown)-1); ok {
		c.point(to)
	}
}

// TypedRune implements fyne.Focusable.
func (*chart) TypedRune(rune) {}

// FocusGained implements fyne.Focusable: it begins with the newest.
func (c *chart) FocusGained() { c.point(len(c.shown) - 1) }

// FocusLost implements fyne.Focusable.
func (c *chart) FocusLost() { c.point(-1) }

func (c *chart) CreateRenderer() fyne.WidgetRenderer {
	objects := []fyne.CanvasObject{c.base, c.from, c.now, c.title, c.empty}
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
	c.base.Move(fyne.NewPos(0, chartBase))
	for _, text := range []*canvas.Text{c.from, c.now} {
		text.Resize(fyne.NewSize(size.Width, text.MinSize().Height))
		text.Move(fyne.NewPos(0, chartBase+2))
	}
	c.empty.Resize(fyne.NewSize(size.Width, c.empty.MinSize().Height))
	c.empty.Move(fyne.NewPos(0, (chartBase+chartTitle-c.empty.MinSize().Height)/2))
	c.update()
}
