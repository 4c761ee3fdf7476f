package park

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// loop runs what is put on it, one after the other, and turns in between.
type loop struct {
	queue chan func()
	ended chan struct{}
	turns atomic.Int64
}

func newLoop() *loop {
	l := &loop{queue: make(chan func(), 1000), ended: make(chan struct{})}
	go func() {
		turn := time.NewTicker(time.Second / 60)
		defer turn.Stop()
		for {
			select {
			case f := <-l.queue:
				f()
			case <-turn.C:
				l.turns.Add(1)
			case <-l.ended:
				return
			}
		}
	}()
	return l
}

func (l *loop) put(f func()) { l.queue <- f }

type fixture struct {
	*Loop
	loop   *loop
	hidden atomic.Bool
	gaveUp chan string
	armed  atomic.Int64
}

// begin starts to let a loop rest.
func begin() *fixture {
	f := &fixture{loop: newLoop(), gaveUp: make(chan string, 10)}
	f.hidden.Store(true)
	f.Loop = New(Params{Put: f.loop.put, Idle: f.hidden.Load, GaveUp: func(reason string) { f.gaveUp <- reason }})
	f.Start(func() { f.armed.Add(1) })
	return f
}

func (f *fixture) end() {
	f.Stop()
	close(f.loop.ended)
}

// turns counts those of the loop within a time.
func (f *fixture) turns(within time.Duration) int64 {
	before := f.loop.turns.Load()
	time.Sleep(within)
	return f.loop.turns.Load() - before
}

func TestHiddenItRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin()
		defer f.end()
		if n := f.turns(10 * time.Second); n > 35 {
			t.Errorf("%d turns in 10 s", n)
		}
		if n := f.turns(time.Minute); n < 5 {
			t.Errorf("%d turns in a minute: it forgets the display", n)
		}
	})
}

func TestSeenItDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin()
		defer f.end()
		time.Sleep(5 * time.Second)
		f.Do(func() { f.hidden.Store(false) })
		time.Sleep(time.Second)
		if n := f.turns(10 * time.Second); n < 590 {
			t.Errorf("%d turns in 10 s", n)
		}
		f.Do(func() { f.hidden.Store(true) })
		time.Sleep(askEvery)
		if n := f.turns(10 * time.Second); n > 35 {
			t.Errorf("hidden again: %d turns in 10 s", n)
		}
	})
}

// Whatever the loop does when Do is called, the function begins at once.
func TestDoWakesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin()
		defer f.end()
		for i := range 500 {
			time.Sleep(time.Duration(i*7%613) * time.Millisecond)
			given, begun := time.Now(), make(chan time.Duration, 1)
			f.Do(func() { begun <- time.Since(given) })
			if took := <-begun; took > 0 { // time stands still while anybody can go on
				t.Fatalf("it took %s, try %d", took, i)
			}
		}
		if len(f.gaveUp) > 0 {
			t.Error("it gave up: ", <-f.gaveUp)
		}
	})
}

// The same on a real clock, from many goroutines and from the loop itself.
func TestDoInRealTime(t *testing.T) {
	defer goleak.VerifyNone(t)
	f := begin()
	defer f.end()
	var all []time.Duration
	for range 40 {
		time.Sleep(30 * time.Millisecond)
		begun := make(chan time.Duration, 8)
		for range 4 {
			go func() {
				given := time.Now()
				f.Do(func() {
					first := time.Since(given)
					f.Do(func() { begun <- first }) // from the loop's own goroutine
				})
			}()
		}
		for range 4 {
			all = append(all, <-begun)
		}
	}
	slices.Sort(all)
	if median := all[len(all)/2]; median > 20*time.Millisecond {
		t.Errorf("half of all began after more than %s", median)
	}
}

// The loop is left alone after the display woke it, and after a function that
// shows something.
func TestWhatAClickBeginsIsNotSlowedDown(t *testing.T) {
	for name, click := range map[string]func(*fixture){
		"the display": func(f *fixture) { f.Wake() },
		"Do":          func(f *fixture) { f.Do(func() { f.hidden.Store(false) }) },
	} {
		synctest.Test(t, func(t *testing.T) {
			f := begin()
			defer f.end()
			time.Sleep(5100 * time.Millisecond)
			click(f)
			if n := f.turns(400 * time.Millisecond); n < 20 {
				t.Errorf("%s: %d turns in the 400 ms after a wake-up", name, n)
			}
		})
	}
}

