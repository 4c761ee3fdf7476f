package instance

import (
	"time"

	"tokentray/engine"
)

type wirePolicy struct {
	Proactive bool          `json:"proactive"`
	Interval  time.Duration `json:"interval"`
	Window    time.Duration `json:"window"`
}

func toPolicy(p engine.Policy) wirePolicy { return wirePolicy{p.Proactive, p.Interval, p.Window} }

func (w wirePolicy) policy() engine.Policy {
	return engine.Policy{Proactive: w.Proactive, Interval: w.Interval, Window: w.Window}
}

type wireSnapshot struct {
	Views  []wireView `json:"views"`
	Policy wirePolicy `json:"policy"`
	Store  string     `json:"store"`
	// Problems is what the scan before it met: of kind store, the views are
	// what was known before.
	Problems *wireError `json:"problems,omitempty"`
}

type wireResult struct {
	Store     string        `json:"store,omitempty"`
	Provider  string        `json:"provider"`
	ID        string        `json:"id"`
	Name      string        `json:"name"`
	Outcome   string        `json:"outcome"`
	Reason    string        `json:"reason,omitempty"`
	Err       *wireError    `json:"error,omitempty"`
	ExpiresAt instant       `json:"expires_at,omitzero"`
	Took      time.Duration `json:"took,omitempty"`
	Why       string        `json:"why,omitempty"`
	Healed    bool          `json:"healed,omitempty"`
}

func toResult(r engine.Result) wireResult {
	return wireResult{r.Store, r.Provider, r.ID, r.Name, r.Outcome, string(r.Reason), toError(r.Err), instant(r.ExpiresAt), r.Took, string(r.Why), r.Healed}
}

func (w wireResult) result() engine.Result {
	return engine.Result{Key: engine.Key{Store: w.Store, Provider: w.Provider, ID: w.ID}, Name: w.Name, Outcome: w.Outcome, Reason: engine.Reason(w.Reason),
		Err: w.Err.error(), ExpiresAt: time.Time(w.ExpiresAt), Took: w.Took, Why: engine.Why(w.Why), Healed: w.Healed}
}

type wireCount struct {
	Refreshed int `json:"refreshed"`
	Failed    int `json:"failed"`
}

type wireSummary struct {
	Checked    int                  `json:"checked"`
	Refreshed  int                  `json:"refreshed"`
	Skipped    int                  `json:"skipped"`
	Failed     int                  `json:"failed"`
	Took       time.Duration        `json:"took"`
	ByProvider map[string]wireCount `json:"by_provider,omitempty"`
	Results    []wireResult         `json:"results,omitempty"`
}

func toSummary(s engine.Summary) wireSummary {
	w := wireSummary{Checked: s.Checked, Refreshed: s.Refreshed, Skipped: s.Skipped, Failed: s.Failed, Took: s.Took, ByProvider: map[string]wireCount{}}
	for name, c := range s.ByProvider {
		w.ByProvider[name] = wireCount(c)
	}
	for _, r := range s.Results {
		w.Results = append(w.Results, toResult(r))
	}
	return w
}

func (w wireSummary) summary() engine.Summary {
	s := engine.Summary{Checked: w.Checked, Refreshed: w.Refreshed, Skipped: w.Skipped, Failed: w.Failed, Took: w.Took, ByProvider: map[string]engine.Count{}}
	for name, c := range w.ByProvider {
		s.ByProvider[name] = engine.Count(c)
	}
	for _, r := range w.Results {
		s.Results = append(s.Results, r.result())
	}
	return s
}

type wireEvent struct {
	Kind    string        `json:"kind"`
	Time    instant       `json:"time,omitzero"`
	Why     string        `json:"why,omitempty"`
	Store   string        `json:"store,omitempty"`
	Account *wireView     `json:"account,omitempty"`
	Views   []wireView    `json:"views,omitempty"`
	Result  *wireResult   `json:"result,omitempty"`
	Summary *wireSummary  `json:"summary,omitempty"`
	Policy  *wirePolicy   `json:"policy,omitempty"`
	Ahead   time.Duration `json:"ahead,omitempty"`
	Err     *wireError    `json:"error,omitempty"`
}

func toEvent(ev engine.Event) *wireEvent {
	w := &wireEvent{Kind: string(ev.Kind), Time: instant(ev.Time), Why: string(ev.Why), Store: ev.Store, Views: toViews(ev.Views), Ahead: ev.Ahead, Err: toError(ev.Err)}
	if ev.Account.Key != (engine.Key{}) {
		v := toView(ev.Account)
		w.Account = &v
	}
	if ev.Result.Outcome != "" {
		r := toResult(ev.Result)
		w.Result = &r
	}
	if ev.Kind == engine.EventPass {
		s := toSummary(ev.Summary)
		w.Summary = &s
	}
	if ev.Policy.Interval != 0 {
		p := toPolicy(ev.Policy)
		w.Policy = &p
	}
	return w
}

func (w *wireEvent) event() engine.Event {
	ev := engine.Event{Kind: engine.EventKind(w.Kind), Time: time.Time(w.Time), Why: engine.Why(w.Why), Store: w.Store, Views: views(w.Views), Ahead: w.Ahead, Err: w.Err.error()}
	if w.Account != nil {
		ev.Account = w.Account.view()
	}
	if w.Result != nil {
		ev.Result = w.Result.result()
	}
	if w.Summary != nil {
		ev.Summary = w.Summary.summary()
	}
	if w.Policy != nil {
		ev.Policy = w.Policy.policy()
	}
	return ev
}
