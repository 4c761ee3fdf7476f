package ui

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/engine/store/local"
	"tokentray/ui/view"
)

// fakeEngine notes what the window asks of it.
type fakeEngine struct {
	mu     sync.Mutex
	views  []engine.View
	policy engine.Policy
	passes chan engine.PassParams
	chosen chan engine.Policy
	events chan engine.Event
	did    engine.Summary // of a pass
	hold   chan bool      // not nil: a pass over all ends when it is closed
}

func newFake(views ...engine.View) *fakeEngine {
	return &fakeEngine{views: views, policy: engine.Policy{Interval: 15 * time.Minute, Window: 5 * time.Minute},
		passes: make(chan engine.PassParams, 10), chosen: make(chan engine.Policy, 10), events: make(chan engine.Event, 10)}
}

func (f *fakeEngine) Snapshot() []engine.View {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.views)
}

func (f *fakeEngine) Policy() engine.Policy {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.policy
}

func (f *fakeEngine) SetPolicy(p engine.Policy) {
	f.mu.Lock()
	f.policy = p
	f.mu.Unlock()
	f.chosen <- p
}

func (f *fakeEngine) Scan(context.Context) error { return nil }

func (f *fakeEngine) Pass(_ context.Context, p engine.PassParams) (engine.Summary, error) {
	f.passes <- p
	if p.Keys == nil && f.hold != nil {
		<-f.hold
	}
	return f.did, nil
}

