// Package ui is the window and the tray. It wraps an engine: it shows what
// Watch tells, and never works on the goroutine that draws. It leaves fyne's
// app package to cmd, so that its tests need no display.
package ui

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/engine/guidelog"
	"tokentray/engine/store/local"
	"tokentray/ui/view"
)

// Engine is what the window needs of an engine.
type Engine interface {
	Snapshot() []engine.View
	Policy() engine.Policy
	SetPolicy(engine.Policy)
	Scan(context.Context) error
	Pass(context.Context, engine.PassParams) (engine.Summary, error)
	Watch(context.Context) iter.Seq[engine.Event]
}

// Params is what a Window is made of.
type Params struct {
	App    fyne.App
	Engine Engine
	// Events are those of Engine that Follow follows; nil: it watches itself.
	Events iter.Seq[engine.Event]
	// Early has the window before there is anything in it; nil: nobody does.
	Early func(fyne.Window)
	// Source is the store that has the account, in a word or two and with where
	// it is.
	Source func(engine.Key) (short, place string)
	// Tooltip changes the tray icon's; nil: it has none.
	Tooltip func(string)
	// Muted is until when notifications are kept back.
	Muted time.Time
	// Habits is how the window was looked at last.
	Habits Habits
	// Log has the last lines of the log.
	Log *guidelog.Recent
	// Stores are those that accounts can be added to, the usual one first.
	Stores []Store
	// Unread says that the accounts are still to be read: that there are none yet
	// is no reason for the first page.
	Unread bool
	// Seen says that a person has looked past the first page.
	Seen bool
	// ProxyText shows an account's proxy without its password.
	ProxyText func(engine.Secret) string
	Texts     view.Texts
	// Do runs a function on the UI's goroutine: fyne.Do, or a test's own.
	Do func(func())
	// Spent is the processor's time of this process so far; nil: unknown. The
	// countdown goes slower where it takes much.
	Spent func() time.Duration
	// History returns an account's latest refreshes.
	History func(context.Context, engine.Key) ([]local.Entry, error)
	// Day returns the refreshes of all accounts since then, the oldest first;
	// nil: none are kept.
	Day func(context.Context, time.Time) ([]view.Past, error)
	// Kinds are the kinds of the stores, by the engine's names, and Quota how
	// many commands a day a Redis may be sent.
	Kinds map[string]view.StoreKind
	Quota int
	// PolicyChosen keeps what a person chose, and returns what there is to say
	// of it ("15 from .env again at the next start").
	PolicyChosen func(engine.Policy) string
	Actions      Actions
	// Banner marks the window, as the demo's; "" for none.
	Banner string
}

// Store is a store that accounts can be added to.
type Store struct {
	Name  string // as in engine.NewAccount.Store
	Title string
	// Further says that it is one more relay, which can be taken out again.
	Further bool
	Keeps   func(provider string) bool
}

const (
	rescanEvery = 30 * time.Second // while the window is seen: the relay refreshes too
	drawAtMost  = 100 * time.Millisecond
	stripEvery  = 30 * time.Second // a few of its pixels
)

// dayMost bounds the refreshes of the day that are kept to be shown.
const dayMost = 5000

// Window is the main window.
type Window struct {
	fyne.Window
	p Params

	controls   *controls
	meaning    *widget.RichText
	warning    *widget.Label
	hint       *widget.Label     // what must be said above all else
	goAhead    *widget.Hyperlink // from lazy to proactive
	summary    *summary
	trouble    *widget.Label   // what is wrong around the accounts
	none       *fyne.Container // in the list's place: the search finds nothing
	accounts   *accounts
	details    *details
	head       *fyne.Container // above the list
	left       *fyne.Container // the list, with what is above and below
	side       *fyne.Container // the details' place beside the list
	page       *fyne.Container // accounts and details
	start      fyne.CanvasObject
	found      *fyne.Container // on the first page
	picked     *selection
	search     *entry
	dialogs    *dialogs
	order      *widget.Select
	strip      *strip
	sides      *sideBySide
	views      []engine.View // all, in order
	past       []view.Past   // of the day, the oldest first
	headHeight float32
	took       map[engine.Key]view.Past // the latest success of each account
	dayAt      time.Time                // when the strip last moved by itself
	load       string                   // what the last load said
	keeping    *time.Timer              // keepSoon's
	muted      time.Time                // until when notifications are kept back
	muteEnds   *time.Timer              // nil: they are not
	activity   *activity                // nil: closed
	line       *widget.Label            // what the last pass did
	all        *widget.Hyperlink

	tray func(views []engine.View, lazy, storeAway bool)

	uncoloured func()           // ends followColours
	ctx        context.Context  // Follow's
	foundShown []string         // what found shows
	away       map[string]error // the stores that are, by name
	offline    error            // so is the network
	wrongClock error
	passed     engine.Summary
	passedAt   time.Time
	saidUntil  time.Time // the line keeps what was said
	visible    atomic.Bool
	opened     chan struct{} // tells the clock; has room for one
	choosing   sync.Mutex    // one policy after the other is kept, the last one last
}

