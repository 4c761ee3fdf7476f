package simulate

import (
	"cmp"
	"time"

	"tokentray/engine"
)

// Params is what is simulated. What is zero is none, but where said.
type Params struct {
	Accounts int
	Tokens   []Token // the accounts have them in turn; none: Usual
	// Together says that all tokens were given at the start, as after an import: the worst herd. Else
	// they are anywhere in their lives, and none is due yet.
	Together bool
	For      time.Duration

	Interval, Window time.Duration // as in engine.Policy
	Poll             bool          // the guide's plain poll, else the engine's queue
	Keepers          int           // 0: one
	Exchange         time.Duration // how long a provider takes; 0: half a second

	AsksADay     float64 // of callers, for each account
	RestartsADay float64 // of each keeper
	Restart      time.Duration
	Outage       time.Duration // of every provider, once in 30 days
	StoreOutage  time.Duration // of the store, likewise
	Sleep        time.Duration // of the machine, every night

	Seed uint64
	// Most is how many accounts, times keepers, are played at the most; 0: half a
	// million.
	Most int
}

// Token is a kind of access token.
type Token struct {
	Provider string
	Life     time.Duration
}

// Usual are the lives that providers give: of a third of the accounts each.
var Usual = []Token{{engine.Claude, 8 * time.Hour}, {engine.Gemini, time.Hour}, {engine.OpenAI, 10 * 24 * time.Hour}}

// Result is what came of it. All but Scans and Peak are of all accounts and the
// whole time.
type Result struct {
	Sample int // accounts that were played

	Ended   float64 // access tokens that were replaced or expired
	Expired float64 // that counted as expired first
	// Missed are those of them that expired although store and provider were up,
	// and the machine awake, from the window's beginning on.
	Missed  float64
	Without float64 // minutes that accounts had no valid token while the machine was awake

	Asks   float64 // of callers
	Waited float64 // that found no valid token

	Scans     float64 // of all keepers
	Refreshes float64
	Failed    float64 // tries that the provider refused
	TakenOver float64 // refreshes found done by another keeper, under the lock
	Looks     float64 // commands of keepers that look for another's work before they have the lock

	Peak float64 // requests to the providers in the worst minute
}

func (p Params) filled() Params {
	p.Keepers = max(p.Keepers, 1)
	if p.Poll {
		p.Keepers = 1
	}
	if len(p.Tokens) == 0 {
		p.Tokens = Usual
	}
	p.Exchange = cmp.Or(p.Exchange, 500*time.Millisecond)
	return p
}
