package engine

import (
	"context"
	"crypto/rand"
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
	view := e.view(st, e.now())
	e.mu.Unlock()
	e.hub.publish(Event{Kind: EventRefreshing, Account: view, Why: req.why})
	go func() {
		defer e.flights.Done()
		began := time.Now()
		result := e.refresh(context.Background(), st, req)
		result.Took = time.Since(began)
		e.conclude(st, req, result)
		e.remember(st)
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
		_, result, _ := e.reread(ctx, st, req)
		return result
	}

	// What another keeper refreshed the last time it may have refreshed again: one
	// look is cheaper than the lease.
	if e.elsewhere(st) && req.why == WhyProactive {
		if done, err := e.lookFor(ctx, st, req); err != nil {
			return resultOf(err)
		} else if done {
			return skipped(ReasonElsewhere, nil)
		}
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

	for try := 1; ; try++ {
		// 3. and 4. What does the store hold now?
		l, result, done := e.reread(ctx, st, req)
		if done {
			return result
		}
		// 5. and 6.
		token, err := e.exchange(ctx, st, &l, lease, req)
		if KindOf(err) == KindConflict && try < intendTries {
			continue // written to since it was read, and so nothing was sent
		}
		if err != nil {
			return e.failed(ctx, st, &l, token, err)
		}
		// 7. Before anything else.
		l.answered(e, st, token)
		// 8. and 9.
		if err := e.keep(ctx, st, &l, false); err != nil {
			return resultOf(err)
		}
		if req.why == WhyAsked && !l.record.Newest.AccessToken.Empty() {
			e.mu.Lock()
			e.serve(st, l.record.Newest.AccessToken, l.a.ExpiresAt, Ahead(l.a, Skew(st.key.Provider)))
			e.mu.Unlock()
		}
		e.share(st, l.old)
		return Result{Outcome: ResultRefreshed}
	}
}

// look is what one refresh works on: the account as its store holds it, and
// its record, whole.
type look struct {
	a         Account
	version   version
	old       Secret // the stored refresh token
	record    Record
	told      Verdict // in the record beside the account
	journaled bool    // the journal has the record
	// before is what was held against old before this refresh sent it, and
	// sending what its sending noted.
	before, sending Sending
}

// answered is step 7: the answer is made durable on this machine.
func (l *look) answered(e *Engine, st *state, token Token) {
	if token.RefreshToken.Empty() { // the old one stays valid
		token.RefreshToken = l.old
	}
	old, at := l.old.Fingerprint(), e.now().Truncate(time.Millisecond)
	record, err := e.noteLine(st, l.old, func(r *Record) { r.rotate(old, token, at) })
	l.record, l.journaled = record, err == nil
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
		look := wait
		if e, ok := errors.AsType[*Error](err); ok && e.Held > 0 { // a dead holder's lease is taken as it ends
			look = min(look, e.Held+time.Millisecond)
		}
		if KindOf(err) != KindLocked || time.Now().Add(look).After(end) {
			return nil, nil, err
		}
		select {
		case <-time.After(look):
		case <-e.ending.Done():
			return nil, nil, err
		}
		if done, lookErr := e.lookFor(ctx, st, req); done || lookErr != nil {
			return nil, nil, lookErr
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

// elsewhere reports whether another program did the account's last refresh.
func (e *Engine) elsewhere(st *state) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return st.tries().Result == ResultElsewhere
}

// lookFor reads the account and reports whether another has done the work.
func (e *Engine) lookFor(ctx context.Context, st *state, req request) (done bool, err error) {
	a, err := e.load(ctx, st.key)
	if err != nil {
		return false, err
	}
	v := versionOf(a)
	a, s := e.take(st, a)
	if s.news {
		e.journalise([]sighting{s})
	}
	return e.takenOver(a, v, req), nil
}

// slot waits for one of the exchanges' places, until given up. At a shutdown
// it gives up too: what has none is not in flight yet.
func (e *Engine) slot(givenUp <-chan time.Time) (free func(), err error) {
	select {
	case e.slots <- struct{}{}:
		return func() { <-e.slots }, nil
	case <-givenUp:
		return nil, Errorf(KindLocked, "too many refreshes are waiting for their providers: try again", nil)
	case <-e.ending.Done():
		return nil, errClosing
	}
}

func (e *Engine) release(ctx context.Context, st *state, lease Lease) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	switch err := lease.Release(ctx); {
	case KindOf(err) == KindLocked: // whoever has it now has read the account since, or will
		e.hub.publish(Event{Kind: EventWarning, Account: e.viewOf(st), Err: err})
	case err != nil:
		e.hub.publish(Event{Kind: EventWarning, Account: e.viewOf(st),
			Err: fmt.Errorf("the lock could not be released and ends by itself: %w", err)})
	}
}

// takenOver reports whether another program has refreshed the account, whose
// stored version is v, since the caller first read it.
func (e *Engine) takenOver(a Account, v version, req request) bool {
	return a.Active && a.Problem == nil && req.seen != v && !Due(a, req.window, e.now())
}

// reread looks at the account under the lease and decides whether its refresh
// token is to be sent: not if done.
func (e *Engine) reread(ctx context.Context, st *state, req request) (l look, result Result, done bool) {
	loaded, err := e.load(ctx, st.key)
	if err != nil {
		return l, resultOf(err), true
	}
	l.version = versionOf(loaded)
	l.a, _ = e.take(st, loaded)
	off := usable(l.a)
	if kind := KindOf(off); off != nil && kind != KindInactive && kind != KindShared && kind != KindObserved && kind != KindNoRefreshToken { // these are healed all the same
		return l, resultOf(off), true
	}
	if l.old, err = loaded.RefreshToken.Open(); err != nil {
		return l, resultOf(err), true
	}
	token := l.old.Fingerprint()
	s := sighting{key: st.key, token: token, refreshedAt: loaded.LastRefreshAt, newest: Token{RefreshToken: l.old, ExpiresAt: loaded.ExpiresAt}}
	s.newest.AccessToken, _ = loaded.AccessToken.Open()
	if !loaded.Record.Empty() {
		s.beside = readBeside(loaded)
		l.told = s.beside.Dead
	}
	l.record, err = e.note(st, func(r *Record) { s.on(r, e.now()) })
	if l.journaled = err == nil; !l.journaled && req.why != WhyRestore {
		return l, resultOf(Errorf(KindStore, "nothing was sent, as the journal cannot be written", err)), true
	}
	l.a.Choice = l.record.Choice // another process may have learned of another
	off = usable(l.a)
	if off != nil && KindOf(off) == KindObserved && !l.record.Unsaved { // healed only by what we got ourselves
		return l, resultOf(off), true
	}
	if req.why == WhyProactive && (l.a.Choice.Lazy || idle(l.a, e.now())) {
		return l, skipped(ReasonNotDue, nil), true
	}
	// A token known as used up is replaced by the newest and never sent; so is
	// saved first what could not be stored before.
	newest := l.record.Newest
	switch {
	case !l.record.owed(token):
	case token == l.record.Head && loaded.ExpiresAt.Equal(newest.ExpiresAt): // stored, though nobody here heard of it
		l.record, _ = e.noteSoon(st, func(r *Record) { r.Unsaved = r.Unsaved && r.Head != token })
	case newest.RefreshToken.Empty():
		return l, resultOf(Errorf(KindLoginDead, "the stored refresh token is used up, and the newest is not known here: sign in again", nil)), true
	default:
		healed := !l.record.Unsaved
		if err = e.keep(ctx, st, &l, healed); err != nil {
			return l, resultOf(err), true
		}
		if off != nil || req.why == WhyRestore || !Due(l.a, req.window, e.now()) {
			result = skipped(ReasonRestored, nil)
			result.Healed = healed
			return l, result, true
		}
		l.old = newest.RefreshToken
		result, done = e.barred(ctx, st, &l, req)
		return l, result, done
	}
	if off != nil {
		return l, resultOf(off), true
	}
	if req.why == WhyRestore {
		if dead := l.record.Dead; dead.Token == token && l.told.Token != token && dead.Code != "" { // could not be told so far
			e.markDead(ctx, st, &l)
		}
		return l, skipped(ReasonNotDue, nil), true
	}
	if e.takenOver(l.a, l.version, req) {
		return l, skipped(ReasonElsewhere, nil), true
	}
	result, done = e.barred(ctx, st, &l, req)
	return l, result, done
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
	case a.onlyObserved():
		return Errorf(KindObserved, "this login is another program's own and only observed: have it kept fresh (tokentrayctl keep) to refresh it here", nil)
	case a.Rival.Leads:
		return Errorf(KindShared, "the same login is in another place too, as "+a.Rival.Name+", and is refreshed there", nil)
	}
	return nil
}