// New makes the window. Follow brings it to life.
func New(p Params) *Window {
	t := p.Texts
	w := &Window{Window: p.App.NewWindow("Tokentray"), p: p, ctx: context.Background(), muted: p.Muted, away: map[string]error{}, took: map[engine.Key]view.Past{}, tray: func([]engine.View, bool, bool) {}, opened: make(chan struct{}, 1)}
	w.visible.Store(true)
	w.Resize(fyne.NewSize(cmp.Or(p.Habits.Width, 1120), cmp.Or(p.Habits.Height, 720)))
	if p.Early != nil {
		p.Early(w.Window)
	}
	w.dialogs = dialogsOf(w)
	w.controls = newControls(t, w.choose, func() { w.pass(engine.PassParams{}) })
	w.controls.dragging = func() { w.words(p.Engine.Policy(), w.views, time.Now()) }
	w.meaning = widget.NewRichText()
	w.meaning.Wrapping = fyne.TextWrapWord
	w.warning = widget.NewLabel("")
	w.warning.Wrapping, w.warning.Importance = fyne.TextWrapWord, widget.WarningImportance
	w.warning.Hide()
	w.hint = widget.NewLabel("")
	w.hint.Wrapping, w.hint.Importance = fyne.TextWrapWord, widget.WarningImportance
	w.hint.Hide()
	w.strip = newStrip(t, w.selectAccount)
	w.goAhead = widget.NewHyperlink(t.Get("Refresh ahead of expiry instead"), nil)
	w.goAhead.OnTapped = func() { w.controls.proactive.SetChecked(true) }
	w.summary = newSummary()
	w.trouble = widget.NewLabel("")
	w.trouble.Wrapping, w.trouble.Importance = fyne.TextWrapWord, widget.WarningImportance // a store that is away says what to do
	w.trouble.Hide()
	w.details = newDetails(w)
	w.accounts = newAccounts(t, p.Source, func(key engine.Key) { w.pass(engine.PassParams{Keys: []engine.Key{key}}) },
		func(v engine.View) {
			_, place := p.Source(v.Key)
			w.details.show(v, place, w.around(v), p.Engine.Policy(), time.Now())
		})
	w.accounts.none = w.details.clear
	w.details.live = func(key engine.Key) []view.Past {
		return slices.DeleteFunc(slices.Clone(w.past), func(p view.Past) bool { return p.Key != key })
	}
	w.picked = newSelection(w)
	w.search = w.dialogs.entry(false)
	w.search.escape = func() { w.search.SetText("") }
	w.search.SetPlaceHolder(t.Get("Search"))
	w.search.SetText(p.Habits.Filter)
	w.search.OnChanged = func(string) {
		w.draw()
		w.keepSoon()
	}
	var orders []string
	for _, o := range view.Orders {
		orders = append(orders, t.Order(o))
	}
	w.order = widget.NewSelect(orders, nil)
	w.order.SetSelected(t.Order(view.Order(p.Habits.Sort)))
	w.order.OnChanged = func(string) {
		w.keepHabits()
		w.draw()
	}
	w.line = widget.NewLabel("")
	w.line.Truncation, w.line.Importance = fyne.TextTruncateEllipsis, widget.LowImportance
	w.all = widget.NewHyperlink(t.Get("Refresh all anyway"), nil)
	w.all.OnTapped = w.refreshAll
	w.all.Hide()

	gear := widget.NewButtonWithIcon("", theme.SettingsIcon(), w.openSettings)
	gear.Importance = widget.LowImportance
	var plus *widget.Button
	plus = widget.NewButtonWithIcon("", theme.ContentAddIcon(), func() {
		at := p.App.Driver().AbsolutePositionForObject(plus)
		widget.ShowPopUpMenuAtPosition(w.addMenu(), w.Canvas(), at.AddXY(0, plus.Size().Height))
	})
	plus.Importance = widget.LowImportance
	w.none = container.NewVBox(layout.NewSpacer(), widget.NewLabelWithStyle(t.Get("No account matches the search."), fyne.TextAlignCenter, fyne.TextStyle{}),
		container.NewCenter(widget.NewButton(t.Get("Show all"), func() { w.search.SetText("") })), layout.NewSpacer())
	w.none.Hide()
	w.head = container.NewVBox(reading(nil, nil, nil, container.NewHBox(w.picked.begin, plus, gear), container.New(layout.NewCustomPaddedLayout(12, 12, 12, 4), w.summary)),
		w.trouble, reading(nil, nil, nil, w.order, w.search))
	w.left = reading(w.head, container.NewVBox(w.picked.bar, reading(nil, nil, nil, w.all, w.line)), nil, nil, container.NewStack(w.accounts.list, w.none))
	w.side = container.NewPadded(w.details.box)
	w.sides = &sideBySide{}
	split := container.New(w.sides, w.left, widget.NewSeparator(), w.side)
	w.accounts.opened = func() {
		w.sides.details = true
		split.Refresh()
	}
	w.details.back.OnTapped = func() {
		w.sides.details = false
		split.Refresh()
	}
	w.sides.narrow = func(on bool) { show(w.details.back, on) }
	top := container.NewVBox(container.NewPadded(w.controls.object()), widget.NewSeparator(),
		reading(nil, nil, nil, w.goAhead, w.meaning), w.warning, widget.NewSeparator())
	if p.Banner != "" {
		banner := widget.NewLabelWithStyle(p.Banner, fyne.TextAlignCenter, fyne.TextStyle{Bold: true})
		banner.Importance = widget.WarningImportance
		leave := widget.NewButton(t.Get("Leave the demo"), func() { w.work(p.Actions.Leave, nil) })
		top.Objects = append([]fyne.CanvasObject{container.NewBorder(nil, nil, nil, leave, banner)}, top.Objects...)
	}
	w.page = reading(top, container.NewVBox(widget.NewSeparator(), w.strip), nil, nil, split)
	w.start = w.startPage()
	w.SetContent(reading(w.hint, nil, nil, nil, container.NewStack(w.page, w.start)))
	w.muteChanged()
	w.followColours()
	return w
}

