package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	journalTimeout = 15 * time.Second    // longer than another process may hold the file
	journalKept    = 90 * 24 * time.Hour // the record of an account that is gone
)

// recallAll reads what was written to the journal since it was last read, by
// any process of the user.
func (e *Engine) recallAll(ctx context.Context) {
	e.mu.Lock()
	mark := e.mark
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, journalTimeout)
	defer cancel()
	records, next, err := e.journal.Since(ctx, mark)
	e.noteJournal(err)
	if err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mark = next
	for key, r := range records {
		if st := (*e.index.Load())[key]; st != nil {
			st.setRecord(st.record().recall(r, st.token).kept())
		} else {
			e.waiting[key] = r.kept()
		}
	}
}

// noteJournal tells, once, that the journal cannot be used, and that it can be
// again.
func (e *Engine) noteJournal(err error) {
	if errors.Is(err, context.Canceled) { // nobody's fault
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	e.mu.Lock()
	news := err != nil && text != e.journalTrouble
	e.journalTrouble = text
	e.mu.Unlock()
	if news {
		e.hub.publish(Event{Kind: EventWarning, Err: fmt.Errorf("the journal cannot be used, and without it no refresh token is sent: %w", err)})
	}
}

// journalise writes what was seen, so that a store which falls back to an
// older state can be healed from here.
func (e *Engine) journalise(seen []sighting) {
	if len(seen) == 0 {
		return
	}
	byKey, keys := map[Key]sighting{}, make([]Key, 0, len(seen))
	for _, s := range seen {
		byKey[s.key] = s
		keys = append(keys, s.key)
	}
	ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
	defer cancel()
	e.noteJournal(e.journal.Update(ctx, func(key Key, r *Record) { byKey[key].on(r, e.now()) }, keys...))
}

// prune removes the records of accounts that have been gone for long.
func (e *Engine) prune(ctx context.Context) {
	var gone []Key
	old := e.now().Add(-journalKept)
	e.mu.Lock()
	for key, r := range e.waiting {
		if r.NewestAt.Before(old) && r.Choice == (Choice{}) {
			gone = append(gone, key)
			delete(e.waiting, key)
		}
	}
	e.mu.Unlock()
	if len(gone) > 0 {
		ctx, cancel := context.WithTimeout(ctx, journalTimeout)
		defer cancel()
		e.noteJournal(e.journal.Update(ctx, func(_ Key, r *Record) {
			if r.NewestAt.Before(old) && r.Choice == (Choice{}) {
				*r = Record{}
			}
		}, gone...))
	}
}

// note changes one account's record durably and returns it whole, with its
// tokens. Where the journal fails, the change holds in memory alone.
func (e *Engine) note(st *state, change func(*Record)) (Record, error) {
	return e.noteAll(e.journal.Update, []*state{st}, change)
}

// noteSoon is note for what can be found out again.
func (e *Engine) noteSoon(st *state, change func(*Record)) (Record, error) {
	return e.noteAll(e.journal.UpdateSoon, []*state{st}, change)
}

// noteAll is note for several accounts at once: durable for all of them or for
// none. It returns the first one's record.
func (e *Engine) noteAll(update func(context.Context, func(Key, *Record), ...Key) error, states []*state, change func(*Record)) (Record, error) {
	ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
	defer cancel()
	type entry struct {
		*state
		mem, whole Record
		stored     Fingerprint
	}
	entries, keys := map[Key]*entry{}, make([]Key, 0, len(states))
	e.mu.Lock()
	for _, st := range states {
		n := &entry{state: st, mem: st.record().kept(), stored: st.token}
		if whole := st.has().unjournaled; whole != nil {
			n.mem = *whole
		}
		entries[st.key], keys = n, append(keys, st.key)
	}
	e.mu.Unlock()
	err := update(ctx, func(key Key, r *Record) {
		n := entries[key]
		*r = n.mem.recall(*r, n.stored)
		change(r)
		n.whole = *r
	}, keys...)
	e.noteJournal(err)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range entries {
		if err != nil {
			n.whole = n.mem
			change(&n.whole)
		}
		n.setRecord(n.whole.kept())
		n.have(func(r *rare) {
			if r.unjournaled = nil; err != nil {
				r.unjournaled = &n.whole
			}
		})
	}
	return entries[states[0].key].whole, err
}

// catchUp writes what the journal could not take when it came.
func (e *Engine) catchUp() {
	e.mu.Lock()
	var behind []*state
	for _, st := range *e.index.Load() {
		if st.has().unjournaled != nil && st.flight == nil {
			behind = append(behind, st)
		}
	}
	e.mu.Unlock()
	for _, st := range behind {
		if _, err := e.note(st, func(*Record) {}); err != nil {
			return
		}
	}
}

// recall reads what the journal says of one account that was not seen so far.
func (e *Engine) recall(ctx context.Context, key Key) {
	e.mu.Lock()
	_, waits := e.waiting[key]
	known := waits || e.mark > 0 || (*e.index.Load())[key] != nil
	e.mu.Unlock()
	if known {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, journalTimeout)
	defer cancel()
	r, err := e.journal.Read(ctx, key)
	e.noteJournal(err)
	if err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if (*e.index.Load())[key] == nil {
		e.waiting[key] = r.kept()
	}
}
