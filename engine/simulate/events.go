package simulate

import "time"

type kind uint8

const (
	scan     kind = iota // of a keeper
	restart              // its end, of a keeper
	deadline             // of an account, for a keeper
	answer               // an exchange's, for a keeper
	slotFree             // of a keeper
	lapse                // an account's token counts as expired, unless replaced
	ask                  // of a caller who meets such a token
)

// event is something that happens, counted from the simulation's start.
type event struct {
	at      time.Duration
	order   uint64 // of events at the same moment
	kind    kind
	keeper  int32
	account int32
	version uint32 // of the account's token, or of the keeper's scans
	last    bool   // deadline: it has waited for the lock; answer: it was refused
	asked   bool   // answer: a caller's
}

// agenda is a binary heap of events. container/heap would allocate for each.
type agenda struct {
	events []event
	order  uint64
}

func (g *agenda) add(e event) {
	g.order++
	e.order = g.order
	g.events = append(g.events, e)
	for i := len(g.events) - 1; i > 0; {
		up := (i - 1) / 2
		if !g.less(i, up) {
			break
		}
		g.events[i], g.events[up] = g.events[up], g.events[i]
		i = up
	}
}

func (g *agenda) next() event {
	first, end := g.events[0], len(g.events)-1
	g.events[0] = g.events[end]
	g.events = g.events[:end]
	for i := 0; ; {
		least := i
		for down := 2*i + 1; down <= 2*i+2 && down < end; down++ {
			if g.less(down, least) {
				least = down
			}
		}
		if least == i {
			return first
		}
		g.events[i], g.events[least] = g.events[least], g.events[i]
		i = least
	}
}

func (g *agenda) less(i, j int) bool {
	a, b := &g.events[i], &g.events[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}
