package simulate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"tokentray/engine"
)

// start is midnight of some day.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func clock(t time.Duration) time.Time  { return start.Add(t) }
func offset(t time.Time) time.Duration { return t.Sub(start) }

// account is one account with its token.
type account struct {
	engine.Account
	life    time.Duration
	version uint32 // of the token
	by      int32  // the keeper who got it,
	got     time.Duration
	expired bool          // it counts so,
	lapsed  time.Duration // since then
	locked  time.Duration // until when its lock is held
	waits   bool          // in the poll's line
	asked   bool          // a caller waits
}

// keeper is one process.
type keeper struct {
	policy  engine.Policy
	down    spans // restarts
	unable  spans // restarts, sleep and the store's outage, until it is noticed that they are over
	scanned time.Duration
	scans   uint32 // restarts begin a new row of scans
	free    int    // slots
	callers []turn // who wait for a slot,
	line    []turn // and after them the others
	limits  map[string]*rate.Limiter
	tries   map[int32]engine.Tries // of accounts that fail
	others  []bool                 // of each account: another keeper did the last refresh
	crowd   engine.Crowd
	slots   []engine.Slot // of each account
}

// turn is a refresh that waits for a slot.
type turn struct {
	account int32
	version uint32 // as the keeper knows it
	asked   bool
}

// world is all that is simulated.
type world struct {
	Params
	agenda
	random   *rand.Rand
	scale    float64 // accounts for each that is played
	accounts []account
	keepers  []keeper

	asleep, away, refusing spans // the machine; the store; the providers
	trouble                spans // any of them

	sent []int32 // by minute
	out  Result
}

// Run simulates p.
func Run(p Params) Result {
	n := max(min(p.Accounts, cmp.Or(p.Most, 500_000)/max(p.Keepers, 1)), min(p.Accounts, 1))
	w := &world{Params: p.filled()}
	w.random = rand.New(rand.NewPCG(w.Seed, 0))
	w.sent = make([]int32, w.For/time.Minute+1)
	w.begin(n)
	for len(w.events) > 0 {
		e := w.next()
		if e.at >= w.For {
			break
		}
		switch e.kind {
		case scan:
			w.scan(e)
		case restart:
			w.keepers[e.keeper].scans++
			w.add(event{at: e.at, kind: scan, keeper: e.keeper, version: w.keepers[e.keeper].scans})
		case deadline:
			w.deadline(e)
		case answer:
			w.answer(e)
		case slotFree:
			w.keepers[e.keeper].free++
			w.work(e.keeper, e.at)
		case lapse:
			w.lapse(e)
		case ask:
			w.ask(e)
		}
	}
	return w.result()
}

// begin makes n accounts, keepers and troubles.
func (w *world) begin(n int) {
	w.out.Sample, w.scale = n, float64(w.Accounts)/float64(max(n, 1))

	w.asleep = nights(w.Sleep, w.For)
	w.away = monthly(w.random, w.StoreOutage, w.For)
	w.refusing = monthly(w.random, w.Outage, w.For)
	w.trouble = merged(w.asleep, w.away, w.refusing)

	for i := range n {
		kind := w.Tokens[i%len(w.Tokens)]
		a := account{life: kind.Life, by: -1}
		a.Account = engine.Account{Key: engine.Key{Provider: kind.Provider, ID: fmt.Sprint(i)}, Active: true, RefreshToken: engine.Seal("x", nil)}
		a.renew(0)
		if !w.Together {
			a.renew(-part(kind.Life-w.earliest(a.Account), w.random.Float64()))
		}
		w.accounts = append(w.accounts, a)
		w.watch(int32(i))
	}
	for k := range w.Keepers {
		w.keepers = append(w.keepers, w.newKeeper(uint64(k+1)))
		keeper := &w.keepers[k]
		for _, s := range keeper.down {
			w.add(event{at: s.to, kind: restart, keeper: int32(k)})
		}
		w.out.Scans++ // at the start
		w.add(event{at: time.Duration(w.random.Int64N(int64(w.Interval))), kind: scan, keeper: int32(k)})
		for i := range w.accounts {
			w.plan(int32(k), int32(i), 0)
		}
	}
}

// earliest is how long before an expiry the queue's turn may come.
func (w *world) earliest(a engine.Account) time.Duration {
	window := engine.Ahead(a, w.Window)
	return window + window/5 + engine.Policy{Window: w.Window, Herd: w.Accounts}.Spread(a)
}

func (w *world) newKeeper(n uint64) keeper {
	k := keeper{
		policy: engine.Policy{Proactive: true, Interval: w.Interval, Window: w.Window, Seed: w.Seed<<16 + n, Herd: w.Accounts},
		free:   engine.Concurrency,
		limits: map[string]*rate.Limiter{},
		tries:  map[int32]engine.Tries{},
		others: make([]bool, len(w.accounts)),
		crowd:  engine.Crowd{},
		slots:  make([]engine.Slot, len(w.accounts)),
	}
	for _, kind := range w.Tokens {
		k.limits[kind.Provider] = rate.NewLimiter(rate.Limit(engine.RatePerSecond/w.scale), max(int(engine.Burst/w.scale), 1))
	}
	for _, s := range often(rand.New(rand.NewPCG(w.Seed, n)), w.RestartsADay, w.Restart, w.For) {
		if !w.asleep.has(s.from) {
			k.down = append(k.down, s)
		}
	}
	noticed := w.random.Float64() // how late it looks again
	k.unable = merged(k.down, w.asleep.late(part(engine.LookEvery, noticed)), w.away.late(part(engine.StoreRetry, noticed)))
	return k
}

