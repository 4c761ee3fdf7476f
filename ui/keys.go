package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"
)

// reading is container.NewBorder with its objects in the order they are read in,
// which is the one that Tab follows.
func reading(top, bottom, left, right, middle fyne.CanvasObject) *fyne.Container {
	c := container.New(layout.NewBorderLayout(top, bottom, left, right))
	for _, o := range []fyne.CanvasObject{top, left, middle, right, bottom} {
		if o != nil {
			c.Objects = append(c.Objects, o)
		}
	}
	return c
}

// keyList is a list in which Enter does what Space does.
type keyList struct {
	widget.List
	chosen func() // a row, by its key
}

func newKeyList(length func() int, create func() fyne.CanvasObject, update func(widget.ListItemID, fyne.CanvasObject)) *keyList {
	l := &keyList{chosen: func() {}}
	l.Length, l.CreateItem, l.UpdateItem = length, create, update
	l.ExtendBaseWidget(l)
	return l
}

// TypedKey implements fyne.Focusable.
func (l *keyList) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		l.List.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
		l.chosen()
	default:
		l.List.TypedKey(k)
	}
}

// scrollKeys scrolls by keys what lies below it, and frames it while it has the
// focus.
type scrollKeys struct {
	widget.BaseWidget
	scroll *container.Scroll
	frame  *canvas.Rectangle
}

func newScrollKeys(scroll *container.Scroll) *scrollKeys {
	s := &scrollKeys{scroll: scroll, frame: canvas.NewRectangle(color.Transparent)}
	s.frame.StrokeWidth, s.frame.CornerRadius = 2, 4
	s.ExtendBaseWidget(s)
	return s
}

// scrollStep is how far an arrow scrolls: two lines.
const scrollStep = 40

// TypedKey implements fyne.Focusable.
func (s *scrollKeys) TypedKey(k *fyne.KeyEvent) {
	at, page := s.scroll.Offset, s.scroll.Size().Height-scrollStep
	switch k.Name {
	case fyne.KeyUp:
		at.Y -= scrollStep
	case fyne.KeyDown:
		at.Y += scrollStep
	case fyne.KeyPageUp:
		at.Y -= page
	case fyne.KeyPageDown, fyne.KeySpace:
		at.Y += page
	case fyne.KeyHome:
		at.Y = 0
	case fyne.KeyEnd:
		at.Y = s.scroll.Content.MinSize().Height
	}
	s.scroll.ScrollToOffset(at) // which keeps it within what there is
}

// TypedRune implements fyne.Focusable.
func (*scrollKeys) TypedRune(rune) {}

// FocusGained implements fyne.Focusable.
func (s *scrollKeys) FocusGained() { s.colour(current().accent) }

// FocusLost implements fyne.Focusable.
func (s *scrollKeys) FocusLost() { s.colour(color.Transparent) }

func (s *scrollKeys) colour(c color.Color) {
	s.frame.StrokeColor = c
	s.frame.Refresh()
}

func (s *scrollKeys) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(s.frame) }
