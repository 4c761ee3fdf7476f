package ui

import (
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/ui/view"
)

const (
	rowHeight   = 54
	statusWidth = 158 // of its column, with the dot
	dotWidth    = 16
)

// row is one account in the list: mark, name with its source, last result,
// status in words, countdown over the bar of remaining life, refresh.
type row struct {
	widget.BaseWidget

	picked    *widget.Check // seen while several are picked
	mark      *canvas.Rectangle
	letter    *canvas.Text
	name      *widget.Label
	source    *canvas.Text
	result    *widget.Label
	dot       *canvas.Circle
	status    *canvas.Text
	countdown *canvas.Text
	track     *canvas.Rectangle
	life      *canvas.Rectangle
	refresh   *widget.Button
	working   *widget.Activity // over the button, while a refresh is under way

	lifeLeft float32
	shown    engine.View
	place    widget.ListItemID // in the list
	skipped  time.Time         // when a refresh that was asked for was skipped
}

func newRow() *row {
	r := &row{
		picked:    widget.NewCheck("", nil),
		mark:      canvas.NewRectangle(color.Transparent),
		letter:    canvas.NewText("", color.White),
		name:      widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true}),
		source:    canvas.NewText("", color.Transparent),
		result:    widget.NewLabel(""),
		dot:       canvas.NewCircle(color.Transparent),
		status:    canvas.NewText("", color.Transparent),
		countdown: canvas.NewText("", color.Transparent),
		track:     canvas.NewRectangle(color.Transparent),
		life:      canvas.NewRectangle(color.Transparent),
		refresh:   widget.NewButtonWithIcon("", theme.ViewRefreshIcon(), nil),
		working:   widget.NewActivity(),
	}
	r.mark.CornerRadius, r.track.CornerRadius, r.life.CornerRadius = 6, 1.5, 1.5
	r.letter.TextStyle.Bold, r.letter.Alignment = true, fyne.TextAlignCenter
	r.name.Truncation, r.result.Truncation = fyne.TextTruncateEllipsis, fyne.TextTruncateEllipsis
	r.result.SizeName, r.result.Importance = theme.SizeNameCaptionText, widget.LowImportance
	r.countdown.Alignment = fyne.TextAlignTrailing
	r.source.TextSize = 11
	r.picked.Hide()
	r.working.Hide()
	r.ExtendBaseWidget(r)
	return r
}

// show fills the row; only what changed is drawn anew.
func (r *row) show(v engine.View, source string, texts view.Texts, lazy bool, now time.Time, refresh func()) {
	p, tone := current(), view.ToneNow(v, lazy, now)
	r.shown = v
	fill(r.mark, markColour(v.Account))
	setText(r.letter, view.Letter(v.Account), color.White)
	setText(r.source, source, p.dim)
	if r.name.Text != v.Name {
		r.name.SetText(v.Name)
		r.Refresh() // the source stands behind it
	}
	if r.dot.FillColor != p.tone(tone) {
		r.dot.FillColor = p.tone(tone)
		r.dot.Refresh()
	}
	r.refresh.OnTapped = refresh
	able := v.Refreshable() && !v.Refreshing
	if able && r.refresh.Disabled() {
		r.refresh.Enable()
	} else if !able && !r.refresh.Disabled() {
		r.refresh.Disable()
	}
	r.tick(texts, lazy, now)
}

// pick shows the box, where several can be picked.
func (r *row) pick(picking, on bool, picked func(bool)) {
	r.picked.OnChanged = nil
	r.picked.SetChecked(on)
	r.picked.OnChanged = picked
	if picking != r.picked.Visible() {
		show(r.picked, picking)
		r.Refresh()
	}
}

// tick updates what time alone changes.
func (r *row) tick(texts view.Texts, lazy bool, now time.Time) {
	p, tone := current(), view.ToneNow(r.shown, lazy, now)
	if text := texts.LastResult(r.shown, now); r.result.Text != text {
		r.result.SetText(text)
	}
	ink := color.Color(p.ink)
	style := fyne.TextStyle{Bold: true, Monospace: true} // digits of one width do not jitter
	if tone == view.Dim {
		ink, style = p.dim, fyne.TextStyle{} // nothing counts down there
	}
	r.countdown.TextStyle = style
	setText(r.status, fit(texts.State(r.shown, lazy, now), r.status.TextSize, statusWidth-dotWidth), ink)
	setText(r.countdown, texts.Left(r.shown, lazy, now), ink)
	r.progress(now)
	left, known := view.LifeLeft(r.shown, now)
	fill(r.track, p.line)
	fill(r.life, p.tone(tone))
	if !known || tone == view.Dim {
		left = 0
	}
	if left != r.lifeLeft {
		r.lifeLeft = left
		r.life.Resize(fyne.NewSize(r.track.Size().Width*left, r.track.Size().Height))
	}
}