func (f *fakeEngine) Watch(ctx context.Context) iter.Seq[engine.Event] {
	return func(yield func(engine.Event) bool) {
		for {
			select {
			case ev := <-f.events:
				if !yield(ev) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func account(name string, status engine.Status, left time.Duration) engine.View {
	return engine.View{Account: engine.Account{Key: engine.Key{Provider: engine.Claude, ID: "id-" + name}, Name: name, Active: true,
		RefreshToken: engine.Seal("x", nil), ExpiresAt: time.Now().Add(left)}, Status: status}
}

// turn is the UI's goroutine here: whoever draws holds it.
var turn sync.Mutex

func do(f func()) {
	turn.Lock()
	defer turn.Unlock()
	f()
}

// open makes the window on e.
func open(t *testing.T, e *fakeEngine) (w *Window) {
	t.Helper()
	do(func() {
		app := test.NewApp()
		app.Settings().SetTheme(Theme{})
		t.Cleanup(func() { do(app.Quit) })
		w = New(Params{App: app, Engine: e, Source: func(engine.Key) (string, string) { return "test", "the test's store" }, ProxyText: func(engine.Secret) string { return "socks5://host:1" }, Do: do,
			History: func(context.Context, engine.Key) ([]local.Entry, error) {
				return []local.Entry{{At: time.Now(), Outcome: "refreshed", Took: 340 * time.Millisecond}}, nil
			}, PolicyChosen: func(engine.Policy) string { return "" }})
		w.Window.Resize(fyne.NewSize(1120, 720))
	})
	return w
}

// rows are the rows that are seen, from the top.
func rows(w *Window) []*row { return w.accounts.inSight() }

func TestRows(t *testing.T) {
	dead := account("dead", engine.StatusNeedsLogin, -12*time.Minute)
	dead.Err = errors.New("Invalid refresh token")
	w := open(t, newFake(account("fine", engine.StatusValid, 7*time.Hour), account("lapsed", engine.StatusExpired, -time.Hour), dead))
	do(func() {
		want := []struct{ name, status string }{{"dead", "Needs sign-in"}, {"fine", "Valid"}, {"lapsed", "Refreshes when asked"}}
		got := rows(w)
		if len(got) != len(want) {
			t.Fatalf("%d rows", len(got))
		}
		for i, r := range got {
			if r.name.Text != want[i].name || r.status.Text != want[i].status {
				t.Errorf("row %d: %s, %s", i, r.name.Text, r.status.Text)
			}
		}
		if !strings.HasPrefix(got[0].countdown.Text, "−00:12:0") || got[0].dot.FillColor != current().person || got[2].dot.FillColor != current().dim {
			t.Errorf("countdown %s, colours %v, %v", got[0].countdown.Text, got[0].dot.FillColor, got[2].dot.FillColor)
		}
		// The details are of the first, its trouble in words.
		if w.details.name.Text != "dead" || w.details.trouble.Text != "Invalid refresh token" || !w.details.trouble.Visible() {
			t.Errorf("details: %s, %s", w.details.name.Text, w.details.trouble.Text)
		}
		w.accounts.list.Select(1)
		if w.details.name.Text != "fine" || w.details.trouble.Visible() {
			t.Errorf("details of the chosen: %s", w.details.name.Text)
		}
		if got := w.summary.text(); got != "3 accounts, 1 valid, 1 needs you, 1 refreshes when asked" {
			t.Error(got)
		}
		if c := w.summary.dots[1].FillColor; c != current().person {
			t.Errorf("the dot of what needs a person: %v", c)
		}
	})
}

func TestButtons(t *testing.T) {
	e := newFake(account("a", engine.StatusValid, time.Hour))
	w := open(t, e)
	do(func() { test.Tap(rows(w)[0].refresh) })
	if p := <-e.passes; len(p.Keys) != 1 || p.Keys[0].ID != "id-a" {
		t.Errorf("the row's button: %+v", p)
	}
	do(func() {
		test.Tap(w.controls.refresh)
		if w.line.Text != "Checking all accounts …" {
			t.Errorf("the click shows as %q", w.line.Text)
		}
	})
	if p := <-e.passes; p.Keys != nil || p.Force {
		t.Errorf("Refresh now: %+v", p)
	}
	do(func() { test.Tap(w.controls.proactive) })
	if p := <-e.chosen; !p.Proactive || p.Interval != 15*time.Minute {
		t.Errorf("the switch: %+v", p)
	}
	do(func() {
		w.controls.interval.slider.SetValue(30)
		w.controls.interval.slider.OnChangeEnded(30)
	})
	if p := <-e.chosen; p.Interval != 30*time.Minute || !p.Proactive {
		t.Errorf("the slider: %+v", p)
	}
}

// A value outside a slider's range is shown as it is, and kept.
func TestValuesOutsideTheSliders(t *testing.T) {
	e := newFake()
	e.policy.Interval, e.policy.Window = 2*time.Hour, 3*time.Second
	w := open(t, e)
	do(func() {
		if i, v := w.controls.interval.value.Text, w.controls.window.value.Text; i != "120 min" || v != "0.05 min" {
			t.Errorf("shown as %s and %s", i, v)
		}
		w.draw()
	})
	if len(e.chosen) != 0 {
		t.Error("drawing changed the policy")
	}
}

func TestFollowsTheEngine(t *testing.T) {
	e := newFake(account("a", engine.StatusValid, time.Hour))
	w := open(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	w.Follow(ctx)
	e.mu.Lock()
	e.views = append(e.views, account("b", engine.StatusFailing, -time.Hour))
	e.mu.Unlock()
	e.events <- engine.Event{Kind: engine.EventPass, Time: time.Now(), Summary: engine.Summary{Checked: 2, Refreshed: 1, Failed: 1, Took: 345 * time.Millisecond}}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var n int
		var line string
		do(func() { n, line = len(rows(w)), w.line.Text })
		if n == 2 && strings.Contains(line, "2 checked: 1 refreshed, 0 not due, 1 failed, 345 ms") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d rows, %q", n, line)
		}
	}
	cancel()
}

// A narrow window shows the list, and the details in its place once an account
// is chosen.
func TestNarrowWindow(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour), account("b", engine.StatusValid, 2*time.Hour)))
	do(func() {
		for _, step := range []struct {
			width         float32
			tap           func()
			list, details bool
		}{
			{1120, nil, true, true}, {700, nil, true, false}, {700, func() { w.accounts.list.Select(1) }, false, true}, {700, w.draw, false, true},
			{700, func() { test.Tap(w.details.back) }, true, false}, {900, nil, true, true}, {700, nil, true, false},
		} {
			w.Window.Resize(fyne.NewSize(step.width, 600))
			if step.tap != nil {
				step.tap()
			}
			if list, details := w.accounts.list.Visible() && len(all[*row](w)) > 0, w.side.Visible(); list != step.list || details != step.details {
				t.Errorf("%+v: the list is seen: %v, the details: %v", step, list, details)
			}
		}
		if w.details.name.Text != "b" {
			t.Errorf("details of %s", w.details.name.Text)
		}
	})
}

