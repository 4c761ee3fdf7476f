package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// request is one wish to have an account refreshed.
type request struct {
	why Why
	// window decides whether what another program stored meanwhile is still
	// due: the policy's window, or for a token call the provider's skew.
	window time.Duration
	// seen is the account as the caller first read it.
	seen version
	// person marks a wish for this account by name or by force: a login known
	// as dead is tried once.
	person bool
	// once is a command's single try: a second one after 1 s only if the
	// first provably never left this machine.
	once bool
}

// flight is one refresh under way, shared by all who want it.
type flight struct {
	done   chan struct{} // closed when result is set
	result Result
}

var errClosing = Errorf(KindClosed, "shutting down: nothing was sent", nil)

// start begins a refresh, or joins the one under way (step 1: one at a time
// per account and process). The flight does not depend on its caller: neither
// a time-out nor Quit stops an exchange.
func (e *Engine) start(st *state, req request) (f *flight, joined bool) {
	e.mu.Lock()
	if st.flight != nil {
		defer e.mu.Unlock()
		return st.flight, true
	}
	f = &flight{done: make(chan struct{})}
	if e.closed {
		e.mu.Unlock()
		f.result = resultOf(errClosing)
		close(f.done)
		return f, false
	}
	st.flight = f
	e.underWay++
	e.dequeue(st)
	e.flights.Add(1)
	view := e.view(st, wall())
	e.mu.Unlock()
	e.hub.publish(Event{Kind: EventRefreshing, Account: view, Why: req.why})
	go func() {
		defer e.flights.Done()
		began := time.Now()
		result := e.refresh(context.Background(), st, req)
		result.Took = time.Since(began)
		e.settle(st, f, req, result)
		e.poke()
	}()
	return f, false
}

// await runs or joins a refresh and waits for its result as long as ctx lets it.
func (e *Engine) await(ctx context.Context, st *state, req request) (Result, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		f, joined := e.start(st, req)
		select {
		case <-f.done:
		case <-ctx.Done():
			return Result{}, ctx.Err()
		}
		// Another's flight would not send a dead login's token; a person's wish does.
		if !joined || !req.person || f.result.Reason != ReasonNeedsLogin {
			return f.result, nil
		}
	}
}

// refresh is the transaction. Its steps are numbered as in doc.go.
func (e *Engine) refresh(ctx context.Context, st *state, req request) Result {
	// 2. The lease, and with it a slot among the exchanges.
	lease, free, err := e.lease(ctx, st, req)
	if err != nil {
		return resultOf(err)
	}
	if lease == nil {
		return skipped(ReasonElsewhere, nil)
	}
	defer free()
	defer func() { // 10.
		ctx, cancel := context.WithTimeout(ctx, storeTimeout)
		defer cancel()
		if err := lease.Release(ctx); err != nil {
			e.hub.publish(Event{Kind: EventWarning, Account: e.viewOf(st),
				Err: fmt.Errorf("the lock could not be released and ends by itself: %w", err)})
		}
	}()

	// 3. and 4. What does the store hold now?
	a, old, result, done := e.reread(ctx, st, req)
	if done {
		return result
	}

	// 6.
	token, err := e.exchange(ctx, st, a, old, lease, req)
	if err != nil {
		return e.failed(ctx, st, a, old, token, err)
	}

	// 8.
	if _, err := e.keep(ctx, st, a, old, token); err != nil {
		return resultOf(err)
	}
	return Result{Outcome: ResultRefreshed}
}

// lease waits for the account's lease and for a slot. A waiter holds no slot,
// and looks at the account meanwhile: where another has done the work, it is
// taken over and the returned lease is nil.
func (e *Engine) lease(ctx context.Context, st *state, req request) (Lease, func(), error) {
	end := time.Now().Add(lockWait)
	for wait := lockPollMax / 16; ; wait = min(2*wait, lockPollMax) {
		free, err := e.slot()
		if err != nil {
			return nil, nil, err
		}
		lease, err := e.tryLock(ctx, st.key)
		if err == nil {
			return lease, free, nil
		}
		free()
		if KindOf(err) != KindLocked || time.Now().Add(wait).After(end) {
			return nil, nil, err
		}
		select {
		case <-time.After(wait):
		case <-e.closing:
			return nil, nil, err
		}
		a, err := e.load(ctx, st.key)
		if err != nil {
			return nil, nil, err
		}
		if req.why != WhyRestore && takenOver(a, req) {
			e.take(st, a)
			return nil, nil, nil
		}
	}
}

