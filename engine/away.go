package engine

import (
	"context"
	"time"
)

// noteAnswer notes how a reading went, unless it was the caller that gave up.
func (e *Engine) noteAnswer(caller context.Context, p *place, err error) {
	if err == nil || caller.Err() == nil {
		e.noteStore(p, err)
	}
}

// noteWrite notes how a write went, or a lock, which proves less.
func (e *Engine) noteWrite(p *place, err error, lock bool) {
	if err != nil && KindOf(err) != KindStore {
		return
	}
	e.mu.Lock()
	if p.lockDown = err != nil; !lock {
		p.writeDown = err != nil
	}
	e.mu.Unlock()
	e.noteStore(p, err)
}

// noteStore publishes the store's going and coming. A store that can be read
// and not written is away too, until a write works. Its return ends the backoff
// of everything that failed for want of it, and stores what is owed to it.
func (e *Engine) noteStore(p *place, err error) {
	e.mu.Lock()
	was := p.down
	p.down = KindOf(err) == KindStore && err != nil || p.writeDown || p.lockDown
	down := p.down
	var owed []*state
	if was && !down {
		for _, st := range *e.index.Load() {
			if st.key.Store != p.name {
				continue
			}
			if t := st.tries(); t.Err != nil && KindOf(t.Err) == KindStore {
				st.editTries(func(t *Tries) { t.RetryAt = time.Time{} })
			}
			e.requeue(st)
			if st.flight == nil && st.owes() {
				owed = append(owed, st)
			}
		}
	}
	e.mu.Unlock()
	switch {
	case down && !was:
		e.hub.publish(Event{Kind: EventStoreDown, Store: p.name, Err: err})
		e.poke() // Run looks for its return
	case was && !down:
		e.hub.publish(Event{Kind: EventStoreUp, Store: p.name})
		for _, st := range owed {
			e.start(st, request{why: WhyRestore})
		}
		e.poke()
	}
}

// probe finds out whether a store that took no writes takes them again: by what
// is owed to it, where something is, else by a lock and by writing an account's
// record as it is.
func (e *Engine) probe(ctx context.Context, p *place) {
	e.mu.Lock()
	writeDown, lockDown := p.writeDown, p.lockDown
	var any, owed *state
	for _, st := range *e.index.Load() {
		if st.key.Store != p.name || st.flight != nil || st.broken() || st.token.Zero() && !st.owes() {
			continue
		}
		switch {
		case st.owes():
			any, owed = st, st
		case !st.onlyObserved():
			any = st
		}
	}
	e.mu.Unlock()
	if lockDown {
		if lease, err := e.tryLock(ctx, Key{Store: p.name, Provider: "tokentray", ID: "probe"}); err == nil {
			lease.Release(ctx)
		}
	}
	switch {
	case !writeDown:
	case owed != nil:
		e.start(owed, request{why: WhyRestore})
	case any != nil:
		if a, err := e.load(ctx, any.key); err == nil {
			record := a.Record
			if text, err := record.Open(); err == nil {
				e.write(ctx, a, Change{Record: text})
			}
		}
	}
}
