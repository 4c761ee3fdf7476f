package view

import (
	"fmt"
	"time"
)

// Countdown is Texts.Countdown in English.
func Countdown(d time.Duration) string { return Texts(nil).Countdown(d) }

// Countdown is exact below an hour and coarse above: 00:07:51, 6 h 58 m,
// 7 d 21 h; what is past has a minus.
func (t Texts) Countdown(d time.Duration) string {
	sign := ""
	if d = d.Round(time.Second); d < 0 {
		sign, d = "−", -d
	}
	switch s := int(d.Seconds()); {
	case s < 3600:
		return fmt.Sprintf("%s00:%02d:%02d", sign, s/60, s%60)
	case s < 24*3600:
		return sign + t.Get("%d h %02d m", s/3600, s%3600/60)
	default:
		return sign + t.Get("%d d %02d h", s/86400, s%86400/3600)
	}
}

// Age says how long ago at was.
func (t Texts) Age(at, now time.Time) string {
	switch d := now.Sub(at); {
	case at.IsZero():
		return t.Get("never")
	case d < time.Minute:
		return t.Get("%d s ago", max(int(d.Seconds()), 0))
	case d < time.Hour:
		return t.Get("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return t.Get("%d h ago", int(d.Hours()))
	default:
		return t.Get("%d days ago", int(d.Hours()/24))
	}
}

// Span says how long something will last, in words.
func (t Texts) Span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return t.Get("%d s", max(int(d.Round(time.Second).Seconds()), 0))
	case d < 2*time.Hour:
		return t.Get("%d min", int(d.Round(time.Minute).Minutes()))
	case d < 48*time.Hour:
		return t.Get("%d h", int(d.Hours()))
	default:
		return t.Get("%d days", int(d.Hours()/24))
	}
}