func part(of time.Duration, fraction float64) time.Duration {
	return time.Duration(float64(of) * fraction)
}

// renew gives the account a token.
func (a *account) renew(t time.Duration) {
	a.LastRefreshAt, a.ExpiresAt = clock(t), clock(t+a.life)
}

// watch has the end of the account's token told, unless it is replaced before.
func (w *world) watch(i int32) {
	a := &w.accounts[i]
	skew := engine.Ahead(a.Account, engine.Skew(a.Provider))
	w.add(event{at: offset(a.ExpiresAt) - skew, kind: lapse, account: i, version: a.version})
}

// plan puts the account into the keeper's queue.
func (w *world) plan(k, i int32, now time.Duration) {
	if w.Poll {
		return
	}
	keeper, a := &w.keepers[k], &w.accounts[i]
	tries := keeper.tries[i]
	if a.by == k {
		tries.Succeeded = clock(a.got)
	}
	if keeper.others[i] {
		tries.Result = engine.ResultElsewhere
	}
	keeper.slots[i] = keeper.crowd.Join(keeper.policy, a.Account, keeper.slots[i])
	tries.Lane = keeper.slots[i].Lane
	next, _ := keeper.policy.Next(a.Account, tries)
	w.add(event{at: max(offset(next), now), kind: deadline, keeper: k, account: i, version: a.version})
}

// scan is a keeper's look at all accounts. The queue's keeper learns what
// others have done: that is looked up where it matters (knows). What is due it
// has in its queue.
func (w *world) scan(e event) {
	k := &w.keepers[e.keeper]
	if e.version != k.scans {
		return // of before a restart
	}
	again := event{at: e.at + w.Interval, kind: scan, keeper: e.keeper, version: k.scans}
	if w.Poll {
		again.at = w.awake(e.at, w.Interval)
	} else if back := k.unable.outOf(e.at); back != e.at {
		again.at = back
		w.add(again)
		return
	}
	w.add(again)
	if w.away.has(e.at) || k.down.has(e.at) {
		return
	}
	w.out.Scans++
	k.scanned = e.at
	if !w.Poll {
		return
	}
	for i := range w.accounts {
		if a := &w.accounts[i]; !a.waits && a.locked <= e.at && engine.Due(a.Account, w.Window, clock(e.at)) {
			a.waits = true
			k.line = append(k.line, turn{account: int32(i), version: a.version})
		}
	}
	w.work(e.keeper, e.at)
}

// awake is t and so much time in which the machine does not sleep: what a
// monotonic timer counts.
func (w *world) awake(t, length time.Duration) time.Duration {
	end := t + length
	for i := w.asleep.after(t); i < len(w.asleep) && w.asleep[i].from < end; i++ {
		end += w.asleep[i].to - max(w.asleep[i].from, t)
	}
	return end
}

// knows reports whether the keeper knows of the account's token.
func (w *world) knows(k, i int32, version uint32) bool {
	a := &w.accounts[i]
	return version == a.version || a.by == k || w.keepers[k].scanned >= a.got
}

// deadline is an account's moment in a keeper's queue.
func (w *world) deadline(e event) {
	k := &w.keepers[e.keeper]
	if back := k.unable.outOf(e.at); back != e.at {
		e.at = back
		w.add(e)
		return
	}
	if e.version != w.accounts[e.account].version && (e.last || w.knows(e.keeper, e.account, e.version)) {
		delete(k.tries, e.account)
		k.others[e.account] = k.others[e.account] || e.last
		w.plan(e.keeper, e.account, e.at)
		return
	}
	k.line = append(k.line, turn{account: e.account, version: e.version})
	w.work(e.keeper, e.at)
}

// work begins what waits, as far as there are slots.
func (w *world) work(ki int32, now time.Duration) {
	k := &w.keepers[ki]
	for k.free > 0 && len(k.callers)+len(k.line) > 0 {
		from := &k.line
		if len(k.callers) > 0 {
			from = &k.callers
		}
		t := (*from)[0]
		*from = (*from)[1:]
		a := &w.accounts[t.account]
		if t.asked {
			a.asked = false
		} else {
			a.waits = false
		}
		again := event{at: now, kind: deadline, keeper: ki, account: t.account, version: t.version}
		switch {
		case w.away.has(now) || k.down.has(now) || w.asleep.has(now): // it went meanwhile
			w.later(t, again)
		case t.version != a.version && w.knows(ki, t.account, t.version):
			w.later(t, again)
		case k.others[t.account] && !t.asked && w.looks(a, t, now):
			again.last = true
			w.later(t, again)
		case a.locked > now: // by another, or by this one for a caller: it is looked at again
			looks, end := lookAgain(now, a.locked)
			if !t.asked {
				w.out.Looks += looks
				again.at, again.last = end, true
			}
			w.later(t, again)
		case t.version != a.version && !engine.Due(a.Account, w.Window, clock(now)):
			w.out.TakenOver++
			again.last = true
			w.later(t, again)
		default:
			w.exchange(ki, t, now)
		}
	}
}

