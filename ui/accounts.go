package ui

import (
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/ui/view"
)

// accounts is the live list, the worst first. Only the rows that are seen are
// touched.
type accounts struct {
	list   *keyList
	texts  view.Texts
	source func(engine.Key) (short, place string)

	views    []engine.View
	lazy     bool
	seen     map[widget.ListItemID]*row // those that were filled last, by their places
	selected engine.Key

	skipped map[engine.Key]time.Time // when a refresh that was asked for was

	// picking lets a person pick several.
	picking bool
	picked  map[engine.Key]bool
	changed func() // what is picked

	refresh func(engine.Key)
	choose  func(engine.View)
	none    func() // no row is left to choose
	// opened is called where a person chose a row; showing is no choice.
	opened  func()
	showing bool
}

func (a *accounts) pick(key engine.Key, on bool) {
	if a.picked[key] = on; !on {
		delete(a.picked, key)
	}
	a.changed()
}

func newAccounts(texts view.Texts, source func(engine.Key) (short, place string), refresh func(engine.Key), choose func(engine.View)) *accounts {
	a := &accounts{texts: texts, source: source, seen: map[widget.ListItemID]*row{}, picked: map[engine.Key]bool{}, skipped: map[engine.Key]time.Time{}, changed: func() {}, opened: func() {}, none: func() {}, refresh: refresh, choose: choose}
	a.list = newKeyList(
		func() int { return len(a.views) },
		func() fyne.CanvasObject { return newRow() },
		func(id widget.ListItemID, o fyne.CanvasObject) {
			if id < len(a.views) {
				r := o.(*row)
				if a.seen[r.place] == r {
					delete(a.seen, r.place)
				}
				a.seen[id], r.place = r, id
				a.fill(r, a.views[id])
			}
		})
	a.list.OnSelected = func(id widget.ListItemID) {
		if id < len(a.views) {
			a.selected = a.views[id].Key
			a.choose(a.views[id])
			if !a.showing {
				a.opened()
			}
		}
	}
	a.list.chosen = func() { a.opened() } // also the one that is chosen already
	return a
}

func (a *accounts) fill(r *row, v engine.View) {
	short, _ := a.source(v.Key)
	r.skipped = a.skipped[v.Key]
	r.show(v, short, a.texts, a.lazy, time.Now(), func() { a.refresh(v.Key) })
	r.pick(a.picking, a.picked[v.Key], func(on bool) { a.pick(v.Key, on) })
}

// show takes in new views and keeps the chosen account chosen, wherever it is
// now.
func (a *accounts) show(views []engine.View, lazy bool) {
	a.views, a.lazy = views, lazy
	a.showing = true
	defer func() { a.showing = false }()
	clear(a.seen) // all that are in sight are filled again
	a.list.Refresh()
	for id, v := range views {
		if v.Key == a.selected {
			at := a.list.GetScrollOffset()
			a.list.Select(id) // which scrolls to it
			a.list.ScrollToOffset(at)
			a.choose(v)
			return
		}
	}
	a.list.UnselectAll() // the row that was chosen is another account's now
	if len(views) > 0 {
		a.list.Select(0)
	} else {
		a.none()
	}
}

// find is the account's row, -1 where it has none.
func (a *accounts) find(key engine.Key) int {
	return slices.IndexFunc(a.views, func(v engine.View) bool { return v.Key == key })
}

// open chooses a row as a person does, and brings it into sight.
func (a *accounts) open(id widget.ListItemID) {
	a.list.Select(id)
	a.list.ScrollTo(id)
	a.opened()
}

// inSight are the rows that are seen, from the top. Fyne keeps those that were
// scrolled away, as they were.
func (a *accounts) inSight() (rows []*row) {
	step := rowHeight + theme.Padding()
	top := a.list.GetScrollOffset()
	last := min(int((top+a.list.Size().Height)/step), len(a.views)-1)
	for id := int(top / step); id <= last; id++ {
		if r := a.seen[id]; r != nil && r.shown.Key == a.views[id].Key {
			rows = append(rows, r)
		}
	}
	return rows
}

// tick counts down in the rows that are seen.
func (a *accounts) tick(now time.Time) {
	for _, r := range a.inSight() {
		r.skipped = a.skipped[r.shown.Key]
		r.tick(a.texts, a.lazy, now)
	}
}
