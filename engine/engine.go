package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Params is what an Engine is made of. All fields but Waits are required.
type Params struct {
	Store     Store
	Locker    Locker
	Providers map[string]Provider // by provider name
	Policy    Policy
	// Waits is until when providers asked other processes to be left alone for
	// an account (Retry-After).
	Waits map[Key]time.Time
}

// Engine keeps the accounts of one store fresh. Its methods are safe for
// concurrent use. Close it when done.
type Engine struct {
	store     Store
	locker    Locker
	providers map[string]Provider
	waits     map[Key]time.Time // not changed
	hub       hub
	slots     chan struct{} // bounds the exchanges under way
	limits    map[string]*rate.Limiter

	// index is replaced, never changed, so that the hit path of
	// ValidAccessToken reads it without a lock.
	index atomic.Pointer[map[Key]*state]

	wake    chan struct{} // capacity 1: the scheduler looks again
	closing chan struct{}
	flights sync.WaitGroup

	mu        sync.Mutex // guards all below, and every state's fields
	policy    Policy
	queue     dueQueue
	running   bool
	closed    bool
	storeDown bool
	underWay  int // flights
}

// New returns an engine that does nothing until it is asked or Run.
func New(p Params) *Engine {
	e := &Engine{
		store:     p.Store,
		locker:    p.Locker,
		providers: p.Providers,
		waits:     p.Waits,
		hub:       hub{subs: map[*subscriber]struct{}{}},
		slots:     make(chan struct{}, Concurrency),
		limits:    map[string]*rate.Limiter{},
		wake:      make(chan struct{}, 1),
		closing:   make(chan struct{}),
		policy:    p.Policy,
	}
	if e.policy.Seed == 0 {
		e.policy.Seed = rand.Uint64()
	}
	for name := range p.Providers {
		e.limits[name] = rate.NewLimiter(RatePerSecond, Burst)
	}
	e.index.Store(&map[Key]*state{})
	return e
}

// Policy returns what is in force.
func (e *Engine) Policy() Policy {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.policy
}

// SetPolicy puts another policy in force at once.
func (e *Engine) SetPolicy(p Policy) {
	e.mu.Lock()
	if p.Seed == 0 {
		p.Seed = e.policy.Seed
	}
	e.policy = p
	for _, st := range *e.index.Load() {
		st.live.Store(nil) // its background refresh may come at another moment now
		e.requeue(st)
	}
	e.mu.Unlock()
	e.hub.publish(Event{Kind: EventPolicy, Policy: p})
	e.poke()
}

// Snapshot returns every known account, in no order.
func (e *Engine) Snapshot() []View {
	e.mu.Lock()
	defer e.mu.Unlock()
	index := *e.index.Load()
	views := make([]View, 0, len(index))
	now := wall()
	for _, st := range index {
		views = append(views, e.view(st, now))
	}
	return views
}

// Scan reads every account from the store. Refresh tokens that are new to this
// process are opened, to know them again and to tell what cannot be read. The
// problems of the listing are returned, joined, with everything readable taken
// in all the same; an error of KindStore means that nothing was read.
func (e *Engine) Scan(ctx context.Context) error {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	listing, err := e.store.List(limited)
	e.noteAnswer(ctx, err)
	if err != nil {
		return err
	}
	e.absorbAll(listing.Accounts, began)
	problems := errors.Join(listing.Problems...)
	e.hub.publish(Event{Kind: EventScanned, Err: problems})
	return problems
}

// noteAnswer is noteStore, unless it was the caller that gave up.
func (e *Engine) noteAnswer(caller context.Context, err error) {
	if err == nil || caller.Err() == nil {
		e.noteStore(err)
	}
}

// noteStore publishes the store's going and coming. Its return ends the
// backoff of everything that failed for want of it.
func (e *Engine) noteStore(err error) {
	down := err != nil && KindOf(err) == KindStore
	e.mu.Lock()
	changed := down != e.storeDown
	e.storeDown = down
	if changed && !down {
		for _, st := range *e.index.Load() {
			if st.tries.Err != nil && KindOf(st.tries.Err) == KindStore {
				st.tries.RetryAt = time.Time{}
				e.requeue(st)
			}
		}
	}
	e.mu.Unlock()
	switch {
	case changed && down:
		e.hub.publish(Event{Kind: EventStoreDown, Err: err})
	case changed:
		e.hub.publish(Event{Kind: EventStoreUp})
		e.poke()
	}
}

// Accounts lists the store without opening any secret, by key.
func (e *Engine) Accounts(ctx context.Context) ([]Account, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	listing, err := e.store.List(ctx)
	slices.SortFunc(listing.Accounts, func(a, b Account) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	return listing.Accounts, err
}

// Match returns the accounts that text names, by id or name; "provider:id"
// names one alone.
func Match(accounts []Account, text string) []Account {
	var named []Account
	for _, a := range accounts {
		if a.Key.String() == text {
			return []Account{a}
		}
		if a.ID == text || a.Name == text {
			named = append(named, a)
		}
	}
	return named
}

// Add stores a new account and takes it in.
func (e *Engine) Add(ctx context.Context, account NewAccount) (Account, error) {
	if _, ok := e.providers[account.Provider]; !ok {
		return Account{}, Errorf(KindSettings, fmt.Sprintf("unknown provider %q: use one of %s", account.Provider,
			strings.Join(slices.Sorted(maps.Keys(e.providers)), ", ")), nil)
	}
	a, err := e.store.Add(ctx, account)
	if err != nil {
		return Account{}, err
	}
	e.absorb(a)
	e.poke()
	return a, nil
}

// Close refuses new refreshes, waits for those in flight to be finished and
// stored, and ends every Watch after its last event. A wait for another's
// lease is given up: nothing is in flight there.
func (e *Engine) Close() {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	e.mu.Unlock()
	if first {
		close(e.closing)
	}
	e.flights.Wait()
	e.hub.close()
}

// InFlight returns the names of the accounts whose refresh is under way, for
// saying what a quit waits for.
func (e *Engine) InFlight() []string {
	var names []string
	for _, v := range e.Snapshot() {
		if v.Refreshing {
			names = append(names, v.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// wall is the time without its monotonic part, which stands still while a
// laptop sleeps.
func wall() time.Time { return time.Now().Round(0) }
