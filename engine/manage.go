package engine

import (
	"context"
	"time"
)

// Choose changes what the user chose for accounts; it holds at once, for all
// processes of the user.
func (e *Engine) Choose(ctx context.Context, change func(*Choice), keys ...Key) error {
	ctx, cancel := context.WithTimeout(ctx, journalTimeout)
	defer cancel()
	err := e.journal.Update(ctx, func(_ Key, r *Record) {
		if change(&r.Choice); r.Choice.IdleDays > 0 && r.UsedAt.IsZero() {
			r.UsedAt = e.now() // from now on it is counted, where the store does not
		}
	}, keys...)
	e.noteJournal(err)
	if err != nil {
		return err
	}
	e.recallAll(ctx)
	e.mu.Lock()
	for _, key := range keys {
		if st := (*e.index.Load())[key]; st != nil {
			record := st.record()
			change(&record.Choice)
			st.setRecord(record)
			st.editAccount(func(a *Account) { a.Choice = record.Choice })
			st.live.Store(nil)
			e.requeue(st)
		}
	}
	e.mu.Unlock()
	e.findShared()
	for _, key := range keys {
		if st := (*e.index.Load())[key]; st != nil {
			e.hub.publish(Event{Kind: EventChanged, Account: e.viewOf(st)})
		}
	}
	e.poke()
	return nil
}

// Edit changes what a person decides about an account.
func (e *Engine) Edit(ctx context.Context, key Key, edit Edit) (View, error) {
	p, err := e.placeOf(key)
	if err != nil {
		return View{}, err
	}
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	a, err := p.Store.Edit(limited, key.in(), edit)
	if e.noteAnswer(ctx, p, err); err != nil {
		return View{}, err
	}
	a.Key.Store = p.name
	st, _ := e.absorb(a)
	e.mu.Lock()
	if edit.Proxy != nil && !st.tries().Dead { // what failed through the old one may do now
		st.editTries(func(t *Tries) { t.RetryAt = time.Time{} })
		e.requeue(st)
	}
	e.mu.Unlock()
	e.findShared()
	v := e.viewOf(st)
	e.hub.publish(Event{Kind: EventChanged, Account: v})
	e.poke()
	return v, nil
}

// Remove deletes an account, once no refresh of it is under way here, and what
// is known of it on this machine.
func (e *Engine) Remove(ctx context.Context, key Key) error {
	p, err := e.placeOf(key)
	if err != nil {
		return err
	}
	e.mu.Lock()
	st := e.stateOf(key)
	e.mu.Unlock()
	f, err := e.takeFlight(ctx, st)
	if err != nil {
		return err
	}
	defer e.flights.Done()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	e.findShared() // so that the other places of its login have what it got last
	err = p.Store.Remove(limited, key.in())
	e.noteAnswer(ctx, p, err)
	gone := err == nil || KindOf(err) == KindNotFound
	e.mu.Lock()
	name := st.account().Name
	st.flight = nil
	e.underWay--
	if e.requeue(st); gone {
		st.setRecord(Record{})
		e.forget(st)
	}
	f.result = resultOf(Errorf(KindNotFound, "the account was removed", nil))
	close(f.done)
	e.mu.Unlock()
	if !gone {
		return err
	}
	journalErr := e.journal.Update(limited, func(_ Key, r *Record) { *r = Record{} }, key)
	e.noteJournal(journalErr)
	e.findShared()
	e.hub.publish(Event{Kind: EventChanged, Account: View{Account: Account{Key: key, Name: name}}})
	e.poke()
	return err
}

// SignedIn puts the login of a new sign-in in the place of an account's old
// one, whatever becomes of other programs' writes meanwhile: a person made it.
// Everything else of the account stays, and where the old login lies in another
// place too, it stays there. The token is in the journal before it is stored;
// where the store is away, or the engine is closing, it is stored as soon as it
// can be, and the error, of KindStore, says so.
func (e *Engine) SignedIn(ctx context.Context, key Key, token Token) (View, error) {
	if _, err := e.placeOf(key); err != nil {
		return View{}, err
	}
	e.recall(ctx, key)
	a, err := e.load(ctx, key)
	if err == nil {
		if _, a = e.absorb(a); a.Problem != nil {
			return View{}, a.Problem
		}
	} else if KindOf(err) != KindStore {
		return View{}, err
	}
	e.mu.Lock()
	st := e.stateOf(key)
	e.mu.Unlock()
	f, err := e.takeFlight(ctx, st)
	if err != nil {
		return e.viewOf(st), e.signedInLater(st, token, err)
	}
	began := time.Now()
	result := e.signedIn(context.WithoutCancel(ctx), st, token)
	result.Took = time.Since(began)
	req := request{why: WhySignIn}
	e.conclude(st, req, result)
	e.remember(st)
	e.settle(st, f, req, result)
	e.findShared()
	e.poke()
	return e.viewOf(st), result.Err
}

// signedInLater leaves the login in the journal: the next look at the account,
// of any process of the user, stores it.
func (e *Engine) signedInLater(st *state, token Token, cause error) error {
	at := e.now().Truncate(time.Millisecond)
	_, err := e.note(st, func(r *Record) { r.replace(r.Head, token, at) })
	if err != nil {
		return Errorf(KindStore, "signed in, but the new login could be kept nowhere: sign in again", err)
	}
	return Errorf(KindStore, "signed in, but the new login could not be stored so far: it is kept in the journal and stored as soon as it can be", cause)
}

// takeFlight makes the caller the account's one flight, once those before it
// have ended.
func (e *Engine) takeFlight(ctx context.Context, st *state) (*flight, error) {
	for {
		e.mu.Lock()
		if e.closed {
			e.mu.Unlock()
			return nil, errClosing
		}
		before := st.flight
		if before == nil {
			f := &flight{done: make(chan struct{})}
			st.flight = f
			e.underWay++
			e.dequeue(st)
			e.flights.Add(1)
			e.mu.Unlock()
			return f, nil
		}
		e.mu.Unlock()
		select {
		case <-before.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// signInLockWait is how long a sign-in waits for another's lock. The swap is
// atomic without one; it is so that no program is written to in its midst.
const signInLockWait = 5 * time.Second

func (e *Engine) signedIn(ctx context.Context, st *state, token Token) Result {
	defer e.flights.Done()
	lease, err := e.tryLock(ctx, st.key)
	for end := time.Now().Add(signInLockWait); KindOf(err) == KindLocked && time.Now().Before(end); {
		time.Sleep(lockPollMax / 8)
		lease, err = e.tryLock(ctx, st.key)
	}
	if err == nil {
		defer e.release(ctx, st, lease)
	}
	at := e.now().Truncate(time.Millisecond)
	for try := 1; ; try++ {
		var l look
		loaded, err := e.load(ctx, st.key)
		if err == nil {
			l.version = versionOf(loaded)
			l.a, _ = e.take(st, loaded)
			l.old, err = loaded.RefreshToken.Open()
		}
		if err != nil {
			if KindOf(err) == KindStore {
				err = e.signedInLater(st, token, err)
			}
			return resultOf(err)
		}
		record, noteErr := e.note(st, func(r *Record) { r.replace(l.old.Fingerprint(), token, at) })
		l.record, l.journaled = record, noteErr == nil
		err = e.keep(ctx, st, &l, false)
		if err != nil && KindOf(err) == KindConflict && try < intendTries { // written to by another meanwhile
			continue
		}
		if err != nil {
			return resultOf(err)
		}
		return Result{Outcome: ResultRefreshed}
	}
}
