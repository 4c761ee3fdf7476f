package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// PassParams says what a pass is to do.
type PassParams struct {
	// Keys limits the pass to these accounts, due or not; nil means all.
	Keys []Key
	// Force refreshes all that can be, due or not.
	Force bool
	// Once is a command's way: one try per account.
	Once bool
}

// Pass is the guide's manualRefresh: it reads all accounts, refreshes what is
// due within the window (or what was named or forced), waits for all of it and
// sums up. Where the listing had problems they are returned, joined, beside
// the summary of the rest.
func (e *Engine) Pass(ctx context.Context, p PassParams) (Summary, error) {
	return e.pass(ctx, p, WhyManual)
}

func (e *Engine) pass(ctx context.Context, p PassParams, why Why) (Summary, error) {
	began, at := time.Now(), e.now()
	looked := e.scan(ctx, slices.Collect(maps.Values(e.places)))
	if looked.nothing {
		return Summary{}, looked.err()
	}
	summary := Summary{ByProvider: map[string]Count{}}
	type wish struct {
		*state
		request
	}
	var due []wish
	for _, st := range e.chosen(p.Keys) {
		if looked.away[st.key.Store] != nil {
			continue // its return is looked for
		}
		if r, req, ok := e.gate(st, p, why, at); ok {
			due = append(due, wish{st, req})
		} else {
			summary.add(r)
		}
	}
	for batch := range slices.Chunk(due, batchSize) {
		results := make(chan Result)
		for _, w := range batch {
			go func() {
				// What was begun is waited for, whatever becomes of ctx.
				r := resultOf(errClosing)
				if ctx.Err() == nil {
					r, _ = e.await(context.WithoutCancel(ctx), w.state, w.request)
				}
				if v := e.viewOf(w.state); r.ID == "" {
					r.Key, r.Name, r.ExpiresAt, r.Why = w.key, v.Name, v.ExpiresAt, why
				}
				results <- r
			}()
		}
		for range batch {
			summary.add(<-results)
		}
	}
	slices.SortFunc(summary.Results, func(a, b Result) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.Key.Compare(b.Key))
	})
	if summary.Checked == 0 && len(looked.away) > 0 {
		return Summary{}, looked.err()
	}
	summary.Took = time.Since(began)
	e.hub.publish(Event{Kind: EventPass, Summary: summary, Why: why, Err: looked.problems})
	return summary, looked.err()
}

// chosen returns the states of keys, or of all accounts.
func (e *Engine) chosen(keys []Key) []*state {
	index := *e.index.Load()
	if keys == nil {
		return slices.Collect(maps.Values(index))
	}
	var states []*state
	for _, key := range keys {
		if st := index[key]; st != nil {
			states = append(states, st)
		}
	}
	return states
}

// gate is the guide's questions, in its order: active? a refresh token? due
// within the window? It returns the request for an account that is to be
// refreshed now, or else the account's result. What the pass's own scan, begun
// at, found to be stored late is no more to be refreshed than anything else.
func (e *Engine) gate(st *state, p PassParams, why Why, at time.Time) (r Result, req request, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a, t, now := st.account(), st.tries(), e.now()
	person := p.Force || p.Keys != nil
	backingOff := t.Stuck || now.Before(t.RetryAt)
	switch {
	case usable(a) != nil:
		r = resultOf(usable(a))
	case why == WhyProactive && (a.Choice.Lazy || idle(a, now)):
		r = skipped(ReasonNotDue, nil)
	case !person && !Due(a, e.policy.Window, now),
		why == WhyProactive && e.policy.resting(a, t) && now.Before(t.Succeeded.Add(successPause)):
		r = skipped(ReasonNotDue, nil)
	case t.Result == ResultRestored && !t.At.Before(at) && !Due(a, e.policy.Window, now):
		r = skipped(ReasonRestored, nil)
	case t.Dead && !person:
		r = skipped(ReasonNeedsLogin, t.Err)
	case KindOf(t.Err) == KindRateLimited && now.Before(t.RetryAt):
		r = skipped(ReasonRateLimited, t.Err)
	case why == WhyProactive && e.offline(a):
		r = Result{Outcome: ResultFailed, Err: errOffline}
	case t.Err != nil && backingOff && why == WhyProactive:
		r = Result{Outcome: ResultFailed, Err: t.Err} // still failing; its retry has its own moment
	default:
		return r, request{why: why, window: e.policy.Window, seen: st.version, person: person, once: p.Once}, true
	}
	r.Key, r.Name, r.ExpiresAt, r.Why = st.key, a.Name, a.ExpiresAt, why
	return r, req, false
}
