package ui

import (
	"testing"
	"time"
)

// The dearer a frame, the rarer it is drawn.
func TestPace(t *testing.T) {
	for cost, want := range map[time.Duration]time.Duration{
		0: time.Second, 2 * time.Millisecond: time.Second, 3 * time.Millisecond: time.Second, 6 * time.Millisecond: 2 * time.Second,
		20 * time.Millisecond: 6 * time.Second, 23 * time.Millisecond: 7 * time.Second, time.Second: 8 * time.Second,
	} {
		var spent, passed, next time.Duration
		var ticks []time.Duration
		p := &pace{spent: func() time.Duration { return spent }}
		for passed < 5*time.Minute {
			dear := false
			next = p.step(func() { dear = true; ticks = append(ticks, passed) })
			if spent += next / 50; dear { // 2 % pass anyway
				spent += cost
			}
			passed += next
		}
		last := len(ticks) - 1
		if got := ticks[last] - ticks[last-1]; got != want {
			t.Errorf("a frame of %s is drawn every %s, not every %s", cost, got, want)
		}
	}
}

func TestPaceWithoutKnowing(t *testing.T) {
	p, ticks := &pace{}, 0
	for range 3 {
		if wait := p.step(func() { ticks++ }); wait != time.Second {
			t.Error(wait)
		}
	}
	if ticks != 3 {
		t.Errorf("%d ticks in 3 steps", ticks)
	}
}
