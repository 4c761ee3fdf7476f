package ui

import (
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/ui/view"
)

const (
	tallyDot = 8
	tallyGap = 16 // between two
)

// summary is how many accounts there are and how they fare: a number, then for
// each tone a dot with its words. It takes more lines where it must.
type summary struct {
	widget.BaseWidget

	total *canvas.Text
	dots  []*canvas.Circle // of texts, reused
	texts []*canvas.Text
	shown int // how many of these
}

func newSummary() *summary {
	s := &summary{total: canvas.NewText("", color.Transparent)}
	s.total.TextStyle.Bold = true
	s.ExtendBaseWidget(s)
	return s
}

// show draws only what differs.
func (s *summary) show(total string, tallies []view.Tally) {
	p := current()
	before := s.text()
	for len(s.texts) < len(tallies) {
		s.dots = append(s.dots, canvas.NewCircle(color.Transparent))
		s.texts = append(s.texts, canvas.NewText("", color.Transparent))
	}
	s.shown = len(tallies)
	setText(s.total, total, p.ink)
	for i, tally := range tallies {
		if c := p.tone(tally.Tone); s.dots[i].FillColor != c {
			s.dots[i].FillColor = c
			s.dots[i].Refresh()
		}
		setText(s.texts[i], tally.Text, p.ink)
	}
	if s.text() != before {
		s.Refresh()
	}
}

// text is what it says, without the dots.
func (s *summary) text() string {
	parts := []string{s.total.Text}
	for _, t := range s.texts[:s.shown] {
		parts = append(parts, t.Text)
	}
	return strings.Join(parts, ", ")
}

// lay places all within a width, and returns the height that takes.
func (s *summary) lay(width float32, place bool) float32 {
	size := theme.TextSize()
	line := fyne.MeasureText("0", size, s.total.TextStyle).Height
	x, y := float32(0), float32(0)
	put := func(text *canvas.Text, dot *canvas.Circle) {
		text.TextSize = size
		wide, indent := text.MinSize().Width, float32(0)
		if dot != nil {
			indent = tallyDot + 6
		}
		if x > 0 && x+indent+wide > width {
			x, y = 0, y+line+4
		}
		if place {
			if dot != nil {
				dot.Resize(fyne.NewSquareSize(tallyDot))
				dot.Move(fyne.NewPos(x, y+(line-tallyDot)/2))
			}
			text.Resize(fyne.NewSize(wide, line))
			text.Move(fyne.NewPos(x+indent, y))
		}
		x += indent + wide + tallyGap
	}
	put(s.total, nil)
	for i, text := range s.texts[:s.shown] {
		put(text, s.dots[i])
	}
	return y + line
}

func (s *summary) CreateRenderer() fyne.WidgetRenderer { return summaryRenderer{s} }

type summaryRenderer struct{ summary *summary }

func (r summaryRenderer) Destroy()              {}
func (r summaryRenderer) Layout(size fyne.Size) { r.summary.lay(size.Width, true) }
func (r summaryRenderer) Refresh()              { r.Layout(r.summary.Size()); canvas.Refresh(r.summary) }

func (r summaryRenderer) MinSize() fyne.Size {
	width := r.summary.Size().Width
	if width <= 0 { // not laid out yet
		width = 1000
	}
	return fyne.NewSize(120, r.summary.lay(width, false))
}

func (r summaryRenderer) Objects() []fyne.CanvasObject {
	objects := []fyne.CanvasObject{r.summary.total}
	for i, text := range r.summary.texts[:r.summary.shown] {
		objects = append(objects, r.summary.dots[i], text)
	}
	return objects
}
