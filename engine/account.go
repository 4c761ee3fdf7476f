package engine

import (
	"cmp"
	"strings"
	"time"
	"unicode"
)

// The built-in providers.
const (
	Claude = "claude"
	Gemini = "gemini"
	OpenAI = "openai"
	Droid  = "droid"
)

// Generic is any other OAuth 2 provider: the account itself says which, and as
// which client (Account.OAuth).
const Generic = "generic"

// The two OAuth clients of gemini accounts.
const (
	GeminiCLI   = "gemini-cli"
	Antigravity = "antigravity"
)

// Key names one account. The id alone would do for the relay's UUIDs; other
// stores need not be that careful.
type Key struct {
	// Store is the name that the engine has for the account's store; within a
	// store it is empty.
	Store        string
	Provider, ID string
}

// String is the key within its store.
func (k Key) String() string { return k.Provider + ":" + k.ID }

// Compare orders keys.
func (k Key) Compare(o Key) int {
	return cmp.Or(strings.Compare(k.Provider, o.Provider), strings.Compare(k.ID, o.ID), strings.Compare(k.Store, o.Store))
}

// Account is one login as its store holds it. Times are zero where the store
// has none.
type Account struct {
	Key
	Name   string
	Client string // the OAuth client, where a provider has several (gemini)
	Active bool   // the only field that switches refreshing on and off

	// StoreStatus and StoreError are shown as they are and decide nothing.
	StoreStatus, StoreError string

	// ExpiresAt is the access token's expiry; zero counts as expired.
	ExpiresAt     time.Time
	LastRefreshAt time.Time
	LastUsedAt    time.Time
	// RateLimitedUntil is until when its provider takes no requests of the
	// account's users, as a relay found out; it says nothing of refreshes.
	RateLimitedUntil time.Time

	RefreshToken Sealed
	// AccessToken is empty in a listing: it is read when it is asked for.
	AccessToken Sealed

	Proxy        Secret // JSON as relay/INTEROP.md has it; holds a password
	Scopes       string // of the access token, separated by spaces
	Organization string // WorkOS organisation of droid accounts
	// OAuth is the provider and the client of a generic account: JSON as
	// provider.OAuth has it; holds a client secret.
	OAuth Secret

	// Record is the Record that keepers left beside the account, sealed. Once
	// the engine has read it, LastRefreshAt is the later of both.
	Record Sealed

	// Doubted says that ExpiresAt was reckoned by a clock that was wrong: the
	// account is due, whatever it says.
	Doubted bool

	// Observed says that the account is another program's own, and nothing of
	// it is changed unless the user chose so (Choice.Keep).
	Observed bool

	// Choice is what the user of this machine chose for the account.
	Choice Choice
	// Rival is the account that has the same login in another place, and is
	// refreshed in this one's stead; its Name is empty where there is none.
	Rival Rival

	// LoginExpiresAt is when the login itself ends and a person must sign in
	// again; zero: unknown.
	LoginExpiresAt time.Time

	// Problem, of KindUnreadable, is why the account cannot be used at all.
	Problem error
}

// Choice is what the user of this machine chose for an account, whatever store
// it is in. It lies in the journal.
type Choice struct {
	// Keep has a login kept fresh that is another program's own.
	Keep bool `json:"keep,omitempty"`
	// Lazy excepts the account from being refreshed ahead of expiry.
	Lazy bool `json:"lazy,omitempty"`
	// IdleDays excepts it from that while it has not been used for so many
	// days, as far as its store knows of that; 0: never.
	IdleDays int `json:"idle_days,omitempty"`
	// Muted has its alerts told to nobody.
	Muted bool `json:"muted,omitempty"`
}

// Rival is another place of the same login.
type Rival struct {
	Key
	Name string
	// Leads says that the rival is the one that is refreshed.
	Leads bool
}

// Refreshable reports whether the account can be refreshed here.
func (a Account) Refreshable() bool { return usable(a) == nil }

// onlyObserved reports whether nothing of the account may be changed.
func (a Account) onlyObserved() bool { return a.Observed && !a.Choice.Keep }

// Static reports whether there is nothing to refresh with, by design (setup
// tokens, API keys).
func (a Account) Static() bool { return a.RefreshToken.Empty() }

// Token is what an exchange gave.
type Token struct {
	AccessToken Secret // empty: only the refresh token is to be stored
	// RefreshToken is empty where the answer had none: the old one stays.
	RefreshToken Secret
	IDToken      Secret
	ExpiresAt    time.Time // of the access token
	Scope, Type  string
	// Organization and AuthMethod are WorkOS's.
	Organization, AuthMethod string
	// Date is the provider's time when it answered (RFC 9110, 6.6.1), zero
	// where it gave none.
	Date time.Time
}

// NewAccount is what a person gives to add an account.
type NewAccount struct {
	Store        string // the engine's name of the store that is to have it
	ID           string // a new UUID, so that a repeated Add is one; "": the store makes one
	Provider     string
	Name         string
	Client       string
	RefreshToken Secret
	AccessToken  Secret
	ExpiresAt    time.Time

	Proxy        Secret // Account.Proxy
	Scopes       string // Account.Scopes; "" is what the provider grants by itself
	IDToken      Secret // of openai accounts; kept where others need it, on a relay
	Organization string // Account.Organization
	OAuth        Secret // Account.OAuth
	Inactive     bool   // added switched off
}

// Forever is the lifetime of an access token that came without one and, by its
// provider's rule, does not expire. It is a time all the same, so that a later
// refresh is told from an earlier one by it.
const Forever = 200 * 365 * 24 * time.Hour

// Endless reports whether an expiry is that of a token that does not expire.
func Endless(expiry time.Time) bool { return expiry.Year() >= 2150 }

// Clean makes a name from a store or a provider safe for a terminal, a log or
// a notification: CleanLine, and no more than 200 characters.
func Clean(text string) string {
	text = CleanLine(text)
	if n := 0; len(text) > 200 {
		for i := range text {
			if n++; n > 200 {
				return strings.TrimSpace(text[:i])
			}
		}
	}
	return text
}

// CleanLine makes one safe line of text: control characters, line breaks and
// direction overrides go.
func CleanLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
}
