package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// failed decides what an exchange's error means for the account.
func (e *Engine) failed(ctx context.Context, st *state, l *look, token Token, err error) Result {
	switch KindOf(err) {
	case KindLoginDead:
		return e.refused(ctx, st, l, err)
	case KindUnknownOutcome:
		if !token.RefreshToken.Empty() { // unusable, but it rotated
			token.AccessToken = Secret{}
			l.answered(e, st, token)
			if saveErr := e.keep(ctx, st, l, false); saveErr != nil {
				return resultOf(saveErr)
			}
			return resultOf(Errorf(KindTransient, "the provider's answer was no usable token; its new refresh token was kept", nil))
		}
		if l.sending.Sends > 1 { // the one second send is spent
			return resultOf(e.giveUp(ctx, st, l))
		}
		l.record, _ = e.noteLine(st, l.old, func(r *Record) {
			if r.Sent.ID == l.sending.ID {
				r.Sent.At = time.Time{} // it has ended
			}
		})
		return resultOf(err)
	}
	if l.sending.ID != "" { // it is known what became of the token: nothing
		l.record, _ = e.noteLine(st, l.old, l.unsent)
		e.write(ctx, l.a, Change{Record: l.record.shared().Encode()}) // else it is known by its ID
	}
	return resultOf(err)
}

// giveUp takes a token for dead whose sending had no readable answer twice.
// That is no provider's answer: the account is not marked.
func (e *Engine) giveUp(ctx context.Context, st *state, l *look) error {
	e.verdict(st, l, "")
	if written, err := e.write(ctx, l.a, Change{Record: l.record.shared().Encode()}); err == nil {
		l.a, _ = e.take(st, written)
	}
	return l.record.Dead.err()
}

// verdict notes that l.old is dead.
func (e *Engine) verdict(st *state, l *look, code string) {
	dead := Verdict{Token: l.old.Fingerprint(), Code: code, At: e.now()}
	e.mu.Lock()
	st.have(func(r *rare) { r.refused = dead.Token })
	e.mu.Unlock()
	l.record, _ = e.noteLine(st, l.old, func(r *Record) {
		r.Dead = dead
		if code != "" {
			r.Sent, r.Settled = Sending{}, l.sending.ID
		}
	})
}

// refused confirms a final answer: only where the store still holds the token
// that was sent is the login dead; else another program rotated first.
func (e *Engine) refused(ctx context.Context, st *state, l *look, err error) Result {
	code := ""
	if cause, ok := errors.AsType[*Error](err); ok {
		code = cause.Code
	}
	e.verdict(st, l, code)
	for range intendTries {
		switch markErr := e.markDead(ctx, st, l); KindOf(markErr) {
		case KindConflict:
			if token, openErr := l.a.RefreshToken.Open(); openErr != nil || token != l.old {
				return skipped(ReasonElsewhere, nil)
			} // else the same token, encrypted anew
		default:
			if markErr != nil {
				return resultOf(Errorf(KindOf(markErr), "the provider refused the refresh token, which could not be confirmed", markErr))
			}
			return resultOf(err)
		}
	}
	return resultOf(err)
}

// markDead tells the store, and so the relay and the other keepers. Where the
// stored token is another one, l.a is the account that was found.
func (e *Engine) markDead(ctx context.Context, st *state, l *look) error {
	marked, err := e.write(ctx, l.a, Change{Dead: l.record.Dead.Code, Record: l.record.shared().Encode()})
	if KindOf(err) == KindConflict {
		found, loadErr := e.load(ctx, st.key)
		if loadErr != nil {
			return loadErr
		}
		l.a, _ = e.take(st, found)
		return err
	}
	if err != nil {
		e.hub.publish(Event{Kind: EventWarning, Account: e.viewOf(st), Err: fmt.Errorf("the account could not be marked: %w", err)})
		return err
	}
	l.a, _ = e.take(st, marked)
	e.mu.Lock()
	st.have(func(r *rare) { r.told = l.record.Dead.Token }) // also where the store keeps nothing of it
	e.mu.Unlock()
	return nil
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

// rememberedKinds are the kinds of failure that the next process is to know of; the
// others are of this one's surroundings, or in the record already.
var rememberedKinds = map[Kind]bool{KindRateLimited: true, KindTransient: true, KindProxy: true, KindUnknownOutcome: true, KindSettings: true}

// remember leaves the last failure in the journal.
func (e *Engine) remember(st *state) {
	e.mu.Lock()
	t, token, account := st.tries(), st.token, st.account()
	e.mu.Unlock()
	kind := KindOf(t.Err)
	if t.Err == nil || !rememberedKinds[kind] || token.Zero() {
		return
	}
	f := Failure{Token: token, Kind: kind, Message: t.Err.Error(), At: t.At, Failures: t.Failures, RetryAt: t.RetryAt}
	if cause, ok := errors.AsType[*Error](t.Err); ok {
		f.Code = cause.Code
	}
	if kind == KindSettings {
		f.Settings = e.settingsOf(account)
	}
	e.note(st, func(r *Record) {
		if r.Failure = f; r.gone(token) {
			r.Failure = Failure{}
		}
	})
}

// triesOf is what a failure means to a process that finds it in the account's
// record; a fault of settings stands only against the settings that it was made
// with.
func (e *Engine) triesOf(a Account, f Failure) Tries {
	if f.Kind == KindSettings && f.Settings != e.settingsOf(a) {
		return Tries{}
	}
	message := CleanLine(f.Message)
	if f.Kind == KindRateLimited {
		message = "the provider limits the rate and asked to wait until " + f.RetryAt.Local().Format(time.DateTime)
	}
	if f.Kind != KindUnknownOutcome {
		f.RetryAt = retryIn(f.RetryAt, e.now())
	}
	return Tries{
		Result: ResultFailed, At: f.At, Failures: f.Failures, RetryAt: f.RetryAt, Stuck: f.Kind == KindSettings,
		Err: &Error{Kind: f.Kind, Code: f.Code, Message: message},
	}
}

// settingsOf identifies the provider's settings that hold for the account.
func (e *Engine) settingsOf(a Account) Fingerprint {
	if p := e.providers[a.Provider]; p != nil {
		return p.Settings(a.Client, a.OAuth)
	}
	return Fingerprint{}
}
