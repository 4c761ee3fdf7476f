package ui

import (
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/ui/view"
)

// loadOf is what the policy means for these accounts.
func (w *Window) loadOf(policy engine.Policy, views []engine.View, now time.Time) view.Load {
	return view.LoadOf(view.LoadParams{Policy: policy, Views: views, Stores: w.p.Kinds, Quota: w.p.Quota, Now: now})
}

// explain says what the policy means, in one line, and what is unwise in it.
func (w *Window) explain(load view.Load) {
	t := w.p.Texts
	parts := t.LoadParts(load)
	if seen := t.WhileSeen(load, rescanEvery); seen != "" {
		parts = append(parts, view.Part{Text: " · " + seen})
	}
	if said := view.Plain(parts); said != w.load {
		w.load = said
		height := w.meaning.MinSize().Height
		w.meaning.Segments = nil
		for _, p := range parts {
			style := widget.RichTextStyle{Inline: true, SizeName: theme.SizeNameText, ColorName: theme.ColorNamePlaceHolder}
			if p.Strong {
				style.ColorName, style.TextStyle = theme.ColorNameForeground, fyne.TextStyle{Bold: true}
			}
			w.meaning.Segments = append(w.meaning.Segments, &widget.TextSegment{Text: p.Text, Style: style})
		}
		if w.meaning.Refresh(); w.page != nil && w.meaning.MinSize().Height != height {
			w.page.Refresh() // what is below has another place now
		}
	}
	warnings := strings.Join(t.Warnings(load), "\n")
	setLabel(w.warning, warnings)
	show(w.warning, warnings != "")
	w.controls.explain(load)
}

// chosenOrder is the order that the list is in.
func (w *Window) chosenOrder() view.Order {
	for _, o := range view.Orders {
		if w.p.Texts.Order(o) == w.order.Selected {
			return o
		}
	}
	return view.OrderWorst
}

// selectAccount chooses an account, brings it into sight and opens its details.
func (w *Window) selectAccount(key engine.Key) {
	i := w.accounts.find(key)
	if i < 0 && slices.ContainsFunc(w.views, func(v engine.View) bool { return v.Key == key }) { // the search leaves it out
		w.search.SetText("")
		w.draw()
		i = w.accounts.find(key)
	}
	if i >= 0 {
		w.accounts.open(i)
	}
}

// Habits are how the window is looked at now. On the UI's goroutine.
func (w *Window) Habits() Habits {
	size := w.Canvas().Size()
	return Habits{Width: size.Width, Height: size.Height, Sort: string(w.chosenOrder()), Filter: w.search.Text}
}

// keepHabits keeps how the window is looked at.
func (w *Window) keepHabits() {
	if w.p.Actions.Keep != nil {
		w.p.Actions.Keep(w.Habits())
	}
}

// keepAfter is how long typing must pause before what was typed is kept.
const keepAfter = time.Second

// keepSoon keeps them once nothing changes for a moment.
func (w *Window) keepSoon() {
	if w.keeping == nil {
		w.keeping = time.AfterFunc(keepAfter, func() { w.p.Do(w.keepHabits) })
	} else {
		w.keeping.Reset(keepAfter)
	}
}

// loadDay reads the refreshes of the last hours off the UI's goroutine.
func (w *Window) loadDay() {
	if w.p.Day == nil {
		return
	}
	go func() {
		past, err := w.p.Day(w.ctx, time.Now().Add(-view.DaySpan))
		if err != nil {
			return // the details tell of a history that cannot be read
		}
		w.p.Do(func() {
			w.past = view.Merge(past, w.past) // with what came meanwhile
			for _, p := range w.past {
				w.remember(p)
			}
			w.draw()
		})
	}()
}

// remember keeps how long an account's latest refresh took.
func (w *Window) remember(p view.Past) {
	if p.Outcome == engine.ResultRefreshed && !p.At.Before(w.took[p.Key].At) {
		w.took[p.Key] = p
	}
}