// slot waits for one of the exchanges' places. At a shutdown it gives up: what
// has none is not in flight yet.
func (e *Engine) slot() (free func(), err error) {
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots }, nil
	case <-e.closing:
		return nil, errClosing
	}
}

func (e *Engine) tryLock(ctx context.Context, key Key) (Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	lease, err := e.locker.TryLock(ctx, key)
	if KindOf(err) != KindLocked {
		e.noteStore(err)
	}
	return lease, err
}

func (e *Engine) load(ctx context.Context, key Key) (Account, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	a, err := e.store.Load(ctx, key)
	e.noteStore(err)
	return a, err
}

// takenOver reports whether another program has refreshed the account since
// the caller first read it.
func takenOver(a Account, req request) bool {
	return a.Active && a.Problem == nil && !req.seen.same(versionOf(a)) && !Due(a, req.window, wall())
}

// reread looks at the account under the lease and decides whether its refresh
// token is to be sent. Unless done, old is that token.
func (e *Engine) reread(ctx context.Context, st *state, req request) (a Account, old Secret, result Result, done bool) {
	a, err := e.load(ctx, st.key)
	if err != nil {
		return a, old, resultOf(err), true
	}
	e.take(st, a)
	if err := usable(a); err != nil {
		return a, old, resultOf(err), true
	}
	if old, err = a.RefreshToken.Open(); err != nil {
		return a, old, resultOf(err), true
	}
	// A token known as used up is replaced by the newest and never sent; so is
	// saved first what could not be stored before.
	if newest, owed := e.owed(st, old); owed {
		if a, err = e.keep(ctx, st, a, old, newest); err != nil {
			return a, old, resultOf(err), true
		}
		old = newest.RefreshToken
		if req.why == WhyRestore || !Due(a, req.window, wall()) {
			return a, old, skipped(ReasonRestored, nil), true
		}
	} else if req.why == WhyRestore {
		return a, old, skipped(ReasonNotDue, nil), true
	} else if takenOver(a, req) {
		return a, old, skipped(ReasonElsewhere, nil), true
	}
	result, done = e.barred(ctx, st, a, old.Fingerprint(), req)
	return a, old, result, done
}

// usable says why an account cannot be refreshed at all.
func usable(a Account) error {
	switch {
	case !a.Active:
		return Errorf(KindInactive, "the account is switched off", nil)
	case a.Problem != nil:
		return a.Problem
	case a.Static():
		return Errorf(KindNoRefreshToken, "the account has no refresh token", nil)
	}
	return nil
}

// barred holds back a token that was refused for good, or whose last sending
// had no readable answer.
func (e *Engine) barred(ctx context.Context, st *state, a Account, token Fingerprint, req request) (Result, bool) {
	e.mu.Lock()
	refused, unknown := st.refused, st.unknown
	e.mu.Unlock()
	if refused.Token == token && !req.person {
		err := &Error{Kind: KindLoginDead, Code: refused.Code, Message: CodeText(refused.Code)}
		if a.Memo.Dead.Token != token && refused.Code != "" { // could not be told so far
			e.markDead(ctx, st, a, refused)
		}
		return skipped(ReasonNeedsLogin, err), true
	}
	if unknown.token == token && unknown.sends == 1 && wall().Before(a.ExpiresAt) {
		return resultOf(&Error{Kind: KindUnknownOutcome, Message: "the last refresh had no readable answer: " +
			"its refresh token is sent once more when the access token has expired, at " +
			a.ExpiresAt.UTC().Format(time.RFC3339)}), true
	}
	return Result{}, false
}

// exchange spends the refresh token, inside the lease.
func (e *Engine) exchange(ctx context.Context, st *state, a Account, old Secret, lease Lease, req request) (Token, error) {
	provider := e.providers[a.Provider]
	if provider == nil {
		return Token{}, Errorf(KindSettings, fmt.Sprintf("no such provider: %q", a.Provider), nil)
	}
	ctx, cancel := context.WithDeadline(ctx, lease.Until().Add(-leaseMargin))
	defer cancel()
	for try := 1; ; try++ {
		if err := e.limits[a.Provider].Wait(ctx); err != nil {
			return Token{}, Errorf(KindLocked, "the lock would have ended before the provider's answer", nil)
		}
		token, err := e.send(ctx, provider, ExchangeRequest{
			RefreshToken: old, Client: a.Client, Organization: a.Organization, Proxy: a.Proxy,
		})
		unsent := isUnsent(err)
		if KindOf(err) == KindUnknownOutcome && token.RefreshToken.Empty() {
			e.mu.Lock()
			if st.unknown.token != old.Fingerprint() {
				st.unknown = unknownOutcome{token: old.Fingerprint()}
			}
			st.unknown.sends++
			e.mu.Unlock()
		}
		if !unsent || !req.once || try == 2 {
			return token, err
		}
		time.Sleep(time.Second)
	}
}