// barred holds back a token that was refused for good, or whose last sending
// had no readable answer.
func (e *Engine) barred(ctx context.Context, st *state, l *look, req request) (Result, bool) {
	if err := e.yields(st, l); err != nil {
		return resultOf(err), true
	}
	token, sent := l.old.Fingerprint(), l.record.Sent
	if sent.Token == token && sent.Sends > 1 && l.record.Dead.Token != token { // ended in the second sending
		e.giveUp(ctx, st, l)
	}
	if dead := l.record.Dead; dead.Token == token && !req.person {
		if l.told.Token != token && dead.Code != "" { // could not be told so far
			e.markDead(ctx, st, l)
		}
		return skipped(ReasonNeedsLogin, dead.err()), true
	}
	if sent.Token != token || sent.Sends != 1 {
		return Result{}, false
	}
	// Its process may have ended without a word, or may still wait for the answer.
	wait, now := l.a.ExpiresAt, e.now()
	if end := sent.At.Add(exchangeTimeout + leaseMargin); !sent.At.IsZero() && end.After(wait) && !sent.At.After(now.Add(clockTolerance)) {
		wait = end
	}
	if !now.Before(wait) {
		return Result{}, false
	}
	return resultOf(&Error{Kind: KindUnknownOutcome, RetryAfter: max(wait.Sub(now), 0), Message: "the last refresh had no readable answer: " +
		"its refresh token is sent once more when the access token has expired, at " + wait.UTC().Format(time.RFC3339)}), true
}

