package engine

import (
	"cmp"
	"time"
)

// conclude draws from a flight's result what is to be tried next, and when.
func (e *Engine) conclude(st *state, req request, r Result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now, t := e.now(), st.tries()
	switch {
	case r.Outcome == ResultRefreshed:
		t = Tries{Result: ResultRefreshed, At: now, Took: r.Took, Succeeded: now}
	case r.Outcome == ResultFailed:
		t.Result, t.Err, t.At, t.Took = ResultFailed, r.Err, now, r.Took
		t.Failures++
		t.RetryAt = now.Add(cmp.Or(retryAfter(r.Err), Backoff(t.Failures)))
		switch KindOf(r.Err) {
		case KindLoginDead:
			t.Dead = true
		case KindSettings:
			t.Stuck = true
		case KindUnknownOutcome:
			if expiry := st.account().ExpiresAt; expiry.After(t.RetryAt) {
				t.RetryAt = expiry
			}
		}
	case r.Reason == ReasonElsewhere, r.Reason == ReasonRestored:
		t = Tries{Result: string(r.Reason), At: now, Took: r.Took, Succeeded: t.Succeeded}
	case r.Reason == ReasonLocked:
		t.RetryAt = now.Add(StoreRetry)
	}
	st.setTries(t)
	if t.Err != nil && req.why == WhyAsked {
		st.have(func(r *rare) { r.asked = now })
	}
}

// settle ends a flight: the account's place in the queue and the events follow
// from the result.
func (e *Engine) settle(st *state, f *flight, req request, r Result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	a := st.account()
	r.Key, r.Name, r.ExpiresAt, r.Why = st.key, a.Name, a.ExpiresAt, req.why
	st.flight = nil
	e.underWay--
	e.requeue(st)
	f.result = r
	defer close(f.done) // when all is told

	if KindOf(r.Err) == KindNotFound {
		e.forget(st)
	}
	if req.why != WhyRestore || KindOf(r.Err) != KindStore { // that the store is away is told already
		e.hub.publish(Event{Kind: EventRefreshed, Account: e.view(st, now), Result: r, Why: req.why})
	}
	if st.tries().Err == nil {
		e.recovered(st)
	}
	e.alert(st, now)
}

// alert tells, once, that an account needs a person, and once that its token
// expired while its refreshes keep failing. With e.mu held.
func (e *Engine) alert(st *state, now time.Time) {
	kind := EventKind("")
	t, alerted := st.tries(), st.has().alerted
	switch {
	case t.Dead:
		kind = EventNeedsLogin
	case t.Err != nil && KindOf(t.Err) != KindStore && KindOf(t.Err) != KindOffline && !now.Before(st.account().ExpiresAt):
		kind = EventExpired
	}
	if kind == "" || alerted == kind || alerted == EventNeedsLogin {
		return
	}
	st.have(func(r *rare) { r.alerted = kind })
	e.hub.publish(Event{Kind: kind, Account: e.view(st, now), Err: t.Err})
}

// recovered ends what alert told. With e.mu held.
func (e *Engine) recovered(st *state) {
	if st.has().alerted == "" {
		return
	}
	st.have(func(r *rare) { r.alerted = "" })
	e.hub.publish(Event{Kind: EventRecovered, Account: e.view(st, e.now())})
}
