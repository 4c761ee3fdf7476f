package engine

import "time"

// Lanes is how many moments there are at which an account may be refreshed.
const Lanes = 4

// Crowd counts the refreshes that are planned for each minute. An account has
// the quietest of its moments: of few to choose from already the best keeps the
// busiest minute near the mean.
type Crowd map[int32]int32

// Slot is an account's place in a crowd: which of its moments it has, and the
// minute of that; 0 for none.
type Slot struct {
	minute int32
	Lane   uint8
}

// Join returns the account's slot: what it had, where that is of its token and
// this policy, else the one that the fewest others have, and of such the latest.
func (c Crowd) Join(p Policy, a Account, had Slot) Slot {
	if had.minute != 0 && had.minute == minuteOf(p.Deadline(a, had.Lane)) {
		return had
	}
	c.Leave(had)
	if a.ExpiresAt.IsZero() || a.Doubted { // due now
		return Slot{}
	}
	var best Slot
	var at time.Time
	for lane := range uint8(Lanes) {
		moment := p.Deadline(a, lane)
		s := Slot{minuteOf(moment), lane}
		fewer := c[s.minute] - c[best.minute]
		if lane == 0 || fewer < 0 || fewer == 0 && moment.After(at) {
			best, at = s, moment
		}
	}
	c[best.minute]++
	return best
}

// Leave gives a slot back.
func (c Crowd) Leave(s Slot) {
	if s.minute == 0 {
		return
	}
	if c[s.minute]--; c[s.minute] == 0 {
		delete(c, s.minute)
	}
}

func minuteOf(t time.Time) int32 { return int32(t.Unix() / 60) }
