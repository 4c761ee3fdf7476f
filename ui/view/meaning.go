package view

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Part is a piece of a sentence; what matters in it is Strong.
type Part struct {
	Text   string
	Strong bool
}

// Plain is the parts as one text.
func Plain(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// LoadParts says in one line what the policy means now: "Next: gemini-main in
// 3 min · about 4 refreshes an hour · about 440 Redis commands a day, 4.4 % of
// 10,000 · nothing expires between checks".
func (t Texts) LoadParts(l Load) []Part {
	var parts []Part
	say := func(plain, strong, rest string) {
		if len(parts) > 0 {
			plain = " · " + plain
		}
		for _, p := range []Part{{plain, false}, {strong, true}, {rest, false}} {
			if p.Text != "" {
				parts = append(parts, p)
			}
		}
	}
	about := t.Get("about ")
	switch {
	case !l.Policy.Proactive:
		say("", t.Get("Lazy:"), t.Get(" nothing is refreshed by itself; a token is refreshed when a program asks for it."))
	case l.Kept == 0:
		say("", t.Get("Proactive:"), t.Get(" no account is to be refreshed ahead of its expiry."))
	default:
		if l.Next.Name != "" {
			say(t.Get("Next: "), t.Get("%s in %s", l.Next.Name, t.Span(l.NextIn)), "")
		}
		say(about, t.refreshes(l.RefreshesAnHour), "")
	}
	if l.Redis > 0 {
		share := t.Get(", %s of %s", percent(l.Share), number(l.Quota))
		if l.Redis > 1 {
			share = t.Get(", at most %s of %s in one Redis", percent(l.Share), number(l.Quota))
		}
		say(about, t.Get("%s Redis commands a day", number(roughly(l.CommandsADay))), share)
	}
	if l.Kept > 0 && l.Scarcely == 0 {
		say(t.Get("nothing expires between checks"), "", "")
	}
	return parts
}

// refreshes is a rate by the hour, or of rare ones by the day.
func (t Texts) refreshes(anHour float64) string {
	switch {
	case anHour >= 1.5:
		return t.Get("%s refreshes an hour", number(roughly(anHour)))
	case anHour*24 >= 1.5:
		return t.Get("%s refreshes a day", number(roughly(anHour*24)))
	}
	return t.Get("one refresh in %s", t.Span(time.Duration(float64(time.Hour)/anHour)))
}

// IntervalSays explains the interval: "4 scans an hour: medium load, for
// ordinary production (recommended)".
func (t Texts) IntervalSays(l Load) string {
	scans := t.Get("%s scans an hour", decimal(l.ScansAnHour))
	if l.ScansAnHour == 1 {
		scans = t.Get("one scan an hour")
	}
	switch GradeOf(l.Policy.Interval) {
	case GradeHigh:
		return t.Get("%s: high load, for production with many concurrent requests", scans)
	case GradeLow:
		return t.Get("%s: low load, for occasional use or tight quotas", scans)
	}
	if l.Policy.Interval == 15*time.Minute {
		return t.Get("%s: medium load, for ordinary production (recommended)", scans)
	}
	return t.Get("%s: medium load, for ordinary production", scans)
}

// WindowSays explains the window.
func (t Texts) WindowSays(l Load) string {
	switch RiskOf(l.Policy.Window) {
	case RiskAggressive:
		return t.Get("Aggressive: after a failure little time is left for a second try")
	case RiskCareful:
		return t.Get("Careful: time for several tries, and more refreshes than needed")
	}
	if l.Policy.Window == 5*time.Minute {
		return t.Get("Balanced (recommended): low risk")
	}
	return t.Get("Balanced: low risk")
}

// Warnings are what is unwise in the choice, each in one sentence.
func (t Texts) Warnings(l Load) []string {
	var all []string
	warn := func(on bool, text string) {
		if on {
			all = append(all, text)
		}
	}
	warn(l.Short > 0, t.Count(l.Short, "For 1 account the window is half its token's life or more: half the life counts.",
		"For %d accounts the window is half their tokens' life or more: half the life counts."))
	warn(l.Scarcely > 0, t.Count(l.Scarcely, "For 1 account the window is too short: its token counts as expired before it is due.",
		"For %d accounts the window is too short: their tokens count as expired before they are due."))
	warn(l.TooManyTooFast, t.Get("With more than %d accounts the guide asks for a longer interval: every 30 min.", manyAccounts))
	warn(l.Share > 1, t.Get("This is more than %s Redis commands a day: check less often.", number(l.Quota)))
	return all
}

// WhileSeen says what a look every so often costs on top, as of a window that
// is open; "" where it costs no command.
func (t Texts) WhileSeen(l Load, every time.Duration) string {
	if l.Redis == 0 {
		return ""
	}
	anHour := l.CommandsAScan * float64(time.Hour) / float64(every)
	return t.Get("about %s Redis commands more an hour while this window is open", number(roughly(anHour)))
}

// roughly rounds to two digits that count: an estimate has no more.
func roughly(n float64) int {
	if n < 100 {
		return int(math.Round(n))
	}
	unit := math.Pow(10, math.Floor(math.Log10(n))-1)
	return int(math.Round(n/unit) * unit)
}

// number groups the digits by threes: 10,000.
func number(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// decimal has one digit behind the point, where it is not 0.
func decimal(n float64) string {
	return strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64)
}

func percent(share float64) string {
	if share >= 0.1 {
		return number(roughly(share*100)) + " %"
	}
	return decimal(share*100) + " %"
}