// outcomeFor is how long the button shows what came of a refresh.
const outcomeFor = 4 * time.Second

// progress shows on the button that a refresh is under way, then for a moment
// what came of it.
func (r *row) progress(now time.Time) {
	if r.shown.Refreshing != r.working.Visible() {
		if show(r.working, r.shown.Refreshing); r.shown.Refreshing {
			r.working.Start()
		} else {
			r.working.Stop()
		}
	}
	icon := theme.ViewRefreshIcon()
	fresh := func(at time.Time) bool { return !at.IsZero() && now.Sub(at) >= 0 && now.Sub(at) <= outcomeFor }
	switch {
	case r.shown.Refreshing:
		icon = nil
	case fresh(r.skipped):
		icon = theme.MediaSkipNextIcon()
	case !fresh(r.shown.At):
	case r.shown.Err != nil:
		icon = theme.ErrorIcon()
	default:
		icon = theme.ConfirmIcon()
	}
	if r.refresh.Icon != icon {
		r.refresh.SetIcon(icon)
	}
}

func fill(r *canvas.Rectangle, c color.Color) {
	if r.FillColor != c {
		r.FillColor = c
		r.Refresh()
	}
}

func setText(t *canvas.Text, text string, c color.Color) {
	if t.Text != text || t.Color != c {
		t.Text, t.Color = text, c
		t.Refresh()
	}
}

func (r *row) CreateRenderer() fyne.WidgetRenderer {
	return &rowRenderer{row: r, objects: []fyne.CanvasObject{r.picked, r.mark, r.letter, r.name, r.source, r.result, r.dot, r.status,
		r.countdown, r.track, r.life, r.refresh, r.working}}
}

type rowRenderer struct {
	row     *row
	objects []fyne.CanvasObject
}

func (r *rowRenderer) Destroy()                     {}
func (r *rowRenderer) Objects() []fyne.CanvasObject { return r.objects }
func (r *rowRenderer) Refresh()                     { r.Layout(r.row.Size()); canvas.Refresh(r.row) }
func (r *rowRenderer) MinSize() fyne.Size           { return fyne.NewSize(420, rowHeight) }

// Layout places the columns from both ends; the name takes what is left.
func (r *rowRenderer) Layout(size fyne.Size) {
	const mark, button, count, status, gap = 34, 32, 128, statusWidth, 10
	w := r.row
	middle := size.Height / 2
	place := func(o fyne.CanvasObject, x, y, width, height float32) {
		o.Move(fyne.NewPos(x, y))
		o.Resize(fyne.NewSize(width, height))
	}
	left := float32(gap)
	if w.picked.Visible() {
		box := w.picked.MinSize()
		place(w.picked, 0, middle-box.Height/2, box.Width, box.Height)
		left = box.Width
	}
	place(w.mark, left, middle-mark/2, mark, mark)
	place(w.letter, left, middle-w.letter.MinSize().Height/2, mark, w.letter.MinSize().Height)
	x := size.Width - gap - button
	place(w.refresh, x, middle-button/2, button, button)
	place(w.working, x+4, middle-button/2+4, button-8, button-8)
	x -= gap + count
	place(w.countdown, x, middle-14, count, w.countdown.MinSize().Height)
	place(w.track, x, middle+11, count, 3)
	place(w.life, x, middle+11, count*w.lifeLeft, 3)
	x -= gap + status
	place(w.dot, x, middle-4, 8, 8)
	place(w.status, x+dotWidth, middle-w.status.MinSize().Height/2, status-dotWidth, w.status.MinSize().Height)
	left += mark + 2
	room := x - gap - left
	text := fyne.MeasureText(w.name.Text, theme.TextSize(), w.name.TextStyle)
	name := min(text.Width+2*theme.InnerPadding()+2, room)
	place(w.name, left, middle-28, name, w.name.MinSize().Height)
	w.source.Hidden = name+w.source.MinSize().Width > room
	place(w.source, left+name, middle-28+theme.InnerPadding()+(text.Height-w.source.MinSize().Height)/2, room-name, w.source.MinSize().Height)
	place(w.result, left, middle-7, x-gap-left, w.result.MinSize().Height)
}
