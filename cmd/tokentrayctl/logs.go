package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

type logsCmd struct {
	Follow bool `short:"f" help:"Go on with what is added, until Ctrl-C."`
}

func (c *logsCmd) Help() string {
	return `The guide's recipes work on it:

  tokentrayctl logs | grep "Token refresh scheduler"
  tokentrayctl logs | grep "Proactively refreshing"
  tokentrayctl logs | grep "Failed to refresh.*token"`
}

func (c *logsCmd) Run(s *session) error {
	set, err := s.settings()
	if err != nil {
		return err
	}
	f, err := os.Open(set.Paths.Log)
	if errors.Is(err, fs.ErrNotExist) && !c.Follow {
		return fault{exitFail, fmt.Errorf("there is no log yet at %s: tokentrayctl run writes one", set.Paths.Log)}
	}
	for errors.Is(err, fs.ErrNotExist) && pause(s.ctx) {
		f, err = os.Open(set.Paths.Log)
	}
	if err != nil {
		if s.ctx.Err() != nil {
			return nil
		}
		return fault{exitFail, err}
	}
	for {
		if _, err := io.Copy(s.stdout, f); err != nil {
			f.Close()
			return fault{exitFail, err}
		}
		if !c.Follow || !pause(s.ctx) {
			return f.Close()
		}
		if next := rotated(f, set.Paths.Log); next != nil {
			_, err := io.Copy(s.stdout, f) // the old file's end
			f.Close()
			if f = next; err != nil {
				return fault{exitFail, err}
			}
		}
	}
}

// pause waits a moment, or returns false when the command is to end.
func pause(ctx context.Context) bool {
	select {
	case <-time.After(200 * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

// rotated returns the new log file once another has taken f's place.
func rotated(f *os.File, path string) *os.File {
	old, err := f.Stat()
	if err != nil {
		return nil
	}
	now, err := os.Stat(path)
	if err != nil || os.SameFile(old, now) {
		return nil
	}
	next, err := os.Open(path)
	if err != nil {
		return nil
	}
	return next
}
