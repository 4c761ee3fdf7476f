package main

import (
	"context"

	"tokentray/cmd/internal/observe"
	"tokentray/engine/settings"
)

// observe serves metrics and health where l says, and no longer where it said
// before. An address that another program has is a line in the log, and waited
// for: `tokentrayctl run` may have it.
func (d *desk) observe(l settings.Listen) {
	if l == d.listen {
		return
	}
	before := d.stopObserving
	d.listen, d.observed, d.stopObserving = l, nil, nil
	if l.Address == "" {
		if before != nil {
			go before()
		}
		return
	}
	d.observed = observe.New(observe.Params{Address: l.Address, Token: l.Token, Log: d.log})
	server, ended := d.observed, make(chan struct{})
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer close(ended)
		if before != nil {
			before() // it may have the same port
		}
		server.Keep(ctx)
		server.Close()
	}()
	d.stopObserving = func() {
		stop()
		<-ended
	}
}

// observeCore has what is served be c's; of the demo it is nothing.
func (d *desk) observeCore(c core) {
	switch {
	case d.observed == nil:
	case c.app == nil:
		d.observed.Serve(observe.Served{})
	default:
		d.observed.Serve(observe.Served{Engine: c.engine, Metrics: c.app.Metrics(d.listen.IDs)})
	}
}
