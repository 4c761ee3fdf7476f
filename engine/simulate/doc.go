// Package simulate plays weeks of keeping tokens fresh in seconds, on virtual
// time: the engine's deadline queue, and beside it the plain poll of the guide,
// which refreshes at every interval what expires within the window. When what
// is done is decided by the engine's own policy (Next, Due, Skew,
// BackoffLimit) and its bounds; played here are the provider, the store and the
// machine's troubles. There is no I/O, no clock and no goroutine: the same
// Params give the same Result.
//
// # What is played
//
// A refresh takes Params.Exchange and a slot among engine.Concurrency, within the
// provider's rate, for the poll as for the queue. A keeper that comes to an account which
// another has refreshed takes that over, unless a scan told it before; one that finds
// the lock held looks again as engine/refresh.go does. In an outage the
// provider answers 503, so the queue backs off and the poll tries at its next
// scan. In a store's outage nothing is tried. A sleeping machine does nothing;
// after it wakes the queue looks at the wall clock within a minute, while the
// poll's timer, a monotonic one as in the guide's program, runs out first.
//
// Callers come at random moments (Poisson). One that meets a token that counts
// as expired (engine.Skew) waits, and has it refreshed: the lazy path. Asks of
// a machine that sleeps or a process that is down are not counted.
//
// The poll is one instance, however many Keepers there are: so the guide
// advises.
//
// # A sample
//
// Of very many accounts a sample is played, and counts are scaled up: accounts
// do not depend on each other but by slots and rates, which are scaled down
// with them. What is counted is then right on average; a peak is too high rather
// than too low, since chance is scaled up too.
package simulate
