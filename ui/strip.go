package ui

import (
	"image"
	"image/color"
	"image/draw"
	"slices"
	"sort"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/ui/view"
)

const (
	stripHeight = 74
	stripEdge   = 18 // left and right of the line
	stripLine   = 40 // of the line, from above
	stripTall   = 20 // of the highest mark
	markWidth   = 5
	markReach   = 6 // how far from a mark the mouse finds it
)

// strip is the day: the refreshes of all accounts in the last 12 hours and the
// next 12 on one line. A mark under the mouse says what it is; a click chooses
// its account.
type strip struct {
	widget.BaseWidget

	title, from, until, now, said *canvas.Text
	nowLine                       *canvas.Rectangle
	marks                         *canvas.Raster // one object, however many marks
	found                         *canvas.Rectangle

	texts  view.Texts
	choose func(engine.Key)
	day    view.DayParams
	shown  []view.Mark
	places []spot // as drawn
	hover  int    // in shown; -1: none
}

// spot is where a mark stands and how it looks; equal ones need no redrawing.
type spot struct {
	x       int // the mark's middle, from the line's left
	tone    view.Tone
	planned bool
}

// newStrip makes an empty one. choose is called with the account of a mark that
// was clicked.
func newStrip(texts view.Texts, choose func(engine.Key)) *strip {
	text := func(s string) *canvas.Text {
		t := canvas.NewText(s, color.Transparent)
		t.TextSize = 11
		return t
	}
	s := &strip{texts: texts, choose: choose, hover: -1, title: text(texts.Get("Last 12 hours and the next 12")),
		from: text(""), until: text(""), now: text(""), said: text(""),
		nowLine: canvas.NewRectangle(color.Transparent), found: canvas.NewRectangle(color.Transparent)}
	s.until.Alignment = fyne.TextAlignTrailing
	s.found.CornerRadius, s.found.StrokeWidth = 3, 1.5
	s.found.Hide()
	s.said.Hide()
	s.marks = canvas.NewRaster(s.draw)
	s.ExtendBaseWidget(s)
	return s
}

// show takes in the refreshes of the past, of all accounts, and the accounts.
// It draws only what differs from what it showed.
func (s *strip) show(past []view.Past, views []engine.View, policy engine.Policy, now time.Time) {
	s.day = view.DayParams{Past: past, Views: views, Policy: policy, Now: now}
	s.update()
}

// update works the marks out for the present width.
func (s *strip) update() {
	p := current()
	width := s.Size().Width - 2*stripEdge
	if width <= 0 || s.day.Now.IsZero() {
		return
	}
	s.day.Width = int(width)
	var under view.Mark
	if s.hover >= 0 {
		under = s.shown[s.hover]
	}
	s.shown = view.Day(s.day)
	places := make([]spot, len(s.shown))
	for i, m := range s.shown {
		places[i] = spot{int(m.Position(s.day.Now)*width + 0.5), m.Tone, m.Planned}
	}
	if !slices.Equal(places, s.places) {
		s.places = places
		s.marks.Refresh()
	}
	clock := func(at time.Time) string { return at.Local().Format("15:04") }
	setText(s.title, s.title.Text, p.dim)
	setText(s.from, clock(s.day.Now.Add(-view.DaySpan)), p.dim)
	setText(s.until, clock(s.day.Now.Add(view.DaySpan)), p.dim)
	setText(s.now, s.texts.Get("now %s", clock(s.day.Now)), p.accent)
	fill(s.nowLine, p.accent)
	s.point(slices.IndexFunc(s.shown, func(m view.Mark) bool {
		return s.hover >= 0 && m.Key == under.Key && m.At.Equal(under.At) && m.Planned == under.Planned
	}))
}

