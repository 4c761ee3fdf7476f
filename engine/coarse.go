package engine

import (
	"sync/atomic"
	"time"
)

// coarseStep is how old the coarse clock may be. Tokens leave the hit path that
// much earlier.
const coarseStep = 100 * time.Millisecond

// coarse is the wall clock for the hit path: to read the real one costs more
// than all else there. It goes only while it is read, and for a second after;
// at other times it tells nothing, and the reader looks at the real one. A
// machine that wakes from standby puts it right within a step.
type coarse struct {
	now  atomic.Int64 // Unix time in ns; 0: it stands
	read atomic.Bool  // since the last step
}

// before reports whether it is surely before the moment; ok is false where the
// clock stands.
func (c *coarse) before(moment int64) (before, ok bool) {
	now := c.now.Load()
	if now == 0 {
		return false, false
	}
	if !c.read.Load() { // a write each time would be shared by all cores
		c.read.Store(true)
	}
	return now < moment, true
}

// wind sets the coarse clock going, until nobody reads it or the engine ends.
func (e *Engine) wind() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || !e.coarse.now.CompareAndSwap(0, e.clock().UnixNano()) {
		return
	}
	e.readers.Go(func() {
		defer e.coarse.now.Store(0)
		step := time.NewTicker(coarseStep)
		defer step.Stop()
		for unread := 0; unread < 10; unread++ {
			select {
			case <-step.C:
			case <-e.ending.Done():
				return
			}
			e.coarse.now.Store(e.clock().UnixNano())
			if e.coarse.read.Swap(false) {
				unread = 0
			}
		}
	})
}