// Follow follows the engine from this moment on, until ctx is done.
func (w *Window) Follow(ctx context.Context) {
	w.ctx = ctx
	changed := make(chan struct{}, 1)
	events := w.p.Events
	if events == nil {
		events = w.p.Engine.Watch(ctx)
	}
	go func() {
		for ev := range events {
			w.p.Do(func() { w.note(ev) })
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}()
	go w.clock(ctx, changed)
}

// followColours draws anew when the system turns dark or light, or a person
// chooses so. Fyne forgets no listener: what it keeps is let go by uncoloured.
func (w *Window) followColours() {
	self := &struct{ *Window }{w}
	w.uncoloured = func() { self.Window = nil }
	put := w.p.Do
	w.p.App.Settings().AddListener(func(fyne.Settings) {
		go put(func() { // once Fyne itself has taken them in
			if self.Window != nil {
				self.draw()
			}
		})
	})
}

// clock draws what has changed, and counts down.
func (w *Window) clock(ctx context.Context, changed <-chan struct{}) {
	pace := pace{spent: w.p.Spent}
	second := time.NewTimer(time.Second)
	defer second.Stop()
	scan := time.NewTicker(rescanEvery)
	defer scan.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			w.p.Do(w.draw)
			select { // no more often than eyes can follow
			case <-time.After(drawAtMost):
			case <-ctx.Done():
				return
			}
		case <-second.C:
			if w.visible.Load() { // hidden, it stands
				second.Reset(pace.step(func() { w.p.Do(w.tick) }))
			}
		case <-w.opened:
			pace.again()
			second.Reset(time.Second)
		case <-scan.C:
			if w.visible.Load() {
				go w.p.Engine.Scan(ctx)
			}
		}
	}
}