// draw paints the line and its marks; those that matter most come last.
func (s *strip) draw(w, h int) image.Image {
	p := current()
	picture := image.NewNRGBA(image.Rect(0, 0, w, h))
	scale := float32(w) / max(s.marks.Size().Width, 1)
	px := func(n float32) int { return int(n*scale + 0.5) }
	paint := func(x, y, width, height int, c color.Color) {
		draw.Draw(picture, image.Rect(x, y, x+width, y+height), image.NewUniform(c), image.Point{}, draw.Over)
	}
	paint(px(markWidth), h/2-px(1), w-2*px(markWidth), px(2), p.line)
	for _, tone := range []view.Tone{view.Dim, view.Valid, view.Wait, view.Person} {
		for _, m := range s.places {
			if m.tone != tone {
				continue
			}
			c, height := p.tone(m.tone), px(markHeight(m.tone))
			if m.planned {
				c = color.NRGBA{p.accent.R, p.accent.G, p.accent.B, 0x90}
			}
			x := px(float32(m.x)+markWidth) - px(markWidth)/2
			corner := px(1)
			paint(x+corner, h/2-height/2, px(markWidth)-2*corner, corner, c)
			paint(x, h/2-height/2+corner, px(markWidth), height-2*corner, c)
			paint(x+corner, h/2-height/2+height-corner, px(markWidth)-2*corner, corner, c)
		}
	}
	return picture
}

// markHeight tells tones apart without their colours.
func markHeight(tone view.Tone) float32 {
	switch tone {
	case view.Person:
		return stripTall
	case view.Wait:
		return 16
	}
	return 12
}

// at is the mark under x, or -1: the nearest, of those as near the one that
// matters most.
func (s *strip) at(x float32) int {
	x -= stripEdge
	from := sort.Search(len(s.places), func(i int) bool { return float32(s.places[i].x) >= x-markReach })
	best, nearest := -1, float32(0)
	for i := from; i < len(s.places) && float32(s.places[i].x) <= x+markReach; i++ {
		far := max(float32(s.places[i].x)-x, x-float32(s.places[i].x))
		far = max(far, markWidth/2) // all that lie under the mouse are as near
		if best < 0 || far < nearest || far == nearest && s.places[i].tone > s.places[best].tone {
			best, nearest = i, far
		}
	}
	return best
}

// point shows what the mark is; -1: none.
func (s *strip) point(i int) {
	s.hover = i
	if i < 0 {
		if s.found.Visible() {
			s.found.Hide()
			s.said.Hide()
			s.title.Show()
		}
		return
	}
	p := current()
	setText(s.said, fit(s.texts.Mark(s.shown[i]), s.said.TextSize, s.Size().Width-2*stripEdge), p.ink)
	x, width := stripEdge+float32(s.places[i].x), s.said.MinSize().Width
	left := max(min(x-width/2, s.Size().Width-stripEdge-width), stripEdge)
	s.said.Resize(s.said.MinSize())
	s.said.Move(fyne.NewPos(left, s.title.Position().Y))
	show(s.title, left > stripEdge+s.title.MinSize().Width+8)
	height := markHeight(s.places[i].tone) + 4
	if s.found.StrokeColor != p.ink {
		s.found.StrokeColor = p.ink
		s.found.Refresh()
	}
	s.found.Resize(fyne.NewSize(markWidth+4, height))
	s.found.Move(fyne.NewPos(x-markWidth/2-2.5, stripLine-height/2))
	if !s.found.Visible() {
		s.found.Show()
		s.said.Show()
	}
}

// MouseIn implements desktop.Hoverable.
func (s *strip) MouseIn(e *desktop.MouseEvent) { s.MouseMoved(e) }

// MouseMoved implements desktop.Hoverable.
func (s *strip) MouseMoved(e *desktop.MouseEvent) {
	if i := s.under(e.Position); i != s.hover {
		s.point(i)
	}
}

// MouseOut implements desktop.Hoverable.
func (s *strip) MouseOut() { s.point(-1) }

func (s *strip) under(at fyne.Position) int {
	if at.Y < stripLine-stripTall || at.Y > stripLine+stripTall {
		return -1
	}
	return s.at(at.X)
}