// looks is a keeper's look at an account that another refreshed before, and
// whether that one has again.
func (w *world) looks(a *account, t turn, now time.Duration) bool {
	w.out.Looks++
	return t.version != a.version && !engine.Due(a.Account, w.Window, clock(now))
}

// later brings a turn of the queue back. A caller's has its place in the queue
// besides, and the poll's comes at the next scan.
func (w *world) later(t turn, again event) {
	if !t.asked && !w.Poll {
		w.add(again)
	}
}

// lookAgain is what a keeper does that finds the lock held until then: it waits
// longer each time, reads the account, and tries the lock again. It returns the
// commands that this costs and when it is done.
func lookAgain(now, until time.Duration) (commands float64, end time.Duration) {
	commands, end = 1, now
	for wait := 125 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		if end += wait; end >= until {
			return commands + 1, end
		}
		commands += 2
	}
}

// exchange sends a refresh token, with a slot and the lock in hand.
func (w *world) exchange(ki int32, t turn, now time.Duration) {
	k, a := &w.keepers[ki], &w.accounts[t.account]
	k.free--
	sent := now + k.limits[a.Provider].ReserveN(clock(now), 1).DelayFrom(clock(now))
	a.locked = sent + w.Exchange
	if minute := int(sent / time.Minute); minute < len(w.sent) {
		w.sent[minute]++
	}
	w.add(event{at: a.locked, kind: answer, keeper: ki, account: t.account, version: a.version, last: w.refusing.has(sent), asked: t.asked})
	w.add(event{at: sent + time.Duration(float64(w.Exchange)*w.scale), kind: slotFree, keeper: ki})
}

func (w *world) answer(e event) {
	k, a := &w.keepers[e.keeper], &w.accounts[e.account]
	if e.last {
		w.out.Failed++
		tries := k.tries[e.account]
		tries.Failures++
		tries.RetryAt = clock(e.at + 1 + time.Duration(w.random.Int64N(int64(engine.BackoffLimit(tries.Failures)))))
		k.tries[e.account] = tries
	} else {
		w.out.Refreshes++
		w.ended(a, e.at)
		a.version++
		a.by, a.got = e.keeper, e.at
		a.renew(e.at)
		w.watch(e.account)
		delete(k.tries, e.account)
		k.others[e.account] = false
	}
	if !e.asked {
		w.plan(e.keeper, e.account, e.at)
	}
}

// ended counts the account's token, and the time that it was missing.
func (w *world) ended(a *account, now time.Duration) {
	w.out.Ended++
	if a.expired {
		w.out.Without += (now - a.lapsed - w.asleep.within(a.lapsed, now)).Minutes()
		a.expired = false
	}
}

// lapse counts a token that was not replaced in time.
func (w *world) lapse(e event) {
	a := &w.accounts[e.account]
	if e.version != a.version {
		return
	}
	a.expired, a.lapsed = true, e.at
	w.out.Expired++
	if w.trouble.within(e.at-engine.Ahead(a.Account, w.Window), e.at+1) == 0 {
		w.out.Missed++
	}
	e.kind, e.at = ask, e.at+pause(w.random, w.AsksADay)
	w.add(e)
}

// ask is a caller's who meets a token that counts as expired.
func (w *world) ask(e event) {
	a := &w.accounts[e.account]
	if e.version != a.version {
		return
	}
	k := w.random.IntN(w.Keepers)
	if !w.asleep.has(e.at) && !w.keepers[k].down.has(e.at) {
		w.out.Waited++
		if !a.asked && a.locked <= e.at && !w.away.has(e.at) {
			a.asked = true
			w.keepers[k].callers = append(w.keepers[k].callers, turn{e.account, e.version, true})
			w.work(int32(k), e.at)
		}
	}
	e.at += pause(w.random, w.AsksADay)
	w.add(e)
}

// result counts what is left, and scales it.
func (w *world) result() Result {
	for i := range w.accounts {
		if a := &w.accounts[i]; a.expired {
			w.ended(a, w.For)
		}
	}
	out := w.out
	out.Asks = w.AsksADay * float64(len(w.accounts)) * float64(w.For-w.asleep.within(0, w.For)) / float64(day)
	for _, n := range []*float64{&out.Ended, &out.Expired, &out.Missed, &out.Asks, &out.Waited, &out.Refreshes, &out.Failed, &out.TakenOver, &out.Looks, &out.Without} {
		*n *= w.scale
	}
	out.Peak = float64(slices.Max(w.sent)) * w.scale
	return out
}
