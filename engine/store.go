package engine

import (
	"context"
	"time"
)

// Store keeps accounts. Every implementation passes storetest.Run.
//
// Errors are of KindStore where the store cannot be reached, KindNotFound
// where the account is gone, KindConflict where a compare-and-swap lost.
// Every method is safe for concurrent use and may be tried again after
// KindStore: a write that was done and whose reply was lost is recognised.
type Store interface {
	// List returns every account, without access tokens, in no order. One
	// that cannot be read is listed with its Problem and harms no other.
	List(ctx context.Context) (Listing, error)

	// Load returns one account with both its tokens, sealed.
	Load(ctx context.Context, key Key) (Account, error)

	// Save stores what an exchange gave, and the time, if the stored refresh
	// token still is old's: one atomic write of only the fields that change,
	// durable as far as the store can tell when it returns. It never creates
	// an account. It returns the account as it now stands, tokens sealed.
	Save(ctx context.Context, old Account, token Token, at time.Time) (Account, error)

	// MarkDead records the provider's final answer on old's refresh token, if
	// it still is the stored one, and returns the account as it now stands.
	MarkDead(ctx context.Context, old Account, verdict Verdict) (Account, error)

	// Add stores a new account and returns it.
	Add(ctx context.Context, account NewAccount) (Account, error)
}

// Listing is what Store.List found.
type Listing struct {
	Accounts []Account
	// Problems are faults of the store that hide accounts, such as an index
	// of the wrong type: told, while everything else goes on.
	Problems []error
}

// Locker hands out leases, one holder per account among all processes that
// share the store.
type Locker interface {
	// TryLock takes the account's lease or returns KindLocked at once. After
	// taking it, check that the work still needs doing. It fails closed: an
	// error means no lease.
	TryLock(ctx context.Context, key Key) (Lease, error)
}

// Lease is the right to refresh one account.
type Lease interface {
	// Until is when the lease ends by itself; no exchange may still be under
	// way then.
	Until() time.Time
	// Release gives it back if it still is ours, and never another's.
	Release(ctx context.Context) error
}

// Provider speaks one token endpoint's dialect: one exchange, no retry, no
// storage.
type Provider interface {
	// Exchange spends the refresh token. On an error of KindUnknownOutcome
	// the returned Token may carry a new refresh token, which must be kept.
	Exchange(ctx context.Context, req ExchangeRequest) (Token, error)
}

// ExchangeRequest is what an exchange needs of an account.
type ExchangeRequest struct {
	RefreshToken Secret
	Client       string // Account.Client
	Organization string // Account.Organization
	Proxy        Secret // Account.Proxy; "" goes out as the environment says (HTTPS_PROXY)
}