func (e *Engine) send(ctx context.Context, provider Provider, req ExchangeRequest) (Token, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	return provider.Exchange(ctx, req)
}

// failed decides what an exchange's error means for the account.
func (e *Engine) failed(ctx context.Context, st *state, a Account, old Secret, token Token, err error) Result {
	switch KindOf(err) {
	case KindLoginDead:
		return e.refused(ctx, st, a, old, err)
	case KindUnknownOutcome:
		if !token.RefreshToken.Empty() { // unusable, but it rotated
			token.AccessToken = Secret{}
			if _, saveErr := e.keep(ctx, st, a, old, token); saveErr != nil {
				return resultOf(saveErr)
			}
			return resultOf(Errorf(KindTransient, "", err))
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if st.unknown.sends > 1 { // the one second send is spent
			st.refused = Verdict{Token: old.Fingerprint(), At: wall()}
			return resultOf(Errorf(KindLoginDead, "two refreshes had no readable answer, so the refresh token "+
				"may be used up: sign in again", nil))
		}
	}
	return resultOf(err)
}

// refused confirms a final answer: only where the store still holds the token
// that was sent is the login dead; else another program rotated first.
func (e *Engine) refused(ctx context.Context, st *state, a Account, old Secret, err error) Result {
	code := ""
	if cause, ok := errors.AsType[*Error](err); ok {
		code = cause.Code
	}
	verdict := Verdict{Token: old.Fingerprint(), Code: code, At: wall()}
	e.mu.Lock()
	st.refused = verdict
	e.mu.Unlock()
	marked, markErr := e.markDead(ctx, st, a, verdict)
	switch {
	case markErr == nil:
		return resultOf(err)
	case KindOf(markErr) != KindConflict:
		return resultOf(Errorf(KindOf(markErr), "the provider refused the refresh token, which could not be confirmed", markErr))
	}
	if token, openErr := marked.RefreshToken.Open(); openErr == nil && token == old {
		e.markDead(ctx, st, marked, verdict) // the same token, encrypted anew
		return resultOf(err)
	}
	return skipped(ReasonElsewhere, nil)
}

// markDead tells the store, and so the relay and the other keepers. Where the
// stored token is another one, it returns the account that was found.
func (e *Engine) markDead(ctx context.Context, st *state, a Account, verdict Verdict) (Account, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	marked, err := e.store.MarkDead(ctx, a, verdict)
	if KindOf(err) == KindConflict {
		found, loadErr := e.load(ctx, st.key)
		if loadErr != nil {
			return a, loadErr
		}
		e.take(st, found)
		return found, err
	}
	if err != nil {
		e.hub.publish(Event{Kind: EventWarning, Account: e.viewOf(st), Err: fmt.Errorf("the account could not be marked: %w", err)})
		return a, err
	}
	e.take(st, marked)
	return marked, nil
}

// owed returns the token that must be stored in place of the one that is.
func (e *Engine) owed(st *state, stored Secret) (Token, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return st.rotation.newest, st.rotation.owed(stored.Fingerprint())
}

// keep stores what an exchange gave in place of old, trying again while the
// store is away. What cannot be stored in time stays owed: it is served from
// memory and stored at the next look, and old is never sent again.
func (e *Engine) keep(ctx context.Context, st *state, a Account, old Secret, token Token) (Account, error) {
	newest := token
	if newest.RefreshToken.Empty() { // the old one stays valid
		newest.RefreshToken = old
	}
	e.mu.Lock()
	if !st.rotation.usedUp(old.Fingerprint()) {
		st.rotation.next(old.Fingerprint(), newest)
	}
	if !token.AccessToken.Empty() { // whatever was held against old
		st.refused, st.unknown = Verdict{}, unknownOutcome{}
	}
	e.mu.Unlock()

	end := time.Now().Add(saveTimeout)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, lockPollMax) {
		saved, err := e.save(ctx, a, token)
		if KindOf(err) == KindConflict {
			a, saved, err = e.compare(ctx, st, a, token.RefreshToken)
		}
		switch KindOf(err) {
		case KindNotFound, KindUnreadable, KindConflict:
			return a, err
		}
		if err == nil && saved.ID != "" {
			e.mu.Lock()
			st.rotation.stored = true
			e.mu.Unlock()
			e.take(st, saved)
			return saved, nil
		}
		if time.Now().Add(wait).After(end) {
			return a, Errorf(KindStore, "refreshed, but the new token could not be stored so far: it is kept in memory "+
				"and stored as soon as the store is back", err)
		}
		time.Sleep(wait)
	}
}