// The row's button says what goes on, then for a moment what came of it.
func TestProgress(t *testing.T) {
	do(func() {
		test.NewTempApp(t).Settings().SetTheme(Theme{})
		r := newRow()
		test.NewTempWindow(t, r).Resize(fyne.NewSize(640, rowHeight))
		now := time.Now()
		for name, step := range map[string]struct {
			change func(*engine.View)
			icon   string
			busy   bool
		}{
			"before":   {func(v *engine.View) {}, theme.ViewRefreshIcon().Name(), false},
			"at work":  {func(v *engine.View) { v.Refreshing = true }, "", true},
			"done":     {func(v *engine.View) { v.At = now.Add(-time.Second) }, theme.ConfirmIcon().Name(), false},
			"failed":   {func(v *engine.View) { v.At, v.Err = now.Add(-time.Second), errors.New("busy") }, theme.ErrorIcon().Name(), false},
			"long ago": {func(v *engine.View) { v.At = now.Add(-time.Minute) }, theme.ViewRefreshIcon().Name(), false},
		} {
			v := account("a", engine.StatusValid, time.Hour)
			step.change(&v)
			r.show(v, "embedded", nil, false, now, func() {})
			icon := ""
			if r.refresh.Icon != nil {
				icon = r.refresh.Icon.Name()
			}
			if icon != step.icon || r.working.Visible() != step.busy || r.refresh.Disabled() != step.busy {
				t.Errorf("%s: icon %q, busy %v", name, icon, r.working.Visible())
			}
		}
	})
}

// A refresh that was skipped says so on its button, and why below.
func TestSkipped(t *testing.T) {
	v := account("a", engine.StatusValid, time.Hour)
	e := newFake(v)
	e.did.Results = []engine.Result{{Key: v.Key, Name: "a", Outcome: engine.ResultSkipped, Reason: engine.ReasonRateLimited}}
	w := open(t, e)
	do(func() { test.Tap(rows(w)[0].refresh) })
	<-e.passes
	eventually(t, "the outcome", func() bool {
		return rows(w)[0].refresh.Icon.Name() == theme.MediaSkipNextIcon().Name() && w.line.Text == "a: its provider limits the rate"
	})
	do(func() {
		w.accounts.tick(time.Now().Add(outcomeFor + time.Second))
		if got := rows(w)[0].refresh.Icon.Name(); got != theme.ViewRefreshIcon().Name() {
			t.Errorf("it stays: %s", got)
		}
	})
}

// A thousand rows: only those that are seen are made.
func TestManyRows(t *testing.T) {
	var views []engine.View
	for i := range 1000 {
		views = append(views, account(strings.Repeat("x", i%20)+"账户", engine.StatusValid, time.Duration(i)*time.Minute))
	}
	w := open(t, newFake(views...))
	do(func() {
		if n := len(w.accounts.seen); n == 0 || n > 40 {
			t.Errorf("%d rows made", n)
		}
		// Scrolled through, those that are seen count down, and no other.
		for at := float32(0); at < 20_000; at += 333 {
			w.accounts.list.ScrollToOffset(at)
		}
		drawn := all[*row](w)
		if seen := rows(w); len(drawn) == 0 || len(seen) > len(drawn) || len(seen) < len(drawn)-1 {
			t.Errorf("%d rows count down, %d are seen", len(seen), len(drawn))
		}
		for _, r := range rows(w) {
			if !slices.Contains(drawn, r) {
				t.Errorf("%d is out of sight", r.place)
			}
		}
		w.accounts.tick(time.Now().Add(-40 * 24 * time.Hour))
		for r := range slices.Values(drawn[1 : len(drawn)-1]) {
			if !strings.HasPrefix(r.countdown.Text, "4") {
				t.Errorf("%d stands still: %s", r.place, r.countdown.Text)
			}
		}
		if w.draw(); len(w.accounts.seen) > len(drawn)+1 {
			t.Errorf("%d rows are kept", len(w.accounts.seen))
		}
	})
}

