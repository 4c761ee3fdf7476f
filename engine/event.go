package engine

import (
	"context"
	"iter"
	"sync"
	"time"
)

// EventKind says what happened.
type EventKind string

const (
	// EventSnapshot is the first event of every subscriber, and the next one
	// after it fell behind: Views holds everything as it is now.
	EventSnapshot EventKind = "snapshot"
	// EventScanned: all accounts were read (Snapshot has them); Err is what
	// kept some from being found.
	EventScanned EventKind = "scanned"
	// EventStarted: Run begins under Policy.
	EventStarted EventKind = "started"
	// EventPolicy: Policy holds from now on.
	EventPolicy EventKind = "policy"
	// EventRefreshing: a refresh of Account is under way, for the reason Why.
	EventRefreshing EventKind = "refreshing"
	// EventRefreshed: a refresh ended; Result and Account say how.
	EventRefreshed EventKind = "refreshed"
	// EventNeedsLogin: Account turned to needing a person to sign in.
	EventNeedsLogin EventKind = "needs_login"
	// EventExpired: Account's token expired while its refreshes keep failing.
	EventExpired EventKind = "expired"
	// EventRecovered: Account is well again after one of the two above.
	EventRecovered EventKind = "recovered"
	// EventLoginEnds: Account's login ends in Ahead, and a person must sign in
	// again by then. It comes 14, 7, 3 and 1 days before.
	EventLoginEnds EventKind = "login_ends"
	// EventUnused: Account has not been refreshed for so long that its provider
	// drops the login in Ahead, which is negative where it may have done so.
	EventUnused EventKind = "unused"
	// EventPass: a pass over the accounts ended; Summary has its results.
	EventPass EventKind = "pass"
	// EventChanged: Account was added, or a person changed it, or, where its
	// Key alone is set, removed it.
	EventChanged EventKind = "changed"
	// EventStoreDown: the store named Store cannot be read; Err says why.
	// EventStoreUp ends it.
	EventStoreDown EventKind = "store_down"
	EventStoreUp   EventKind = "store_up"
	// EventNetworkDown: token endpoints cannot be reached from here; Err says
	// which and why. EventNetworkUp ends it.
	EventNetworkDown EventKind = "network_down"
	EventNetworkUp   EventKind = "network_up"
	// EventClock: this machine's clock is Ahead of a provider's (behind it
	// where negative) by more than can be borne, or, where Ahead is 0, agrees
	// with it again.
	EventClock EventKind = "clock"
	// EventWarning: something went wrong that harms no account.
	EventWarning EventKind = "warning"
)

// Event is one change. Only the fields its kind names are set.
type Event struct {
	Kind    EventKind
	Time    time.Time
	Why     Why
	Store   string
	Account View
	Views   []View
	Result  Result
	Summary Summary
	Policy  Policy
	Ahead   time.Duration
	Err     error
}

// View is an account as people see it, without its tokens.
type View struct {
	Account
	Tries
	Status     Status
	Refreshing bool
	// NextRefresh is zero where none is planned.
	NextRefresh time.Time
	// Restored counts how often another program's write-back was undone.
	Restored int
}

// queueLimit is how far a subscriber may fall behind. An event is small but
// for scans and passes; a busy pass over thousands of accounts must fit.
const queueLimit = 65536

// hub hands every event to every subscriber without waiting for any.
type hub struct {
	mu     sync.Mutex
	subs   map[*subscriber]struct{}
	closed bool
}

type subscriber struct {
	hub    *hub
	wake   chan struct{} // capacity 1
	queue  []Event
	behind bool // a snapshot is due before the queue
	closed bool
}

func (h *hub) publish(ev Event) {
	ev.Time = wall()
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		if len(s.queue) >= queueLimit {
			s.queue, s.behind = nil, true
		} else {
			s.queue = append(s.queue, ev)
		}
		s.poke()
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.subs {
		s.closed = true
		s.poke()
	}
}

func (s *subscriber) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take returns what is waiting; ok is false once the hub is closed and
// everything was taken.
func (s *subscriber) take() (events []Event, behind, ok bool) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	events, behind = s.queue, s.behind
	s.queue, s.behind = nil, false
	return events, behind, !s.closed || behind || len(events) > 0
}

// Watch subscribes to the engine from this moment on: a snapshot first, then
// every change, until ctx is done or the engine is closed and the last event
// was taken. A subscriber that falls far behind starts again from a fresh
// snapshot; none ever holds the engine up. The sequence is for one reader.
func (e *Engine) Watch(ctx context.Context) iter.Seq[Event] {
	s := &subscriber{hub: &e.hub, wake: make(chan struct{}, 1), behind: true}
	e.hub.mu.Lock()
	s.closed = e.hub.closed
	e.hub.subs[s] = struct{}{}
	e.hub.mu.Unlock()
	leave := func() {
		e.hub.mu.Lock()
		delete(e.hub.subs, s)
		e.hub.mu.Unlock()
	}
	stop := context.AfterFunc(ctx, leave)
	return func(yield func(Event) bool) {
		defer leave()
		defer stop()
		for {
			events, behind, ok := s.take()
			if !ok {
				return
			}
			if behind && !yield(Event{Kind: EventSnapshot, Time: wall(), Views: e.Snapshot(), Policy: e.Policy()}) {
				return
			}
			for _, ev := range events {
				if !yield(ev) {
					return
				}
			}
			if behind || len(events) > 0 {
				continue
			}
			select {
			case <-s.wake:
			case <-ctx.Done():
				return
			}
		}
	}
}
