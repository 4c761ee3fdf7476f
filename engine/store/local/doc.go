// Package local is the embedded store: accounts in one SQLite file, for a desk
// without a server. Any number of processes of the user may have it open.
//
// Tokens and proxies are encrypted (AES-256-GCM) under a random key that lies
// in the system's keyring or, where there is none, in a file of the owner's
// beside the data. The data says where its key lies. A key that cannot be had
// while there is data is an error; a second key is never made over it.
//
// A commit is durable when it returns (WAL, synchronous=FULL). The lease is a
// file lock: it ends with its process, however that ends.
//
// The same file keeps the journal and the refresh history of all stores'
// accounts.
package local
