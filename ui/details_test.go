package ui

import (
	"context"
	"errors"
	"image/color"
	"math"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"tokentray/engine"
	"tokentray/engine/store/local"
	"tokentray/ui/view"
)

// pastLines are the history's lines, without their times.
func pastLines(d *details) (lines []string) {
	for _, o := range d.past.Objects {
		lines = append(lines, o.(*fyne.Container).Objects[0].(*widget.Label).Text)
	}
	return lines
}

// The newest refresh stands in the history at once, whether what keeps it has
// written it by then or not, and once.
func TestHistoryHasTheNewest(t *testing.T) {
	v := account("a", engine.StatusValid, time.Hour)
	e := newFake(v)
	w := open(t, e)
	ev := engine.Event{Kind: engine.EventRefreshed, Time: time.Now(), Result: engine.Result{Key: v.Key, Name: "a", Outcome: engine.ResultFailed, Err: errors.New("server busy"), Took: 1500 * time.Microsecond}}
	late := ev
	late.Time, late.Result = ev.Time.Add(time.Second), engine.Result{Key: v.Key, Name: "a", Outcome: engine.ResultSkipped, Reason: engine.ReasonElsewhere}
	kept, read := []local.Entry{local.EntryOf(ev)}, make(chan bool, 10)
	do(func() {
		w.details.history = func(context.Context, engine.Key) ([]local.Entry, error) {
			read <- true
			return kept, nil // the second is not written yet
		}
		w.note(ev)
		w.note(late)
		v.At = late.Time
		e.views[0] = v
		w.draw()
	})
	<-read
	want := []string{"refreshed by another program", "server busy"}
	eventually(t, "the history", func() bool { return len(w.details.stored) == 1 && slices.Equal(pastLines(w.details), want) })
	do(func() {
		if len(w.details.chart.of.Past) != 2 {
			t.Errorf("the chart has %d", len(w.details.chart.of.Past))
		}
		// It came right by itself: amber, as in the chart.
		if l := w.details.past.Objects[1].(*fyne.Container).Objects[0].(*widget.Label); l.Importance != widget.WarningImportance {
			t.Errorf("its importance is %v", l.Importance)
		}
	})
}

// A sign-in and a late store look in the strip as they will after a restart.
func TestStripAsInTheHistory(t *testing.T) {
	v := account("a", engine.StatusValid, time.Hour)
	w := open(t, newFake(v))
	signIn := engine.Event{Kind: engine.EventRefreshed, Time: time.Now().Add(-time.Minute), Result: engine.Result{Key: v.Key, Outcome: engine.ResultRefreshed, Why: engine.WhySignIn}}
	late := engine.Event{Kind: engine.EventRefreshed, Time: time.Now(), Result: engine.Result{Key: v.Key, Outcome: engine.ResultSkipped, Reason: engine.ReasonRestored}}
	do(func() {
		w.note(signIn)
		w.note(late)
		for i, want := range []string{local.ReasonSignedIn, local.ReasonStoredLate} {
			if got := w.past[i].Reason; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
	// What is read of the day does not undo what came meanwhile.
	w.p.Day = func(context.Context, time.Time) ([]view.Past, error) {
		return []view.Past{{Key: v.Key, At: signIn.Time.Add(-time.Hour), Outcome: engine.ResultRefreshed}, view.Past(local.EntryOf(signIn))}, nil
	}
	do(w.loadDay)
	eventually(t, "the day", func() bool { return len(w.past) == 3 && w.past[2].Reason == local.ReasonStoredLate })
}

// After a restart the row has from the history how long the refresh took.
func TestDurationAfterARestart(t *testing.T) {
	v := account("a", engine.StatusValid, time.Hour)
	v.Result, v.LastRefreshAt = engine.ResultRefreshed, time.Now().Add(-3*time.Minute)
	w := open(t, newFake(v))
	w.p.Day = func(context.Context, time.Time) ([]view.Past, error) {
		return []view.Past{{Key: v.Key, At: v.LastRefreshAt, Outcome: engine.ResultRefreshed, Took: 340 * time.Millisecond}}, nil
	}
	do(w.loadDay)
	eventually(t, "the duration", func() bool { return rows(w)[0].result.Text == "refreshed 3 min ago · 340 ms" })
}

// Trouble is red where it needs a person, amber where it passes by itself.
func TestTroubleColour(t *testing.T) {
	for status, want := range map[engine.Status]widget.Importance{engine.StatusFailing: widget.WarningImportance, engine.StatusNeedsLogin: widget.DangerImportance} {
		v := account("a", status, time.Hour)
		v.Err, v.Dead = errors.New("x"), status == engine.StatusNeedsLogin
		w := open(t, newFake(v))
		do(func() {
			if got := w.details.trouble.Importance; got != want || !w.details.trouble.Visible() {
				t.Errorf("%s: %v, want %v", status, got, want)
			}
		})
	}
}

// A box without its tick is seen: its border has three times the contrast of
// the card behind it, or nearly so.
func TestBoxesAreSeen(t *testing.T) {
	for variant, p := range map[fyne.ThemeVariant]palette{theme.VariantLight: light, theme.VariantDark: dark} {
		border := color.NRGBAModel.Convert(Theme{}.Color(theme.ColorNameInputBorder, variant)).(color.NRGBA)
		if got := contrast(border, p.card); got < 2.5 {
			t.Errorf("contrast %.2f of %v on %v", got, border, p.card)
		}
	}
}

// contrast is WCAG's.
func contrast(a, b color.NRGBA) float64 {
	light := func(c color.NRGBA) float64 {
		part := func(v uint8) float64 { return math.Pow((float64(v)/255+0.055)/1.055, 2.4) }
		return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
	}
	x, y := light(a)+0.05, light(b)+0.05
	return max(x/y, y/x)
}

// The details count down as the rows do.
func TestDetailsCountDown(t *testing.T) {
	v := account("a", engine.StatusFailing, 3*time.Minute)
	v.Err, v.RetryAt = errors.New("server busy"), time.Now().Add(40*time.Second)
	w := open(t, newFake(v))
	do(func() {
		before := factsOf(w.details)
		sentence := w.details.trouble.Text
		w.details.tick(time.Now().Add(20 * time.Second))
		if w.details.trouble.Text == sentence {
			t.Errorf("the sentence stands still: %q", sentence)
		}
		w.details.tick(time.Now().Add(130 * time.Second))
		if after := factsOf(w.details); after["Access token until"] == before["Access token until"] {
			t.Errorf("the facts stand still: %v", after)
		}
		w.details.clear()
		w.details.tick(time.Now())
	})
}

func factsOf(d *details) map[string]string {
	facts := map[string]string{}
	for i := 0; i+1 < len(d.facts.Objects); i += 2 {
		if title, value := d.facts.Objects[i].(*widget.Label), d.facts.Objects[i+1].(*widget.Label); title.Visible() {
			facts[title.Text] = value.Text
		}
	}
	return facts
}
