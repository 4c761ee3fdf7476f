package main

import (
	"context"
	"time"

	"tokentray/cmd/internal/instance"
	"tokentray/cmd/internal/wiring"
)

// tellWait is how long a command waits for the running instance to have looked.
const tellWait = 2 * time.Second

// tell lets the running instance look, so that what the command changed shows
// there at once. That none is running is no matter.
func (s *session) tell() {
	set, err := s.settings()
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), tellWait)
	defer cancel()
	_, _ = instance.NewClient(set.Paths.Data, wiring.Identity(set)).Snapshot(ctx)
}
