package engine

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Times of a refresh. The exchange must end well inside the lease, which the
// relay holds for 60 s.
const (
	exchangeTimeout = 30 * time.Second
	leaseMargin     = 10 * time.Second // kept free at the lease's end for the save
	lockWait        = 65 * time.Second // longer than a dead holder's lease
	lockPollMax     = 2 * time.Second
	slotWait        = 5 * time.Second  // with the lease in hand
	saveTimeout     = 10 * time.Second // tries to store, while the lease is held
	storeTimeout    = 10 * time.Second // one look at the store
	intendTries     = 3                // where the account was written to meanwhile

	successPause = 30 * time.Second // after a success whose token is due at once,
	dueAtOnce    = 3 * time.Second  // that is, this soon
	spreadEach   = 3 * time.Second
	backoffBase  = 2 * time.Second
	backoffCap   = 10 * time.Minute
	// LookEvery is how often the wall clock is looked at: timers stop in standby.
	LookEvery = time.Minute
	// StoreRetry is how soon a store that is back is noticed.
	StoreRetry = 5 * time.Second

	// Concurrency and RatePerSecond (with Burst) bound the exchanges.
	Concurrency   = 4
	RatePerSecond = 10
	Burst         = 20
	batchSize     = 100
)

// Policy is when to refresh. The zero Window and Interval are not valid.
type Policy struct {
	// Proactive refreshes ahead of expiry; without it (lazy) a token is
	// refreshed when it is asked for.
	Proactive bool
	Interval  time.Duration // between scans of all accounts
	Window    time.Duration // how far ahead of expiry a refresh is due
	// Seed makes this process's jitter its own, so that keepers beside each
	// other do not all reach for the same lock.
	Seed uint64
	// Herd is how many accounts may expire at one moment. The engine sets it to
	// those that it knows.
	Herd int
}

// Skew is how long before its expiry an access token no longer counts as
// valid (guide: Claude 60 s, Gemini 10 s).
func Skew(provider string) time.Duration {
	if provider == Gemini {
		return 10 * time.Second
	}
	return 60 * time.Second
}

// Lifetime is how long the current access token lives in all: expiry minus
// last refresh; 0 where unknown.
func Lifetime(a Account) time.Duration {
	if a.ExpiresAt.IsZero() || a.LastRefreshAt.IsZero() || !a.LastRefreshAt.Before(a.ExpiresAt) {
		return 0
	}
	return a.ExpiresAt.Sub(a.LastRefreshAt)
}

// Ahead is the window or skew that holds for this account: at most half its
// token's lifetime, so that a short-lived token is not due when it is new.
func Ahead(a Account, window time.Duration) time.Duration {
	if life := Lifetime(a); life > 0 {
		return min(window, life/2)
	}
	return window
}

// Due reports whether the account is within window of its expiry. An unknown
// expiry counts as expired.
func Due(a Account, window time.Duration, now time.Time) bool {
	return a.ExpiresAt.IsZero() || a.Doubted || !now.Before(a.ExpiresAt.Add(-Ahead(a, window)))
}

// Deadline is one of the account's own moments: expiry − window − spread −
// jitter, the same whenever it is asked for. The spread is the account's and the
// lane's, alike for all keepers, so that many tokens of one expiry are not
// refreshed at once. The jitter, up to a fifth of the window, is this keeper's.
func (p Policy) Deadline(a Account, lane uint8) time.Time {
	if a.ExpiresAt.IsZero() || a.Doubted {
		return time.Time{}
	}
	window := Ahead(a, p.Window)
	ahead := window + part(p.Spread(a), fraction(uint64(lane), a)) + part(window/5, fraction(p.Seed, a))
	return a.ExpiresAt.Add(-ahead)
}

// Spread is how far the account's refresh may come before its window, for the
// sake of the others that expire with it: 3 s for each of the herd, at most
// a fifth of the token's lifetime, and with the window at most half.
func (p Policy) Spread(a Account) time.Duration {
	life := Lifetime(a)
	return max(min(time.Duration(p.Herd)*spreadEach, life/5, life/2-p.Window), 0)
}

// fraction is a number below 1 that looks random, of its own for each seed,
// account and token.
func fraction(seed uint64, a Account) float64 {
	h := fnv.New64a()
	var b [16]byte
	for i := range 8 {
		b[i] = byte(seed >> (8 * i))
		b[8+i] = byte(a.ExpiresAt.UnixMilli() >> (8 * i))
	}
	h.Write(b[:])
	h.Write([]byte(a.Key.String()))
	sum := h.Sum64()
	sum ^= sum >> 32 // FNV mixes the last letters of an id into the low bits alone
	sum *= 0x9e3779b97f4a7c15
	return float64(sum>>11) / (1 << 53)
}

func part(of time.Duration, fraction float64) time.Duration {
	return time.Duration(fraction * float64(of))
}

// Tries is what this process knows of an account's refreshes.
type Tries struct {
	Result    string // ResultRefreshed, …; "" before the first
	Err       error  // of the last try, nil unless it failed
	At        time.Time
	Took      time.Duration
	Succeeded time.Time // the last success here
	Failures  int       // in a row
	// RetryAt is the earliest next try after a failure.
	RetryAt time.Time
	// Dead is why no try can help until a person signs in again.
	Dead bool
	// Stuck waits for other settings (KindSettings).
	Stuck bool
	// Lane is which of the account's moments it has (Crowd).
	Lane uint8
}

