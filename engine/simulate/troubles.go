package simulate

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	day   = 24 * time.Hour
	month = 30 * day
)

// span is a stretch of time, its end excluded.
type span struct{ from, to time.Duration }

// spans are in order and do not touch each other.
type spans []span

// merged makes spans of any.
func merged(all ...[]span) spans {
	flat := slices.Concat(all...)
	slices.SortFunc(flat, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out spans
	for _, s := range flat {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
		} else if s.to > s.from {
			out = append(out, s)
		}
	}
	return out
}

// at is the first span that ends after t.
func (s spans) after(t time.Duration) int {
	i, _ := slices.BinarySearchFunc(s, t, func(s span, t time.Duration) int {
		if s.to <= t {
			return -1
		}
		return 1
	})
	return i
}

// outOf is t, or the end of the span that it lies in.
func (s spans) outOf(t time.Duration) time.Duration {
	if i := s.after(t); i < len(s) && s[i].from <= t {
		return s[i].to
	}
	return t
}

func (s spans) has(t time.Duration) bool { return s.outOf(t) != t }

// within is how much of the time between from and to lies in spans.
func (s spans) within(from, to time.Duration) (sum time.Duration) {
	for i := s.after(from); i < len(s) && s[i].from < to; i++ {
		sum += min(s[i].to, to) - max(s[i].from, from)
	}
	return sum
}

// late makes every span end later.
func (s spans) late(by time.Duration) spans {
	out := slices.Clone(s)
	for i := range out {
		out[i].to += by
	}
	return out
}

// nights are from 23 o'clock on; the simulation begins at midnight.
func nights(length, whole time.Duration) (out spans) {
	for at := 23 * time.Hour; length > 0 && at < whole; at += day {
		out = append(out, span{at, at + length})
	}
	return merged(out)
}

// monthly is one in every 30 days, or what is left of them, at some time.
func monthly(r *rand.Rand, length, whole time.Duration) (out spans) {
	for at := time.Duration(0); length > 0 && at < whole; at += month {
		room := max(min(month, whole-at)-length, 1)
		from := at + time.Duration(r.Int64N(int64(room)))
		out = append(out, span{from, from + length})
	}
	return merged(out)
}

// often is so many times a day, at any time.
func often(r *rand.Rand, aDay float64, length, whole time.Duration) (out spans) {
	for at := pause(r, aDay); at < whole; at += length + pause(r, aDay) {
		out = append(out, span{at, at + length})
	}
	return merged(out)
}

// pause is a random time to the next of what happens so many times a day.
func pause(r *rand.Rand, aDay float64) time.Duration {
	if aDay <= 0 {
		return 1 << 62
	}
	return time.Duration(min(r.ExpFloat64()/aDay*float64(day), 1<<61))
}
