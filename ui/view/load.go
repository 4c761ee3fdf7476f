package view

import (
	"time"

	"tokentray/engine"
)

// StoreKind says what a look at a store costs.
type StoreKind int

const (
	LocalStore   StoreKind = iota // a file of this machine
	RedisStore                    // a relay's Redis
	RedisCluster                  // the same, where the keys lie apart
)

// UsualQuota is what the guide's example of a Redis plan allows, in commands a
// day.
const UsualQuota = 10_000

// LoadParams is what a Load is worked out from.
type LoadParams struct {
	Policy engine.Policy
	Views  []engine.View
	Stores map[string]StoreKind // by the engine's names, the empty ones too
	Quota  int                  // of a Redis, in commands a day; 0: UsualQuota
	Now    time.Time
}

// Load is what a policy means for these accounts. What is to come is an
// estimate: a token whose lifetime is not known counts as its provider's usual
// one.
type Load struct {
	Policy engine.Policy

	Next   engine.View // the account that is refreshed next by itself
	NextIn time.Duration
	// Kept is how many accounts are refreshed by themselves; with 0 there is no
	// Next.
	Kept int

	ScansAnHour     float64
	RefreshesAnHour float64 // by themselves

	Redis          int     // how many stores are one
	CommandsADay   float64 // of all of them
	CommandsAScan  float64
	Quota          int
	Share          float64 // of the quota, in the busiest Redis; 1 is all of it
	Short          int     // accounts whose token lives no longer than twice the window
	Scarcely       int     // accounts whose token counts as expired before the window begins
	TooManyTooFast bool    // above manyAccounts, and the interval not a long one
}

// manyAccounts is above which the guide asks for a longer interval.
const manyAccounts = 100

// LoadOf works it out.
func LoadOf(p LoadParams) Load {
	p.Policy.Herd = len(p.Views)
	l := Load{Policy: p.Policy, Quota: p.Quota}
	if l.Quota <= 0 {
		l.Quota = UsualQuota
	}
	if p.Policy.Interval > 0 {
		l.ScansAnHour = float64(time.Hour) / float64(p.Policy.Interval)
	}
	type use struct {
		accounts  map[string]int // by provider
		refreshes float64        // an hour
	}
	uses := map[string]use{}
	for store := range p.Stores {
		uses[store] = use{accounts: map[string]int{}}
	}
	var next time.Time
	for _, v := range p.Views {
		u, known := uses[v.Store]
		if known {
			u.accounts[v.Provider]++
		}
		if at, planned := p.Policy.Next(v.Account, v.Tries); planned {
			l.Kept++
			if at.Before(p.Now) {
				at = p.Now
			}
			if !v.Refreshing && (next.IsZero() || at.Before(next)) {
				next, l.Next, l.NextIn = at, v, at.Sub(p.Now)
			}
			often := float64(time.Hour) / float64(between(p.Policy, v.Account))
			l.RefreshesAnHour += often
			u.refreshes += often
			l.judge(v.Account)
		}
		if known {
			uses[v.Store] = u
		}
	}
	l.TooManyTooFast = l.Kept > manyAccounts && GradeOf(p.Policy.Interval) != GradeLow
	for store, u := range uses {
		kind := p.Stores[store]
		if kind == LocalStore {
			continue
		}
		day := ScansCommands(kind, u.accounts, l.ScansAnHour) + 24*u.refreshes*RefreshCommands(kind)
		l.Redis++
		l.CommandsAScan += scanCommands(kind, u.accounts)
		l.CommandsADay += day
		l.Share = max(l.Share, day/float64(l.Quota))
	}
	return l
}

// judge counts an account for which the window is unwise.
func (l *Load) judge(a engine.Account) {
	if life := engine.Lifetime(a); life > 0 && l.Policy.Window >= life/2 {
		l.Short++
	} else if l.Policy.Window <= engine.Skew(a.Provider) {
		l.Scarcely++
	}
}

func life(a engine.Account) time.Duration {
	if known := engine.Lifetime(a); known > 0 {
		return known
	}
	return engine.LooksOf(a.Provider).Life
}

// leastBetween is the engine's pause after a success whose token is due at
// once.
const leastBetween = 30 * time.Second

// between is the time from one refresh of the account to the next: its token's
// life less the window, half of the longest jitter, and a quarter of the longest
// spread: of quiet moments an account has the latest.
func between(p engine.Policy, a engine.Account) time.Duration {
	whole := life(a)
	ahead := min(p.Window, whole/2)
	return max(whole-ahead-p.Spread(a)/4-ahead/10, leastBetween)
}

// Grade is the guide's grade of what scanning costs.
type Grade string

const (
	GradeHigh   Grade = "high"
	GradeMedium Grade = "medium"
	GradeLow    Grade = "low"
)

// GradeOf grades an interval. The guide has 5, 15 and 30 minutes; what lies
// between belongs to the nearest.
func GradeOf(interval time.Duration) Grade {
	switch {
	case interval < 10*time.Minute:
		return GradeHigh
	case interval < 22*time.Minute+30*time.Second:
		return GradeMedium
	}
	return GradeLow
}

// Risk is the guide's character of a window.
type Risk string

const (
	RiskAggressive Risk = "aggressive"
	RiskBalanced   Risk = "balanced"
	RiskCareful    Risk = "careful"
)

// RiskOf judges a window. The guide has 3, 5 and 10 minutes; what lies between
// belongs to the nearest.
func RiskOf(window time.Duration) Risk {
	switch {
	case window < 4*time.Minute:
		return RiskAggressive
	case window < 7*time.Minute+30*time.Second:
		return RiskBalanced
	}
	return RiskCareful
}
