package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// Place is a store with its locks.
type Place struct {
	Store  Store
	Locker Locker
}

// place is a Place at work. Its trouble is guarded by Engine.mu.
type place struct {
	Place
	name string // Key.Store of its accounts
	read bool   // once at least
	down bool
	// writeDown and lockDown say that what failed was a write, or a lock: only
	// one that works ends it.
	writeDown, lockDown bool
}

// own makes accounts the place's own.
func (p *place) own(accounts ...Account) {
	for i := range accounts {
		accounts[i].Key.Store = p.name
	}
}

// in returns the key as its store knows it.
func (k Key) in() Key { return Key{Provider: k.Provider, ID: k.ID} }

func (e *Engine) placeOf(key Key) (*place, error) {
	if p := e.places[key.Store]; p != nil {
		return p, nil
	}
	return nil, Errorf(KindNotFound, "there is no such store: "+Clean(key.Store), nil)
}

func (e *Engine) load(ctx context.Context, key Key) (Account, error) {
	p, err := e.placeOf(key)
	if err != nil {
		return Account{}, err
	}
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	a, err := p.Store.Load(limited, key.in())
	e.noteAnswer(ctx, p, err)
	a.Key.Store = p.name
	return a, err
}

func (e *Engine) write(ctx context.Context, a Account, c Change) (Account, error) {
	p, err := e.placeOf(a.Key)
	if err != nil {
		return Account{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	a.Key = a.Key.in()
	written, err := p.Store.Write(ctx, a, c)
	e.noteWrite(p, err, false)
	if written.ID != "" {
		written.Key.Store = p.name
	}
	return written, err
}

func (e *Engine) tryLock(ctx context.Context, key Key) (Lease, error) {
	p, err := e.placeOf(key)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	lease, err := p.Locker.TryLock(ctx, key.in())
	e.noteWrite(p, err, true)
	return lease, err
}

// Scan reads every account from the stores. Refresh tokens that are new to this
// process are opened, to know them again and to tell what cannot be read. The
// problems of the listings are returned, joined, with everything readable taken
// in all the same; of KindStore where a store could not be read, and its
// accounts are as they were.
func (e *Engine) Scan(ctx context.Context) error {
	return e.scan(ctx, slices.Collect(maps.Values(e.places))).err()
}

// ScanStore is Scan of one store alone.
func (e *Engine) ScanStore(ctx context.Context, name string) error {
	p, err := e.placeOf(Key{Store: name})
	if err != nil {
		return err
	}
	return e.scan(ctx, []*place{p}).err()
}

// scanned is what came of a scan.
type scanned struct {
	away     map[string]error // of the stores that could not be read
	problems error            // of the others
	nothing  bool             // no store could be read
}

// err puts the first before the second: KindOf finds the first.
func (s scanned) err() error {
	return joined(append(slices.Collect(maps.Values(s.away)), s.problems))
}

func (e *Engine) scan(ctx context.Context, places []*place) scanned {
	away, problems := make([]error, len(places)), make([]error, len(places))
	var wg sync.WaitGroup
	for i, p := range places {
		wg.Go(func() { away[i], problems[i] = e.scanPlace(ctx, p) })
	}
	wg.Wait()
	s := scanned{away: map[string]error{}, problems: joined(problems)}
	for i, p := range places {
		if away[i] != nil {
			s.away[p.name] = away[i]
		}
	}
	if s.nothing = len(s.away) == len(places); s.nothing {
		return s
	}
	e.catchUp()
	e.findShared()
	e.mu.Lock()
	e.looked = e.looked || len(places) == len(e.places)
	e.mu.Unlock()
	if len(s.away) == 0 && s.problems == nil {
		e.prune(ctx)
	}
	e.hub.publish(Event{Kind: EventScanned, Err: s.problems})
	return s
}

func (e *Engine) scanPlace(ctx context.Context, p *place) (away, problems error) {
	began := e.age()
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	listing, err := p.Store.List(limited)
	e.noteAnswer(ctx, p, err)
	if err != nil {
		return err, nil
	}
	e.recallAll(ctx)
	p.own(listing.Accounts...)
	e.absorbAll(p, listing.Accounts, began)
	e.probe(ctx, p)
	return nil, errors.Join(listing.Problems...)
}

// joined is errors.Join, but one error stays itself.
func joined(errs []error) error {
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// awayPlaces are the places whose return is looked for.
func (e *Engine) awayPlaces() []*place {
	e.mu.Lock()
	defer e.mu.Unlock()
	var away []*place
	for _, p := range e.places {
		if p.down {
			away = append(away, p)
		}
	}
	return away
}

// isAway reports whether the account's store is away. With e.mu held.
func (e *Engine) isAway(key Key) bool {
	p := e.places[key.Store]
	return p == nil || p.down
}
