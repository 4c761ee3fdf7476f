package main

import (
	"context"
	"fmt"
	"sync"

	"tokentray/cmd/internal/instance"
	"tokentray/cmd/internal/observe"
	"tokentray/cmd/internal/service"
	"tokentray/cmd/internal/wiring"
	"tokentray/engine/settings"
)

type runCmd struct {
	Service bool `hidden:"" help:"End when service uninstall asks for it."`
}

func (c *runCmd) Help() string {
	return `Logs on standard error and in the log file. SIGINT or SIGTERM ends it: a refresh in flight is finished and
stored first. While the store is away it looks again every 5 seconds. While no app and no other run does, it answers
list, status, refresh, token and watch. With --listen 127.0.0.1:9464 it serves /metrics for Prometheus, /healthz and
/readyz there.`
}

func (c *runCmd) Run(s *session) error {
	if c.Service {
		asked, err := service.Asked()
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(s.ctx)
		defer cancel()
		go func() {
			select {
			case <-asked:
				cancel()
			case <-ctx.Done():
			}
		}()
		s.ctx = ctx
	}
	app, set, done, err := s.open(true)
	if err != nil {
		return err
	}
	defer done()
	observed, err := s.observe(app, set)
	if err != nil {
		return err
	}
	serving := instance.New(set.Paths.Data, nil)
	serving.Serve(instance.Served{Engine: app, Identity: wiring.Identity(set), Store: app.Store.Name()})
	var keeping sync.WaitGroup
	keeping.Go(func() {
		serving.Keep(s.ctx, func(err error) {
			fmt.Fprintf(s.stderr, "tokentrayctl: commands cannot ask this run and work on the store directly: %v\n", err)
		})
	})
	if observed != nil {
		defer observed.Close()
		keeping.Go(func() { observed.Keep(s.ctx) })
	}
	app.Run(s.ctx)
	serving.Serve(instance.Served{}) // from now on commands work directly
	app.Engine.Close()               // gives those who wait what they wait for
	keeping.Wait()
	serving.Release()
	return nil
}

// observe serves metrics where that is asked for. An address that another
// program has is an error, unless another Tokentray of this data folder runs:
// that one may have it, and will leave it.
func (s *session) observe(app *wiring.App, set settings.Settings) (*observe.Server, error) {
	if set.Listen.Address == "" {
		return nil, nil
	}
	server := observe.New(observe.Params{Address: set.Listen.Address, Token: set.Listen.Token, Log: s.log})
	server.Serve(observe.Served{Engine: app.Engine, Metrics: app.Metrics(set.Listen.IDs)})
	if err := server.Open(); err != nil {
		if _, alone := instance.NewClient(set.Paths.Data, "").Who(s.ctx); alone != nil {
			return nil, err
		}
	}
	return server, nil
}
