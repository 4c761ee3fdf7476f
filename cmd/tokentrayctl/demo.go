package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"tokentray/cmd/internal/demo"
	"tokentray/engine"
	"tokentray/engine/guidelog"
	"tokentray/ui/view"
)

type demoCmd struct {
	For time.Duration `default:"1m" help:"How long it goes on, such as 30s or 10m."`
}

func (c *demoCmd) Help() string {
	return `The real engine on six accounts in memory, with tokens that live 16 seconds, and a token server on this machine that
is as strict as the real ones. OpenAI's answers 503 for a while and recovers; one Claude login is ended and signed in
again. Nothing leaves this machine and nothing is kept.`
}

func (c *demoCmd) Run(s *session) error {
	d, err := demo.Start()
	if err != nil {
		return fault{exitFail, fmt.Errorf("the demo's token server cannot listen on 127.0.0.1: %w", err)}
	}
	ctx, cancel := context.WithTimeout(s.ctx, c.For)
	defer cancel()

	live := isTerminal(s.stdout)
	log := &lastLines{}
	var out io.Writer = log
	if !live {
		out = s.stdout
	}
	events := d.Watch(context.Background())
	var logged sync.WaitGroup
	logged.Go(func() { guidelog.Run(events, slog.New(guidelog.Text(out, slog.LevelInfo, false))) })

	every := 15 * time.Second
	if live {
		every = 500 * time.Millisecond
		fmt.Fprint(s.stdout, "\x1b[2J\x1b[?7l") // cleared; lines are cut, not wrapped
		defer fmt.Fprint(s.stdout, "\x1b[?7h")  // wrapped again
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		frame := demoFrame(d.Snapshot(), live, log)
		if live { // over the last one, line by line, so that nothing flickers
			frame = "\x1b[H" + strings.ReplaceAll(frame, "\n", "\x1b[K\n") + "\x1b[J"
		}
		fmt.Fprint(s.stdout, frame)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	d.Close()
	logged.Wait()
	fmt.Fprint(s.stdout, "\n", demoFrame(d.Snapshot(), false, log), demoEnd)
	return nil
}

func demoFrame(views []engine.View, live bool, log *lastLines) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "DEMO: made-up accounts, a real engine · %s\n\n", english.Summary(views))
	view.WorstFirst(views, false)
	accountTable(&b, views, false, live && os.Getenv("NO_COLOR") == "", time.Now())
	b.WriteByte('\n')
	if live {
		b.WriteString(log.String())
	}
	return b.String()
}

const demoEnd = `That was made up. Add an account of your own; it is kept here, encrypted, without any server:

  tokentrayctl add --provider claude --name work < refresh-token.txt
  tokentrayctl list

or connect the Redis of your claude-relay-service:

  export REDIS_HOST=127.0.0.1 REDIS_PORT=6379 ENCRYPTION_KEY='as in the .env of the relay'
  tokentrayctl list
`

// lastLines keeps the end of what is written to it.
type lastLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *lastLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p)) // a log line a call
	l.lines = l.lines[max(len(l.lines)-10, 0):]
	return len(p), nil
}

func (l *lastLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "")
}