// Next is when the account will be refreshed by itself; false where it will
// not be. An account that another keeper refreshes is not spread here: this one
// comes after that other, and as a rule has seen its work in a scan by then.
func (p Policy) Next(a Account, t Tries) (time.Time, bool) {
	if !p.Proactive || !a.Active || a.Problem != nil || a.Static() || t.Dead || t.Stuck {
		return time.Time{}, false
	}
	if a.onlyObserved() || a.Rival.Leads || a.Choice.Lazy {
		return time.Time{}, false
	}
	if Endless(a.ExpiresAt) && !a.Doubted {
		return time.Time{}, false
	}
	if t.Result == ResultElsewhere {
		p.Herd = 0
	}
	next := p.Deadline(a, t.Lane)
	if p.resting(a, t) {
		next = t.Succeeded.Add(successPause)
	}
	if t.RetryAt.After(next) {
		next = t.RetryAt
	}
	return next, !idle(a, next)
}

// idle reports whether the account is unused for as long at that time as its
// user allows.
func idle(a Account, at time.Time) bool {
	days := a.Choice.IdleDays
	return days > 0 && !a.LastUsedAt.IsZero() && at.Sub(a.LastUsedAt) > time.Duration(days)*24*time.Hour
}

const day = 24 * time.Hour

// endSteps are how long before a login's end it is told, the last first.
var endSteps = []time.Duration{day, 3 * day, 7 * day, 14 * day}

// EndStep is the step of a login's way to its end that is reached: 14, 7, 3 or
// 1 days before; 0 where the end is further off, past or unknown.
func EndStep(a Account, now time.Time) time.Duration {
	left := a.LoginExpiresAt.Sub(now)
	if a.LoginExpiresAt.IsZero() || left <= 0 {
		return 0
	}
	for _, step := range endSteps {
		if left <= step {
			return step
		}
	}
	return 0
}

// Google drops a login that was not refreshed for 6 months.
const (
	unusedMonths  = 5
	droppedMonths = 6
)

// UnusedLeft is how long a login that is not refreshed still lasts, and whether
// it is time to say so. Only Google's are known to end so.
func UnusedLeft(a Account, now time.Time) (left time.Duration, tell bool) {
	last := a.LastRefreshAt
	if a.Provider != Gemini || last.IsZero() || now.Before(last.AddDate(0, unusedMonths, 0)) {
		return 0, false
	}
	return last.AddDate(0, droppedMonths, 0).Sub(now), true
}

// resting reports whether a success gave a token that is due at once: a
// provider with tiny lifetimes must not be hammered.
func (p Policy) resting(a Account, t Tries) bool {
	return !t.Succeeded.IsZero() && p.Deadline(a, t.Lane).Sub(t.Succeeded) < dueAtOnce
}

// retryIn bounds a time of retry, for a clock that was set back since: no wait
// is longer than a provider may ask for.
func retryIn(at, now time.Time) time.Time {
	if limit := now.Add(time.Hour); at.After(limit) {
		return limit
	}
	return at
}

// Backoff is the wait after the n-th failure in a row: full jitter under an
// exponential cap of 2 s to 10 min.
func Backoff(failures int) time.Duration {
	return time.Duration(rand.Int64N(int64(BackoffLimit(failures)))) + 1
}

// BackoffLimit is the longest that Backoff may be.
func BackoffLimit(failures int) time.Duration {
	if failures < 16 {
		return min(backoffBase<<max(failures-1, 0), backoffCap)
	}
	return backoffCap
}

// Status of an account, the first that holds.
type Status string

const (
	StatusDisabled   Status = "disabled"
	StatusUnreadable Status = "unreadable"  // cannot be decrypted or parsed
	StatusNeedsLogin Status = "needs_login" // the refresh token is dead
	StatusStatic     Status = "static"      // no refresh token
	StatusFailing    Status = "failing"     // the last try failed, it is being retried
	StatusExpired    Status = "expired"     // refreshable
	StatusExpiring   Status = "expiring"    // inside the window
	StatusValid      Status = "valid"
)

// Severity orders statuses for people: the worst first.
func (s Status) Severity() int {
	for i, known := range []Status{StatusNeedsLogin, StatusUnreadable, StatusFailing, StatusExpired, StatusExpiring,
		StatusValid, StatusStatic, StatusDisabled} {
		if s == known {
			return i
		}
	}
	return -1
}

// StatusOf tells how the account fares.
func (p Policy) StatusOf(a Account, t Tries, now time.Time) Status {
	switch {
	case !a.Active:
		return StatusDisabled
	case a.Problem != nil:
		return StatusUnreadable
	case t.Dead:
		return StatusNeedsLogin
	case a.Static():
		return StatusStatic
	case t.Err != nil:
		return StatusFailing
	case a.ExpiresAt.IsZero() || !now.Before(a.ExpiresAt):
		return StatusExpired
	case Due(a, p.Window, now):
		return StatusExpiring
	}
	return StatusValid
}
