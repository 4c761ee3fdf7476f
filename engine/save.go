package engine

import (
	"context"
	"time"
)

// keep is step 8: it stores the record's newest token in place of the stored
// one, trying again while the store is away, and on success leaves l.a as it
// now stands. What cannot be stored in time stays in the journal: it is served
// from there and stored at the next look, and the old token is never sent
// again. healed says that the store had the newest before.
func (e *Engine) keep(ctx context.Context, st *state, l *look, healed bool) error {
	end := time.Now().Add(saveTimeout)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, lockPollMax) {
		saved, err := e.write(ctx, l.a, l.change(healed))
		if KindOf(err) == KindConflict {
			saved, err = e.compare(ctx, st, l)
		}
		switch KindOf(err) {
		case KindNotFound, KindUnreadable, KindConflict:
			return err
		}
		if err == nil && saved.ID != "" {
			head := l.record.Head
			note := e.noteSoon // step 9: what is lost of it is seen in the store
			if !l.journaled {
				note = e.note
			}
			l.record, _ = note(st, func(r *Record) {
				if r.Head == head {
					r.Unsaved, r.Person = false, false
				}
				if healed {
					r.Restored++
				}
			})
			l.a, _ = e.take(st, saved)
			e.readBack(st)
			return nil
		}
		if time.Now().Add(wait).After(end) {
			where := "in the journal"
			if !l.journaled {
				where = "in memory"
			}
			return Errorf(KindStore, "refreshed, but the new token could not be stored so far: it is kept "+where+
				" and stored as soon as the store is back", err)
		}
		time.Sleep(wait)
	}
}

// change is the record's newest token as a change of the account.
func (l *look) change(healed bool) Change {
	c := Change{Token: l.record.Newest, At: l.record.NewestAt, Restored: healed, SignedIn: l.record.Person}
	if c.Token.RefreshToken == l.old { // only what came with it is new
		c.Token.RefreshToken = Secret{}
	}
	shared := l.record.shared()
	if healed {
		shared.Restored++
	}
	c.Record = shared.Encode()
	return c
}

// compare looks at what stands in the way of a compare-and-swap. Where the next
// try may succeed it leaves in l.a what to swap against; or it returns the
// account that holds our own new token already; or KindConflict where a new
// sign-in stands there: it wins.
func (e *Engine) compare(ctx context.Context, st *state, l *look) (saved Account, err error) {
	found, err := e.load(ctx, st.key)
	if err != nil {
		return Account{}, err
	}
	stored, err := found.RefreshToken.Open()
	if err != nil {
		return Account{}, err
	}
	if stored == l.record.Newest.RefreshToken && stored != l.old {
		return found, nil // the write was done, its reply was lost
	}
	s := sighting{key: st.key, token: stored.Fingerprint(), refreshedAt: found.LastRefreshAt,
		newest: Token{RefreshToken: stored, ExpiresAt: found.ExpiresAt}}
	if !found.Record.Empty() {
		s.beside = readBeside(found)
	}
	head := l.record.Head
	l.record, _ = e.note(st, func(r *Record) { s.on(r, e.now()) })
	if l.record.Head != head || !l.record.owed(s.token) || l.record.Newest.RefreshToken.Empty() {
		e.take(st, found)
		return Account{}, Errorf(KindConflict, "the login was renewed by another program meanwhile", nil)
	}
	l.a, l.old = found, stored
	return Account{}, nil
}
