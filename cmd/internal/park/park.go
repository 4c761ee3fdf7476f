// Package park lets a toolkit's event loop rest while no window is seen: Fyne's
// turns 60 times a second for ever, which costs a hidden app 1 to 2 % of a core.
//
// The loop is kept within a function that waits, 5 s at most at a time, and turns
// between two of them. Whoever has something for the loop goes through Do, which
// ends the waiting first; so does the display as soon as it sends something. What
// holds:
//
//   - A function given to Do begins at once, however long the loop would have
//     waited: Do counts it as due before it wakes the loop, and the loop does not
//     wait while one is due.
//   - After a wake-up by the display the loop is left alone for half a second:
//     what a click begins is not slowed down. What Do began shows by then in what
//     is seen, else there is no more to it.
//   - Do never waits, from the loop's own goroutine neither. What the toolkit
//     itself puts on the loop, past Do, waits 5 s at most.
//   - After Stop nothing is put on the loop for resting, and a loop that rests is
//     woken: so the loop can be ended then, by a function given to Do too.
//   - A wake-up that comes late once, for whatever reason, is the last: from then
//     on the loop runs as it always did. It is tried again at the next start.
package park

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	restAtMost  = 5 * time.Second
	aloneFor    = 500 * time.Millisecond // after a wake-up by the display
	workFor     = 50 * time.Millisecond  // after one by Do
	askEvery    = 2 * time.Second        // while something is seen
	wakesWithin = 250 * time.Millisecond // later is late
)

// Params is what a Loop is made of.
type Params struct {
	// Put puts a function on the loop and does not wait, as fyne.Do. What is put
	// first is run first.
	Put func(func())
	// Idle says whether the loop may rest: nothing is seen. It is asked on the
	// loop.
	Idle func() bool
	// GaveUp is told why the loop does not rest any more. At most once.
	GaveUp func(reason string)
}

// Loop is an event loop that can rest. Before Start it never does.
type Loop struct {
	p    Params
	arm  func()
	wake chan struct{} // has room for one
	due  atomic.Int64  // given to Do and not begun
	rest atomic.Bool   // it does now

	mu      sync.Mutex // guards stopped, and that nothing is put after it
	stopped bool
	gone    chan struct{} // closed with stopped
}

// New returns a Loop.
func New(p Params) *Loop {
	return &Loop{p: p, wake: make(chan struct{}, 1), gone: make(chan struct{})}
}

// Do wakes the loop and has it run f.
func (l *Loop) Do(f func()) {
	resting, given := l.rest.Load(), time.Now()
	l.due.Add(1)
	l.Wake()
	l.p.Put(func() {
		l.due.Add(-1)
		if took := time.Since(given); resting && took > wakesWithin {
			l.giveUp(fmt.Sprintf("it woke up after %s", took.Round(time.Millisecond)))
		}
		f()
	})
}

// Wake ends the loop's rest, if it does.
func (l *Loop) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Start lets the loop, which must run by now, rest from time to time until Stop.
// arm is called as a rest begins, and has Wake called as soon as the display
// sends something. It does not wait.
func (l *Loop) Start(arm func()) {
	l.arm = arm
	l.next()
}

// next puts a turn on the loop, unless that is over.
func (l *Loop) next() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopped {
		l.p.Put(l.turn)
	}
}

// turn has the loop rest once, and again at once if nothing disturbed it. On the
// loop: no other thread has to wake up for that.
func (l *Loop) turn() {
	switch {
	case !l.p.Idle():
		time.AfterFunc(askEvery, l.next)
	case l.wait():
		l.next()
	case l.due.Load() > 0: // not begun, as the loop was here
		time.AfterFunc(workFor, l.next)
	default:
		time.AfterFunc(aloneFor, l.next)
	}
}

// Stop ends the resting for good. It does not wait.
func (l *Loop) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.stopped {
		l.stopped = true
		close(l.gone)
	}
}

// wait is the loop's rest: it returns true if nothing disturbed it. On the loop.
func (l *Loop) wait() bool {
	select {
	case <-l.wake: // for what began before, or is due
	default:
	}
	if l.due.Load() > 0 {
		return false
	}
	l.rest.Store(true)
	defer l.rest.Store(false)
	l.arm()
	timer := time.NewTimer(restAtMost)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.wake:
	case <-l.gone:
	}
	return false
}

func (l *Loop) giveUp(reason string) {
	l.mu.Lock()
	over := l.stopped
	l.mu.Unlock()
	if !over {
		l.Stop()
		l.p.GaveUp(reason)
	}
}
