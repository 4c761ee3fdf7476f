package ui

import (
	"context"
	"slices"
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
	live    func(engine.Key) []view.Past // refreshes that were seen as they came

	name, provider, trouble *widget.Label
	cure                    *widget.Button // the one action that helps
	more                    *widget.Button
	back                    *widget.Button // to the list, where it has the details' place
	facts                   *fyne.Container
	chart                   *chart
	past                    *fyne.Container
	lines                   *fyne.Container
	keys                    *scrollKeys
	box                     fyne.CanvasObject

	shown  engine.Key
	view   engine.View
	around view.Around
	policy engine.Policy
	action view.Action
	last   time.Time // of the history read

	stored []view.Past // the account's history, as it was read
	unread error       // why it could not be
	reads  int         // of the history
}

// pastMost is how many refreshes the table has.
const pastMost = 50

func newDetails(w *Window) *details {
	texts := w.p.Texts
	d := &details{texts: texts, history: w.p.History, do: w.p.Do, act: w.act, proxy: w.p.ProxyText, live: func(engine.Key) []view.Past { return nil },
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
	scroll := container.NewVScroll(d.lines)
	d.keys = newScrollKeys(scroll)
	d.box = container.NewStack(d.keys, scroll)
	return d
}

// clear shows no account.
func (d *details) clear() {
	d.view, d.shown, d.action = engine.View{}, engine.Key{}, view.ActionNone
	d.reads++
	d.lines.Hide()
}

// show shows the account as it is now.
func (d *details) show(v engine.View, source string, around view.Around, policy engine.Policy, now time.Time) {
	d.view, d.around, d.policy = v, around, policy
	if !d.lines.Visible() {
		d.lines.Show()
	}
	setLabel(d.name, v.Name)
	setLabel(d.provider, view.Provider(v.Account)+" · "+source)
	d.tick(now)
	if v.Key != d.shown {
		d.shown, d.last, d.stored, d.unread = v.Key, time.Time{}, nil, nil
		d.showPast()
		d.loadHistory(v.Key)
	} else if v.At.After(d.last) {
		d.loadHistory(v.Key)
	}
	d.last = v.At
}

// tick updates what time alone changes too.
func (d *details) tick(now time.Time) {
	if d.view.ID == "" {
		return
	}
	t, v := d.texts, d.view
	trouble, _ := t.Diagnose(v, d.around, now)
	importance := widget.WarningImportance // it comes right by itself
	if view.ToneNow(v, !d.policy.Proactive, now) == view.Person {
		importance = widget.DangerImportance
	}
	if trouble.Sentence == "" && v.Observed && !v.Choice.Keep {
		importance = widget.LowImportance
		trouble = view.Diagnosis{Sentence: t.Get("Only observed: its own program refreshes it, when it is used."), Action: view.ActionKeep, Cure: t.Cure(view.ActionKeep)}
	}
	before := d.lines.MinSize()
	if d.trouble.Importance != importance {
		d.trouble.Importance = importance
		d.trouble.Refresh()
	}
	setLabel(d.trouble, trouble.Sentence)
	show(d.trouble, trouble.Sentence != "")
	d.action = trouble.Action
	if d.cure.Text != trouble.Cure {
		d.cure.SetText(trouble.Cure)
	}
	show(d.cure, trouble.Action != view.ActionNone)
	proxy := ""
	if !v.Proxy.Empty() {
		proxy = d.proxy(v.Proxy)
	}
	d.fill(t.Facts(v, d.policy, proxy, clientText(v.OAuth), now))
	if d.lines.MinSize() != before {
		d.lines.Refresh() // each has another place now
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
	d.facts.Layout.Layout(d.facts.Objects, d.facts.Size()) // a value may have more lines now
}

// loadHistory reads it off the UI's goroutine.
func (d *details) loadHistory(key engine.Key) {
	d.reads++
	nth, history := d.reads, d.history
	go func() {
		entries, err := history(context.Background(), key)
		d.do(func() {
			if nth != d.reads { // another one was begun since
				return
			}
			d.stored, d.unread = make([]view.Past, len(entries)), err
			for i, e := range entries {
				d.stored[i] = view.Past(e)
			}
			d.showPast()
		})
	}()
}

// showPast shows the history as it was read, and what came since: whoever keeps
// it hears of a refresh when we do.
func (d *details) showPast() {
	past := view.Merge(d.stored, d.live(d.shown))
	past = past[max(len(past)-pastMost, 0):]
	d.chart.show(past, d.view.Dead, time.Now())
	tones := view.Tones(past, func(engine.Key) bool { return d.view.Dead })
	d.past.RemoveAll()
	if d.unread != nil {
		fault := widget.NewLabel(d.unread.Error())
		fault.Wrapping = fyne.TextWrapWord
		d.past.Add(fault)
	}
	for i, p := range slices.Backward(past) {
		d.past.Add(d.entry(p, tones[i]))
	}
}

func (d *details) entry(p view.Past, tone view.Tone) fyne.CanvasObject {
	what := widget.NewLabel(d.texts.Past(p))
	what.Truncation = fyne.TextTruncateEllipsis
	switch tone { // as the chart has it
	case view.Person:
		what.Importance = widget.DangerImportance
	case view.Wait:
		what.Importance = widget.WarningImportance
	}
	return container.NewBorder(nil, nil, widget.NewLabel(p.At.Local().Format("01-02 15:04")),
		widget.NewLabel(d.texts.Get("%d ms", p.Took.Milliseconds())), what)
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