func (e *Engine) save(ctx context.Context, a Account, token Token) (Account, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	saved, err := e.store.Save(ctx, a, token, wall().Truncate(time.Millisecond))
	if KindOf(err) == KindStore {
		e.noteStore(err)
	}
	return saved, err
}

// compare looks at what stands in the way of a compare-and-swap. It returns
// the account to swap against next, or as saved the account that holds our own
// new token already, or KindConflict where a new sign-in stands there: it wins.
// ours is empty where the exchange left the refresh token as it was.
func (e *Engine) compare(ctx context.Context, st *state, a Account, ours Secret) (next, saved Account, err error) {
	found, err := e.load(ctx, st.key)
	if err != nil {
		return a, Account{}, err
	}
	stored, err := found.RefreshToken.Open()
	if err != nil {
		return a, Account{}, err
	}
	if stored == ours && !ours.Empty() {
		return found, found, nil // the write was done, its reply was lost
	}
	e.mu.Lock()
	replaceable := st.rotation.owed(stored.Fingerprint())
	if !replaceable {
		st.rotation.stored = true // nothing is owed to a new sign-in
	}
	e.mu.Unlock()
	if !replaceable {
		e.take(st, found)
		return found, Account{}, Errorf(KindConflict, "the login was renewed by another program meanwhile", nil)
	}
	return found, Account{}, nil
}

// settle ends a flight: the account's state, its place in the queue and the
// events all follow from the result.
func (e *Engine) settle(st *state, f *flight, req request, r Result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := wall()
	r.Key, r.Name, r.ExpiresAt, r.Why = st.key, st.account.Name, st.account.ExpiresAt, req.why
	t := &st.tries
	switch {
	case r.Outcome == ResultRefreshed:
		*t = Tries{Result: ResultRefreshed, At: now, Took: r.Took, Succeeded: now}
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
			if st.account.ExpiresAt.After(t.RetryAt) {
				t.RetryAt = st.account.ExpiresAt
			}
		}
	case r.Reason == ReasonElsewhere, r.Reason == ReasonRestored:
		*t = Tries{Result: string(r.Reason), At: now, Took: r.Took, Succeeded: t.Succeeded}
	case r.Reason == ReasonLocked:
		t.RetryAt = now.Add(storeRetry)
	}
	st.flight = nil
	e.underWay--
	e.requeue(st)
	f.result = r
	close(f.done)

	e.hub.publish(Event{Kind: EventRefreshed, Account: e.view(st, now), Result: r, Why: req.why})
	if t.Err == nil {
		e.recovered(st)
	}
	e.alert(st, now)
}

// alert tells, once, that an account needs a person, and once that its token
// expired while its refreshes keep failing. With e.mu held.
func (e *Engine) alert(st *state, now time.Time) {
	kind := EventKind("")
	switch t := st.tries; {
	case t.Dead:
		kind = EventNeedsLogin
	case t.Err != nil && KindOf(t.Err) != KindStore && !now.Before(st.account.ExpiresAt):
		kind = EventExpired
	}
	if kind == "" || st.alerted == kind || st.alerted == EventNeedsLogin {
		return
	}
	st.alerted = kind
	e.hub.publish(Event{Kind: kind, Account: e.view(st, now), Err: st.tries.Err})
}

// recovered ends what alert told. With e.mu held.
func (e *Engine) recovered(st *state) {
	if st.alerted == "" {
		return
	}
	st.alerted = ""
	e.hub.publish(Event{Kind: EventRecovered, Account: e.view(st, wall())})
}

func isUnsent(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Unsent
}

func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}