// find returns the first button with that text.
func find(o fyne.CanvasObject, text string) *widget.Button {
	switch o := o.(type) {
	case *widget.Button:
		if o.Text == text {
			return o
		}
	case *container.Scroll:
		return find(o.Content, text)
	case *fyne.Container:
		for _, child := range o.Objects {
			if b := find(child, text); b != nil {
				return b
			}
		}
	}
	return nil
}

// An empty window offers three ways to begin; one account ends that.
func TestFirstStart(t *testing.T) {
	e := newFake()
	w := open(t, e)
	demo := make(chan bool, 1)
	w.p.Actions.Demo = func() error { demo <- true; return nil }
	do(func() {
		if !w.start.Visible() || w.page.Visible() {
			t.Error("an empty window does not show its first page")
		}
		for _, text := range []string{"Connect a relay's Redis", "Add an account", "See the demo"} {
			if find(w.start, text) == nil {
				t.Errorf("no button %q", text)
			}
		}
		test.Tap(find(w.start, "See the demo"))
	})
	<-demo
	e.mu.Lock()
	e.views = []engine.View{account("first", engine.StatusValid, time.Hour)}
	e.mu.Unlock()
	do(func() {
		w.draw()
		if w.start.Visible() || !w.page.Visible() {
			t.Error("with an account the first page is still there")
		}
	})
}

// A store that is away is told of, with what to do, and is no empty store.
func TestStoreAway(t *testing.T) {
	w := open(t, newFake())
	do(func() {
		w.note(engine.Event{Kind: engine.EventStoreDown, Err: errors.New("Redis at 127.0.0.1:1 cannot be reached: check REDIS_HOST")})
		w.draw()
		if w.start.Visible() || !strings.Contains(w.trouble.Text, "check REDIS_HOST") || !w.trouble.Visible() || w.summary.text() != "" {
			t.Errorf("shown: %q, %q", w.trouble.Text, w.summary.text())
		}
		w.note(engine.Event{Kind: engine.EventStoreUp})
		w.draw()
		if !w.start.Visible() {
			t.Error("its return is not shown")
		}
	})
}

// Without a network, and by a wrong clock, the accounts are shown all the same.
func TestOfflineAndClock(t *testing.T) {
	e := newFake(account("first", engine.StatusValid, time.Hour))
	w := open(t, e)
	do(func() {
		w.note(engine.Event{Kind: engine.EventNetworkDown, Err: errors.New("could not connect to platform.claude.com")})
		w.note(engine.Event{Kind: engine.EventClock, Ahead: time.Hour, Err: errors.New("this machine's clock is 1h0m0s ahead")})
		w.draw()
		if want := "Offline: could not connect to platform.claude.com · this machine's clock is 1h0m0s ahead"; w.trouble.Text != want || !w.trouble.Visible() || w.summary.text() != "1 account, 1 valid" {
			t.Errorf("shown: %q, %q", w.trouble.Text, w.summary.text())
		}
		// The list begins below it.
		if head := w.head.Size().Height; head < w.head.MinSize().Height {
			t.Errorf("the head is %v high and needs %v", head, w.head.MinSize().Height)
		}
		w.note(engine.Event{Kind: engine.EventNetworkUp})
		w.note(engine.Event{Kind: engine.EventClock})
		w.draw()
		if w.trouble.Visible() || w.summary.text() != "1 account, 1 valid" {
			t.Errorf("afterwards: %q", w.trouble.Text)
		}
	})
}

