package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/engine/store/local"
	"tokentray/ui/view"
)

// details is the one account that is looked at: its trouble first, then its
// facts, then its history.
type details struct {
	texts   view.Texts
	history func(context.Context, engine.Key) ([]local.Entry, error)
	do      func(func())
	act     func(engine.View, view.Action)
	proxy   func(engine.Secret) string

	name, provider, trouble *widget.Label
	cure                    *widget.Button // the one action that helps
	more                    *widget.Button
	back                    *widget.Button // to the list, where it has the details' place
	facts                   *fyne.Container
	chart                   *chart
	past                    *fyne.Container
	lines                   *fyne.Container
	box                     fyne.CanvasObject

	shown  engine.Key
	view   engine.View
	action view.Action
	last   time.Time // of the history shown
}

func newDetails(w *Window) *details {
	texts := w.p.Texts
	d := &details{texts: texts, history: w.p.History, do: w.p.Do, act: w.act, proxy: w.p.ProxyText,
		name:     widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true}),
		provider: widget.NewLabel(""), trouble: widget.NewLabel(""),
		facts: container.New(&columns{}), past: container.NewVBox(),
	}
	d.name.SizeName, d.name.Truncation = theme.SizeNameSubHeadingText, fyne.TextTruncateEllipsis
	d.provider.Importance, d.provider.Truncation = widget.LowImportance, fyne.TextTruncateEllipsis
	d.trouble.Importance, d.trouble.Wrapping = widget.DangerImportance, fyne.TextWrapWord
	d.trouble.Hide()
	d.cure = widget.NewButton("", func() { d.act(d.view, d.action) })
	d.cure.Importance = widget.HighImportance
	d.cure.Hide()
	d.more = widget.NewButtonWithIcon("", theme.MoreVerticalIcon(), func() {
		at := fyne.CurrentApp().Driver().AbsolutePositionForObject(d.more)
		widget.ShowPopUpMenuAtPosition(w.more(d.view), w.Canvas(), at.AddXY(0, d.more.Size().Height))
	})
	d.more.Importance = widget.LowImportance
	d.back = widget.NewButtonWithIcon("", theme.NavigateBackIcon(), nil)
	d.back.Importance = widget.LowImportance
	d.back.Hide()
	d.chart = newChart(texts)
	d.lines = container.NewVBox(container.NewBorder(nil, nil, d.back, d.more, d.name), d.provider, d.trouble,
		container.NewHBox(d.cure), d.facts, container.NewPadded(d.chart), d.past)
	d.box = container.NewVScroll(d.lines)
	return d
}

// clear shows no account.
func (d *details) clear() {
	d.view, d.shown, d.action = engine.View{}, engine.Key{}, view.ActionNone
	d.lines.Hide()
}

// show shows the account as it is now.
func (d *details) show(v engine.View, source string, around view.Around, policy engine.Policy, now time.Time) {
	t := d.texts
	d.view = v
	if !d.lines.Visible() {
		d.lines.Show()
	}
	setLabel(d.name, v.Name)
	setLabel(d.provider, view.Provider(v.Account)+" · "+source)
	trouble, _ := t.Diagnose(v, around, now)
	importance := widget.DangerImportance
	if trouble.Sentence == "" && v.Observed && !v.Choice.Keep {
		importance = widget.LowImportance
		trouble = view.Diagnosis{Sentence: t.Get("Only observed: its own program refreshes it, when it is used."), Action: view.ActionKeep, Cure: t.Cure(view.ActionKeep)}
	}
	changed := d.trouble.Text != trouble.Sentence || d.cure.Text != trouble.Cure || d.trouble.Importance != importance
	d.trouble.Importance = importance
	setLabel(d.trouble, trouble.Sentence)
	show(d.trouble, trouble.Sentence != "")
	d.action = trouble.Action
	if d.cure.Text != trouble.Cure {
		d.cure.SetText(trouble.Cure)
	}
	if show(d.cure, trouble.Action != view.ActionNone); changed {
		d.lines.Refresh() // each has another place now
	}
	proxy := ""
	if !v.Proxy.Empty() {
		proxy = d.proxy(v.Proxy)
	}
	d.fill(t.Facts(v, policy, proxy, now))
	if v.Key != d.shown || v.At.After(d.last) {
		d.shown, d.last = v.Key, v.At
		d.loadHistory(v.Key)
	}
}