// Tapped implements fyne.Tappable.
func (s *strip) Tapped(e *fyne.PointEvent) {
	if i := s.under(e.Position); i >= 0 {
		s.choose(s.shown[i].Key)
	}
}

// TypedKey implements fyne.Focusable: the arrows go from mark to mark.
func (s *strip) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		if s.hover >= 0 {
			s.choose(s.shown[s.hover].Key)
		}
	default:
		if to, ok := stepped(k, s.hover, len(s.shown)-1); ok {
			s.point(to)
		}
	}
}

// stepped is where a key leads from one of several that stand in a row, of which
// last is the last.
func stepped(k *fyne.KeyEvent, from, last int) (to int, ok bool) {
	switch k.Name {
	case fyne.KeyLeft:
		to = from - 1
	case fyne.KeyRight:
		to = from + 1
	case fyne.KeyHome:
		to = 0
	case fyne.KeyEnd:
		to = last
	default:
		return from, false
	}
	return min(max(to, 0), last), true
}

// TypedRune implements fyne.Focusable.
func (*strip) TypedRune(rune) {}

// FocusGained implements fyne.Focusable: it begins with the latest refresh.
func (s *strip) FocusGained() {
	if s.hover < 0 {
		coming := slices.IndexFunc(s.shown, func(m view.Mark) bool { return m.Planned })
		if coming < 0 {
			coming = len(s.shown)
		}
		s.point(min(max(coming-1, 0), len(s.shown)-1))
	}
}

// FocusLost implements fyne.Focusable.
func (s *strip) FocusLost() { s.point(-1) }

// Cursor implements desktop.Cursorable.
func (s *strip) Cursor() desktop.Cursor {
	if s.hover >= 0 {
		return desktop.PointerCursor
	}
	return desktop.DefaultCursor
}

func (s *strip) CreateRenderer() fyne.WidgetRenderer {
	return &stripRenderer{strip: s, objects: []fyne.CanvasObject{s.marks, s.nowLine, s.found, s.title, s.from, s.until, s.now, s.said}}
}

type stripRenderer struct {
	strip   *strip
	objects []fyne.CanvasObject
}

func (r *stripRenderer) Destroy()                     {}
func (r *stripRenderer) Objects() []fyne.CanvasObject { return r.objects }
func (r *stripRenderer) MinSize() fyne.Size           { return fyne.NewSize(320, stripHeight) }

// Refresh draws all anew, as a new theme wants it.
func (r *stripRenderer) Refresh() {
	r.strip.update()
	r.strip.marks.Refresh()
	canvas.Refresh(r.strip)
}

func (r *stripRenderer) Layout(size fyne.Size) {
	s := r.strip
	s.marks.Resize(fyne.NewSize(size.Width-2*stripEdge+2*markWidth, stripTall+4)) // a mark at an end is whole
	s.marks.Move(fyne.NewPos(stripEdge-markWidth, stripLine-stripTall/2-2))
	s.nowLine.Resize(fyne.NewSize(1, stripHeight-36))
	s.nowLine.Move(fyne.NewPos(size.Width/2, 25))
	s.title.Move(fyne.NewPos(stripEdge, 8))
	text := s.title.MinSize().Height
	below := float32(stripHeight) - text - theme.InnerPadding()/2
	s.from.Move(fyne.NewPos(stripEdge, below))
	s.until.Resize(fyne.NewSize(60, text))
	s.until.Move(fyne.NewPos(size.Width-stripEdge-60, below))
	s.now.Move(fyne.NewPos(size.Width/2+5, below))
	s.update()
}

// fit is as much of a text as there is room for.
func fit(text string, size, width float32) string {
	fits := func(s string) bool { return fyne.MeasureText(s, size, fyne.TextStyle{}).Width <= width }
	if fits(text) {
		return text
	}
	runes := []rune(text)
	n := sort.Search(len(runes), func(i int) bool { return !fits(string(runes[:i+1]) + "…") })
	return string(runes[:n]) + "…"
}
