package main

import (
	"fmt"
	"sync"

	"tokentray/cmd/internal/instance"
	"tokentray/cmd/internal/wiring"
)

type runCmd struct{}

func (c *runCmd) Help() string {
	return `Logs on standard error and in the log file. SIGINT or SIGTERM ends it: a refresh in flight is finished and
stored first. While the store is away it looks again every 5 seconds. While no app and no other run does, it answers
list, status, refresh, token and watch.`
}

func (c *runCmd) Run(s *session) error {
	app, set, done, err := s.open(true)
	if err != nil {
		return err
	}
	defer done()
	serving := instance.New(set.Paths.Data, nil)
	serving.Serve(instance.Served{Engine: app, Identity: wiring.Identity(set), Store: app.Store.Name()})
	var keeping sync.WaitGroup
	keeping.Go(func() {
		serving.Keep(s.ctx, func(err error) {
			fmt.Fprintf(s.stderr, "tokentrayctl: commands cannot ask this run and work on the store directly: %v\n", err)
		})
	})
	app.Run(s.ctx)
	serving.Serve(instance.Served{}) // from now on commands work directly
	app.Engine.Close()               // gives those who wait what they wait for
	keeping.Wait()
	serving.Release()
	return nil
}
