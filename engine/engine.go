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

// Params is what an Engine is made of. All fields but Clock are required.
type Params struct {
	Store     Store
	Locker    Locker
	Journal   Journal
	Providers map[string]Provider // by provider name
	Policy    Policy
	// Clock is the wall clock; nil: the system's.
	Clock func() time.Time
}

// Engine keeps the accounts of one store fresh. Its methods are safe for
// concurrent use. Close it when done.
type Engine struct {
	store     Store
	locker    Locker
	providers map[string]Provider
	journal   Journal
	clock     func() time.Time
	hub       hub
	slots     chan struct{} // bounds the exchanges under way
	limits    map[string]*rate.Limiter

	// index is replaced, never changed, so that the hit path of
	// ValidAccessToken reads it without a lock.
	index atomic.Pointer[map[Key]*state]

	wake    chan struct{}   // capacity 1: the scheduler looks again
	ending  context.Context // done when Close is called, by end
	end     context.CancelFunc
	flights sync.WaitGroup
	readers sync.WaitGroup // of read-backs

	mu        sync.Mutex // guards all below, and every state's fields
	policy    Policy
	queue     dueQueue
	running   bool
	closed    bool
	storeDown bool
	// writeDown and lockDown say that what failed was a write, or a lock: only
	// one that works ends it.
	writeDown, lockDown bool
	unreachable         map[string]bool          // providers that cannot be connected to
	ahead               map[string]time.Duration // of the providers' clocks, as it was last told
	underWay            int                      // flights

	mark           int64          // how far the journal was read
	waiting        map[Key]Record // of the journal, for accounts not seen so far
	journalTrouble string         // as it was last told
}

// New returns an engine that does nothing until it is asked or Run.
func New(p Params) *Engine {
	e := &Engine{
		store:     p.Store,
		locker:    p.Locker,
		providers: p.Providers,
		journal:   p.Journal,
		clock:     p.Clock,
		hub:       hub{subs: map[*subscriber]struct{}{}},
		slots:     make(chan struct{}, Concurrency),
		limits:    map[string]*rate.Limiter{},
		wake:      make(chan struct{}, 1),
		policy:    p.Policy,

		unreachable: map[string]bool{},
		ahead:       map[string]time.Duration{},
		waiting:     map[Key]Record{},
	}
	e.ending, e.end = context.WithCancel(context.Background())
	if e.clock == nil {
		e.clock = time.Now
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
	now := e.now()
	for _, st := range index {
		if !st.taken.IsZero() { // else it is being read for the first time
			views = append(views, e.view(st, now))
		}
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
	e.recallAll(ctx)
	e.absorbAll(listing.Accounts, began)
	e.catchUp()
	e.probe(ctx)
	if len(listing.Problems) == 0 {
		e.prune(ctx)
	}
	problems := errors.Join(listing.Problems...)
	e.hub.publish(Event{Kind: EventScanned, Err: problems})
	return problems
}

// noteAnswer notes how a reading went, unless it was the caller that gave up.
func (e *Engine) noteAnswer(caller context.Context, err error) {
	if err == nil || caller.Err() == nil {
		e.noteStore(err)
	}
}

// noteWrite notes how a write went, or a lock, which proves less.
func (e *Engine) noteWrite(err error, lock bool) {
	if err != nil && KindOf(err) != KindStore {
		return
	}
	e.mu.Lock()
	if e.lockDown = err != nil; !lock {
		e.writeDown = err != nil
	}
	e.mu.Unlock()
	e.noteStore(err)
}

// noteStore publishes the store's going and coming. A store that can be read
// and not written is away too, until a write works. Its return ends the backoff
// of everything that failed for want of it, and stores what is owed to it.
func (e *Engine) noteStore(err error) {
	e.mu.Lock()
	was := e.storeDown
	e.storeDown = KindOf(err) == KindStore && err != nil || e.writeDown || e.lockDown
	down := e.storeDown
	var owed []*state
	if was && !down {
		for _, st := range *e.index.Load() {
			if st.tries.Err != nil && KindOf(st.tries.Err) == KindStore {
				st.tries.RetryAt = time.Time{}
				e.requeue(st)
			}
			if st.flight == nil && st.owes() {
				owed = append(owed, st)
			}
		}
	}
	e.mu.Unlock()
	switch {
	case down && !was:
		e.hub.publish(Event{Kind: EventStoreDown, Err: err})
		e.poke() // Run looks for its return
	case was && !down:
		e.hub.publish(Event{Kind: EventStoreUp})
		for _, st := range owed {
			e.start(st, request{why: WhyRestore})
		}
		e.poke()
	}
}

// probe finds out whether a store that took no writes takes them again: by what
// is owed to it, where something is, else by a lock and by writing an account's
// record as it is.
func (e *Engine) probe(ctx context.Context) {
	e.mu.Lock()
	writeDown, lockDown := e.writeDown, e.lockDown
	var any, owed *state
	for _, st := range *e.index.Load() {
		if st.flight != nil || st.token.Zero() || st.account.Problem != nil {
			continue
		}
		if any = st; st.owes() {
			owed = st
		}
	}
	e.mu.Unlock()
	if lockDown {
		if lease, err := e.tryLock(ctx, Key{Provider: "tokentray", ID: "probe"}); err == nil {
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
	_, a = e.absorb(a)
	e.poke()
	return a, nil
}

// Close refuses new refreshes, waits for those in flight to be finished and
// stored, and ends every Watch after its last event. Read-backs that have not
// come yet are left out. A wait for another's
// lease is given up: nothing is in flight there.
func (e *Engine) Close() {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	e.mu.Unlock()
	if first {
		e.end()
	}
	e.readers.Wait() // end at once
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

// now is the wall clock's time, without the monotonic part, which stands still
// while a laptop sleeps.
func (e *Engine) now() time.Time { return e.clock().Round(0) }

// wall is the system's wall clock.
func wall() time.Time { return time.Now().Round(0) }
