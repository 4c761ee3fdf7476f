package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"sync"
	"time"

	"tokentray/cmd/internal/instance"
	"tokentray/engine"
	"tokentray/engine/guidelog"
	"tokentray/ui/view"
)

type watchCmd struct {
	JSON bool `help:"Print one JSON object a line for scripts."`
}

func (c *watchCmd) Help() string {
	return `First every account as it is, then what happens to them, until Ctrl-C or the end of the running app or run.
Without one it looks at the store itself, at the interval, and refreshes nothing.`
}

func (c *watchCmd) Run(s *session) error {
	set, err := s.settings()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	if live := s.live(set); live != nil {
		events, err := live.Watch(ctx)
		if err == nil {
			err = c.print(s, cancel, events)
			if err == nil && s.ctx.Err() == nil {
				fmt.Fprintln(s.stderr, "tokentrayctl: the running instance has ended, or another took its place")
			}
			return err
		}
		if s.ctx.Err() != nil {
			return nil
		}
		if !errors.Is(err, instance.ErrAway) {
			return err
		}
	}
	s.loaded.Proactive = false // it refreshes nothing
	app, _, done, err := s.open(false)
	if err != nil {
		return err
	}
	defer done()
	events := app.Watch(context.Background()) // until Close
	var looking sync.WaitGroup
	looking.Go(func() {
		app.Run(ctx)
		app.Engine.Close()
	})
	err = c.print(s, cancel, events)
	cancel()
	looking.Wait()
	return err
}

// print prints the events. Where nobody reads any more it cancels, and lets the
// events run out.
func (c *watchCmd) print(s *session, cancel context.CancelFunc, events iter.Seq[engine.Event]) error {
	out := &sink{w: s.stdout, failed: cancel}
	if c.JSON {
		for ev := range events {
			for _, l := range eventLines(ev) {
				printJSON(out, l)
			}
		}
		return out.err
	}
	colour := isTerminal(s.stdout) && os.Getenv("NO_COLOR") == ""
	lazy := false
	guidelog.Run(func(yield func(engine.Event) bool) {
		for ev := range events {
			if ev.Policy.Interval != 0 {
				lazy = !ev.Policy.Proactive
			}
			if ev.Kind == engine.EventSnapshot {
				view.WorstFirst(ev.Views, lazy)
				accountTable(out, ev.Views, lazy, colour, time.Now())
			}
			yield(ev) // the log takes them all
		}
	}, slog.New(guidelog.Text(out, s.level(), false)))
	return out.err
}

// sink keeps the first error of writing to w.
type sink struct {
	w      io.Writer
	failed func()
	err    error
}

func (o *sink) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	if o.err = err; err != nil {
		o.failed()
	}
	return n, err
}
