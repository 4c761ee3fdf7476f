//go:build !windows

package service

import "context"

// Asked returns what is closed when End asks this program for its end: never,
// where the platform has signals.
func Asked() (<-chan struct{}, error) { return nil, nil }

// End is an Ender.
func End(context.Context) (ran bool, err error) { return false, nil }
