//go:build !linux

package main

import "time"

// spent is nil: elsewhere a graphics card draws.
var spent func() time.Duration
