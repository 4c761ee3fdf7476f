package instance

import (
	"context"
	"slices"

	"tokentray/engine"
)

// events streams every event until the engine closes, another is served, or
// another process serves.
func (i *Instance) events(ctx context.Context, s Served, _ request, a *answer) line {
	served, streams := i.now()
	if served.Engine != s.Engine {
		return line{}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(streams, cancel)()
	for ev := range s.Engine.Watch(ctx) {
		if a.send(line{Event: toEvent(ev)}) != nil {
			break
		}
	}
	return line{}
}

// refresh is one pass, with its events.
func refresh(ctx context.Context, s Served, req request, a *answer) line {
	params := engine.PassParams{Force: req.Force, Once: true}
	if len(req.Names) > 0 {
		found, err := find(ctx, s, req.Names)
		if err != nil {
			return failed(err)
		}
		for _, account := range found {
			params.Keys = append(params.Keys, account.Key)
		}
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	events := s.Engine.Watch(watching)
	var summary engine.Summary
	var problems error
	done := make(chan struct{})
	go func() {
		defer close(done)
		if summary, problems = s.Engine.Pass(ctx, params); nothing(summary, problems) {
			cancel() // there is no event of its end
		}
	}()
	first := true
	for ev := range events {
		if ev.Kind == engine.EventPass && ev.Why == engine.WhyManual || ev.Kind == engine.EventSnapshot && !first {
			// A pass's end: of this one, unless somebody else asked for one too.
			// After a snapshot it may be among what was left out.
			if <-done; ev.Kind == engine.EventSnapshot || ev.Summary.Took == summary.Took {
				break
			}
			continue
		}
		first = false
		if tells(ev, params.Keys) {
			a.send(line{Event: toEvent(ev)}) // who has gone away stops nothing
		}
	}
	<-done
	if !nothing(summary, problems) {
		a.send(line{Event: toEvent(engine.Event{Kind: engine.EventPass, Summary: summary, Why: engine.WhyManual, Err: problems})})
	}
	sum := toSummary(summary)
	return line{Summary: &sum, Err: toError(problems)}
}

// nothing reports whether no store could be read: such a pass has no event of
// its end.
func nothing(summary engine.Summary, problems error) bool {
	return problems != nil && engine.KindOf(problems) == engine.KindStore && summary.Checked == 0
}

// tells reports whether an event belongs to a pass over the keys; nil are all.
func tells(ev engine.Event, keys []engine.Key) bool {
	switch ev.Kind {
	case engine.EventSnapshot, engine.EventStarted, engine.EventPolicy, engine.EventPass:
		return false
	}
	return keys == nil || ev.Account.Key == (engine.Key{}) || slices.Contains(keys, ev.Account.Key)
}
