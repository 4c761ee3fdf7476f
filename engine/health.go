package engine

import (
	"slices"
	"time"
)

// Health is how the engine fares, apart from its accounts.
type Health struct {
	// Turned is when Run last came around, which it does at least once a minute
	// while the machine is awake: compare it by the monotonic clock. Zero: it
	// does not run.
	Turned time.Time
	// Unread names the stores that were not read so far, and Away those that
	// cannot be read, or written, now. Both are in order.
	Unread, Away []string
	Stores       []string // all
}

// Health tells it without looking at a store.
func (e *Engine) Health() Health {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := Health{Turned: e.turned}
	for name, p := range e.places {
		h.Stores = append(h.Stores, name)
		if !p.read {
			h.Unread = append(h.Unread, name)
		}
		if p.down {
			h.Away = append(h.Away, name)
		}
	}
	for _, names := range [][]string{h.Stores, h.Unread, h.Away} {
		slices.Sort(names)
	}
	return h
}

// turn notes that Run came around; the zero time, that it ends.
func (e *Engine) turn(at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.turned = at
}
