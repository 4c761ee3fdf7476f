package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"tokentray/cmd/internal/instance"
	"tokentray/engine"
	"tokentray/engine/guidelog"
	"tokentray/ui/view"
)

type refreshCmd struct {
	Names []string `arg:"" optional:"" name:"account" help:"Names or ids: refresh these, due or not. Without any: one pass over all accounts."`
	Force bool     `help:"Refresh all that can be, due or not; try logins known as dead once more."`
	JSON  bool     `help:"Print one JSON object for scripts."`
}

type countJSON struct {
	Refreshed int `json:"refreshed"`
	Failed    int `json:"failed"`
}

type resultJSON struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Provider  string     `json:"provider"`
	Result    string     `json:"result"`
	Reason    *string    `json:"reason"`
	ExpiresAt *time.Time `json:"expires_at"`
	ExpiresIn *int64     `json:"expires_in_s"`
	Source    string     `json:"source"` // as list --json has it
}

type summaryJSON struct {
	Checked    int                  `json:"checked"`
	Refreshed  int                  `json:"refreshed"`
	Skipped    int                  `json:"skipped"`
	Failed     int                  `json:"failed"`
	DurationMS int64                `json:"duration_ms"`
	ByProvider map[string]countJSON `json:"by_provider"`
	Accounts   []resultJSON         `json:"accounts"`
}

func (c *refreshCmd) Run(s *session) error {
	set, err := s.settings()
	if err != nil {
		return err
	}
	problems := instance.ErrAway
	var summary engine.Summary
	if live := s.live(set); live != nil {
		summary, problems = c.asked(s, live)
		if problems != nil && s.ctx.Err() != nil {
			fmt.Fprintln(s.stderr, "tokentrayctl: a refresh under way is finished by the running instance, so that no token is lost")
			return fault{exitFail, nil}
		}
	}
	if errors.Is(problems, instance.ErrAway) {
		app, _, done, err := s.open(true)
		if err != nil {
			return err
		}
		defer done()
		summary, problems = c.directly(s, app.Engine)
	}
	_, name := errors.AsType[*instance.NameError](problems)
	away := problems != nil && engine.KindOf(problems) == engine.KindStore
	if name || away && summary.Checked == 0 {
		return problems
	}
	if c.JSON {
		err = printJSON(s.stdout, summaryOf(summary))
	} else {
		resultTable(s, summary)
	}
	if err == nil && away {
		return problems
	}
	if err == nil && (problems != nil || s.ctx.Err() != nil || troubled(summary)) {
		return fault{exitFail, nil} // the log lines said why
	}
	return err
}

// asked lets the running instance make the pass. What happens is told here as
// it is there.
func (c *refreshCmd) asked(s *session, live *instance.Client) (summary engine.Summary, problems error) {
	log, told := slog.New(s.screen(s.stderr)), false
	guidelog.Run(func(yield func(engine.Event) bool) {
		summary, problems = live.Refresh(s.ctx, c.Names, c.Force, func(ev engine.Event) {
			told = true
			yield(ev) // the log takes them all
		})
	}, log)
	if told && errors.Is(problems, instance.ErrAway) {
		log.Warn("⚠️ The running instance has ended: going on without it")
	}
	return summary, problems
}

// directly makes the pass here.
func (c *refreshCmd) directly(s *session, e *engine.Engine) (engine.Summary, error) {
	params := engine.PassParams{Force: c.Force, Once: true}
	if len(c.Names) > 0 {
		accounts, err := s.find(s.ctx, e, c.Names...)
		if err != nil {
			return engine.Summary{}, err
		}
		for _, a := range accounts {
			params.Keys = append(params.Keys, a.Key)
		}
	}
	return e.Pass(s.ctx, params)
}

// troubled reports whether scripts must be told: an account failed, or was
// skipped for a reason that leaves it without help.
func troubled(summary engine.Summary) bool {
	for _, r := range summary.Results {
		switch r.Reason {
		case engine.ReasonUnreadable, engine.ReasonNeedsLogin, engine.ReasonLocked, engine.ReasonRateLimited:
			return true
		}
	}
	return summary.Failed > 0
}

func summaryOf(summary engine.Summary) summaryJSON {
	now := time.Now()
	out := summaryJSON{
		Checked: summary.Checked, Refreshed: summary.Refreshed, Skipped: summary.Skipped, Failed: summary.Failed,
		DurationMS: summary.Took.Milliseconds(), ByProvider: map[string]countJSON{}, Accounts: []resultJSON{},
	}
	for name, count := range summary.ByProvider {
		out.ByProvider[name] = countJSON(count)
	}
	for _, r := range summary.Results {
		j := resultJSON{ID: r.ID, Name: r.Name, Provider: r.Provider, Result: r.Outcome,
			ExpiresAt: timeOrNull(r.ExpiresAt), ExpiresIn: secondsLeft(r.ExpiresAt, now), Source: r.Store}
		if reason := reasonOf(r); reason != "" {
			j.Reason = &reason
		}
		out.Accounts = append(out.Accounts, j)
	}
	return out
}

// reasonOf is a skip's reason, or what a failure was.
func reasonOf(r engine.Result) string {
	if r.Outcome == engine.ResultFailed && r.Err != nil {
		return engine.CleanLine(r.Err.Error())
	}
	return string(r.Reason)
}

// resultTable shows people what the pass did.
func resultTable(s *session, summary engine.Summary) {
	t := table{colour: isTerminal(s.stdout) && os.Getenv("NO_COLOR") == "", right: map[int]bool{4: true}}
	for _, r := range summary.Results {
		t.sources = append(t.sources, r.Store)
	}
	t.add("", "ACCOUNT", "PROVIDER", "RESULT", "EXPIRES IN", "")
	now := time.Now()
	for _, r := range summary.Results {
		tone, said := view.Dim, r.Outcome
		switch r.Outcome {
		case engine.ResultRefreshed:
			tone = view.Valid
		case engine.ResultFailed:
			tone = view.Person
		}
		left := english.ExpiresIn(engine.View{Account: engine.Account{ExpiresAt: r.ExpiresAt}}, now)
		reason := reasonOf(r)
		if r.Outcome == engine.ResultSkipped && r.Err != nil && r.Reason != engine.ReasonInactive {
			reason = engine.CleanLine(r.Err.Error())
		}
		t.toned(tone, "●", r.Name, engine.ProviderTitle(r.Provider), said, left, reason)
	}
	t.write(s.stdout)
}