// fill shows facts, each as a title and a value.
func (d *details) fill(facts []view.Fact) {
	var pairs []string
	for _, f := range facts {
		pairs = append(pairs, f.Title, f.Value)
	}
	for len(d.facts.Objects) < len(pairs) {
		title, value := widget.NewLabel(""), widget.NewLabel("")
		title.Importance, value.Wrapping = widget.LowImportance, fyne.TextWrapWord
		d.facts.Objects = append(d.facts.Objects, title, value)
	}
	for i, o := range d.facts.Objects {
		show(o, i < len(pairs))
		if i < len(pairs) {
			setLabel(o.(*widget.Label), pairs[i])
		}
	}
}

// loadHistory reads it off the UI's goroutine.
func (d *details) loadHistory(key engine.Key) {
	go func() {
		entries, err := d.history(context.Background(), key)
		d.do(func() {
			if key != d.shown {
				return
			}
			d.past.RemoveAll()
			if err != nil {
				d.chart.show(nil, false)
				d.past.Add(widget.NewLabel(err.Error()))
				return
			}
			past := make([]view.Past, len(entries))
			for i, e := range entries {
				past[i] = view.Past(e)
				d.past.Add(d.entry(e))
			}
			d.chart.show(past, d.view.Dead)
		})
	}()
}

func (d *details) entry(e local.Entry) fyne.CanvasObject {
	what := widget.NewLabel(d.texts.Get(e.Outcome))
	what.Truncation = fyne.TextTruncateEllipsis
	switch {
	case e.Error != "":
		what.SetText(e.Error)
		what.Importance = widget.DangerImportance
	case e.Reason == string(engine.ReasonRestored):
		what.SetText(d.texts.Get("another program wrote an old token back; restored"))
	case e.Reason == local.ReasonSignedIn:
		what.SetText(d.texts.Get("signed in"))
	case e.Reason == local.ReasonStoredLate:
		what.SetText(d.texts.Get("stored, which could not be done before"))
	case e.Reason != "":
		what.SetText(d.texts.Get(e.Reason))
	}
	return container.NewBorder(nil, nil, widget.NewLabel(e.At.Local().Format("01-02 15:04")),
		widget.NewLabel(d.texts.Get("%d ms", e.Took.Milliseconds())), what)
}

func setLabel(l *widget.Label, text string) {
	if l.Text != text {
		l.SetText(text)
	}
}

// columns lays out pairs in two columns, the first of a fixed width.
type columns struct{}

const titleWidth = 132

func (columns) MinSize(objects []fyne.CanvasObject) fyne.Size {
	height := float32(0)
	for i := 0; i+1 < len(objects) && objects[i].Visible(); i += 2 {
		height += max(objects[i].MinSize().Height, objects[i+1].MinSize().Height) - 10
	}
	return fyne.NewSize(titleWidth+120, height+10)
}

func (columns) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	y := float32(0)
	for i := 0; i+1 < len(objects) && objects[i].Visible(); i += 2 {
		title, value := objects[i], objects[i+1]
		value.Resize(fyne.NewSize(size.Width-titleWidth, value.MinSize().Height))
		height := max(title.MinSize().Height, value.MinSize().Height)
		title.Move(fyne.NewPos(0, y))
		title.Resize(fyne.NewSize(titleWidth, title.MinSize().Height))
		value.Move(fyne.NewPos(titleWidth, y))
		value.Resize(fyne.NewSize(size.Width-titleWidth, height))
		y += height - 10
	}
}
