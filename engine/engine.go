package engine

import (
	"context"
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
	// Places are the stores that are worked with, by the Key.Store of their
	// accounts.
	Places    map[string]Place
	Journal   Journal
	Providers map[string]Provider // by provider name
	Policy    Policy
	// Clock is the wall clock; nil: the system's.
	Clock func() time.Time
}

// Engine keeps the accounts of one or more stores fresh. Its methods are safe for
// concurrent use. Close it when done.
type Engine struct {
	places    map[string]*place
	providers map[string]Provider
	journal   Journal
	clock     func() time.Time
	hub       hub
	slots     chan struct{} // bounds the exchanges under way
	limits    map[string]*rate.Limiter

	// index is replaced, never changed, so that the hit path of
	// ValidAccessToken reads it without a lock.
	index atomic.Pointer[map[Key]*state]

	coarse  coarse
	wake    chan struct{}   // capacity 1: the scheduler looks again
	lost    chan struct{}   // capacity 1: something cannot be connected to
	ending  context.Context // done when Close is called, by end
	end     context.CancelFunc
	flights sync.WaitGroup
	readers sync.WaitGroup // of read-backs

	born        time.Time
	mu          sync.Mutex // guards all below, and the fields of every state and place
	policy      Policy
	queue       dueQueue
	crowd       Crowd
	holders     map[Fingerprint]*state // of a refresh token: one, and with it its twins
	running     bool
	turned      time.Time // when Run last came around
	closed      bool
	unreachable map[endpoint]bool          // that cannot be connected to
	ahead       map[endpoint]time.Duration // of their clocks, as it was last told
	underWay    int                        // flights
	looked      bool                       // all accounts were read once

	mark           int64          // how far the journal was read
	waiting        map[Key]Record // of the journal, for accounts not seen so far
	journalTrouble string         // as it was last told
}

// New returns an engine that does nothing until it is asked or Run.
func New(p Params) *Engine {
	e := &Engine{
		places:    map[string]*place{},
		providers: p.Providers,
		journal:   p.Journal,
		clock:     p.Clock,
		born:      time.Now(),
		hub:       hub{subs: map[*subscriber]struct{}{}},
		slots:     make(chan struct{}, Concurrency),
		limits:    map[string]*rate.Limiter{},
		wake:      make(chan struct{}, 1),
		lost:      make(chan struct{}, 1),
		policy:    p.Policy,

		crowd:       Crowd{},
		holders:     map[Fingerprint]*state{},
		unreachable: map[endpoint]bool{},
		ahead:       map[endpoint]time.Duration{},
		waiting:     map[Key]Record{},
	}
	e.ending, e.end = context.WithCancel(context.Background())
	if e.clock == nil {
		e.clock = time.Now
	}
	if e.policy.Seed == 0 {
		e.policy.Seed = rand.Uint64()
	}
	for name, at := range p.Places {
		e.places[name] = &place{Place: at, name: name}
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
	p.Herd = e.policy.Herd
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
		if st.taken != 0 { // else it is being read for the first time
			views = append(views, e.view(st, now))
		}
	}
	return views
}

// Accounts lists the stores without opening any secret, by key. Of stores that
// cannot be read it returns the error beside the accounts of the others.
func (e *Engine) Accounts(ctx context.Context) ([]Account, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var (
		wg       sync.WaitGroup
		mu       sync.Mutex
		accounts []Account
		away     []error
	)
	for _, p := range e.places {
		wg.Go(func() {
			listing, err := p.Store.List(ctx)
			p.own(listing.Accounts...)
			mu.Lock()
			defer mu.Unlock()
			accounts, away = append(accounts, listing.Accounts...), append(away, err)
		})
	}
	wg.Wait()
	slices.SortFunc(accounts, func(a, b Account) int { return a.Key.Compare(b.Key) })
	return accounts, joined(away)
}

// Match returns the accounts that text names, by id or name; "provider:id", or
// "store/provider:id", names one alone.
func Match(accounts []Account, text string) []Account {
	var named, exact []Account
	for _, a := range accounts {
		if a.Key.String() == text || a.Key.Store+"/"+a.Key.String() == text {
			exact = append(exact, a)
		}
		if a.ID == text || a.Name == text {
			named = append(named, a)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return named
}

// Add stores a new account in the store that account.Store names, and takes it
// in.
func (e *Engine) Add(ctx context.Context, account NewAccount) (Account, error) {
	p, err := e.placeOf(Key{Store: account.Store})
	if err != nil {
		return Account{}, err
	}
	if _, ok := e.providers[account.Provider]; !ok {
		return Account{}, Errorf(KindSettings, fmt.Sprintf("unknown provider %q: use one of %s", account.Provider,
			strings.Join(slices.Sorted(maps.Keys(e.providers)), ", ")), nil)
	}
	a, err := p.Store.Add(ctx, account)
	if err != nil {
		return Account{}, err
	}
	a.Key.Store = p.name
	st, a := e.absorb(a)
	e.findShared()
	e.hub.publish(Event{Kind: EventChanged, Account: e.viewOf(st)})
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

// now is the wall clock's time to the microsecond, without the monotonic part,
// which stands still while a laptop sleeps.
func (e *Engine) now() time.Time { return e.clock().Round(0).Truncate(time.Microsecond) }

// age is how long the engine has been there: it only rises, and is never 0.
func (e *Engine) age() time.Duration { return time.Since(e.born) + 1 }

// wall is the system's wall clock.
func wall() time.Time { return time.Now().Round(0) }
