package notify

import (
	"iter"
	"maps"
	"slices"
	"time"

	"tokentray/engine"
)

// lookEvery is how often it is looked whether a quiet time is over. Timers stop
// in standby, and the wall clock may be set.
const lookEvery = time.Minute

// passMost is how long an alert waits for the refreshes under way: what a pass
// over many accounts finds comes together.
const passMost = time.Minute

// Rules say which alerts are told, and when. The zero Rules tell the default
// ones, at any time.
type Rules struct {
	// Kinds switches alerts on and off; what it lacks is as engine.DefaultAlerts
	// has it.
	Kinds map[engine.Alert]bool
	// QuietFrom and QuietTo are the minutes of the local day between which
	// alerts are held back, over midnight where To is the smaller; the same
	// twice for no quiet hours.
	QuietFrom, QuietTo int
	// MutedUntil holds them back too; nil: never.
	MutedUntil func() time.Time
	// Left is told of each alert that was still held back when the events ended;
	// nil: nobody.
	Left func(engine.Event)
}

// tells reports whether an alert is switched on.
func (r Rules) tells(alert engine.Alert) bool {
	on, chosen := r.Kinds[alert]
	return on || !chosen && slices.Contains(engine.DefaultAlerts(), alert)
}

// Quiet reports whether alerts are held back at that time.
func (r Rules) Quiet(now time.Time) bool {
	if r.MutedUntil != nil && now.Before(r.MutedUntil()) {
		return true
	}
	now = now.Local()
	minute := now.Hour()*60 + now.Minute()
	if r.QuietFrom <= r.QuietTo {
		return r.QuietFrom <= minute && minute < r.QuietTo
	}
	return minute >= r.QuietFrom || minute < r.QuietTo
}

// Filter is the alerts among events that are to be told. Those that come in a
// quiet time, or while refreshes are under way, come together at its end, but
// for those that no longer hold by then.
func (r Rules) Filter(events iter.Seq[engine.Event]) iter.Seq[engine.Event] {
	return func(yield func(engine.Event) bool) {
		h := holder{rules: r, held: map[subject]engine.Event{}, told: map[subject]bool{}, underWay: map[engine.Key]bool{}}
		incoming, stop := pump(events)
		defer stop()
		for {
			var look <-chan time.Time
			if len(h.held) > 0 {
				look = time.After(h.look(time.Now()))
			}
			more := true
			select {
			case ev, ok := <-incoming:
				if more = ok; more {
					h.take(ev)
				}
			case <-look:
			}
			if len(h.held) > 0 && !r.Quiet(time.Now()) && (!more || !h.waits(time.Now())) {
				for _, ev := range h.release() {
					if !yield(ev) {
						return
					}
				}
			}
			if !more {
				h.leave()
				return
			}
		}
	}
}

// pump turns events into a channel.
func pump(events iter.Seq[engine.Event]) (incoming <-chan engine.Event, stop func()) {
	out, done := make(chan engine.Event), make(chan struct{})
	go func() {
		defer close(out)
		for ev := range events {
			select {
			case out <- ev:
			case <-done:
				return
			}
		}
	}()
	return out, func() { close(done) }
}

// subject is what an alert is about: the later of two about the same stands for
// both.
type subject struct {
	engine.Key
	topic engine.Alert
}

// health is the topic of how an account's refreshes go.
const health = engine.AlertNeedsLogin

func subjectOf(ev engine.Event) subject {
	topic, _ := engine.AlertOf(ev)
	if topic == engine.AlertExpired || topic == engine.AlertRecovered {
		topic = health
	}
	if ev.Account.ID == "" {
		return subject{engine.Key{Store: ev.Store}, topic}
	}
	return subject{ev.Account.Key, topic}
}

// holder holds alerts back.
type holder struct {
	rules Rules
	held  map[subject]engine.Event
	told  map[subject]bool // troubles that are told and not over
	// underWay are the accounts that are being refreshed, and since is when the
	// first of held came.
	underWay map[engine.Key]bool
	since    time.Time
}

// waits reports whether what is held waits for refreshes under way.
func (h *holder) waits(now time.Time) bool {
	return len(h.underWay) > 0 && now.Sub(h.since) < passMost
}

// look is when it is to be looked again whether what is held can be told.
func (h *holder) look(now time.Time) time.Duration {
	if h.waits(now) {
		return min(lookEvery, passMost-now.Sub(h.since))
	}
	return lookEvery
}

func (h *holder) take(ev engine.Event) {
	a, key := ev.Account, ev.Account.Key
	switch ev.Kind {
	case engine.EventSnapshot: // some ends may have been missed
		clear(h.underWay)
	case engine.EventRefreshing:
		if ev.Why != engine.WhyRestore { // whose end is not always told
			h.underWay[key] = true
		}
	case engine.EventChanged:
		if a.Choice.Muted || a.Status == "" { // the second: removed
			maps.DeleteFunc(h.held, func(s subject, _ engine.Event) bool { return s.Key == key })
		}
	case engine.EventRefreshed:
		delete(h.underWay, key)
		ends, unused := subject{key, engine.AlertLoginEnds}, subject{key, engine.AlertUnused}
		if !h.held[ends].Account.LoginExpiresAt.Equal(a.LoginExpiresAt) {
			delete(h.held, ends)
		}
		if !h.held[unused].Account.LastRefreshAt.Equal(a.LastRefreshAt) {
			delete(h.held, unused)
		}
	}
	alert, over := engine.AlertOf(ev)
	if alert == "" || a.Choice.Muted {
		return
	}
	s := subjectOf(ev)
	_, waits := h.held[s]
	if over && waits && !h.told[s] { // nobody heard of it
		delete(h.held, s)
		return
	}
	if over {
		delete(h.held, s)
	}
	if h.rules.tells(alert) {
		if len(h.held) == 0 {
			h.since = time.Now()
		}
		h.held[s] = ev
	}
}

// release gives out what is held, in order of time.
func (h *holder) release() []engine.Event {
	events := slices.SortedFunc(maps.Values(h.held), func(a, b engine.Event) int { return a.Time.Compare(b.Time) })
	for _, ev := range events {
		_, over := engine.AlertOf(ev)
		h.told[subjectOf(ev)] = !over
	}
	clear(h.held)
	return events
}

// leave tells of what is held when all ends.
func (h *holder) leave() {
	if h.rules.Left == nil {
		return
	}
	for _, ev := range h.release() {
		h.rules.Left(ev)
	}
}
