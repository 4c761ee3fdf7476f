package engine

import (
	"errors"
	"time"
)

// Kind says what an error means for the account; code decides on it alone,
// the text is for people.
type Kind uint8

const (
	// KindInternal is a fault of ours.
	KindInternal Kind = iota
	// KindLoginDead is the provider's own final answer: the refresh token is
	// no good any more and a person must sign in again.
	KindLoginDead
	// KindSettings is a fault of our settings, such as a wrong or missing
	// client secret: sending again is useless until they change.
	KindSettings
	// KindRateLimited is a 429; Error.RetryAfter says how long to keep away.
	KindRateLimited
	// KindTransient is worth another try later.
	KindTransient
	// KindOffline is a token endpoint that could not be connected to from
	// here: nothing was sent, and the return of the network ends it.
	KindOffline
	// KindUnknownOutcome is a request that was sent and had no readable
	// answer: the token may be used up.
	KindUnknownOutcome
	// KindProxy is a proxy that cannot be used. Nothing was sent.
	KindProxy
	// KindStore is a store that cannot be reached.
	KindStore
	// KindUnreadable is an account whose stored data cannot be decrypted or
	// parsed. Nothing may be written for it.
	KindUnreadable
	// KindConflict is a compare-and-swap that lost: the account's refresh
	// token is not the one it was based on.
	KindConflict
	// KindNotFound is an account that is not there (any more).
	KindNotFound
	// KindLocked is a lease that another holds.
	KindLocked
	// KindInactive is an account that is switched off.
	KindInactive
	// KindNoRefreshToken is an account that has nothing to refresh with.
	KindNoRefreshToken
	// KindObserved is a login that another program keeps and that nobody told
	// us to keep.
	KindObserved
	// KindShared is an account whose login is in another place too, where it is
	// refreshed.
	KindShared
	// KindClosed is an engine that is shutting down.
	KindClosed
)

// Error is the one error type of the engine and its leaves.
type Error struct {
	Kind    Kind
	Message string // for a person: what is wrong and what to do
	Code    string // the provider's OAuth error code, where it gave one
	// RetryAfter is how long the provider asked to be left alone.
	RetryAfter time.Duration
	// Held is for how long at most another holds the lease, 0: unknown.
	Held time.Duration
	// Unsent says that the request provably never left this machine.
	Unsent bool
	// Date is the provider's time when it answered, zero where it did not.
	Date time.Time
	Err  error // the cause; never a response body, never a token
}

func (e *Error) Error() string {
	switch {
	case e.Err == nil:
		return e.Message
	case e.Message == "":
		return e.Err.Error()
	}
	return e.Message + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with the message as it is.
func Errorf(kind Kind, message string, cause error) *Error {
	return &Error{Kind: kind, Message: message, Err: cause}
}

// KindOf returns the kind of the first Error in err's chain, else KindInternal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindInternal
}

// codeTexts is what people are told for each OAuth error code. The provider's
// own description never gets into an error: it can echo what was sent.
var codeTexts = map[string]string{
	"invalid_grant":                "Invalid refresh token",
	"invalid_refresh_token":        "Invalid refresh token",
	"bad_refresh_token":            "Invalid refresh token",
	"refresh_token_reused":         "Refresh token was already used",
	"refresh_token_expired":        "Refresh token expired",
	"refresh_token_invalidated":    "Refresh token was invalidated",
	"app_session_terminated":       "Login session was ended",
	"access_denied":                "Access denied by the provider",
	"invalid_client":               "The provider does not accept the client id or secret: check the client settings",
	"unauthorized_client":          "The provider does not accept the client id or secret: check the client settings",
	"incorrect_client_credentials": "The provider does not accept the client id or secret: check the client settings",
}

// CodeText is the text people see for an OAuth error code ("invalid_grant":
// "Invalid refresh token"), in errors, in a store's errorMessage and in the
// webhook's reason.
func CodeText(code string) string {
	if text, ok := codeTexts[code]; ok {
		return text
	}
	return "The provider refused the refresh"
}
