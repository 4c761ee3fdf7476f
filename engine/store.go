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

	// Write makes one change, if the stored refresh token still is old's: one
	// atomic write of only the fields that change, durable as far as the store
	// can tell when it returns. It never creates an account. It returns the
	// account as it now stands, tokens sealed.
	Write(ctx context.Context, old Account, change Change) (Account, error)

	// Add stores a new account and returns it.
	Add(ctx context.Context, account NewAccount) (Account, error)

	// Edit changes what a person decides about an account, and nothing else.
	// It never creates an account. KindSettings says that the name is taken,
	// in a store where names are unique. It returns the account as it now
	// stands.
	Edit(ctx context.Context, key Key, edit Edit) (Account, error)

	// Remove deletes the account and what is kept beside it. A journal and a
	// lease are other places, and stay.
	Remove(ctx context.Context, key Key) error
}

// Edit is what a person decides about an account; what is nil stays.
type Edit struct {
	Name   *string
	Proxy  *Secret // JSON as relay/INTEROP.md has it, "" for none
	OAuth  *Secret // Account.OAuth, of generic accounts; KindSettings in a store that has none
	Active *bool
}

// Change is what one write does to an account.
type Change struct {
	// Token is what an exchange gave; of its empty fields the stored ones stay.
	Token Token
	// At is when the exchange gave it.
	At time.Time
	// Restored says that Token was stored before and is put back: nothing but
	// the tokens and their times is written.
	Restored bool
	// SignedIn says that Token begins a new login, a person's.
	SignedIn bool
	// Dead is the code of the provider's final answer on old's refresh token,
	// "" where there is none. The store marks the account, so that whoever
	// shares it stops using it.
	Dead string
	// Record is what is left beside the account, in place of what was there.
	Record Secret
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
	// Release gives it back if it still is ours, and never another's: KindLocked
	// says that it had ended before.
	Release(ctx context.Context) error
}

// Journal keeps the accounts' records on this machine, for all processes of
// its user. Every implementation passes storetest.RunJournal. Errors are of
// KindStore. Its methods are safe for concurrent use, also over processes.
type Journal interface {
	// Since returns the records that were written after mark, which is 0 or
	// what Since returned before, and the mark to go on from.
	Since(ctx context.Context, mark int64) (records map[Key]Record, next int64, err error)
	// Read returns one account's record, the zero Record where there is none.
	Read(ctx context.Context, key Key) (Record, error)
	// Update lets change alter the record of each of the keys, the zero Record
	// where there is none, and writes those that it altered: atomically, no
	// other process's update between reading and writing, and durable when it
	// returns. A record that becomes zero is removed. One that cannot be read
	// is handed over as Damaged, and set aside, not deleted, when it is
	// written over. Of several calls of change for a key the last one counts.
	Update(ctx context.Context, change func(Key, *Record), keys ...Key) error
	// UpdateSoon is Update for what can be found out again: durable with the
	// next Update at the latest, and a power cut before that may take it back.
	UpdateSoon(ctx context.Context, change func(Key, *Record), keys ...Key) error
}

// Provider speaks one token endpoint's dialect: one exchange, no retry, no
// storage.
type Provider interface {
	// Exchange spends the refresh token. On an error of KindUnknownOutcome
	// the returned Token may carry a new refresh token, which must be kept.
	Exchange(ctx context.Context, req ExchangeRequest) (Token, error)
	// Reach returns nil where the endpoint, of accounts with this OAuth, can be
	// connected to. Nothing is sent.
	Reach(ctx context.Context, oauth Secret) error
	// Settings identifies the settings that an exchange with the client is
	// made with, its secret included.
	Settings(client string, oauth Secret) Fingerprint
}

// ExchangeRequest is what an exchange needs of an account.
type ExchangeRequest struct {
	RefreshToken Secret
	Client       string // Account.Client
	Organization string // Account.Organization
	OAuth        Secret // Account.OAuth
	Proxy        Secret // Account.Proxy; "" goes out as the environment says (HTTPS_PROXY)
}
