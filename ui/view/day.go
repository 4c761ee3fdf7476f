package view

import (
	"cmp"
	"slices"
	"time"

	"tokentray/engine"
)

// DaySpan is how far the strip of the day goes, back and ahead.
const DaySpan = 12 * time.Hour

// Mark is one moment on the strip of the day: a refresh, or several that are
// too close to each other to be told apart. Of several it is the one that
// matters most.
type Mark struct {
	Past         // of what is to come: Key, Name and At
	Tone    Tone // of what is to come: Dim
	Count   int  // how many it stands for
	Until   time.Time
	Planned bool // still to come
	Guess   bool // it follows from a planned one, if that works
}

// Position is where on the strip the mark is: 0 is DaySpan ago, 1 DaySpan
// ahead.
func (m Mark) Position(now time.Time) float32 {
	return float32(m.At.Sub(now)+DaySpan) / float32(2*DaySpan)
}

// DayParams is what a strip of the day is made of.
type DayParams struct {
	Past   []Past // of all accounts, in any order
	Views  []engine.View
	Policy engine.Policy
	Now    time.Time
	// Width is how many marks can be told apart beside each other; at most
	// twice as many are made.
	Width int
}

// Day is the refreshes of the last 12 hours and of the next 12, in order.
func Day(p DayParams) []Mark {
	p.Policy.Herd = len(p.Views)
	d := day{DayParams: p, slot: 2 * DaySpan / time.Duration(max(p.Width, 1)), at: map[slot]int{}}
	d.past()
	for _, v := range p.Views {
		d.coming(v)
	}
	slices.SortFunc(d.marks, func(a, b Mark) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Tone, b.Tone), a.Key.Compare(b.Key))
	})
	return d.marks
}

type day struct {
	DayParams
	slot  time.Duration // what can be told apart
	marks []Mark
	at    map[slot]int // the marks' places
}

// slot is fixed in time, so that marks do not join and part as time goes on.
type slot struct {
	number  int64
	planned bool
}

func (d *day) past() {
	past := make([]Past, 0, len(d.Past))
	for _, p := range d.Past {
		if ago := d.Now.Sub(p.At); ago >= 0 && ago <= DaySpan {
			past = append(past, p)
		}
	}
	oldestFirst(past)
	dead := map[engine.Key]bool{}
	for _, v := range d.Views {
		if ToneOf(v, !d.Policy.Proactive) == Person {
			dead[v.Key] = true
		}
	}
	for i, tone := range Tones(past, func(key engine.Key) bool { return dead[key] }) {
		d.add(Mark{Past: past[i], Tone: tone, Count: 1, Until: past[i].At})
	}
}

// coming adds the account's next refresh, and those that follow if it works.
func (d *day) coming(v engine.View) {
	at, planned := d.Policy.Next(v.Account, v.Tries)
	if !planned || v.Refreshing {
		return
	}
	if at.Before(d.Now) {
		at = d.Now
	}
	step := max(between(d.Policy, v.Account), d.slot)
	for guess := false; at.Sub(d.Now) <= DaySpan; at, guess = at.Add(step), true {
		d.add(Mark{Past: Past{Key: v.Key, Name: v.Name, At: at}, Count: 1, Until: at, Planned: true, Guess: guess})
	}
}

func (d *day) add(m Mark) {
	s := slot{m.At.UnixNano() / int64(d.slot), m.Planned}
	i, taken := d.at[s]
	if !taken {
		d.at[s] = len(d.marks)
		d.marks = append(d.marks, m)
		return
	}
	old := &d.marks[i]
	first, last, count := old.At, old.Until, old.Count+1
	if m.At.Before(first) {
		first = m.At
	}
	if m.At.After(last) {
		last = m.At
	}
	if m.Tone > old.Tone || m.Tone == old.Tone && m.Planned && m.At.Before(old.At) {
		*old = m
	}
	old.At, old.Until, old.Count = first, last, count
}

// Mark says what a mark stands for: "work · refreshed 09:41 · 340 ms".
func (t Texts) Mark(m Mark) string {
	at := m.At.Local().Format("15:04")
	if until := m.Until.Local().Format("15:04"); until != at {
		at += "–" + until
	}
	text := m.Name + " · "
	switch {
	case m.Guess:
		text += t.Get("again about %s", at)
	case m.Planned:
		text += t.Get("due %s", at)
	default:
		if text += t.Past(m.Past) + " " + at; m.Count == 1 && m.Took > 0 {
			text += " · " + t.Get("%d ms", m.Took.Milliseconds())
		}
	}
	if m.Count > 1 {
		text += " · " + t.Count(m.Count-1, "and 1 more", "and %d more")
	}
	return text
}
