package engine

import "time"

// Outcomes of a refresh, and what an account's last one was.
const (
	ResultRefreshed = "refreshed"
	ResultSkipped   = "skipped"
	ResultFailed    = "failed"
	ResultRestored  = "restored"
	ResultElsewhere = "refreshed_elsewhere"
)

// Reason says why an account was skipped.
type Reason string

const (
	ReasonInactive       Reason = "inactive"
	ReasonNoRefreshToken Reason = "no_refresh_token"
	ReasonNotDue         Reason = "not_due"
	ReasonElsewhere      Reason = "refreshed_elsewhere" // another process did it
	ReasonRestored       Reason = "restored"            // an old token had been written back
	ReasonNeedsLogin     Reason = "needs_login"
	ReasonUnreadable     Reason = "unreadable"
	ReasonLocked         Reason = "locked"
	ReasonRateLimited    Reason = "rate_limited"
	ReasonObserved       Reason = "observed" // another program's own login
	ReasonShared         Reason = "shared"   // refreshed in another place
)

// Result is how one account fared in a refresh or a pass.
type Result struct {
	Key
	Name    string
	Outcome string // ResultRefreshed, ResultSkipped or ResultFailed
	Reason  Reason // of a skip
	// Err is set for a failure, and for a skip that leaves the account
	// without a valid token.
	Err       error
	ExpiresAt time.Time
	Took      time.Duration
	Why       Why
	// Healed, of a restore, says that another program had written an old token
	// back; else a token was stored late.
	Healed bool
}

// Why says who wanted a refresh.
type Why string

const (
	WhyProactive Why = "proactive" // the scheduler, ahead of expiry
	WhyAsked     Why = "asked"     // a caller of ValidAccessToken
	WhyManual    Why = "manual"    // a person
	WhyRestore   Why = "restore"   // an old token was written back
	WhySignIn    Why = "sign_in"   // a person signed in again
)

// Summary is what a pass did.
type Summary struct {
	Checked, Refreshed, Skipped, Failed int

	Took       time.Duration
	ByProvider map[string]Count // of the providers with refreshes or failures
	Results    []Result         // one for each account, in order of name
}

// Count is one provider's share of a pass.
type Count struct{ Refreshed, Failed int }

func (s *Summary) add(r Result) {
	s.Results = append(s.Results, r)
	s.Checked++
	count := s.ByProvider[r.Provider]
	switch r.Outcome {
	case ResultRefreshed:
		s.Refreshed++
		count.Refreshed++
	case ResultFailed:
		s.Failed++
		count.Failed++
	default:
		s.Skipped++
		return
	}
	s.ByProvider[r.Provider] = count
}

// skips are the error kinds that leave an account as it is: nothing was tried.
var skips = map[Kind]Reason{
	KindInactive:       ReasonInactive,
	KindNoRefreshToken: ReasonNoRefreshToken,
	KindUnreadable:     ReasonUnreadable,
	KindLocked:         ReasonLocked,
	KindConflict:       ReasonElsewhere,
	KindObserved:       ReasonObserved,
	KindShared:         ReasonShared,
}

// resultOf is the result of an error.
func resultOf(err error) Result {
	if reason, ok := skips[KindOf(err)]; ok {
		return Result{Outcome: ResultSkipped, Reason: reason, Err: err}
	}
	return Result{Outcome: ResultFailed, Err: err}
}

func skipped(reason Reason, err error) Result {
	return Result{Outcome: ResultSkipped, Reason: reason, Err: err}
}