// note keeps what is not in the engine's snapshot.
func (w *Window) note(ev engine.Event) {
	switch ev.Kind {
	case engine.EventSnapshot:
		w.loadDay()
	case engine.EventRefreshed:
		if r := ev.Result; r.Reason != engine.ReasonNotDue {
			p := view.Past(local.EntryOf(ev))
			w.remember(p)
			if w.past = append(w.past, p); len(w.past) > 2*dayMost {
				w.past = slices.Delete(w.past, 0, dayMost)
			}
			if p.Key == w.details.shown {
				w.details.showPast()
			}
		}
	case engine.EventScanned:
		w.p.Unread = false
	case engine.EventPass:
		w.passed, w.passedAt = ev.Summary, ev.Time
		w.saidUntil = time.Time{}
	case engine.EventStoreDown:
		w.away[ev.Store] = ev.Err
	case engine.EventStoreUp:
		delete(w.away, ev.Store)
	case engine.EventNetworkDown:
		w.offline = ev.Err
	case engine.EventNetworkUp:
		w.offline = nil
	case engine.EventClock:
		w.wrongClock = ev.Err
	}
}

// draw shows everything as it is now; while the window is hidden, in the tray
// alone.
func (w *Window) draw() {
	policy, views, now, t := w.p.Engine.Policy(), w.p.Engine.Snapshot(), time.Now(), w.p.Texts
	lazy := !policy.Proactive
	w.tray(views, lazy, len(w.away) > 0 || w.offline != nil)
	if !w.visible.Load() {
		return
	}
	view.Durations(views, w.took)
	w.chosenOrder().Sort(views, lazy)
	w.controls.show(policy)
	total := t.Count(len(views), "1 account", "%d accounts")
	if len(views) == 0 && len(w.away) > 0 { // who knows
		total = ""
	}
	w.summary.show(total, t.Tallies(views, lazy, now))
	wrong := w.wrong()
	setLabel(w.trouble, wrong)
	show(w.trouble, wrong != "")
	if height := w.head.MinSize().Height; height != w.headHeight {
		w.headHeight = height
		w.left.Refresh() // what is below has another place now
	}
	empty := w.begins(views) && len(w.away) == 0 && !w.p.Unread
	if empty {
		w.showFound(views)
	}
	if empty != w.start.Visible() || empty == w.page.Visible() {
		show(w.start, empty)
		show(w.page, !empty)
	}
	w.views = views
	found := t.Filter(views, w.search.Text, lazy, func(key engine.Key) string { short, _ := w.p.Source(key); return short })
	w.accounts.show(found, lazy)
	show(w.none, len(found) == 0 && len(views) > 0)
	w.picked.changed()
	w.strip.show(w.past, views, policy, now)
	show(w.goAhead, lazy)
	show(w.all, !w.passedAt.IsZero())
	w.words(policy, views, now)
}

// awayError is what is wrong with the stores that are away.
func (w *Window) awayError() error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(w.away)) {
		all = append(all, w.away[name])
	}
	if len(all) == 1 {
		return all[0]
	}
	return errors.Join(all...)
}

// wrong is what is wrong around the accounts, "" where nothing is.
func (w *Window) wrong() string {
	var all []string
	switch {
	case len(w.away) > 0:
		all = append(all, w.awayError().Error())
	case w.offline != nil:
		all = append(all, w.p.Texts.Get("Offline: %s", w.offline))
	}
	if w.wrongClock != nil {
		all = append(all, w.wrongClock.Error())
	}
	return strings.Join(all, " · ")
}

// around is what is wrong around an account.
func (w *Window) around(v engine.View) view.Around {
	return view.Around{Store: w.away[v.Store], Network: w.offline, Clock: w.wrongClock}
}

// words updates the sentences, which time changes too.
func (w *Window) words(policy engine.Policy, views []engine.View, now time.Time) {
	w.explain(w.loadOf(w.controls.preview(policy), views, now))
	if !w.passedAt.IsZero() && now.After(w.saidUntil) {
		setLabel(w.line, w.p.Texts.Get("Pass finished %s: %s", w.p.Texts.Age(w.passedAt, now), w.p.Texts.PassLine(w.passed, views, now)))
	}
}

// tick counts down.
func (w *Window) tick() {
	now := time.Now()
	w.accounts.tick(now)
	w.details.tick(now)
	w.words(w.p.Engine.Policy(), w.views, now)
	if now.Sub(w.dayAt) > stripEvery {
		w.dayAt = now
		w.strip.show(w.past, w.views, w.p.Engine.Policy(), now)
		w.details.chart.move(now)
	}
}

