// Package bundle carries accounts from one store to another as a file: JSON,
// encrypted with a passphrase by age (scrypt), with armor. The age tool reads
// it too: age -d FILE.
//
// A file is whole or an error. No error quotes anything of a file: what was
// taken for one may be somebody's tokens.
package bundle