// A search without a hit says so, and one click ends it.
func TestNoHit(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	do(func() {
		if w.none.Visible() {
			t.Error("it says so with all in sight")
		}
		w.search.SetText("no such")
		if !w.none.Visible() || w.start.Visible() {
			t.Error("a blank list")
		}
		test.Tap(find(w.none, "Show all"))
		if w.none.Visible() || len(rows(w)) != 1 {
			t.Error("the search goes on")
		}
	})
}

// What does not fit beside each other goes on below.
func TestSummaryWraps(t *testing.T) {
	do(func() {
		s := newSummary()
		w := onCanvas(t, s, "light", fyne.NewSize(600, 60))
		one := s.MinSize().Height
		s.show("1,000 accounts", []view.Tally{{Tone: view.Valid, Text: "900 valid"}, {Tone: view.Wait, Text: "90 waiting"}, {Tone: view.Person, Text: "10 need you"}})
		if s.MinSize().Height != one {
			t.Errorf("there is room, but it is %v high", s.MinSize().Height)
		}
		w.Resize(fyne.NewSize(200, 60))
		if s.MinSize().Height < 2*one || s.texts[2].Position().Y == 0 || s.texts[2].Position().X+s.texts[2].Size().Width > 200 {
			t.Errorf("in 200 it is %v high, the last stands at %v", s.MinSize().Height, s.texts[2].Position())
		}
	})
}

// fakeTray notes what the tray is given.
type fakeTray struct {
	icons []string
	menus int
	menu  *fyne.Menu
}

func (f *fakeTray) SetSystemTrayMenu(m *fyne.Menu) {
	if n := len(m.Items); m.Items[n-1].Label != "Quit" {
		m.Items = append(m.Items, fyne.NewMenuItem("Quit", nil)) // as Fyne does
	}
	f.menus++
	f.menu = m
}
func (f *fakeTray) SetSystemTrayIcon(r fyne.Resource) { f.icons = append(f.icons, r.Name()) }
func (f *fakeTray) SetSystemTrayWindow(fyne.Window)   {}

func TestTray(t *testing.T) {
	e := newFake(account("fine", engine.StatusValid, time.Hour), account("lapsed", engine.StatusExpired, -time.Hour))
	w := open(t, e)
	tray := &fakeTray{}
	labels := func() string {
		var all []string
		for _, item := range tray.menu.Items {
			if !item.IsSeparator {
				all = append(all, item.Label)
			}
		}
		return strings.Join(all, "|")
	}
	do(func() {
		w.Tray(tray)
		if got := labels(); got != "2 accounts, 1 valid, 1 expired|Accounts|Refresh now|Proactive|Mute|Settings|Open|Quit" { // lazy mode is calm
			t.Error(got)
		}
		for range 5 {
			w.draw()
		}
		if len(tray.icons) != 1 || tray.menus != 1 {
			t.Errorf("changed without a change: icons %v", tray.icons)
		}
	})
	e.mu.Lock()
	e.views = append(e.views, account("dead", engine.StatusNeedsLogin, 90*time.Minute))
	e.policy.Proactive = true
	e.mu.Unlock()
	do(func() {
		w.draw()
		if got := labels(); !strings.HasPrefix(got, "3 accounts, 1 valid, 1 expired, 1 needs login|dead: needs sign-in · ") || !strings.HasSuffix(got, "|Accounts|Refresh now|Proactive|Mute|Settings|Open|Quit") {
			t.Error(got)
		}
		if !slices.Equal(tray.icons, []string{"tray-calm.png", "tray-attention.png"}) {
			t.Error(tray.icons)
		}
		for _, item := range tray.menu.Items {
			if item.Label == "Refresh now" {
				item.Action()
			}
			if item.Label == "Proactive" && !item.Checked {
				t.Error("Proactive is not checked")
			}
		}
	})
	if p := <-e.passes; p.Keys != nil {
		t.Errorf("%+v", p)
	}
}

