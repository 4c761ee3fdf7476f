package engine

import (
	"context"
	"sync"
	"time"
)

// Run works until ctx is done: in proactive mode it scans at the interval and
// refreshes what it finds due, and between scans refreshes each account at its
// own deadline; in lazy mode it only reads at the interval, for those who
// watch. It compares wall-clock times at least once a minute, so that a
// sleeping laptop catches up when it wakes. The caller then calls Close.
func (e *Engine) Run(ctx context.Context) {
	e.setRunning(true)
	defer e.setRunning(false)
	e.hub.publish(Event{Kind: EventStarted, Policy: e.Policy()})

	var network sync.WaitGroup
	defer network.Wait()
	network.Go(func() { e.lookForNetwork(ctx) })
	var (
		nextScan = e.now()
		nextLook = nextScan    // for the return of stores that are away
		scanning chan struct{} // nil: no scan under way
		timer    = time.NewTimer(0)
		looked   time.Time
		ticked   = time.Now() // when the clocks were last compared,
		told     = nextScan   // and what the wall clock told then
	)
	defer timer.Stop()
	defer e.turn(time.Time{})
	for {
		e.turn(time.Now())
		now, policy := e.now(), e.Policy()
		if nextScan.Sub(now) > policy.Interval { // shorter now, or the clock was set back
			nextScan = now.Add(policy.Interval)
		}
		away := e.awayPlaces()
		if retry := now.Add(StoreRetry); nextLook.After(retry) {
			nextLook = retry
		}
		switch {
		case scanning != nil:
		case !now.Before(nextScan):
			scanning = e.begin(func() { e.look(ctx, policy) })
			nextScan, nextLook = now.Add(policy.Interval), now.Add(StoreRetry)
		case len(away) > 0 && !now.Before(nextLook):
			scanning = e.begin(func() { e.scan(ctx, away) })
			nextLook = now.Add(StoreRetry)
		}
		if policy.Proactive {
			e.refreshDue(now, policy)
		}
		if sinceLook := now.Sub(looked); sinceLook >= LookEvery || sinceLook < 0 {
			e.alertAll(now)
			looked = now
		}
		if now.Sub(told) < time.Since(ticked)-clockTolerance {
			e.doubtExpiries(now)
		}
		ticked, told = time.Now(), now

		next := nextScan
		if len(away) > 0 && nextLook.Before(next) {
			next = nextLook
		}
		timer.Reset(e.untilNext(now, next, scanning != nil))
		select {
		case <-ctx.Done():
			return
		case <-scanning:
			scanning = nil
		case <-e.wake:
		case <-timer.C:
		}
	}
}

func (e *Engine) setRunning(running bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running = running
}

// look is a pass, or in lazy mode a mere scan.
func (e *Engine) look(ctx context.Context, policy Policy) {
	if policy.Proactive {
		e.pass(ctx, PassParams{}, WhyProactive)
	} else {
		e.Scan(ctx)
	}
}

// begin starts work that Close waits for.
func (e *Engine) begin(do func()) chan struct{} {
	done := make(chan struct{})
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.flights.Add(1)
	go func() {
		defer e.flights.Done()
		defer close(done)
		do()
	}()
	return done
}

// refreshDue starts what the queue has due, at most a batch at a time under
// way.
func (e *Engine) refreshDue(now time.Time, policy Policy) {
	for _, st := range e.takeDue(now) {
		e.mu.Lock()
		seen := st.version
		e.mu.Unlock()
		e.start(st, request{why: WhyProactive, window: policy.Window, seen: seen})
	}
}

// doubtExpiries follows a clock that was set back: an expiry that was reckoned
// by it before may be hours too late. What this machine refreshed since counts
// as expired.
func (e *Engine) doubtExpiries(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, st := range *e.index.Load() {
		st.live.Store(nil)
		st.setAccount(st.corrected(st.account(), st.token, now))
		st.editTries(func(t *Tries) {
			if t.Succeeded.After(now) {
				t.Succeeded = time.Time{}
			}
			if KindOf(t.Err) != KindUnknownOutcome { // that one waits for an expiry
				t.RetryAt = retryIn(t.RetryAt, now)
			}
		})
		e.requeue(st)
	}
}

// alertAll tells of tokens that ran out while their refreshes keep failing, and
// of logins that come to their end.
func (e *Engine) alertAll(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, st := range *e.index.Load() {
		if st.tries().Err != nil {
			e.alert(st, now)
		}
		e.foretell(st, now)
	}
}

// untilNext is how long nothing needs doing.
func (e *Engine) untilNext(now, nextScan time.Time, scanning bool) time.Duration {
	next := now.Add(LookEvery)
	if !scanning && nextScan.Before(next) {
		next = nextScan
	}
	if due, ok := e.nextDue(); ok && due.Before(next) {
		next = due
	}
	return max(next.Sub(now), 0)
}
