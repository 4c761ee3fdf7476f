package engine

import (
	"context"
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

// await runs or joins a refresh and waits for its result as long as ctx lets
// it. Once ctx is done it begins nothing.
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
		// A restore is no refresh; and a flight that others wanted would not
		// send a dead login's token, where a person's wish does.
		unlike := f.result.Why == WhyRestore || req.person && f.result.Reason == ReasonNeedsLogin
		if !joined || !unlike {
			return f.result, nil
		}
	}
}

// refresh is the transaction. Its steps are numbered as in doc.go.
func (e *Engine) refresh(ctx context.Context, st *state, req request) Result {
	if req.why == WhyRestore { // needs no lease: the swap is atomic
		_, _, result, _ := e.reread(ctx, st, req)
		return result
	}

	// 2. The lease, and with it a slot among the exchanges.
	lease, free, err := e.lease(ctx, st, req)
	if err != nil {
		return resultOf(err)
	}
	if lease == nil {
		return skipped(ReasonElsewhere, nil)
	}
	defer free()
	defer e.release(ctx, st, lease) // 10.

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

// lease waits for a slot among the exchanges and for the account's lease. Who
// waits for another's lease holds no slot, and looks at the account meanwhile:
// where another has done the work, it is taken over and the returned lease is
// nil.
func (e *Engine) lease(ctx context.Context, st *state, req request) (Lease, func(), error) {
	free, err := e.slot(nil)
	if err != nil {
		return nil, nil, err
	}
	lease, err := e.tryLock(ctx, st.key)
	if err == nil {
		return lease, free, nil
	}
	free()
	end := time.Now().Add(lockWait)
	for wait := lockPollMax / 16; ; wait = min(2*wait, lockPollMax) {
		if KindOf(err) != KindLocked || time.Now().Add(wait).After(end) {
			return nil, nil, err
		}
		select {
		case <-time.After(wait):
		case <-e.closing:
			return nil, nil, err
		}
		a, loadErr := e.load(ctx, st.key)
		if loadErr != nil {
			return nil, nil, loadErr
		}
		if takenOver(a, req) {
			e.take(st, a)
			return nil, nil, nil
		}
		if lease, err = e.tryLock(ctx, st.key); err != nil {
			continue
		}
		// A lease is not held for long without a slot: others could use it.
		if free, err = e.slot(time.After(slotWait)); err == nil {
			return lease, free, nil
		}
		e.release(ctx, st, lease)
	}
}

// slot waits for one of the exchanges' places, until given up. At a shutdown
// it gives up too: what has none is not in flight yet.
func (e *Engine) slot(givenUp <-chan time.Time) (free func(), err error) {
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots }, nil
	case <-givenUp:
		return nil, Errorf(KindLocked, "too many refreshes are waiting for their providers: try again", nil)
	case <-e.closing:
		return nil, errClosing
	}
}

func (e *Engine) release(ctx context.Context, st *state, lease Lease) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := lease.Release(ctx); err != nil {
		e.hub.publish(Event{Kind: EventWarning, Account: e.viewOf(st),
			Err: fmt.Errorf("the lock could not be released and ends by itself: %w", err)})
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
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	a, err := e.store.Load(limited, key)
	e.noteAnswer(ctx, err)
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
	for try := 1; ; try++ {
		if err := e.limits[a.Provider].Wait(ctx); err != nil {
			return Token{}, err
		}
		// By both clocks: the one that timers go by stands still in standby.
		if left := min(time.Until(lease.Until()), lease.Until().Round(0).Sub(wall())); left < exchangeTimeout+leaseMargin {
			return Token{}, Errorf(KindLocked, "the lock could end before the provider's answer: nothing was sent", nil)
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
