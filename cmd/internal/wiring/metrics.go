package wiring

import (
	"net/http"

	"tokentray/engine/metrics"
)

// Metrics begins to count, and answers scrapes; with ids each account has
// series of its own.
func (a *App) Metrics(ids bool) http.Handler {
	commands := map[string]func() uint64{}
	for name, store := range a.Stores {
		if s, ok := store.(interface{ Commands() uint64 }); ok {
			commands[name] = s.Commands
		}
	}
	m := metrics.New(metrics.Params{Engine: a.Engine, Commands: commands, IDs: ids})
	a.subscribe(m.Run)
	return m.Handler()
}
