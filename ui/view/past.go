package view

import (
	"math"
	"slices"
	"time"

	"tokentray/engine"
)

// Past is one refresh of the past. A history's entry converts to it.
type Past struct {
	engine.Key
	At              time.Time
	Name            string
	Outcome, Reason string // as in engine.Result, and the two below
	Error           string // for people, "" unless it failed
	Took            time.Duration
}

// Reasons that a history has on top of the engine's.
const (
	reasonStoredLate = "stored_late"
	reasonSignedIn   = "signed_in"
)

// oldestFirst puts refreshes in order. A history's order, the newest first, is
// turned around: that is much less work than to sort.
func oldestFirst(past []Past) {
	byTime := func(a, b Past) int { return a.At.Compare(b.At) }
	if len(past) > 1 && past[0].At.After(past[len(past)-1].At) {
		slices.Reverse(past)
	}
	if !slices.IsSortedFunc(past, byTime) {
		slices.SortStableFunc(past, byTime)
	}
}

// Merge is what is in either, once, the oldest first.
func Merge(a, b []Past) []Past {
	seen := make(map[Past]bool, len(a))
	all := slices.Clone(a)
	for _, p := range a {
		seen[p] = true
	}
	for _, p := range b {
		if !seen[p] {
			all = append(all, p)
		}
	}
	oldestFirst(all)
	return all
}

// Tones are the tones of refreshes, the oldest first. A failure needed a person
// where no refresh but a person's sign-in came after it, or where nothing came
// and the account needs one now, as needs says; else it came right by itself.
func Tones(past []Past, needs func(engine.Key) bool) []Tone {
	tones := make([]Tone, len(past))
	person := map[engine.Key]bool{}
	for i, p := range slices.Backward(past) {
		after, known := person[p.Key]
		if !known {
			after = needs(p.Key)
			person[p.Key] = after
		}
		switch {
		case p.Error != "" || p.Outcome == engine.ResultFailed:
			tones[i] = Wait
			if after {
				tones[i] = Person
			}
		case p.Reason == reasonSignedIn:
			tones[i], person[p.Key] = Valid, true
		case p.Outcome == engine.ResultRefreshed || p.Reason == string(engine.ReasonElsewhere):
			tones[i], person[p.Key] = Valid, false
		case p.Reason == string(engine.ReasonRestored) || p.Reason == reasonStoredLate:
			tones[i], person[p.Key] = Wait, false
		}
	}
	return tones
}

// Past says how a refresh of the past ended, in words.
func (t Texts) Past(p Past) string {
	switch {
	case p.Error != "":
		return p.Error
	case p.Reason == string(engine.ReasonRestored):
		return t.Get("another program wrote an old token back; restored")
	case p.Reason == reasonSignedIn:
		return t.Get("signed in")
	case p.Reason == reasonStoredLate:
		return t.Get("stored, which could not be done before")
	case p.Reason != "":
		return t.reason(engine.Reason(p.Reason))
	}
	return t.Get(p.Outcome)
}

// reason says why nothing was sent.
func (t Texts) reason(r engine.Reason) string {
	switch r {
	case engine.ReasonInactive:
		return t.Get("switched off")
	case engine.ReasonNoRefreshToken:
		return t.Get("no refresh token")
	case engine.ReasonNotDue:
		return t.Get("not due yet")
	case engine.ReasonElsewhere:
		return t.Get("refreshed by another program")
	case engine.ReasonNeedsLogin:
		return t.Get("needs sign-in")
	case engine.ReasonUnreadable:
		return t.Get("cannot be read")
	case engine.ReasonLocked:
		return t.Get("another program is refreshing it")
	case engine.ReasonRateLimited:
		return t.Get("its provider limits the rate")
	case engine.ReasonObserved:
		return t.Get("only observed")
	case engine.ReasonShared:
		return t.Get("refreshed in another place, which has the same login")
	}
	return t.Get(string(r))
}

// Bar is a refresh in a chart, or several that are too close to each other to
// be told apart: then it is the latest of those that matter most.
type Bar struct {
	Past
	Tone     Tone
	Count    int     // how many it stands for
	Height   float32 // 0 to 1, for how long it took
	Position float32 // 0 to 1, for when it was
}

// chartSpans are how far back a chart may go.
var chartSpans = []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 3 * 24 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 30 * 24 * time.Hour, 90 * 24 * time.Hour}

// ChartParams is what a chart of an account's refreshes is made of.
type ChartParams struct {
	Past    []Past // in any order
	Needs   bool   // the account needs a person now
	Now     time.Time
	Columns int // how many bars can be told apart beside each other
}

// Bars are the refreshes over the time that span goes back from now, the oldest
// first. The longest is 1 high, the others by the square root, or one time-out
// would flatten all others.
func Bars(p ChartParams) (bars []Bar, span time.Duration) {
	past := slices.Clone(p.Past)
	oldestFirst(past)
	for _, span = range chartSpans {
		if len(past) == 0 || p.Now.Sub(past[0].At) <= span {
			break
		}
	}
	from, step := p.Now.Add(-span), span/time.Duration(max(p.Columns, 1))
	longest := time.Duration(1)
	slot := int64(-1)
	for i, tone := range Tones(past, func(engine.Key) bool { return p.Needs }) {
		b := Bar{Past: past[i], Tone: tone, Count: 1}
		if b.At.Before(from) {
			continue
		}
		b.Position = min(float32(b.At.Sub(from))/float32(span), 1)
		longest = max(longest, b.Took)
		s := b.At.UnixNano() / int64(step) // fixed in time, so that bars do not join and part
		if s != slot {
			slot, bars = s, append(bars, b)
			continue
		}
		last := &bars[len(bars)-1]
		b.Count += last.Count
		if b.Tone >= last.Tone {
			*last = b
		}
		last.Count = b.Count
	}
	for i := range bars {
		bars[i].Height = float32(math.Sqrt(float64(max(bars[i].Took, 0)) / float64(longest)))
	}
	return bars, span
}

// Bar says what a bar stands for: "11-23 09:41 · refreshed · 340 ms".
func (t Texts) Bar(b Bar) string {
	text := b.At.Local().Format("01-02 15:04") + " · " + t.Past(b.Past) + " · " + t.Get("%d ms", b.Took.Milliseconds())
	if b.Count > 1 {
		text += " · " + t.Count(b.Count-1, "and 1 more", "and %d more")
	}
	return text
}