// intend is step 5: that the token is about to be sent is made durable, here
// and beside the account. The second shows too that the store takes writes.
func (e *Engine) intend(ctx context.Context, st *state, l *look) error {
	token := l.old.Fingerprint()
	if l.before = l.record.Sent; l.before.Token != token {
		l.before = Sending{}
	}
	l.sending = Sending{Token: token, Sends: l.before.Sends + 1, ID: rand.Text(), At: e.now()}
	record, err := e.noteLine(st, l.old, func(r *Record) { r.Sent = l.sending })
	if err != nil {
		return Errorf(KindStore, "nothing was sent, as the journal cannot be written", err)
	}
	l.record = record
	written, err := e.write(ctx, l.a, Change{Record: record.shared().Encode()})
	if err != nil {
		l.record, _ = e.noteLine(st, l.old, l.unsent)
		l.sending = Sending{}
		return err
	}
	l.a, _ = e.take(st, written)
	return nil
}

// unsent takes back what intend noted.
func (l *look) unsent(r *Record) { r.Sent, r.Settled = l.before, l.sending.ID }

// exchange spends the refresh token, inside the lease.
func (e *Engine) exchange(ctx context.Context, st *state, l *look, lease Lease, req request) (Token, error) {
	provider := e.providers[l.a.Provider]
	if provider == nil {
		return Token{}, Errorf(KindSettings, fmt.Sprintf("no such provider: %q", l.a.Provider), nil)
	}
	for try := 1; ; try++ {
		if err := e.limits[l.a.Provider].Wait(ctx); err != nil {
			return Token{}, err
		}
		if req.why == WhyProactive && e.waitsForNetwork(l.a) { // found out while this one waited for its turn
			return Token{}, errOffline
		}
		if try == 1 {
			if err := e.intend(ctx, st, l); err != nil {
				return Token{}, err
			}
		}
		// By both clocks: the one that timers go by stands still in standby.
		if left := min(time.Until(lease.Until()), lease.Until().Round(0).Sub(wall())); left < exchangeTimeout+leaseMargin {
			return Token{}, Errorf(KindLocked, "the lock could end before the provider's answer: nothing was sent", nil)
		}
		token, err := e.send(ctx, provider, ExchangeRequest{
			RefreshToken: l.old, Client: l.a.Client, Organization: l.a.Organization, OAuth: l.a.OAuth, Proxy: l.a.Proxy,
		})
		e.noteNetwork(l.a, err)
		e.noteClock(l.a, token, err)
		if !isUnsent(err) || !req.once || try == 2 {
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
