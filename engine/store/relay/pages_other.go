//go:build !linux

package relay

// largePages is Linux's.
func largePages(int) {}
