package engine

import "time"

// foretold is what was told of a login's end before it came.
type foretold struct {
	end    time.Time     // the LoginExpiresAt that was told of,
	step   time.Duration // and the last step of the way to it
	unused time.Time     // the LastRefreshAt that was told to be long ago
}

// foretell tells, each once, of a login that comes to its end: by a date that is
// known, or since it is not refreshed. With e.mu held.
func (e *Engine) foretell(st *state, now time.Time) {
	a := st.account()
	if !a.Active || a.Problem != nil || st.tries().Dead || a.Static() || a.Rival.Leads {
		return
	}
	f := st.has().foretold
	told := f
	if step := EndStep(a, now); step > 0 && (!f.end.Equal(a.LoginExpiresAt) || step < f.step) {
		f.end, f.step = a.LoginExpiresAt, step
		e.hub.publish(Event{Kind: EventLoginEnds, Account: e.view(st, now), Ahead: a.LoginExpiresAt.Sub(now)})
	}
	if left, tell := UnusedLeft(a, now); tell && !f.unused.Equal(a.LastRefreshAt) {
		f.unused = a.LastRefreshAt
		e.hub.publish(Event{Kind: EventUnused, Account: e.view(st, now), Ahead: left})
	}
	if f != told {
		st.have(func(r *rare) { r.foretold = f })
	}
}
