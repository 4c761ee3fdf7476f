package ui

import "time"

// What the countdown may take of the processor, and how often it is drawn.
const (
	paceShare   = 0.0035 // of a core
	paceFastest = time.Second
	paceSlowest = 8 * time.Second
	paceSpan    = 250 * time.Millisecond // within which what a tick changed is drawn
)

// pace says when the countdown is drawn again. A frame costs a graphics card
// next to nothing, but a processor that does its work some 20 ms: there the
// countdown goes in steps of some seconds.
type pace struct {
	spent func() time.Duration // the processor's time; nil: every second
	cost  time.Duration        // of a tick and its frame, beside what passes anyway

	at    int           // which step is next
	from  time.Duration // what was spent when the last ended
	drawn time.Duration // what was spent in the span with the tick
}

// step goes on to the next of three steps: tick, look what that took, look what
// the same time takes without; and returns when the one after is due.
func (p *pace) step(tick func()) (wait time.Duration) {
	if p.spent == nil {
		tick()
		return paceFastest
	}
	before, now := p.from, p.spent()
	p.from = now
	switch p.at {
	case 0:
		p.at = 1
		tick()
		return paceSpan
	case 1:
		p.at, p.drawn = 2, now-before
		return paceSpan
	}
	p.at = 0
	cost := max(p.drawn-(now-before), 0)
	p.cost += (cost - p.cost) / 4
	return p.every() - 2*paceSpan
}

// again begins with a tick.
func (p *pace) again() { p.at = 0 }

// every is how often a tick is due, in whole seconds.
func (p *pace) every() time.Duration {
	due := time.Duration(float64(p.cost) / paceShare)
	return min(max((due+time.Second-1).Truncate(time.Second), paceFastest), paceSlowest)
}