// choose puts a person's choice in force at once, and keeps it.
func (w *Window) choose(p engine.Policy) {
	w.p.Engine.SetPolicy(p)
	go func() {
		w.choosing.Lock()
		defer w.choosing.Unlock()
		if said := w.p.PolicyChosen(w.p.Engine.Policy()); said != "" {
			w.p.Do(func() { w.say(said) })
		}
	}()
}

// saidFor is how long the line keeps what was said.
const saidFor = 20 * time.Second

// say puts text on the line, until the next pass ends or it was there for long.
func (w *Window) say(text string) {
	w.saidUntil = time.Now().Add(saidFor)
	setLabel(w.line, text)
}

func show(o fyne.CanvasObject, visible bool) {
	if visible {
		o.Show()
	} else {
		o.Hide()
	}
}

// openSettings shows the settings page.
func (w *Window) openSettings() {
	go func() {
		settings, facts := w.p.Actions.Settings()
		w.p.Do(func() {
			if len(w.dialogs.open) == 0 { // asked for twice
				w.settingsPage(settings, facts, w.p.Actions.Save)
			}
		})
	}()
}

// Hint says something above all else, for as long as the window is there. On the
// UI's goroutine.
func (w *Window) Hint(text string) {
	setLabel(w.hint, text)
	show(w.hint, true)
	w.Content().Refresh()
}

// find puts the cursor where one searches.
func (w *Window) find() { w.Canvas().Focus(w.search) }

// pass starts one off the UI's goroutine; the click shows at once.
func (w *Window) pass(p engine.PassParams) {
	all := p.Keys == nil
	if all {
		w.controls.setBusy(true)
		w.say(w.p.Texts.Get("Checking all accounts …"))
	}
	go func() {
		did, err := w.p.Engine.Pass(context.Background(), p)
		w.p.Do(func() {
			if all {
				w.controls.setBusy(false)
			} else {
				w.skipped(did.Results)
			}
			if err != nil {
				w.say(err.Error())
			}
		})
	}()
}

// skipped shows which of the accounts that a person asked to refresh were not,
// and why.
func (w *Window) skipped(results []engine.Result) {
	var said []string
	for _, r := range results {
		switch {
		case r.Outcome != engine.ResultSkipped:
		case r.Reason == engine.ReasonElsewhere || r.Reason == engine.ReasonRestored: // its last result says so
		default:
			w.accounts.skipped[r.Key] = time.Now()
			said = append(said, w.p.Texts.Get("%s: %s", r.Name, w.p.Texts.Past(view.Past{Reason: string(r.Reason)})))
		}
	}
	if said != nil {
		w.say(strings.Join(said, " · "))
		w.accounts.tick(time.Now())
	}
}

// refreshAll asks, and refreshes the accounts that are not due too.
func (w *Window) refreshAll() {
	t := w.p.Texts
	w.dialogs.show(dialog.NewConfirm(t.Get("Refresh all accounts now?"), t.Get("Also those that are not due: each costs its provider a request."), func(ok bool) {
		if ok {
			w.pass(engine.PassParams{Force: true})
		}
	}, w.Window))
}

// narrow is the width under which the details give way to the list.
const narrow = 800

// sideBySide lays out list, separator and details. Where there is no room for
// both, the details take the list's place once they are asked for.
type sideBySide struct {
	details bool       // asked for
	narrow  func(bool) // told whether there is no room
	was     bool
}

func (*sideBySide) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(objects[0].MinSize().Width, 240)
}

func (s *sideBySide) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	list, line, details := objects[0], objects[1], objects[2]
	if is := size.Width < narrow; is != s.was {
		s.was, s.details = is, false
		s.narrow(is)
	}
	if s.was {
		line.Hide()
		show(details, s.details)
		show(list, !s.details)
		for _, o := range []fyne.CanvasObject{list, details} {
			o.Move(fyne.NewPos(0, 0))
			o.Resize(size)
		}
		return
	}
	list.Show()
	line.Show()
	details.Show()
	left := size.Width * 0.66
	list.Move(fyne.NewPos(0, 0))
	list.Resize(fyne.NewSize(left, size.Height))
	line.Move(fyne.NewPos(left, 0))
	line.Resize(fyne.NewSize(theme.SeparatorThicknessSize(), size.Height))
	details.Move(fyne.NewPos(left+1, 0))
	details.Resize(fyne.NewSize(size.Width-left-1, size.Height))
}
