package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

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
			return resultOf(Errorf(KindTransient, "the provider's answer was no usable token; its new refresh token was kept", nil))
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
