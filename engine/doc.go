// Package engine keeps OAuth tokens fresh. It is the vocabulary (Account,
// Token, Secret, Event, the error kinds) and the machine (Engine); whatever
// touches the outside is a leaf behind one of four interfaces: Store, Locker,
// Journal and Provider. It imports no leaf, and nothing but the standard library and
// golang.org/x/time/rate.
//
// # Two ways to refresh, one engine
//
// Lazily: ValidAccessToken refreshes a token that is about to expire when it
// is asked for. Proactively: Run scans all accounts at an interval and, between
// scans, refreshes each at its own deadline (expiry − window − spread − jitter). Polling
// alone would let most tokens expire between two scans. When to do what is
// decided by the pure functions of policy.go.
//
// # A refresh, in numbered steps
//
//  1. One at a time per account in the process. A refresh is detached from its
//     caller: no time-out and no Quit stops an exchange under way.
//  2. Take the lease, or no exchange. One held by another is looked at again
//     at least every 2 s for at most 65 s; if the account was refreshed
//     meanwhile, that is taken over.
//  3. Read the account again under the lease. Changed since the caller first
//     read it, and not due any more: take it over. A refresh token known as
//     used up is replaced by the newest and never sent.
//  4. Store first what an earlier refresh, of any process of this user, could
//     not store.
//  5. Intent: that the token is about to be sent is written to the journal and
//     to the record beside the account, as a fingerprint. The second shows too
//     that the store takes writes, and tells every other keeper.
//  6. Exchange, through the account's own proxy, within 30 s and well inside
//     the lease. "Never sent" is told from "sent, no readable answer".
//  7. The answer goes to the journal before anything else.
//  8. Store by compare-and-swap, only the changed fields, and the record with
//     them. On a mismatch: the same token encrypted anew, swap again; our own
//     new one, done; one that is used up, swap over it; any other is a new
//     sign-in, and wins.
//  9. Commit: the journal knows it as stored. The last rotation, and the
//     fingerprints of the last 16 used-up tokens, stay until the next. The
//     account is read back after 1, 5 and 30 s.
//  10. Release the lease, publish the event.
//
// What is known of an account's line of tokens is its Record. It is kept in the
// Journal, on this machine, and beside the account in its store, where every
// keeper finds it. Records are merged, never replaced: of two, what is newer
// and what is used up is decided by fingerprints, not by clocks.
//
// # What is promised
//
// No rotated refresh token is lost. No refresh token is sent twice, with one
// exception. After a request that was sent and had no readable answer nobody
// can know whether the token is used up. The access token is then served while
// it lives, and after its expiry the refresh token is sent exactly once more,
// by one keeper among all; if that is refused or unreadable too, the account
// needs a person. docs/GUARANTEES.md has every promise with its test.
//
// Without the lease, and without the journal, no token is sent.
//
// Only a provider's own final answer, confirmed by reading the account again,
// marks an account in a shared store. Networks, proxies, rate limits and
// settings are told to people here and never written there.
//
// # Events
//
// Watch is the one way to learn of anything: a snapshot, then every change.
// Log, webhook, window and commands are its subscribers; there are no callbacks.
package engine
