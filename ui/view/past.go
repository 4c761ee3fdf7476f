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

// Bar is a refresh in a chart.
type Bar struct {
	Past
	Tone   Tone
	Height float32 // 0 to 1, for how long it took
}

// Bars are the latest of an account's refreshes, at most so many, the oldest
// first, in whatever order they come. The longest is 1 high, the others by the
// square root, or one time-out would flatten all others. needs says that the
// account needs a person now.
func Bars(past []Past, needs bool, most int) []Bar {
	past = slices.Clone(past)
	oldestFirst(past)
	tones := Tones(past, func(engine.Key) bool { return needs })
	from := max(len(past)-max(most, 0), 0)
	past, tones = past[from:], tones[from:]
	longest := time.Duration(1)
	for _, p := range past {
		longest = max(longest, p.Took)
	}
	bars := make([]Bar, len(past))
	for i, p := range past {
		bars[i] = Bar{p, tones[i], float32(math.Sqrt(float64(max(p.Took, 0)) / float64(longest)))}
	}
	return bars
}

// Bar says what a bar stands for: "11-23 09:41 · refreshed · 340 ms".
func (t Texts) Bar(b Bar) string {
	return b.At.Local().Format("01-02 15:04") + " · " + t.Past(b.Past) + " · " + t.Get("%d ms", b.Took.Milliseconds())
}