// How a row looks, light and dark; the fonts are those of the tag ci.
func TestRowLooks(t *testing.T) {
	for _, variant := range []string{"light", "dark"} {
		do(func() {
			app := test.NewTempApp(t)
			app.Settings().SetTheme(Theme{Variant: variant})
			r := newRow()
			w := test.NewTempWindow(t, r)
			w.SetPadded(false)
			w.Resize(fyne.NewSize(640, rowHeight))
			v := account("work", engine.StatusNeedsLogin, 0)
			v.ExpiresAt, v.Err, v.At = time.Time{}, errors.New("Invalid refresh token"), time.Now()
			r.show(v, "embedded", nil, false, time.Now(), nil)
			r.Refresh()
			test.AssertRendersToImage(t, "row-"+variant+".png", w.Canvas())
		})
	}
}

// A switch from light to dark is seen at once, also while nothing happens.
func TestLightAndDark(t *testing.T) {
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	do(func() { w.p.App.Settings().SetTheme(Theme{Variant: "light"}) })
	eventually(t, "light", func() bool { return rows(w)[0].dot.FillColor == light.valid })
	do(func() { w.p.App.Settings().SetTheme(Theme{Variant: "dark"}) })
	eventually(t, "dark", func() bool {
		return rows(w)[0].dot.FillColor == dark.valid && w.summary.dots[0].FillColor == dark.valid && w.strip.nowLine.FillColor == dark.accent
	})
}

// What is typed into the search is kept without a person hiding the window.
func TestFilterIsKept(t *testing.T) {
	kept := make(chan Habits, 10)
	w := open(t, newFake(account("a", engine.StatusValid, time.Hour)))
	do(func() {
		w.p.Actions.Keep = func(h Habits) { kept <- h }
		test.Type(w.search, "ab")
	})
	if h := <-kept; h.Filter != "ab" {
		t.Errorf("kept %+v", h)
	}
	select {
	case h := <-kept:
		t.Errorf("kept for each letter: %+v", h)
	default:
	}
}

// A row's refresh that ends leaves the button to the pass that goes on.
func TestBusy(t *testing.T) {
	e := newFake(account("a", engine.StatusValid, time.Hour))
	e.hold = make(chan bool)
	w := open(t, e)
	do(func() { test.Tap(w.controls.refresh) })
	<-e.passes
	one := make(chan bool)
	do(func() {
		w.p.Do = func(f func()) { do(f); one <- true }
		test.Tap(rows(w)[0].refresh)
	})
	<-e.passes
	<-one
	do(func() {
		if w.controls.refresh.Text != "Refreshing …" {
			t.Errorf("the button says %q", w.controls.refresh.Text)
		}
		test.Tap(w.controls.refresh)
	})
	close(e.hold)
	<-one
	do(func() {
		if w.controls.refresh.Text != "Refresh now" || len(e.passes) > 0 {
			t.Errorf("in the end it says %q", w.controls.refresh.Text)
		}
	})
}

// What a row says fits into its columns.
func TestRowTextsFit(t *testing.T) {
	do(func() {
		test.NewTempApp(t).Settings().SetTheme(Theme{})
		r := newRow()
		test.NewTempWindow(t, r).Resize(fyne.NewSize(640, rowHeight))
		for _, left := range []time.Duration{-time.Minute, -59 * time.Minute, -47 * time.Hour, -12 * 24 * time.Hour, -200 * 24 * time.Hour, 300 * 24 * time.Hour, 59 * time.Minute} {
			for _, status := range []engine.Status{engine.StatusExpired, engine.StatusValid, engine.StatusFailing, engine.StatusNeedsLogin} {
				for _, lazy := range []bool{true, false} {
					v := account("a", status, left)
					v.Failures = 12
					r.show(v, "embedded", nil, lazy, time.Now(), func() {})
					if r.status.MinSize().Width > r.status.Size().Width || strings.Contains(r.status.Text, "…") {
						t.Errorf("%q: %v of %v", r.status.Text, r.status.MinSize().Width, r.status.Size().Width)
					}
					if r.countdown.MinSize().Width > r.countdown.Size().Width {
						t.Errorf("%q: %v of %v", r.countdown.Text, r.countdown.MinSize().Width, r.countdown.Size().Width)
					}
				}
			}
		}
	})
}