// A function that shows nothing costs few turns.
func TestWhatShowsNothingCostsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin()
		defer f.end()
		time.Sleep(5100 * time.Millisecond)
		f.Do(func() {})
		if n := f.turns(400 * time.Millisecond); n < 1 || n > 6 {
			t.Errorf("%d turns in the 400 ms after it", n)
		}
	})
}

// What does not go through Do waits 5 s at most.
func TestWhatTheToolkitPutsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin()
		defer f.end()
		for i := range 20 {
			time.Sleep(time.Duration(i*37) * time.Millisecond)
			given, begun := time.Now(), make(chan time.Duration, 1)
			f.loop.put(func() { begun <- time.Since(given) })
			if took := <-begun; took > restAtMost {
				t.Errorf("it took %s", took)
			}
		}
	})
}

// What the display sends is looked at at once, and so is what follows.
func TestTheDisplayWakesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin()
		defer f.end()
		time.Sleep(7 * time.Second)
		if f.armed.Load() == 0 {
			t.Fatal("nobody would tell")
		}
		f.Wake()
		if n := f.turns(400 * time.Millisecond); n < 20 {
			t.Errorf("%d turns in the 400 ms after it", n)
		}
		if n := f.turns(10 * time.Second); n > 35 {
			t.Errorf("afterwards, %d turns in 10 s", n)
		}
	})
}

func TestAWakeUpThatComesLateIsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin()
		defer f.end()
		time.Sleep(5100 * time.Millisecond)
		f.loop.put(func() { time.Sleep(2 * wakesWithin) }) // stands before what wakes it
		for range 3 {
			f.Do(func() {})
		}
		time.Sleep(5 * time.Second)
		if len(f.gaveUp) != 1 {
			t.Fatalf("it said so %d times", len(f.gaveUp))
		}
		if n := f.turns(10 * time.Second); n < 590 {
			t.Errorf("it rests still: %d turns in 10 s", n)
		}
		did := make(chan bool)
		f.Do(func() { did <- true })
		<-did
	})
}

// A loop that is busy with its own is not late: it did not rest.
func TestABusyLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := begin()
		defer f.end()
		time.Sleep(5100 * time.Millisecond)
		f.Do(func() { time.Sleep(5 * time.Second) })
		time.Sleep(time.Second)
		f.Do(func() {})
		time.Sleep(10 * time.Second)
		if len(f.gaveUp) > 0 {
			t.Error("it gave up: ", <-f.gaveUp)
		}
		if n := f.turns(10 * time.Second); n > 35 {
			t.Errorf("it does not rest any more: %d turns in 10 s", n)
		}
	})
}

// The loop may end as soon as Stop was called: nothing is put on it then, and
// nobody waits for it.
func TestStop(t *testing.T) {
	defer goleak.VerifyNone(t)
	for i := range 200 {
		closed, queue, put := make(chan struct{}), make(chan func(), 10), atomic.Bool{}
		l := New(Params{Idle: func() bool { return true }, GaveUp: func(reason string) { t.Error(reason) }, Put: func(f func()) {
			if put.Load() {
				t.Error("put on a loop that has ended")
			}
			queue <- f
		}})
		go func() {
			for {
				select {
				case <-closed:
					return
				case f := <-queue:
					f()
				}
			}
		}()
		l.Start(func() {})
		for range i % 50 {
			runtime.Gosched()
		}
		if i%2 == 0 {
			ended := make(chan struct{})
			l.Do(func() { // as Quit does
				l.Stop()
				put.Store(true)
				close(closed)
				close(ended)
			})
			<-ended
		} else { // as a signal does, while it rests
			l.Stop()
			put.Store(true)
			close(closed)
		}
		l.Stop() // once more changes nothing
	}
}

func TestBeforeStartItNeverRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoop()
		defer close(l.ended)
		p := New(Params{Put: l.put, Idle: func() bool { return true }})
		f := &fixture{Loop: p, loop: l}
		if n := f.turns(time.Second); n < 59 {
			t.Errorf("%d turns", n)
		}
		did := make(chan bool)
		p.Do(func() { did <- true })
		<-did
	})
}
