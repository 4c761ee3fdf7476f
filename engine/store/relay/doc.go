// Package relay keeps accounts in the Redis of a claude-relay-service, beside
// one or more running relays and other keepers: the relay's keys, its cipher
// and its lock, as relay/INTEROP.md describes them.
//
// A refresh writes only the token fields of an account, in one Lua script that
// first compares the stored refresh token, and the record beside the account
// (key tokentray:{<account key>}; the braces keep it in the account's Cluster
// slot). An edit writes only what a person changed.
package relay
