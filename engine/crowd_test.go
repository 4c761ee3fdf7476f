package engine

import (
	"fmt"
	"testing"
	"time"
)

// Accounts that expire at one moment have every minute alike full, and those
// that need not make room are not refreshed earlier than alone.
func TestCrowd(t *testing.T) {
	const herd = 600
	p := Policy{Window: 5 * time.Minute, Seed: 1, Herd: herd}
	c := Crowd{}
	var accounts []Account
	var slots []Slot
	for i := range herd {
		a := account(8*time.Hour, 0)
		a.ID, a.LastRefreshAt = fmt.Sprint(i), noon
		slot := c.Join(p, a, Slot{})
		if i == 0 {
			for lane := range uint8(Lanes) {
				if p.Deadline(a, lane).After(p.Deadline(a, slot.Lane)) {
					t.Error("alone it has not the latest of its moments")
				}
			}
		}
		accounts, slots = append(accounts, a), append(slots, slot)
	}
	minutes := int32(p.Spread(accounts[0])/time.Minute) + 1
	most, sum := int32(0), int32(0)
	for _, n := range c {
		most, sum = max(most, n), sum+n
	}
	if mean := herd / minutes; sum != herd || most > mean*3/2 {
		t.Errorf("of %d the busiest minute has %d; %d would on average", sum, most, mean)
	}
	for i, a := range accounts {
		if again := c.Join(p, a, slots[i]); again != slots[i] {
			t.Fatal("a token's slot wanders")
		}
	}
	next := accounts[0]
	next.LastRefreshAt, next.ExpiresAt = noon.Add(7*time.Hour), noon.Add(15*time.Hour)
	slots[0] = c.Join(p, next, slots[0])
	if c[slots[0].minute] != 1 || slots[0].minute != minuteOf(p.Deadline(next, slots[0].Lane)) {
		t.Error("the new token has the old one's slot")
	}
	next.Doubted = true
	slots[0] = c.Join(p, next, slots[0])
	for _, s := range slots {
		c.Leave(s)
	}
	if len(c) > 0 {
		t.Errorf("left: %v", c)
	}
}

// What is not planned is not counted.
func TestCrowdOfPlanned(t *testing.T) {
	d := newDesk(t, Policy{Proactive: true})
	key := d.signIn("a", time.Hour)
	d.signIn("b", time.Hour)
	count := func() (sum int32) {
		d.Scan(t.Context())
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, n := range d.crowd {
			sum += n
		}
		return sum
	}
	if n := count(); n != 2 {
		t.Errorf("%d of 2 are counted", n)
	}
	d.store.change(key, func(a *Account) { a.Active = false })
	if n := count(); n != 1 {
		t.Errorf("%d are counted, 1 is planned", n)
	}
	d.store.mu.Lock()
	clear(d.store.shelved)
	d.store.mu.Unlock()
	if n := count(); n != 0 {
		t.Errorf("%d are counted that are gone", n)
	}
}
